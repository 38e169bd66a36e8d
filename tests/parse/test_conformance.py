"""Where trioscrape says other than feedparser a rule explains it: the short form of `nox -s conformance`."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trioscrape._parse import FeedDocument
from trioscrape._records import Enclosure

from support.conformance import CORPUS, URL, Comparison, Sample
from support.deviations import explanation
from support.feeds import atom, rss

FEEDS = Path(__file__).with_name("feeds")
A_FEW = 20


def compared(*samples: Sample) -> Comparison:
    comparison = Comparison()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # feedparser's, about its own dictionaries
        for sample in samples:
            comparison.add(sample)
    return comparison


def of(body: str) -> Comparison:
    return compared(Sample("ours", Path("inline"), FeedDocument(body.encode(), URL)))


def rules(found: Comparison) -> set[tuple[str, str]]:
    """The fields that differ, with the rule that explains it."""
    return {(each.field, (each.rule or "none").partition(":")[0]) for each in found.differences}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("atom10", set()),
        ("rss091", set()),
        ("rss20", set()),
        ("rdf10", {("published", "rule 2"), ("updated", "rule 2")}),
        (
            "podcast",
            {
                ("enclosures", "rule 8"),
                ("summary", "rules 1 and 7"),
                ("content", "rules 1 and 7"),
                ("content_type", "rules 1 and 7"),
            },
        ),
    ],
)
def test_the_samples_of_this_suite(name: str, expected: set[tuple[str, str]]) -> None:
    found = compared(Sample("ours", FEEDS, FeedDocument((FEEDS / f"{name}.xml").read_bytes(), URL)))

    assert found.documents["first-pass", "ours"] == 1
    assert found.compared["key"] > 0
    assert rules(found) == expected


def test_some_real_feeds() -> None:
    if not CORPUS.is_dir():
        pytest.skip("no real feeds")
    paths = sorted(CORPUS.iterdir(), key=lambda path: path.stat().st_size)[:A_FEW]
    found = compared(*(Sample("real", path, FeedDocument(path.read_bytes(), URL)) for path in paths))

    assert found.unexplained == []
    assert found.documents["first-pass", "real"] >= 0.9 * A_FEW


@pytest.mark.parametrize(
    "inner",
    [
        "<guid>http://a.test/1</guid><pubDate>6 Sep 2010 00:01:00 EST</pubDate>",
        "<guid isPermaLink='false'>x</guid><link>/1?b&amp;c</link><author>b@a.test (Bo)</author>",
        "<title>a &amp;lt;b&amp;gt; c</title><description>plain &amp;amp; text</description>",
        "<description><![CDATA[<p>x</p>]]></description><category>a</category>",
        "<category>a</category><category>b</category><category>a</category>",
        "<enclosure url='a.mp3' length='1' type='audio/mpeg'/>",
    ],
)
def test_constructs_of_rss_on_which_both_agree(inner: str) -> None:
    found = of(rss("<title>T</title>", inner))

    assert found.documents["first-pass", "ours"] == 1
    assert found.differences == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (rss("", "<guid>a</guid><title>x</title>"), {("key", "rule 4")}),
        (atom("<author><name>Ann</name></author>", "<id>u:1</id>"), {("authors", "rule 8")}),
        (
            rss("", "<title>x</title><dc:date>2010-09-06</dc:date>"),
            {("published", "rule 2"), ("updated", "rule 2")},
        ),
    ],
    ids=["id", "authors", "dc:date"],
)
def test_each_difference_has_its_rule(body: str, expected: set[tuple[str, str]]) -> None:
    assert expected <= rules(of(body))


FILE = (Enclosure("http://a.test/1.mp3"),)


@pytest.mark.parametrize(
    ("field", "ours", "theirs"),
    [
        ("title", "x", "y"),
        ("authors", ("a",), ()),
        ("published", None, datetime(2010, 9, 6, tzinfo=UTC)),
        ("summary", "x", None),
        ("enclosures", FILE, ()),
        ("enclosures", (), FILE),
        ("entries", 1, 0),
        ("key", "x", "y"),
        ("link", "http://a.test/", None),
    ],
)
def test_a_difference_without_a_cause_in_the_document_is_not_explained(
    field: str, ours: object, theirs: object
) -> None:
    document = FeedDocument(rss("", "<title>x</title>").encode(), URL)

    assert explanation(field, ours, theirs, document) is None


def test_json_is_counted_and_not_compared() -> None:
    found = of('{"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": []}')

    assert (sum(found.documents.values()), found.differences) == (2, [])
