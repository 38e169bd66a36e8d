"""feedparser's answer to a document that is beyond repair, by the same rules as far as it goes.

What it has kept of elements is read again here: dates, texts of RSS, enclosures of Media RSS. Which element a
value is from it does not say in all cases, so an entry of such a document may have a link or a text that it
should not have. Its passes over the HTML inside are switched off, because they are pure Python; `html` does
their work. Nothing here reads a file or the network, whatever the document says.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from typing import Any, Final

import feedparser

from .._records import Category, Enclosure, FeedTimers
from .dates import parse_date
from .diagnosis import is_page, no_feed
from .html import plain_line
from .protocol import FeedDocument
from .raw import RawEntry, RawFeed, RawText
from .rss_cloud import cloud
from .rss_text import line, passage
from .timers import timers

# What feedparser raises where a document surprises it: the end of a category outside of its item, for one.
_SURPRISED: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_REFERENCE: Final = re.compile(rb"&#(x[0-9a-f]{1,4000}|[0-9]{1,4000});?", re.I)
_HTML_TYPES: Final = ("text/html", "application/xhtml+xml")
# feedparser keeps the last hour and the last day only. Short names and values: what is longer is
# no hour and no day, and the pattern can't be made to look at the same text twice.
_SKIPPED: Final = re.compile(rb"<(hour|day)>\s{0,99}(\w{1,9})\s{0,99}</\1>", re.IGNORECASE)
_LISTS: Final = re.compile(
    rb"<skip(?:hours|days)>(.{0,4000}?)</skip(?:hours|days)>", re.IGNORECASE | re.DOTALL
)

# FeedParserDict answers some keys with others' values and warns about it: `dict.get` asks for the
# value itself.
_get = dict.get


def read_anything(data: bytes, document: FeedDocument, *, broken: bool = True) -> RawFeed:
    """The document as feedparser reads it.

    Args:
      data: the document in UTF-8.
      document: where it is from.
      broken: whether its strict parser need not begin, because it would find out where the document breaks.

    Raises:
      FeedFailed: ``not-a-feed`` or ``malformed``, see `no_feed`.
    """
    data = _REFERENCE.sub(_possible, data)
    try:
        parsed = _answer(data, document, broken=broken)
    except _SURPRISED as error:
        raise no_feed(document) from error
    entries, version = parsed["entries"], parsed.get("version")
    # An empty feed is a feed. Broken text that has "<rss>" somewhere in it is none.
    saved = entries or not parsed["bozo"] or _get(parsed["feed"], "title")
    if (not version and (not entries or is_page(document.body))) or not saved:
        raise no_feed(document)
    return _feed(parsed, data)


def _answer(data: bytes, document: FeedDocument, *, broken: bool) -> Any:
    if not broken:
        try:
            return _read(data, document)
        except _SURPRISED:  # no-break spaces in a namespace, for one
            pass
    # What is not well-formed is for its other parser: so from the first byte on.
    return _read(b"&" + data, document)


def _read(data: bytes, document: FeedDocument) -> Any:
    headers = {"content-location": document.url, "content-type": "application/xml; charset=utf-8"}
    # Given bytes, feedparser takes them for a file name first; a stream it only reads.
    return feedparser.parse(
        BytesIO(data), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )


def _possible(reference: re.Match[bytes]) -> bytes:
    """The reference if its character exists; else one to U+FFFD, because feedparser would lose the feed."""
    digits = reference[1].lower()
    code = int(digits[1:], 16) if digits.startswith(b"x") else int(digits)
    exists = code <= sys.maxunicode and not 0xD800 <= code < 0xE000
    return reference[0] if exists else b"&#xFFFD;"


def _feed(parsed: Any, data: bytes) -> RawFeed:
    feed, version = parsed["feed"], str(parsed.get("version") or "")
    of_atom = version.startswith("atom")
    of_feed = list(_authors(feed)) if of_atom else []
    return RawFeed(
        title=_line(feed, "title", of_atom=of_atom),
        subtitle=_line(feed, "subtitle", of_atom=of_atom),
        link=_text(feed, "link"),
        language=_text(feed, "language"),
        updated=_date(feed, "updated") or _date(feed, "published"),
        self_link=_href(feed, "self"),
        hub=_href(feed, "hub"),
        cloud=_cloud(feed),
        generator=_text(feed, "generator"),
        next_page=_href(feed, "next"),
        prev_archive=_href(feed, "prev-archive"),
        timers=_timers(feed, data),
        entries=[_entry(entry, of_feed, version) for entry in parsed["entries"]],
        repaired=bool(parsed["bozo"]),
        parser="feedparser",
    )


def _entry(entry: Any, of_feed: list[str], version: str) -> RawEntry:
    of_atom = version.startswith("atom")
    content = next(filter(None, (_passage(detail) for detail in _dicts(entry, "content"))), None)
    published, updated = _date(entry, "published"), _date(entry, "updated")
    if published is None and version.startswith("rss"):
        published, updated = updated, None  # dc:date
    return RawEntry(
        id=_text(entry, "id"),
        link=_text(entry, "link"),
        title=_line(entry, "title", of_atom=of_atom),
        summary=_summary(entry, content),
        content=content,
        authors=list(_authors(entry)) or of_feed,
        published=published,
        updated=updated,
        categories=[each if of_atom else _decoded(each) for each in _categories(entry)],
        enclosures=list(_enclosures(entry)),
        language=_text(entry, "language"),
        comments=_text(entry, "comments"),
    )


def _text(of: Any, name: str) -> str | None:
    """A text; an unknown element of that name with attributes is a dictionary of these."""
    value = _get(of, name)
    return value if isinstance(value, str) and value else None


def _date(of: Any, name: str) -> datetime | None:
    return parse_date(_text(of, name) or "")


def _line(of: Any, name: str, *, of_atom: bool) -> RawText | None:
    value, detail = _text(of, name), _get(of, f"{name}_detail")
    if value is None or not of_atom:
        return line(value) if value else None
    kind = _get(detail, "type") if isinstance(detail, dict) else None
    return RawText(value, "html" if kind in _HTML_TYPES else "text")


def _passage(detail: Any) -> RawText | None:
    value, kind = _text(detail, "value"), _text(detail, "type") or "text/html"
    if value is None or not (kind in _HTML_TYPES or kind.startswith("text/")):
        return None
    base, language = _text(detail, "base"), _text(detail, "language")
    if kind in _HTML_TYPES:
        return passage(value, base, language)
    return RawText(value, "text", None, language)


def _summary(entry: Any, content: RawText | None) -> RawText | None:
    """The summary if the document has one; feedparser repeats the content where it has none."""
    detail = _get(entry, "summary_detail")
    summary = _passage(detail) if isinstance(detail, dict) else None
    return None if content is not None and summary == content else summary


def _href(feed: Any, relation: str) -> str | None:
    links = _dicts(feed, "links")
    return next((_text(link, "href") for link in links if _get(link, "rel") == relation), None)


def _cloud(feed: Any) -> str | None:
    given = _get(feed, "cloud")
    return cloud(given) if isinstance(given, dict) else None


def _authors(of: Any) -> Iterator[str]:
    people = [name for one in _dicts(of, "authors") if (name := _text(one, "name") or _text(one, "email"))]
    author = _text(of, "author")
    yield from people or ([author] if author else [])


def _categories(entry: Any) -> Iterator[str | Category]:
    for tag in _dicts(entry, "tags"):
        label = _text(tag, "label")
        if term := _text(tag, "term") or label:
            scheme, label = _text(tag, "scheme"), label if label != term else None
            yield Category(term, scheme, label) if scheme or label else term


def _decoded(category: str | Category) -> str | Category:
    """A category of RSS, whose text may have been escaped twice, as titles are."""
    if isinstance(category, str):
        return plain_line(line(category))
    return replace(category, term=plain_line(line(category.term)))


def _enclosures(entry: Any) -> Iterator[Enclosure]:
    files = [link for link in _dicts(entry, "links") if _get(link, "rel") == "enclosure"]
    for file in (*files, *_dicts(entry, "media_content")):
        if url := _text(file, "href") or _text(file, "url"):
            claimed = _text(file, "length") or _text(file, "filesize") or ""
            length = int(claimed) if claimed.isascii() and claimed.isdigit() and len(claimed) < 20 else None
            yield Enclosure(url, _text(file, "type"), length)


def _dicts(of: Any, name: str) -> list[Any]:
    """The list that feedparser has by that name. An unknown element that is called so takes its place."""
    found = _get(of, name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _timers(feed: Any, data: bytes) -> FeedTimers:
    # Looked for only where feedparser has seen the elements in the feed itself: an entry may show some.
    listed = _LISTS.finditer(data) if "skiphours" in feed or "skipdays" in feed else ()
    skipped = [pair for found in listed for pair in _SKIPPED.findall(found[1])]
    return timers(
        ttl=_text(feed, "ttl"),
        period=_text(feed, "sy_updateperiod"),
        frequency=_text(feed, "sy_updatefrequency"),
        hours=[value.decode("ascii", "replace") for name, value in skipped if name.lower() == b"hour"],
        days=[value.decode("ascii", "replace") for name, value in skipped if name.lower() == b"day"],
    )
