"""feedparser's answer to a document: the reference for what a feed means. Pure and synchronous.

feedparser decides: the charset, the elements, the dates. Its two passes over the HTML inside are
switched off, because they are pure Python and 70 % of its time; `_html` does their work. Nothing here
reads a file or the network, whatever the document says.
"""

from __future__ import annotations

import calendar
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from time import struct_time
from typing import Any, Final
from xml.parsers import expat

import feedparser

from .diagnosis import is_page, no_feed
from .draft import DraftEnclosure, DraftEntry, DraftFeed, DraftText
from .feedparser_private import DECLARED_ENCODING, convert_to_utf8, replace_doctype
from .protocol import FeedDocument
from .timers import timers

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# What feedparser raises where a document surprises it: the end of a category outside of its item, for one.
_SURPRISED: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_UTF8: Final = "application/xml; charset=utf-8"
_NO_NAME: Final = re.compile(rb"[^!-~]")
_REFERENCE: Final = re.compile(rb"&#(x[0-9a-f]{1,4000}|[0-9]{1,4000});?", re.I)
# feedparser calls a document broken ("bozo") for these as well, though nothing of it was repaired.
_ONLY_LABELS: Final = (feedparser.NonXMLContentType, feedparser.CharacterEncodingOverride)

# FeedParserDict answers some keys with others' values and warns about it: `dict.get` asks for the
# value itself.
_get = dict.get


def read_anything(document: FeedDocument) -> DraftFeed:
    """The document as feedparser reads it, broken ones too.

    Raises:
      FeedFailed: ``not-a-feed`` or ``malformed``, see `no_feed`.
    """
    try:
        parsed = _feedparser(document)
    except _SURPRISED as error:
        raise no_feed(document) from error
    _require_feed(parsed, document)
    return draft_of(parsed, document.body)


def draft_of(parsed: Any, body: bytes) -> DraftFeed:
    """What feedparser says, in our words."""
    feed = parsed["feed"]
    return DraftFeed(
        parser="feedparser",
        repaired=_repaired(parsed),
        title=_detailed(feed, "title"),
        subtitle=_detailed(feed, "subtitle"),
        link=_get(feed, "link"),
        language=_get(feed, "language"),
        updated=moment(_get(feed, "updated_parsed")) or moment(_get(feed, "published_parsed")),
        self_link=_href(feed, "self"),
        hub=_href(feed, "hub"),
        timers=timers(dict(feed.items()), body),
        entries=[_entry(entry) for entry in parsed["entries"]],
    )


def _feedparser(document: FeedDocument) -> Any:
    try:
        broken = _not_wellformed(document)
        return _read(document.body, _headers(document)) if broken is None else _loosely(broken, document)
    except _SURPRISED:
        body = _mended(document)
    try:
        return _read(body, _headers(document, _UTF8))
    except _SURPRISED:
        # Its strict parser breaks on no-break spaces in a namespace.
        return _loosely(body, document)


def _not_wellformed(document: FeedDocument) -> bytes | None:
    """The document in UTF-8 if feedparser's strict parser would find out that it is broken, else None.

    It finds out where expat stops, which may be at the end: a quarter of the time for the whole document.
    Expat by itself takes a hundredth.
    """
    result: dict[str, str] = {}
    converted = convert_to_utf8(_headers(document), document.body, result)
    _, data, _ = replace_doctype(converted)
    if not result["encoding"] or b"<!DOCTYPE" in data:
        return None
    try:
        expat.ParserCreate(namespace_separator=" ").Parse(data, True)  # noqa: FBT003
    except expat.ExpatError:
        return converted
    return None


def _loosely(body: bytes, document: FeedDocument) -> Any:
    """What feedparser's other parser makes of `body` in UTF-8.

    It is for what is not well-formed: so from the first byte on, and the strict one need not begin.
    """
    return _read(b"&" + body, _headers(document, _UTF8))


def _headers(document: FeedDocument, content_type: str | None = None) -> dict[str, str]:
    """Of its response, or with another content type."""
    headers = {"content-location": document.url}
    content_type = content_type or document.content_type
    if content_type is not None:
        headers["content-type"] = content_type
    return headers


def _read(body: bytes, headers: dict[str, str]) -> Any:
    # Given bytes, feedparser takes them for a file name first; a stream it only reads.
    return feedparser.parse(
        BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )


def _mended(document: FeedDocument) -> bytes:
    """The document in UTF-8, without what feedparser raises an exception over and loses the whole feed.

    That is one "&#xD83D;", half of an emoji, and the name of a charset that is not even ASCII.
    """
    document = in_utf_8(document) or document
    body = document.body
    if charset := DECLARED_ENCODING.match(body):
        body = body[: charset.start(1)] + _NO_NAME.sub(b"", charset[1]) + body[charset.end(1) :]
    return _REFERENCE.sub(_possible, convert_to_utf8(_headers(document), body, {}))


def _possible(reference: re.Match[bytes]) -> bytes:
    """The reference if it is to a character that exists; else one to U+FFFD."""
    digits = reference[1].lower()
    code = int(digits[1:], 16) if digits.startswith(b"x") else int(digits)
    exists = code <= sys.maxunicode and not 0xD800 <= code < 0xE000
    return reference[0] if exists else b"&#xFFFD;"


def _require_feed(parsed: Any, document: FeedDocument) -> None:
    entries, version = parsed["entries"], parsed.get("version")
    # An empty feed is a feed. Broken text that has "<rss>" somewhere in it is none.
    saved = entries or not _repaired(parsed) or _get(parsed["feed"], "title")
    if (not version and (not entries or is_page(document.body))) or not saved:
        raise no_feed(document)


def _repaired(parsed: Any) -> bool:
    return bool(parsed["bozo"]) and not isinstance(parsed.get("bozo_exception"), _ONLY_LABELS)


def _entry(entry: Any) -> DraftEntry:
    contents = [_raw_text(content) for content in _dicts(entry, "content")]
    summary = _summary(entry)
    title = _detailed(entry, "title")
    return DraftEntry(
        id=_get(entry, "id"),
        link=_get(entry, "link"),
        title=title,
        summary=summary,
        contents=contents,
        authors=list(_authors(entry)),
        published=moment(_get(entry, "published_parsed")),
        updated=moment(_get(entry, "updated_parsed")),
        tags=[_get(tag, "term") or _get(tag, "label") or "" for tag in _dicts(entry, "tags")],
        enclosures=[
            DraftEnclosure(_get(link, "href") or "", _get(link, "type"), _get(link, "length"))
            for link in _dicts(entry, "links")
            if _get(link, "rel") == "enclosure"
        ],
        language=_get(entry, "language"),
    )


def _detailed(of: Any, name: str) -> DraftText | None:
    """A text with its type, where feedparser knows it."""
    value, detail = _get(of, name), _get(of, f"{name}_detail")
    detail = detail if isinstance(detail, dict) else {}
    return (
        DraftText(value, _get(detail, "type") or "text/plain", None, _get(detail, "language"))
        if value
        else None
    )


def _raw_text(detail: Any) -> DraftText:
    return DraftText(
        _get(detail, "value") or "",
        _get(detail, "type") or "text/html",
        _get(detail, "base"),
        _get(detail, "language"),
    )


def _summary(entry: Any) -> DraftText | None:
    """The summary if the document has one; feedparser repeats the content where it has none."""
    detail = _get(entry, "summary_detail")
    if isinstance(detail, dict):
        return _raw_text(detail)
    summary = _get(entry, "summary")
    if not summary or any(_get(content, "value") == summary for content in _dicts(entry, "content")):
        return None
    return DraftText(summary, "text/html")


def _href(feed: Any, rel: str) -> str | None:
    links = _dicts(feed, "links")
    return next((_get(link, "href") for link in links if _get(link, "rel") == rel), None)


def _authors(entry: Any) -> Iterator[str]:
    people = _dicts(entry, "authors")
    for person in people:
        yield _get(person, "name") or _get(person, "email") or ""
    if not any(people):
        yield _get(entry, "author") or ""


def _dicts(of: Any, name: str) -> list[Any]:
    """The list that feedparser has by that name. An unknown element that is called so takes its place."""
    found = _get(of, name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def moment(parsed: object) -> datetime | None:
    """An aware datetime of feedparser's UTC tuple; None when datetime can't hold it.

    An unknown element called ``published_parsed`` that has attributes takes the place of the tuple, as a
    dictionary. `calendar.timegm` takes a slice of what it is given; since Python 3.12, in which slices can be
    keys, that is a `KeyError` and no longer a `TypeError`.
    """
    if not isinstance(parsed, struct_time):
        return None
    try:
        return _EPOCH + timedelta(seconds=calendar.timegm(parsed))
    except (ValueError, OverflowError):
        return None


# XML 1.0 appendix F.1: byte order marks, or else how "<" looks. UTF-32 first: FF FE begins both.
_BEGINNINGS: Final = (
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00<\x00", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
)
# What says so in ASCII is neither.
_WRONGLY_DECLARED: Final = re.compile(
    rb"\s*<\?xml[^>]{0,99}encoding\s*=\s*['\"](?:utf|ucs|iso-10646-ucs)[-_]?(?:16|32|2|4)\b", re.I
)


def in_utf_8(document: FeedDocument) -> FeedDocument | None:
    """The document in UTF-8 if its first bytes speak of UTF-16 or UTF-32, or its declaration alone does.

    feedparser asks the Content-Type first and takes ISO 8859-1 without one, in which any bytes at all are
    text: a feed in UTF-16 that does not declare it, which it need not (XML 1.0 §4.3.3), is full of NULs then
    and lost.
    """
    body = document.body
    charset = next((charset for beginning, charset in _BEGINNINGS if body.startswith(beginning)), None)
    if charset is None and _WRONGLY_DECLARED.match(body):
        charset = "utf-8"
    if charset is None:
        return None
    text = body.decode(charset, "replace").removeprefix("\ufeff")
    return replace(document, body=text.encode(), content_type="application/xml; charset=utf-8")
