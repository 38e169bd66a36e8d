"""Where we say something else than feedparser, a rule says why: the short form of `nox -s conformance`."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from trioscrape._parse import FeedDocument, parse_document

from support.conformance import CORPUS, LEAST, URL, Comparison, Sample, differences, with_controls
from support.deviations import TABLE, Case, explained
from support.feedparsers_answer import answer
from support.feeds import atom, rss

FEEDS = Path(__file__).with_name("feeds")
A_FEW = 20

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:feedparser")


def compared(*samples: Sample) -> Comparison:
    comparison = Comparison()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # feedparser's, about its own dictionaries
        for sample in samples:
            comparison.add(sample)
    assert comparison.faults == []
    return comparison


def rules(body: str) -> list[int]:
    """Those by which a document means something else."""
    found = compared(Sample("a test", Path("inline"), FeedDocument(body.encode(), URL)))
    return sorted(row.rule for row, documents in found.deviations.items() if documents)


def test_the_samples_of_this_suite() -> None:
    paths = sorted(path for path in FEEDS.iterdir() if path.suffix in {".xml", ".json"})
    found = compared(*(Sample("ours", path, FeedDocument(path.read_bytes(), URL)) for path in paths))

    assert found.documents["first-pass", "ours"] == len(list(FEEDS.glob("*.xml")))
    assert found.documents["jsonfeed", "ours"] == len(list(FEEDS.glob("*.json")))


def test_some_real_feeds() -> None:
    if not CORPUS.is_dir():
        pytest.skip("no real feeds")
    paths = sorted(CORPUS.iterdir(), key=lambda path: path.stat().st_size)[:A_FEW]
    real = (Sample("real", path, FeedDocument(path.read_bytes(), URL)) for path in paths)
    found = compared(*with_controls(real))

    assert found.documents["first-pass", "real"] >= LEAST * A_FEW
    assert found.documents["first-pass", "controls"] >= LEAST * A_FEW


@pytest.mark.parametrize(
    "item",
    [
        "<guid>http://a.test/1</guid><pubDate>6 Sep 2010 00:01:00 EST</pubDate>",
        "<guid isPermaLink='false'>x</guid><link>/1?b&amp;c</link><author>b@a.test (Bo)</author>",
        "<title>a &amp;lt;b&amp;gt; c</title><description>plain &amp;amp; text</description>",
        "<description><![CDATA[<p>x</p>]]></description><category>a</category>",
        "<category>a</category><category domain='b'>a</category><category>a</category>",
        "<enclosure url='a.mp3' length='1' type='audio/mpeg'/><comments>/c</comments>",
        "<title>caf\u00e9 \u00e2\u0080\u0099</title>",
        "<itunes:author>A</itunes:author><itunes:keywords>a, b</itunes:keywords>",
        "<content:encoded>&lt;b>c&lt;/b></content:encoded><description>d</description>",
    ],
    ids=range(9),
)
def test_what_means_the_same(item: str) -> None:
    declared = "<?xml version='1.0' encoding='utf-8'?>"

    assert rules(declared + rss("<title>T</title><link>http://a.test/</link>", item)) == []


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (rss("", "<v:a><title>Other</title></v:a>"), 1),
        (rss("", "<description>d</description><media:description>m</media:description>"), 1),
        (rss("", "<dc:date>2010-09-06T00:01:00Z</dc:date>"), 2),
        (rss("<title>T</title>", "<title>a</title>", "<title>a</title>"), 4),
        (rss("", "<guid>12345</guid>"), 6),
        (rss("", "<description>d</description><summary>s</summary>"), 7),
        (atom("<author><name>A</name></author>", "<id>1</id>"), 8),
        (rss("", "<media:content url='http://a.test/x'/>"), 8),
        (rss("", "<category>x&amp;y</category><title>&bogus;</title>"), 9),
    ],
    ids=range(9),
)
def test_what_means_something_else_by_a_rule(body: str, rule: int) -> None:
    assert rule in rules(body)


def test_what_no_rule_explains_is_a_fault() -> None:
    document = FeedDocument(rss("<title>T</title>", "<title>a</title>").encode(), URL)
    theirs = answer(document)
    ours = parse_document(document)
    (wrong,) = differences(replace(ours, title="Other"), theirs)

    assert explained(Case(document, theirs), wrong) is None


def test_the_table_names_rules_of_the_readme() -> None:
    assert {row.rule for row in TABLE} <= set(range(1, 10))
