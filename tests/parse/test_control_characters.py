"""Feeds with control characters: read from a tree where that gives what feedparser's loose parser gives."""

from __future__ import annotations

import re
from io import BytesIO
from random import Random

import feedparser
import pytest

from trioscrape._parse import FeedDocument, parse_document
from trioscrape._parse._fast import Unsupported, read_wellformed
from trioscrape._parse.draft import finished
from trioscrape._parse.feedparser_reader import draft_of
from trioscrape._parse.records import parsed_feed

from support.random_feeds import random_feed

URL = "http://feeds.test/dir/feed.xml"
CONTROLS = "".join(chr(code) for code in range(32) if code not in b"\t\n\r")
MODULES = {
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "x": "http://unknown.test/",
}
DECLARED = "".join(f" xmlns:{prefix}='{uri}'" for prefix, uri in MODULES.items())
ELEMENTS = """title description link guid author category pubDate content:encoded dc:creator summary
    media:title itunes:keywords comments x:y""".split()  # noqa: SIM905
ATTRIBUTES = (
    *("", " type='html'", " type='text'", ' type="text/plain"', " isPermaLink='false'", " xml:lang='de'"),
    *(
        " term='a&amp;b'",
        " term='a&#38;b'",
        " term='a\nb'",
        ' term="it\'s"',
        " term='x>y'",
        " term='&quot;q'",
    ),
    *(
        " href='http://h.test/?a&amp;lt;'",
        " xml:base='http://b.test/'",
        " _c='1'",
        " rel='self'",
        " rel = 's'",
    ),
    *(" x:term='z'", " dc:term='z'", " xmlns:x='http://u.test'", " xmlns='http://v.test'", " length='1\x02'"),
    *(" rel = 's'", " term='&quot;q'"),
)
IN_TEXTS = (
    *("&lt;", "&gt;", "&amp;", "&quot;", "&apos;", "&#39;", "&#34;", "&#38;", "&#x26;", "&#038;", "&#x026;"),
    *("&#60;", "&#x3c;", "&#062;", "&#X3E;", "&#x2f;", "&#47;", "&#160;", "&#146;", "&#x1F600;", "&#32;"),
    *(
        "lt;",
        "amp;",
        "quot;",
        "#39;",
        "apos;",
        "x2f;",
        "#x2f;",
        "#x27;",
        "'",
        '"',
        "/",
        "=",
        "]]",
        "--",
        "\n",
    ),
    *(
        " ",
        "b c",
        "é",
        "Ã©",
        "\x93",
        "\u2028",
        "\u00a0",
        "\x85",
        "\ufeff",
        "http://x.test/?a",
        "&amp;b",
        "tag:",
    ),
    *("&amp;lt;", "&amp;quot;", "&amp;#39;", "&amp;#x27;", "&amp;apos;", "&amp;#x2F;"),
)
MARKUP = (
    *(
        "<![CDATA[",
        "]]>",
        "<!-- c -->",
        "<!-- < > & -->",
        "<?pi x?>",
        "<?pi >?>",
        "<!x>",
        "<!DOCTYPE a>",
        "<",
    ),
    *("<p>", "</p>", "<br/>", "<br />", "<p/>", "<B/>", "<p >", '<a href="x?a&amp;b">', "</a>"),
    *("<", "&", ">", "\ufdd1", "\r", "&nbsp;", "\uffff"),
)


def loosely(document: FeedDocument) -> object:
    """What feedparser makes of it, in our records."""
    headers = {"content-location": document.url}
    parsed = feedparser.parse(
        BytesIO(document.body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    return parsed_feed(finished(draft_of(parsed, document.body)), document)


def from_a_tree(document: FeedDocument) -> object:
    """The same from the first pass."""
    raw = read_wellformed(document)
    assert raw.repaired
    raw.parser = "feedparser"
    return parsed_feed(finished(raw), document)


def text(random: Random) -> str:
    pieces = IN_TEXTS + MARKUP if random.random() < 0.05 else IN_TEXTS
    made = "".join(random.choices(pieces + tuple(CONTROLS), k=random.choice([0, 1, 2, 3, 6])))
    return f"<![CDATA[{made}]]>" if random.random() < 0.2 else made


def element(random: Random) -> str:
    name, attributes = random.choice(ELEMENTS), random.choice(ATTRIBUTES) if random.random() < 0.2 else ""
    inside = text(random)
    return f"<{name}{attributes}>{inside}</{name}>" if inside else f"<{name}{attributes}/>"


def unclean_feed(random: Random) -> str:
    """A feed whose texts are made of what parsers of XML and of SGML may see differently."""
    feed, *entries = ("".join(element(random) for _ in range(random.randrange(6))) for _ in range(3))
    feed = f"<title>{random.choice(CONTROLS)}{text(random)}</title>{feed}"
    if random.random() < 0.5:
        items = "".join(f"<item>{entry}</item>" for entry in entries)
        return f"<rss version='2.0'{DECLARED}><channel>{feed}{items}</channel></rss>"
    items = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f"<feed xmlns='http://www.w3.org/2005/Atom'{DECLARED}>{feed}{items}</feed>"


def with_controls(random: Random, feed: str) -> str:
    """A usual feed, with control characters at the beginnings of some texts."""
    texts = [found.start() for found in re.finditer("(?<=>)[^<]", feed)] or [len(feed)]
    places = sorted(random.choices(texts, k=3))
    parts = (feed[begin:end] for begin, end in zip([0, *places], [*places, len(feed)], strict=True))
    return random.choice(CONTROLS).join(parts)


@pytest.mark.parametrize("made", ["of usual elements", "of difficult texts"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning:feedparser")
def test_random_feeds_with_control_characters_are_what_feedparser_makes_of_them(made: str) -> None:
    """80,000 of them had shown which conditions it takes."""
    taken = 0
    for seed in range(1500):
        random = Random(seed)
        usual = made == "of usual elements"
        body = with_controls(random, random_feed(random)) if usual else unclean_feed(random)
        declaration = random.choice(["", "<?xml version='1.0' encoding='utf-8'?>"])
        document = FeedDocument(f"{declaration}{body}".encode(), URL)
        try:
            ours = from_a_tree(document)
        except Unsupported:
            continue
        assert ours == loosely(document), body
        taken += 1

    assert taken > 100


RSS = (
    "<?xml version='1.0' encoding='utf-8'?><rss version='2.0'{}><channel><title>T\x0b</title>"
    "<item>{}</item></channel></rss>"
)


@pytest.mark.parametrize(
    "item",
    [
        "<description>&lt;p title=&quot;a&quot;&gt;x&amp;quot;y&lt;/p&gt;</description>",
        "<description><![CDATA[<p>it&#39;s &quot;x&quot;<br />\x1c</p>]]></description>",
        "<title> \x0c t \x1f</title><guid isPermaLink='false'>\x01</guid><link>http://h.test/</link>",
        "<enclosure url='http://h.test/?a=1&amp;b=2' length='3' type='audio/mpeg'/>",
        "<!-- <b> --><?note a?><x:y/><media:content url='http://h.test/u'><media:title>m</media:title>"
        "</media:content>",
        "<title>Q&#038; A</title>",
        "</item><ttl>\x0b90\x1f</ttl><item>",
        "<description><![CDATA[a <!x> b <p/>c]]></description><summary>a &lt;!x> b</summary>",
    ],
)
def test_most_of_them_are_read_from_a_tree(item: str) -> None:
    """With their control characters: it is for those who read a store to say what these are."""
    document = FeedDocument(RSS.format(DECLARED, item).encode(), URL)

    assert from_a_tree(document) == loosely(document)
    assert parse_document(document).parser == "first-pass"
    assert parse_document(document).repaired


@pytest.mark.parametrize(
    ("declared", "item"),
    [
        ("", "<author>A &amp; B</author>"),
        ("", "<category term='a&#38;b'/>"),
        ("", "<category term='a\nb'/>"),
        ("", "<category term='a>b'/>"),
        ("", "<category term='a\x02b'/>"),
        ("", "<title>&#038;lt;b</title>"),
        ("", "<title>a\r\nb</title>"),
        ("", "<title>a\ufdd3b</title>"),
        ("", "<?note > ?>"),
        ("", "<creator xmlns='http://purl.org/dc/elements/1.1/'>c</creator>"),
        (" xmlns:a='http://u.test' xmlns:b='http://u.test'", "<b:z>c</b:z>"),
        (" xmlns:x='http://u.test'", "<category x:term='a'/>"),
        ("", "<description type='xhtml'><p>x</p></description>"),
        ("", "<title>&nbsp;</title>"),
        ("", "<title>&#xFDD2;</title>"),
        ("", "<title>&#038;<!---->lt;</title>"),
        ("", "<link xml:base='http://b.test/?&amp;'>#60;</link>"),
        ("", "<author xmlns=''>a</author>"),
        ("", "<author xmlns:xml='http://www.w3.org/XML/1998/namespace'>a</author>"),
        ("", "<author XMLNS='http://purl.org/rss/1.0/'>a</author>"),
        (" xmlns=''", "<author xmlns:q='http://q.test'>a</author>"),
        (" xmlns:rdf='http://u.test/'", "<category rdf:term='x'/>"),
        (" xmlns:a='http://www.w3.org/2005/Atom'", "</item><image><a:title>I</a:title></image><item>"),
        ("", "<title>"),
    ],
)
def test_where_the_parsers_differ_feedparser_reads_them(declared: str, item: str) -> None:
    document = FeedDocument(RSS.format(declared, item).encode(), URL)

    with pytest.raises(Unsupported):
        read_wellformed(document)
    assert parse_document(document).parser == "feedparser"


@pytest.mark.parametrize(
    "body",
    [
        b"<?xml version='1.0' encoding='utf-8'?><rss><channel><title>\x02\xe9</title></channel></rss>",
        b"<a:feed xmlns:a='http://www.w3.org/2005/Atom' xml:lang='de'><title>\x02</title></a:feed>",
    ],
    ids=["no UTF-8", "a root with a prefix"],
)
def test_so_it_does_whole_documents(body: bytes) -> None:
    with pytest.raises(Unsupported):
        read_wellformed(FeedDocument(body, URL))


def test_a_default_namespace_is_nothing_to_the_loose_parser() -> None:
    document = FeedDocument(
        b"<RDF xmlns='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:r='http://purl.org/rss/1.0/'>"
        b"<item>\x02</item></RDF>",
        URL,
    )

    with pytest.raises(Unsupported):
        read_wellformed(document)
    assert len(parse_document(document).entries) == 1
