"""feedparser's answer to a document, as the records that trioscrape stores. Pure and synchronous.

feedparser decides what a feed means: its charset, its elements, its dates. Its two passes over the
HTML inside are switched off, because they are pure Python and 70 % of its time; `_html` does their
work. Nothing here reads a file or the network, whatever the document says.
"""

from __future__ import annotations

import calendar
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from time import struct_time
from typing import Any, Final

import feedparser

from .._errors import FeedFailed
from .._types import Enclosure, Entry, ParsedFeed, TextType
from ._html import absolute, one_line, plain, sanitised, scrub
from ._identity import identified
from ._protocol import Document
from ._timers import timers

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HTML_TYPES: Final = ("text/html", "application/xhtml+xml", "html", "xhtml")
_HTML_ROOT: Final = re.compile(
    rb"(?:\s|\xef\xbb\xbf|<\?.*?\?>|<!--.*?-->)*<(?:!doctype\s+html|html)\b", re.I | re.S
)
_REFERENCE: Final = re.compile(rb"&#(x[0-9a-f]{1,4000}|[0-9]{1,4000});?", re.I)
# feedparser calls a document broken ("bozo") for these as well, though nothing of it was repaired.
_ONLY_LABELS: Final = (feedparser.NonXMLContentType, feedparser.CharacterEncodingOverride)

_Text = tuple[str | None, TextType | None]
_NOTHING: Final[_Text] = (None, None)

# FeedParserDict answers some keys with others' values and warns about it: `dict.get` asks for the
# value itself.
_get = dict.get


def parse_document(document: Document) -> ParsedFeed:
    """What the document says.

    Raises:
      FeedFailed: ``not-a-feed``, with what it is instead as the detail; ``parse-crash`` when the
        parser itself fails on it.
    """
    if not document.body.strip():
        raise FeedFailed("not-a-feed", "the document is empty")
    try:
        parsed = _feedparser(document)
    except Exception as error:
        raise FeedFailed("parse-crash", f"{type(error).__name__}: {error}"[:200]) from error
    _require_feed(parsed, document)
    feed = parsed["feed"]
    return ParsedFeed(
        title=_title(feed),
        link=_link(feed, document.url),
        entries=identified((_guid(entry), _entry(entry, document.url)) for entry in parsed["entries"]),
        repaired=_repaired(parsed),
        timers=timers(dict(feed.items()), document.body),
    )


def _feedparser(document: Document) -> Any:
    headers = {"content-location": document.url}
    if document.content_type is not None:
        headers["content-type"] = document.content_type
    try:
        return _read(document.body, headers)
    except (ValueError, OverflowError):
        # One "&#xD83D;", half of an emoji, would lose the whole feed.
        return _read(_REFERENCE.sub(_possible, document.body), headers)


def _read(body: bytes, headers: dict[str, str]) -> Any:
    # Given bytes, feedparser takes them for a file name first; a stream it only reads.
    return feedparser.parse(
        BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )


def _possible(reference: re.Match[bytes]) -> bytes:
    """The reference if it is to a character that exists; else one to U+FFFD."""
    digits = reference[1].lower()
    code = int(digits[1:], 16) if digits.startswith(b"x") else int(digits)
    exists = code <= sys.maxunicode and not 0xD800 <= code < 0xE000
    return reference[0] if exists else b"&#xFFFD;"


def _require_feed(parsed: Any, document: Document) -> None:
    entries, version = parsed["entries"], parsed.get("version")
    if _HTML_ROOT.match(document.body[:4096]) and not version:
        raise FeedFailed("not-a-feed", "the document is an HTML page")
    if not version and not entries:
        raise FeedFailed("not-a-feed", "no feed element was found in the document")
    # An empty feed is a feed. Broken text that has "<rss>" somewhere in it is none.
    if not entries and _repaired(parsed) and not _title(parsed["feed"]):
        raise FeedFailed("not-a-feed", "the document is broken and nothing could be saved of it")


def _repaired(parsed: Any) -> bool:
    return bool(parsed["bozo"]) and not isinstance(parsed.get("bozo_exception"), _ONLY_LABELS)


def _entry(entry: Any, url: str) -> Entry:
    content, content_type = _content(entry, url)
    summary, summary_type = _summary(entry, url)
    return Entry(
        key="",
        hash="",
        link=_link(entry, url),
        title=_title(entry),
        summary=summary,
        summary_type=summary_type,
        content=content,
        content_type=content_type,
        authors=_distinct(_authors(entry)),
        published=_moment(_get(entry, "published_parsed")),
        updated=_moment(_get(entry, "updated_parsed")),
        tags=_distinct(_get(tag, "term") or _get(tag, "label") for tag in _get(entry, "tags") or ()),
        enclosures=tuple(dict.fromkeys(_enclosures(entry, url))),
    )


def _guid(entry: Any) -> str | None:
    guid = _get(entry, "id")
    return scrub(guid) if guid else None


def _link(of: Any, url: str) -> str | None:
    # feedparser has joined it to its base. It takes an id for a link as well, "tag:..." among them.
    link = _get(of, "link")
    return absolute(link, url) if link and link.strip() else None


def _title(of: Any) -> str | None:
    title = _get(of, "title") or ""
    detail = _get(of, "title_detail") or {}
    return (plain(title) if _get(detail, "type") in _HTML_TYPES else one_line(title)) or None


def _content(entry: Any, url: str) -> _Text:
    """The first content in HTML, else the first one that can be shown."""
    contents = sorted(
        _get(entry, "content") or (), key=lambda content: _get(content, "type") not in _HTML_TYPES
    )
    texts = (_text(content, url) for content in contents)
    return next((text for text in texts if text[0]), _NOTHING)


def _summary(entry: Any, url: str) -> _Text:
    """The summary if the document has one; feedparser repeats the content where it has none."""
    detail = _get(entry, "summary_detail")
    if detail is not None:
        return _text(detail, url)
    summary = _get(entry, "summary")
    if not summary or any(_get(content, "value") == summary for content in _get(entry, "content") or ()):
        return _NOTHING
    return _text({"value": summary}, url)


def _text(detail: Any, url: str) -> _Text:
    """What can be shown of it and how; a picture or another format is left out."""
    value, kind = _get(detail, "value") or "", _get(detail, "type") or "text/html"
    if kind in _HTML_TYPES:
        markup = sanitised(value, _get(detail, "base") or url)
        return (markup, "html") if markup else _NOTHING
    text = scrub(value).strip() if kind.startswith("text") else ""
    return (text, "text") if text else _NOTHING


def _authors(entry: Any) -> Iterator[str | None]:
    people = _get(entry, "authors") or ()
    for person in people:
        yield _get(person, "name") or _get(person, "email")
    if not any(people):
        yield _get(entry, "author")


def _enclosures(entry: Any, url: str) -> Iterator[Enclosure]:
    for link in _get(entry, "links") or ():
        href = absolute(_get(link, "href") or "", url) if _get(link, "rel") == "enclosure" else None
        if href and _get(link, "href"):
            kind = one_line(_get(link, "type") or "")
            yield Enclosure(href, kind or None, _length(_get(link, "length")))


def _length(text: str | None) -> int | None:
    digits = (text or "").strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19):
        return None
    length = int(digits)
    return length if length < 2**63 else None


def _moment(parsed: struct_time | None) -> datetime | None:
    """An aware datetime of feedparser's UTC tuple; None when datetime can't hold it."""
    if parsed is None:
        return None
    try:
        return _EPOCH + timedelta(seconds=calendar.timegm(parsed))
    except (ValueError, OverflowError):
        return None


def _distinct(texts: Iterator[str | None]) -> tuple[str, ...]:
    lines = (one_line(text) for text in texts if text)
    return tuple(dict.fromkeys(filter(None, lines)))
