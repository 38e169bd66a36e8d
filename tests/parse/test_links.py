"""Rule 6: which link is the page of an entry or feed, and what links are relative to."""

from __future__ import annotations

import pytest

from trioscrape._parse import FeedDocument
from trioscrape._parse.feedparser_reader import read_anything

from support.feeds import URL, atom, entry, item, parse, raw_entry, raw_item, rss

IANA = "http://www.iana.org/assignments/relation/alternate"


@pytest.mark.parametrize(
    ("inside", "link"),
    [
        ("<link>http://a.test/1</link><link>http://a.test/2</link>", "http://a.test/1"),
        ("<link/><link> \n http://a.test/2 </link>", "http://a.test/2"),
        ("<link>http://a.test/1</link><atom:link href='http://b.test/'/>", "http://a.test/1"),
        ("<atom:link href='http://b.test/'/><link>http://a.test/1</link>", "http://a.test/1"),
        ("<atom:link href='http://b.test/'/>", "http://b.test/"),
        ("<atom:link rel='self' href='http://b.test/'/>", None),
        ("<link href='http://a.test/1'/>", "http://a.test/1"),
        ("<link rel='self' href='http://b.test/'/><link>http://a.test/1</link>", "http://a.test/1"),
        ("<link><![CDATA[http://a.test/?a=1&b=2]]></link>", "http://a.test/?a=1&b=2"),
        ("<link>http://a.test/?a=1&amp;copy=2&amp;lt=3</link>", "http://a.test/?a=1&copy=2&lt=3"),
        ("<link>http://a.test/?a=1&amp;amp;b=2</link>", "http://a.test/?a=1&b=2"),
        ("<link>http://a.test/?a=1&amp;#038;b=2</link>", "http://a.test/?a=1&b=2"),
        ("<link>http://a.test/?a=1&amp;b;c=2</link>", "http://a.test/?a=1&b;c=2"),
        ("<link>http://a.test/a-\n   long/one</link>", "http://a.test/a-   long/one"),
        ("<link>http:\\\\a.test\\1</link>", "http://a.test/1"),
        ("<link><a href='http://a.test/1'>http://a.test/1</a></link>", "http://a.test/1"),
        ("<link>/1</link>", "http://feeds.test/1"),
        ("<link>1.html</link>", "http://feeds.test/dir/1.html"),
        ("<link>//b.test/1</link>", "http://b.test/1"),
        ("<link>?p=1</link>", f"{URL}?p=1"),
        ("<link>My first post</link>", None),
        ("<link>none</link>", None),
        ("<link>123</link><link>http://a.test/</link>", "http://a.test/"),
        ("<atom:link href='http://a.test/?a=1&amp;amp;b=2'/>", "http://a.test/?a=1&b=2"),
        ("<link>javascript:x</link>", None),
        ("<link>nostr:x</link><link>http://a.test/</link>", "http://a.test/"),
        ("<enclosure url='http://a.test/x.mp3'/>", None),
        ("<comments>http://a.test/#c</comments>", None),
        ("<source url='http://b.test/'>B</source>", None),
    ],
)
def test_the_first_link_of_an_item_is_its_page(inside: str, link: str | None) -> None:
    assert item(f"<title>x</title>{inside}").link == link


@pytest.mark.parametrize(
    ("guid", "link"),
    [
        ("<guid>http://a.test/1</guid>", "http://a.test/1"),
        ("<guid isPermaLink='true'> https://a.test/1 </guid>", "https://a.test/1"),
        ("<guid>http://a.test/?a=1&amp;amp;b=2</guid>", "http://a.test/?a=1&b=2"),
        ("<guid isPermaLink=' True '>http://a.test/1</guid>", "http://a.test/1"),
        ("<guid isPermaLink='1'>http://a.test/1</guid>", "http://a.test/1"),
        ("<guid ispermalink='TRUE'>http://a.test/1</guid>", "http://a.test/1"),
        ("<guid isPermaLink='false'>http://a.test/1</guid>", None),
        ("<guid>12345</guid>", None),
        ("<guid>/1</guid>", None),
        ("<guid>My first post</guid>", None),
        ("<guid>tag:a.test,2008:1</guid>", None),
        ("<guid>urn:uuid:1225c695-cfb8-4ebb-aaaa-80da344efa6a</guid>", None),
        ("<id>http://a.test/1</id>", None),
    ],
)
def test_a_permalink_is_the_page_where_there_is_no_link(guid: str, link: str | None) -> None:
    assert item(guid).link == link
    assert item(f"<link/>{guid}").link == link
    assert item(f"<link>http://own.test/</link>{guid}").link == "http://own.test/"


@pytest.mark.parametrize(
    ("links", "link"),
    [
        ("<link href='http://a.test/'/>", "http://a.test/"),
        ("<link rel='alternate' href='http://a.test/'/>", "http://a.test/"),
        ("<link rel='ALTERNATE' type='TEXT/HTML' href='http://a.test/'/>", "http://a.test/"),
        (f"<link rel='{IANA}' href='http://a.test/'/>", "http://a.test/"),
        ("<link rel='alternate nofollow' href='http://a.test/'/>", "http://a.test/"),
        ("<link type='text/html; charset=utf-8' href='http://a.test/'/>", "http://a.test/"),
        (
            "<link type='application/pdf' href='/p'/><link type='text/html' href='http://a.test/'/>",
            "http://a.test/",
        ),
        ("<link type='application/json' href='/j'/><link href='http://a.test/'/>", "http://a.test/"),
        ("<link href='http://a.test/'/><link type='text/html' href='/amp'/>", "http://a.test/"),
        ("<link href='http://a.test/'/><link type='x/y' href='nostr:x'/>", "http://a.test/"),
        ("<link type='application/pdf' href='http://a.test/p'/>", "http://a.test/p"),
        ("<link hreflang='en' href='http://a.test/en'/><link hreflang='de' href='/de'/>", "http://a.test/en"),
        ("<link>http://a.test/</link>", "http://a.test/"),
        (
            "<link rel='self' href='/s'/><link rel='edit' href='/e'/><link href='http://a.test/'/>",
            "http://a.test/",
        ),
        ("<link rel='self' href='/s'/>", None),
        ("<link rel='related' href='/r'/><link rel='via' href='/v'/>", None),
        ("<link rel='enclosure' href='/e'/><link rel='replies' href='/r'/>", None),
        ("<link rel='alternate'/><link href=''/>", None),
    ],
)
def test_the_first_alternate_of_an_entry_is_its_page(links: str, link: str | None) -> None:
    assert entry(f"<id>http://id.test/</id>{links}").link == link


def test_links_of_a_feed() -> None:
    of_rss = parse(
        rss(
            "<atom:link rel='self' href='s'/><link>http://a.test/</link><atom:link rel='hub' href='http://h.test/'/>"
            "<atom:link rel='alternate' href='http://other.test/'/><image><link>http://i.test/</link></image>"
        )
    )
    of_atom = parse(atom("<id>http://id.test/</id><link rel='self' href='s'/><link href='http://a.test/'/>"))

    assert (of_rss.link, of_rss.self_link, of_rss.hub) == (
        "http://a.test/",
        "http://feeds.test/dir/s",
        "http://h.test/",
    )
    assert (of_atom.link, of_atom.self_link) == ("http://a.test/", "http://feeds.test/dir/s")


NEXT, ARCHIVE = "http://feeds.test/dir/2", "http://feeds.test/2025.xml"


LINKS = "<{0}link rel='next' href='2'/><{0}link rel='prev-archive' href='/2025.xml'/>"
GENERATOR = "<generator uri='https://a.test/'>WordPress\n 6.7</generator><title>T</title>"


def test_where_older_entries_are_and_who_has_written_the_document() -> None:
    """RFC 5005, sections 3 and 4."""
    of_rss = parse(rss(LINKS.format("atom:") + GENERATOR, "<guid>1</guid>"))
    of_atom = parse(atom(LINKS.format("") + GENERATOR, "<id>1</id>"))
    for feed in of_rss, of_atom:
        assert (feed.next_page, feed.prev_archive, feed.generator) == (NEXT, ARCHIVE, "WordPress 6.7")


@pytest.mark.parametrize(
    "document", [rss(LINKS.format("atom:") + GENERATOR, "x"), atom(LINKS.format("") + GENERATOR, "x")]
)
def test_feedparser_knows_them_as_well(document: str) -> None:
    raw = read_anything(document.encode(), FeedDocument(document.encode(), URL))
    assert (raw.next_page, raw.prev_archive, raw.parser) == (NEXT, ARCHIVE, "feedparser")
    assert raw.generator is not None
    assert raw.generator.split() == ["WordPress", "6.7"]


def test_links_of_entries_lead_to_no_older_pages() -> None:
    feed = parse(atom("", "<id>1</id><link rel='next' href='2'/><link rel='prev-archive' href='3'/>"))
    assert (feed.next_page, feed.prev_archive, feed.generator) == (None, None, None)


def test_links_are_relative_to_the_bases_around_them() -> None:
    feed = parse(
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='http://base.test/a/'><link href='.'/>"
        "<entry xml:base='b/'><id>1</id><link href='c'/><link rel='enclosure' href='e'/>"
        "<content type='html' xml:base='d/'>&lt;a href='f'>x&lt;/a></content>"
        "<summary type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><img src='g'/></div></summary>"
        "</entry></feed>"
    )
    (one,) = feed.entries

    assert feed.link == "http://base.test/a/"
    assert (one.link, one.enclosures[0].url) == ("http://base.test/a/b/c", "http://base.test/a/b/e")
    assert one.content == '<a href="http://base.test/a/b/d/f">x</a>'
    assert one.summary == '<img src="http://base.test/a/b/g">'


def test_bases_inside_of_xhtml_count_as_well() -> None:
    """RFC 4287 §2: any element may have an ``xml:base``."""
    xhtml = (
        "<content type='xhtml' xml:base='http://base.test/'>"
        "<div xmlns='http://www.w3.org/1999/xhtml' xml:base='a/'><a href='1'>x</a><p xml:base='b/'>"
        "<img src='2'/><i><a href='http://c.test/3'>y</a></i></p><a href='4'>z</a></div></content>"
    )

    assert entry(f"<id>1</id>{xhtml}").content == (
        '<a href="http://base.test/a/1">x</a><p><img src="http://base.test/a/b/2">'
        '<i><a href="http://c.test/3">y</a></i></p><a href="http://base.test/a/4">z</a>'
    )


@pytest.mark.parametrize("base", ["", "javascript:x", "http://[", "x" * 5000])
def test_a_base_that_is_none_is_left_out(base: str) -> None:
    feed = parse(atom("", f"<id>1</id><link href='/1' xml:base='{base}'/>"))

    assert feed.entries[0].link in {"http://feeds.test/1", None}


@pytest.mark.parametrize(
    ("inside", "comments"),
    [
        ("<comments>http://a.test/#c</comments>", "http://a.test/#c"),
        ("<comments>/c</comments>", "http://feeds.test/c"),
        ("<comments/>", None),
        ("<comments>12</comments>", None),
    ],
)
def test_the_page_with_comments(inside: str, comments: str | None) -> None:
    assert raw_item(inside).comments == comments


def test_the_page_with_comments_of_atom() -> None:
    """RFC 4685 §4."""
    feed = "<link rel='replies' type='application/atom+xml' href='/c.atom'/>"

    assert (
        raw_entry(f"{feed}<link rel='replies' type='text/html' href='/c'/>").comments == "http://feeds.test/c"
    )
    assert raw_entry(feed).comments is None
