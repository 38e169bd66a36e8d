"""Rule 1: a field comes from a direct child, of a known namespace, of the channel, item or entry."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument, read_document

from support.feeds import DECLARED, URL, atom, item, parse, read, rss

OWN = (
    "<title>Own</title><link>http://own.test/</link><guid isPermaLink='false'>own</guid>"
    "<description>Own text</description><pubDate>Mon, 06 Sep 2010 00:01:00 GMT</pubDate>"
    "<category>own</category><dc:creator>Own author</dc:creator>"
)
OWN_OF_ATOM = (
    "<title>Own</title><link href='http://own.test/'/><id>own</id><summary>Own text</summary>"
    "<published>2010-09-06T00:01:00Z</published><category term='own'/>"
    "<author><name>Own author</name></author>"
)
OTHER = (
    "<title>Other</title><link>http://other.test/</link><link href='http://other.test/'/><guid>other</guid>"
    "<id>other</id><description>Other</description><summary>Other</summary><content>Other</content>"
    "<pubDate>Sat, 01 Jan 2000 00:00:00 GMT</pubDate><published>2000-01-01T00:00:00Z</published>"
    "<updated>2000-01-01T00:00:00Z</updated><category>other</category><category term='other'/>"
    "<author><name>Other</name></author><enclosure url='http://other.test/x'/><content:encoded>Other</content:encoded>"
)
AROUND = (
    "<v:related>{}</v:related>",
    "<related><article>{}</article></related>",
    "<v:a><v:b><v:c>{}</v:c></v:b></v:a>",
    "<object xmlns='http://activitystrea.ms/spec/1.0/'>{}</object>",
    "<podcast:liveItem>{}</podcast:liveItem>",
    "<media:community>{}</media:community>",
    "<dc:relation>{}</dc:relation>",
)


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("first", [True, False])
def test_what_is_inside_of_another_element_sets_nothing(around: str, *, first: bool) -> None:
    other = around.format(OTHER)
    with_other = f"{other}{OWN}" if first else f"{OWN}{other}"

    assert item(with_other) == item(OWN)
    assert (item(OWN).title, item(OWN).summary, item(OWN).tags) == ("Own", "Own text", ("own",))


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("first", [True, False])
def test_nor_in_an_entry_of_atom(around: str, *, first: bool) -> None:
    other = around.format(OTHER)
    with_other = f"{other}{OWN_OF_ATOM}" if first else f"{OWN_OF_ATOM}{other}"

    assert parse(atom("", with_other)) == parse(atom("", OWN_OF_ATOM))


@pytest.mark.parametrize(
    "around", [*AROUND, "<image>{}</image>", "<textInput>{}</textInput>", "<cloud>{}</cloud>"]
)
def test_nor_in_a_feed(around: str) -> None:
    own = "<title>T</title><link>http://own.test/</link><description>D</description><language>en</language>"
    other = around.format(f"{OTHER}<language>de</language><item><title>no item</title></item>")

    assert parse(rss(other + own, OWN)) == parse(rss(own, OWN)) == parse(rss(own + other, OWN))


def test_the_feed_that_an_entry_is_from_sets_nothing_in_it() -> None:
    source = f"<source>{OWN_OF_ATOM.replace('Own', 'Source')}<updated>2001-01-01T00:00:00Z</updated></source>"
    own = replace(parse(atom("", OWN_OF_ATOM)), entries=())
    (entry,) = parse(atom("", source + OWN_OF_ATOM)).entries
    (alone,) = parse(atom("", OWN_OF_ATOM)).entries

    assert replace(parse(atom("", source + OWN_OF_ATOM)), entries=()) == own
    assert (entry.key, entry.title, entry.link, entry.updated) == (alone.key, alone.title, alone.link, None)


def test_deleted_entries_are_none() -> None:
    """RFC 6721."""
    deleted = (
        "<at:deleted-entry xmlns:at='http://purl.org/atompub/tombstones/1.0' ref='1'>"
        "<link href='http://deleted.test/'/></at:deleted-entry>"
    )
    feed = parse(atom(deleted, OWN_OF_ATOM))

    assert (feed.link, len(feed.entries)) == (None, 1)


@pytest.mark.parametrize(
    "document",
    [
        rss("<title>T</title>", OWN),
        f"<rss version='2.0'{DECLARED}><channel><title>T</title></channel><item>{OWN}</item></rss>",
        f"<rss{DECLARED}><channel><title>T</title></channel><channel><item>{OWN}</item></channel></rss>",
        f"<rss{DECLARED}><title>T</title><item>{OWN}</item></rss>",
        f"<rss{DECLARED}><channel><title>T</title><items><item>{OWN}</item></items></channel></rss>",
        f"<RSS{DECLARED}><CHANNEL><TITLE>T</TITLE><ITEM>{OWN}</ITEM></CHANNEL></RSS>",
        f"<rss xmlns='http://blogs.law.harvard.edu/tech/rss'{DECLARED}><channel><title>T</title><item>{OWN}</item></channel></rss>",
        f"<rss xmlns='http://made-up.test/'{DECLARED}><channel><title>T</title><item>{OWN}</item></channel></rss>",
        f"<rss xmlns='http://www.w3.org/2005/Atom'{DECLARED}><channel><title>T</title><item>{OWN}</item></channel></rss>",
        f"<rss{DECLARED}><channel xmlns='http://made-up.test/'><title>T</title><item>{OWN}</item></channel></rss>",
        f"<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'{DECLARED}>"
        f"<channel><title>T</title></channel><item r:about='x'>{OWN}</item></r:RDF>",
        f"<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://my.netscape.com/rdf/simple/0.9/'"
        f"{DECLARED}><channel><title>T</title></channel><item>{OWN}</item></r:RDF>",
    ],
    ids=range(12),
)
def test_where_channels_and_items_may_be(document: str) -> None:
    feed = parse(document)

    assert (feed.title, feed.parser, feed.repaired) == ("T", "first-pass", False)
    (entry,) = feed.entries
    assert (entry.key, entry.title, entry.link) == ("own", "Own", "http://own.test/")
    assert (entry.summary, entry.authors, entry.tags) == ("Own text", ("Own author",), ("own",))
    assert entry.published == datetime(2010, 9, 6, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "document",
    [
        atom("<title>T</title>", OWN_OF_ATOM),
        f"<feed{DECLARED}><title>T</title><entry>{OWN_OF_ATOM}</entry></feed>",
        f"<feed xmlns='http://purl.org/atom/ns#'{DECLARED}><title>T</title><entry>{OWN_OF_ATOM}</entry></feed>",
        f"<feed xmlns='https://www.w3.org/2005/atom/'{DECLARED}><title>T</title><entry>{OWN_OF_ATOM}</entry></feed>",
        f"<entry xmlns='http://www.w3.org/2005/Atom'{DECLARED}>{OWN_OF_ATOM}</entry>",
        f"<rss{DECLARED}><channel><title>T</title><entry>{OWN_OF_ATOM}</entry></channel></rss>",
        "<p:feed xmlns:p='http://www.w3.org/2005/Atom'><p:title>T</p:title><p:entry>"
        + OWN_OF_ATOM.replace("</", "</p:").replace("<", "<p:").replace("<p:/p:", "</p:")
        + "</p:entry></p:feed>",
    ],
    ids=range(7),
)
def test_where_entries_of_atom_may_be(document: str) -> None:
    feed = parse(document)

    assert feed.title in {"T", None}
    (entry,) = feed.entries
    assert (entry.key, entry.title, entry.link, entry.tags) == ("own", "Own", "http://own.test/", ("own",))
    assert (entry.summary, entry.authors) == ("Own text", ("Own author",))


@pytest.mark.parametrize(
    ("uri", "known"),
    [
        ("http://purl.org/dc/elements/1.1/", True),
        ("https://purl.org/dc/elements/1.1", True),
        ("HTTP://PURL.ORG/DC/ELEMENTS/1.1#", True),
        ("http://purl.org/dc/elements/1.0/", True),
        ("http://other.test/", False),
    ],
)
def test_namespaces_are_known_however_they_are_written(uri: str, *, known: bool) -> None:
    feed = read(f"<rss xmlns:x='{uri}'><channel><item><x:creator>Ann</x:creator></item></channel></rss>")

    assert list(feed.entries[0].authors) == (["Ann"] if known else [])


def test_a_well_known_prefix_stands_for_itself_where_nobody_knows_its_namespace() -> None:
    feed = read(
        "<rss xmlns:dc='http://x.test/dc'><channel><item><dc:creator>Ann</dc:creator></item></channel></rss>"
    )

    assert feed.entries[0].authors == ["Ann"]


@pytest.mark.parametrize("root", ["opml", "html", "urlset", "sitemapindex"])
def test_other_documents_are_no_feeds_whatever_is_inside(root: str) -> None:
    with pytest.raises(FeedFailed, match="not-a-feed"):
        parse(f"<{root}><head><title>x</title></head><v:a xmlns:v='http://v.test'><v:b/></v:a></{root}>")


@pytest.mark.parametrize(("limit", "read_entries"), [(3, 4), (8, 9), (9, 9), (99, 9)])
def test_one_entry_more_than_is_wanted_is_read(limit: int, read_entries: int) -> None:
    body = rss("", *(f"<guid>{number}</guid>" for number in range(9))).encode()

    assert len(read_document(FeedDocument(body, URL, entries_limit=limit)).entries) == read_entries


@pytest.mark.parametrize("feed", [rss("<title>T</title>", OWN), atom("<title>T</title>", OWN_OF_ATOM)])
def test_a_feed_may_be_in_the_body_of_a_page(feed: str) -> None:
    page = "<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' 'x.dtd'><html xmlns='http://www.w3.org/1999/xhtml'>"

    assert parse(f"{page}<body>{feed}</body></html>") == parse(feed)


@pytest.mark.parametrize("inside", ["<rss/>", "<feed><entry/></feed>"])
def test_what_only_is_called_like_a_feed_is_none(inside: str) -> None:
    with pytest.raises(FeedFailed, match="not-a-feed"):
        parse(f"<html><body>{inside}</body></html>")
