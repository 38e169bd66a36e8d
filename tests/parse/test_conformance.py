"""The first pass says what feedparser says, or nothing: the short form of `nox -s conformance`."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trioscrape._parse import FeedDocument, feedparser_private, parse_document
from trioscrape._parse._fast import Unsupported, read_wellformed
from trioscrape._parse._fast.dates import parse_date
from trioscrape._parse.feedparser_reader import moment

from support.conformance import CORPUS, URL, Comparison, Sample

FEEDS = Path(__file__).with_name("feeds")
A_FEW = 20
RSS = "<rss version='2.0' {ns}><channel><title>T</title>{inner}</channel></rss>"
ATOM = "<feed xmlns='http://www.w3.org/2005/Atom'>{inner}</feed>"


def agree(*samples: Sample) -> Comparison:
    comparison = Comparison()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # feedparser's, about its own dictionaries
        for sample in samples:
            comparison.add(sample)
    assert comparison.faults == []
    return comparison


def test_the_samples_of_this_suite() -> None:
    paths = sorted(path for path in FEEDS.glob("*.xml") if path.stem != "broken")
    found = agree(*(Sample("ours", path, FeedDocument(path.read_bytes(), URL)) for path in paths))

    assert found.documents["first pass", "ours"] == len(paths)


def test_some_real_feeds() -> None:
    if not CORPUS.is_dir():
        pytest.skip("no real feeds")
    paths = sorted(CORPUS.iterdir(), key=lambda path: path.stat().st_size)[:A_FEW]
    found = agree(*(Sample("real", path, FeedDocument(path.read_bytes(), URL)) for path in paths))

    assert found.documents["first pass", "real"] >= 0.9 * A_FEW


@pytest.mark.parametrize(
    "inner",
    [
        "<item><guid>http://a.test/1</guid><pubDate>6 Sep 2010 00:01:00 EST</pubDate></item>",
        "<item><guid>x</guid><link>/1?b&amp;c</link><author>b@a.test (Bo)</author></item>",
        "<item><title>a &amp;lt;b&amp;gt; c</title><description>plain &amp;amp; text</description></item>",
        "<item><description><![CDATA[<p>x</p>]]></description><category>a</category></item>",
        "<item><category>a</category><category domain='b'>a</category><category>a</category></item>",
        "<item><enclosure url='a.mp3' length='1' type='audio/mpeg'/><comments>/c</comments></item>",
        "<item><title>caf\u00e9 \u00e2\u0080\u0099</title></item>",
    ],
    ids=range(7),
)
def test_constructs_of_rss(inner: str) -> None:
    body = RSS.format(ns="", inner=inner).encode()
    found = agree(Sample("rss", Path("inline"), FeedDocument(body, URL)))

    assert found.documents["first pass", "rss"] == 1


@pytest.mark.parametrize(
    "body",
    [
        "<!DOCTYPE rss [<!ENTITY x 'y'>]>" + RSS.format(ns="", inner="<item><title>&x;</title></item>"),
        RSS.format(ns="", inner="<item><title>not <b>well-formed</title></item>"),
        RSS.format(ns="", inner="<item><title>an <b>element</b></title></item>"),
        RSS.format(ns="", inner="<item><title mode='base64'>YQ==</title></item>"),
        ATOM.format(inner="<entry><content type='image/png'>iVBORw0KGgo=</content></entry>"),
        "<other><item/></other>",
        RSS.format(ns="", inner=f"<item><title>{'<i>' * 300}{'</i>' * 300}</title></item>"),
    ],
    ids=["entities", "broken", "markup", "base64", "image", "root", "deep"],
)
def test_what_is_left_to_feedparser(body: str) -> None:
    with pytest.raises(Unsupported):
        read_wellformed(FeedDocument(body.encode(), URL))


def test_which_one_has_read_it_is_told() -> None:
    sound = RSS.format(ns="", inner="<item><title>x</title></item>").encode()

    assert parse_document(FeedDocument(sound, URL)).parser == "first-pass"
    assert parse_document(FeedDocument(sound.replace(b"x<", b"x & y<"), URL)).parser == "feedparser"


MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))
SHAPES = (
    "%a, %d %b %Y %H:%M:%S GMT",
    "%a, %d %b %Y %H:%M:%S {zone}",
    "%d %b %y %H:%M {zone}",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S{colon}",
    "%Y-%m-%dT%H:%M:%S.%f{colon}",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d",
    "%A, %B %d, %Y",
)


@given(MOMENTS, st.sampled_from(SHAPES), st.sampled_from(["+0000", "-0500", "+0530", "+1400", "EST", "utc"]))
def test_dates_are_read_as_feedparser_reads_them(when: datetime, shape: str, zone: str) -> None:
    colon = f"{zone[:3]}:{zone[3:]}" if zone[0] in "+-" else "Z"
    text = when.strftime(shape).format(zone=zone, colon=colon)

    assert parse_date(text) == moment(feedparser_private.parse_date(text))


@given(st.text("0123456789 :+-TZ.,/MonJan", max_size=30))
def test_so_is_what_only_looks_like_a_date(text: str) -> None:
    assert parse_date(text) == moment(feedparser_private.parse_date(text))
