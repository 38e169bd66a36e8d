"""JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1), which feedparser does not read.

Lenient where the specification asks readers to be: a field of the wrong type is as good as missing, and a
number as good as a text, because there are ids that are numbers. Only a document that is no feed fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from .._errors import FeedFailed
from .._records import Category, Enclosure
from .diagnosis import no_feed
from .draft import length_of
from .protocol import FeedDocument
from .raw import RawEntry, RawFeed, RawText

_VERSION: Final = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/")
_START: Final = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\x00]*\{")

Object = Mapping[str, Any]


def looks_like_json(body: bytes) -> bool:
    """Whether a document can't be XML, but may be a JSON object."""
    return _START.match(body[:1000]) is not None


def read_json_feed(document: FeedDocument) -> RawFeed:
    """The feed in a JSON document.

    Raises:
      FeedFailed: ``not-a-feed`` when it does not say that it is a feed; ``malformed`` when it does, but
        is no JSON.
    """
    feed = _object(_decoded(document))
    version = feed.get("version")
    if not isinstance(version, str) or not _VERSION.match(version):
        raise FeedFailed("not-a-feed", "the document is JSON, but no JSON Feed")
    return RawFeed(
        parser="jsonfeed",
        title=_plain(feed, "title"),
        subtitle=_plain(feed, "description"),
        link=_text(feed, "home_page_url"),
        language=_text(feed, "language"),
        self_link=_text(feed, "feed_url"),
        hub=next((hub for hub in map(_url, _objects(feed, "hubs")) if hub), None),
        entries=[_entry(item) for item in _objects(feed, "items")],
    )


def _decoded(document: FeedDocument) -> Any:
    try:
        # Numbers stay texts: an id of a thousand digits would be refused, and 1e999 is no number at all.
        return json.loads(document.body, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise no_feed(document) from error


def _entry(item: Object) -> RawEntry:
    # Both may be there, as alternatives: HTML is preferred to text, as in Atom.
    markup, text = _text(item, "content_html"), _text(item, "content_text")
    content = RawText(markup, "html") if markup and markup.strip() else text and RawText(text)
    return RawEntry(
        id=_text(item, "id"),
        link=_text(item, "url") or _text(item, "external_url"),
        title=_plain(item, "title"),
        summary=_plain(item, "summary"),
        content=content or None,
        authors=[name for author in _authors(item) if (name := _text(author, "name"))],
        published=_date(item, "date_published"),
        updated=_date(item, "date_modified"),
        categories=[Category(tag) for tag in _list(item, "tags") if isinstance(tag, str)],
        enclosures=[
            Enclosure(url, _text(attachment, "mime_type"), length_of(_text(attachment, "size_in_bytes")))
            for attachment in _objects(item, "attachments")
            if (url := _url(attachment))
        ],
        language=_text(item, "language"),
    )


def _authors(item: Object) -> Iterator[Object]:
    """Version 1.1 has a list, and readers should take the one of 1.0 where there is none."""
    yield from _objects(item, "authors") or [_object(item.get("author"))]


def _date(item: Object, name: str) -> datetime | None:
    """RFC 3339; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat((_text(item, name) or "").strip().upper())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None


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
    return value if isinstance(value, list) else []


def _objects(of: Object, name: str) -> list[Object]:
    return [value for value in _list(of, name) if isinstance(value, dict)]


def _object(value: Any) -> Object:
    return value if isinstance(value, dict) else {}
