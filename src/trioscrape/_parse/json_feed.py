"""JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1), which feedparser does not read.

Lenient where the specification asks readers to be: a field of the wrong type is as good as missing, and a
number as good as a text, because there are ids that are numbers. A single thing stands for a list of it, and
so does an object whose names are numbers, which is what PHP makes of a list with gaps. Only what is no feed
fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from .._errors import FeedFailed
from .._records import Enclosure
from .charset import in_utf_8
from .dates import parse_date
from .diagnosis import no_feed
from .json_text import json_value
from .protocol import FeedDocument
from .raw import RawEntry, RawFeed, RawText

_VERSION: Final = re.compile(r"\s*(?:https?:)?(?://)?(?:www\.)?jsonfeed\.org/version\b", re.I)
_NUMBER_ALONE: Final = frozenset(("1", "1.0", "1.1"))
"""Versions as publishers write them who have not read that it is a URL."""
_START: Final = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)*[\s\x00]*(?:\{|/\x00*[/*])")
_WHOLE_NUMBER: Final = re.compile(r"\s*(\d{1,19})(?:\.\d*)?\s*", re.ASCII)

Object = Mapping[str, Any]


def looks_like_json(body: bytes) -> bool:
    """Whether a document can't be XML, but may be a JSON object, perhaps after a comment."""
    return _START.match(body[:1000]) is not None


def read_json_feed(document: FeedDocument) -> RawFeed:
    """The feed in a JSON document.

    Raises:
      FeedFailed: ``not-a-feed`` when it does not say that it is a feed; ``malformed`` when it does, but
        is no JSON.
    """
    data, replaced = in_utf_8(document.body, document.content_type)
    try:
        value, mended = json_value(data.decode())
    except ValueError as error:
        raise no_feed(document) from error
    feed = _object(value)
    version = _text(feed, "version") or ""
    if not _VERSION.match(version) and not (version in _NUMBER_ALONE and _objects(feed, "items")):
        raise FeedFailed("not-a-feed", "the document is JSON, but no JSON Feed")
    authors = _authors(feed)
    return RawFeed(
        parser="jsonfeed",
        title=_plain(feed, "title"),
        subtitle=_plain(feed, "description"),
        link=_text(feed, "home_page_url"),
        language=_text(feed, "language"),
        self_link=_text(feed, "feed_url"),
        hub=next((hub for hub in map(_url, _objects(feed, "hubs")) if hub), None),
        next_page=_text(feed, "next_url"),
        entries=[_entry(item, authors) for item in _objects(feed, "items")],
        repaired=replaced or mended,
    )


def _entry(item: Object, feed_authors: list[str]) -> RawEntry:
    # Both may be there, as alternatives: HTML is preferred to text, as in Atom.
    markup, text = _text(item, "content_html"), _text(item, "content_text")
    content = RawText(markup, "html") if markup and markup.strip() else text and RawText(text)
    attachments = [attachment for attachment in _objects(item, "attachments") if _url(attachment)]
    return RawEntry(
        id=_text(item, "id"),
        link=_text(item, "url") or _text(item, "external_url"),
        title=_plain(item, "title"),
        summary=_plain(item, "summary"),
        content=content or None,
        authors=_authors(item) or feed_authors,
        published=_date(item, "date_published"),
        updated=_date(item, "date_modified"),
        categories=[tag for tag in _list(item, "tags") if isinstance(tag, str)],
        enclosures=[_enclosure(attachment) for attachment in attachments],
        language=_text(item, "language"),
        image=_text(item, "image") or _text(item, "banner_image"),
        duration=next(filter(None, (_number(one, "duration_in_seconds") for one in attachments)), None),
    )


def _enclosure(attachment: Object) -> Enclosure:
    length = _number(attachment, "size_in_bytes")
    return Enclosure(_url(attachment) or "", _text(attachment, "mime_type"), length)


def _authors(of: Object) -> list[str]:
    """Names. Version 1.1 has a list, and readers should take the one of 1.0 where there is none.

    The name is empty where an author has something else: then it is not that of the feed.
    """
    authors = _list(of, "authors") or _list(of, "author")
    persons = ({"name": author} if isinstance(author, str) else _object(author) for author in authors)
    return [_text(person, "name") or "" for person in persons if any(person.values())]


def _date(item: Object, name: str) -> datetime | None:
    text = _text(item, name)
    return parse_date(text) if text else None


def _number(of: Object, name: str) -> int | None:
    """A whole number, of bytes or seconds; some publishers have it in quotes, or with a fraction."""
    found = _WHOLE_NUMBER.fullmatch(_text(of, name) or "")
    return int(found[1]) if found else None


def _plain(of: Object, name: str) -> RawText | None:
    text = _text(of, name)
    return None if text is None else RawText(text)


def _url(of: Object) -> str | None:
    return _text(of, "url")


def _text(of: Object, name: str) -> str | None:
    value = of.get(name)
    return value if isinstance(value, str) and value else None


def _list(of: Object, name: str) -> list[Any]:
    value = of.get(name)
    if isinstance(value, dict) and value:
        return list(value.values()) if all(map(str.isdecimal, value)) else [value]
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def _objects(of: Object, name: str) -> list[Object]:
    return [value for value in _list(of, name) if isinstance(value, dict)]


def _object(value: Any) -> Object:
    return value if isinstance(value, dict) else {}
