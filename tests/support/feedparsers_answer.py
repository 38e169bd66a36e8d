"""What feedparser says of a document, in fields that can be compared with ours."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, Final

import feedparser

from trioscrape._parse import FeedDocument
from trioscrape._parse.html import absolute, one_line, plain, sanitised

HTML: Final = ("text/html", "application/xhtml+xml")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# FeedParserDict answers some keys with others' values; `dict.get` asks for the value itself.
_get = dict.get

Fields = dict[str, Any]


@dataclass
class Answer:
    """One document."""

    version: str
    """``rss20``, ``atom10`` … as feedparser has recognised it."""
    feed: Fields = field(default_factory=dict)
    entries: list[Fields] = field(default_factory=list)


def answer(document: FeedDocument) -> Answer:
    """feedparser's answer, without its own passes over HTML: texts are sanitised as ours are.

    Raises:
      TypeError: feedparser ends with an exception, as for control characters among the numbers of GML.
    """
    headers = {"content-location": document.url}
    if document.content_type is not None:
        headers["content-type"] = document.content_type
    try:
        parsed = feedparser.parse(
            BytesIO(document.body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except (LookupError, ValueError) as error:
        raise TypeError(str(error)) from error
    feed, url = parsed["feed"], document.url
    language = _language(_get(feed, "language"))
    return Answer(
        parsed.get("version") or "",
        {
            "feed title": _line(feed, "title"),
            "feed subtitle": _line(feed, "subtitle"),
            "feed link": _link(_get(feed, "link"), url),
            "feed language": language,
            "feed updated": _moment(feed, "updated") or _moment(feed, "published"),
            "feed self_link": _link(_href(feed, "self"), url),
            "feed hub": _link(_href(feed, "hub"), url),
        },
        [_entry(entry, url, language) for entry in parsed["entries"]],
    )


def _entry(entry: Any, url: str, language: str | None) -> Fields:
    contents = _dicts(entry, "content")
    contents.sort(key=lambda content: _get(content, "type") not in HTML)
    content = next(filter(None, (_text(each, url) for each in contents)), None)
    detail, summary = _get(entry, "summary_detail"), _get(entry, "summary")
    if isinstance(detail, dict):
        summary = _text(detail, url)
    elif not isinstance(summary, str) or any(_get(each, "value") == summary for each in contents):
        summary = None
    else:
        summary = sanitised(summary, url) or None
    texts = (*_dicts(entry, "content"), detail, _get(entry, "title_detail"))
    own = _language(_get(entry, "language")) or next(filter(None, map(_language_of, texts)), None)
    return {
        "id": _get(entry, "id"),
        "link": _link(_get(entry, "link"), url),
        "title": _line(entry, "title"),
        "summary": summary,
        "content": content,
        "authors": _lines(_authors(entry)),
        "published": _moment(entry, "published"),
        "updated": _moment(entry, "updated"),
        "tags": _lines(_get(tag, "term") or _get(tag, "label") for tag in _dicts(entry, "tags")),
        "enclosures": tuple(dict.fromkeys(_enclosures(entry, url))),
        "language": None if own == language else own,
    }


def _text(detail: Any, url: str) -> str | None:
    value, kind = _get(detail, "value") or "", _get(detail, "type") or "text/html"
    if kind in HTML:
        return sanitised(value, _get(detail, "base") or url) or None
    return value.strip() or None if kind.startswith("text") else None


def _line(of: Any, name: str) -> str | None:
    value, detail = _get(of, name), _get(of, f"{name}_detail")
    if not isinstance(value, str):
        return None
    kind = _get(detail, "type") if isinstance(detail, dict) else None
    return (plain(value) if kind in HTML else one_line(value)) or None


def _lines(texts: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (one_line(text) for text in texts if isinstance(text, str)))))


def _link(link: Any, url: str) -> str | None:
    return absolute(link, url) if isinstance(link, str) and link.strip() else None


def _href(feed: Any, relation: str) -> Any:
    links = _dicts(feed, "links")
    return next((_get(link, "href") for link in links if _get(link, "rel") == relation), None)


def _authors(entry: Any) -> Iterator[Any]:
    people = _dicts(entry, "authors")
    yield from (_get(person, "name") or _get(person, "email") for person in people)
    if not any(people):
        yield _get(entry, "author")


def _enclosures(entry: Any, url: str) -> Iterator[str]:
    for link in _dicts(entry, "links"):
        if _get(link, "rel") == "enclosure" and (found := _link(_get(link, "href"), url)):
            yield found


def _moment(of: Any, name: str) -> datetime | None:
    parsed = _get(of, f"{name}_parsed")
    try:
        return _EPOCH + timedelta(seconds=calendar.timegm(parsed)) if parsed else None
    except (LookupError, TypeError, ValueError, OverflowError):
        return None


def _language(tag: Any) -> str | None:
    tag = tag.strip().replace("_", "-") if isinstance(tag, str) else ""
    return tag if tag and len(tag) <= 35 and tag.replace("-", "").isalnum() and tag.isascii() else None


def _language_of(detail: Any) -> str | None:
    return _language(_get(detail, "language")) if isinstance(detail, dict) and _get(detail, "value") else None


def _dicts(of: Any, name: str) -> list[Any]:
    """The list that feedparser has by that name. An unknown element that is called so takes its place."""
    found = _get(of, name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
