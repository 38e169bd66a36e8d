"""Small documents around what a test is about, and what is read in them."""

from __future__ import annotations

from typing import Final

from trioscrape._parse import FeedDocument, RawEntry, RawFeed, parse_document, read_document
from trioscrape._records import Entry, ParsedFeed

URL: Final = "http://feeds.test/dir/feed.xml"
NAMESPACES: Final = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "v": "http://vendor.test/ns",
    "xhtml": "http://www.w3.org/1999/xhtml",
}
DECLARED: Final = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())


def rss(channel: str = "", *items: str) -> str:
    """RSS 2.0: what is in the channel, and in each item."""
    inside = "".join(f"<item>{item}</item>" for item in items)
    return f'<rss version="2.0"{DECLARED}><channel>{channel}{inside}</channel></rss>'


def atom(feed: str = "", *entries: str) -> str:
    """Atom 1.0: what is in the feed, and in each entry."""
    inside = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f'<feed xmlns="http://www.w3.org/2005/Atom"{DECLARED}>{feed}{inside}</feed>'


def read(body: str | bytes, url: str = URL, content_type: str | None = None) -> RawFeed:
    """What a document says, as it says it."""
    return read_document(FeedDocument(body.encode() if isinstance(body, str) else body, url, content_type))


def parse(body: str | bytes, url: str = URL, content_type: str | None = None) -> ParsedFeed:
    """What a document says, as it is stored."""
    return parse_document(FeedDocument(body.encode() if isinstance(body, str) else body, url, content_type))


def item(inside: str) -> Entry:
    """The only item of RSS, as it is stored."""
    (entry,) = parse(rss("", inside)).entries
    return entry


def entry(inside: str, feed: str = "") -> Entry:
    """The only entry of Atom, as it is stored."""
    (entry,) = parse(atom(feed, inside)).entries
    return entry


def raw_item(inside: str) -> RawEntry:
    """The only item of RSS, as it is read."""
    (entry,) = read(rss("", inside)).entries
    return entry


def raw_entry(inside: str, feed: str = "") -> RawEntry:
    """The only entry of Atom, as it is read."""
    (entry,) = read(atom(feed, inside)).entries
    return entry
