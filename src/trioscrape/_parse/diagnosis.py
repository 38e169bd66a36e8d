"""Why no feed was found in a document: the reason, and a detail that helps people. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urljoin

from lxml import etree

from .._errors import FeedFailed
from .._urls import problem_with, without_credentials
from .html import scrub
from .protocol import LONGEST_PAGE_FEED, MOST_PAGE_FEEDS, FeedDocument

_ROOT_WITHIN: Final = 4096
"""Bytes in which the root element begins, or a JSON Feed says what it is."""
_HEAD: Final = 256 * 1024
"""Bytes of a page that are looked at: it names its feeds in its head."""
_NAMED: Final = 3
"""Feeds of a page that are named; the others are counted."""

# Atomic groups: without them "<?a?><?a?>…" can be read in exponentially many ways.
_MARKS: Final = rb"\s|\xef\xbb\xbf|\xff\xfe|\xfe\xff"
_PROLOG: Final = rb"(?>(?>" + _MARKS + rb"|<\?.*?\?>|<!--.*?-->|<!doctype(?!\s+html)[^>]*>)*)"
_PAGE: Final = re.compile(_PROLOG + rb"<(?:!doctype\s+html|html)\b", re.I | re.S)
_FEED_ELEMENT: Final = rb"<(?:[\w-]+:)?(?:rss|rdf|feed|channel)\b"
_ANYWHERE: Final = re.compile(_FEED_ELEMENT, re.I)
_FEED: Final = re.compile(
    _PROLOG + _FEED_ELEMENT + rb"|(?:" + _MARKS + rb")*\{.*jsonfeed\.org/version", re.I | re.S
)
_FEED_TYPES: Final = {
    "application/atom+xml",
    "application/feed+json",
    "application/rdf+xml",
    "application/rss+xml",
}


def is_page(body: bytes) -> bool:
    """Whether it is an HTML page by its first element."""
    return _PAGE.match(_beginning(body)) is not None


def is_only_a_page(body: bytes) -> bool:
    """Whether it is an HTML page in which no parser can find a feed: it need not be asked."""
    return is_page(body) and _ANYWHERE.search(body) is None


def crashed(error: Exception) -> FeedFailed:
    """The reason of a document on which a parser has failed with an exception of its own."""
    return FeedFailed("parse-crash", f"{type(error).__name__}: {error}"[:200])


def no_feed(document: FeedDocument) -> FeedFailed:
    """The reason of a document in which no feed was found.

    ``malformed`` when it begins as a feed does, so that its publisher would want to know;
    ``not-a-feed`` otherwise. It has the feeds that an HTML page links to (``<link rel=alternate>``, HTML
    Standard §4.6.7.1), and its detail names the first ones, so that the user can put them into the list.
    """
    if not is_page(document.body) and _FEED.match(_beginning(document.body)):
        return FeedFailed("malformed", "nothing could be recovered of a broken feed")
    feeds = _linked_feeds(document)
    if not feeds and not is_page(document.body):
        return FeedFailed("not-a-feed", "no feed element was found in the document")
    more = f" and {len(feeds) - _NAMED} more" if len(feeds) > _NAMED else ""
    named = f"; its feeds: {', '.join(feeds[:_NAMED])}{more}" if feeds else ""
    return FeedFailed("not-a-feed", f"the document is an HTML page{named}", feeds=feeds[:MOST_PAGE_FEEDS])


def _beginning(body: bytes) -> bytes:
    """Enough for the root element; without the zeros of UTF-16 and UTF-32."""
    return body[:_ROOT_WITHIN].replace(b"\0", b"")


def _linked_feeds(document: FeedDocument) -> list[str]:
    """The URLs of a page's feeds, absolute and without credentials, each once."""
    parser = etree.HTMLParser(target=_Links())
    base, links = etree.HTML(document.body[:_HEAD] or b" ", parser)
    feeds = []
    for href in links:
        try:
            url = urljoin(urljoin(document.url, base), href)
        except ValueError:  # An IPv6 host without its bracket, for example.
            continue
        if len(url) <= LONGEST_PAGE_FEED and problem_with(url) is None:
            feeds.append(without_credentials(url))
    return list(dict.fromkeys(feeds))


class _Links:
    """What an HTML parser reports to: collects, and builds no tree."""

    def __init__(self) -> None:
        self._base: str | None = None
        self._feeds: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Look at an opened element."""
        href = scrub(attributes.get("href", "")).strip()
        if tag == "base" and self._base is None and href:
            self._base = href  # Only the first one counts (HTML Standard §4.2.3).
        if tag == "link" and href and _is_feed(attributes):
            self._feeds.append(href)

    def close(self) -> tuple[str, list[str]]:
        """The base and what the page names as its feeds."""
        return self._base or "", self._feeds


def _is_feed(attributes: dict[str, str]) -> bool:
    relations = attributes.get("rel", "").lower().split()
    kind = attributes.get("type", "").partition(";")[0].strip().lower()
    return "alternate" in relations and kind in _FEED_TYPES
