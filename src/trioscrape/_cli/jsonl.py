"""Stored records as JSON Lines and back: what ``trioscrape export`` prints and ``import`` reads.

Each line is a JSON object, either a feed with all that is remembered of it::

    {"type": "feed", "feed_id": …, "url": …, "title": …, …, "etag": …, …, "moved_days": […]}

(the fields of `FeedState`), or an entry with its feed (the fields of `StoredEntry` and
`Entry`)::

    {"type": "entry", "feed_id": …, "first_seen": …, "last_changed": …, "truncated": …, "feed_url": …,
     "feed_title": …, "key": …, "hash": …, "link": …, "title": …, …, "language": …}

Moments are ISO 8601 in UTC with milliseconds. The same records make the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime
from typing import Any, Final, TypeVar, cast

from .._records import Enclosure, Entry, FeedState, FeedTimers, StoredEntry
from .._urls import problem_with, without_credentials

LONGEST_LINE: Final = 64 * 2**20
"""Bytes. The longest entry that a store holds has 8 MiB, and six bytes for one where all is escaped."""

_FEED_ID: Final = re.compile("[0-9a-f]{32}")
_LONGEST_NAME: Final = 200
_NUMBERS: Final = 2**31

Record = FeedState | StoredEntry
T = TypeVar("T")
Read = Callable[[Any], Any]


class BadLine(Exception):
    """Why a line can't be imported, in a few words; never more of the line than a field's name."""


def line_of(record: Record) -> str:
    """The record as a line, ASCII only."""
    if isinstance(record, FeedState):
        return _encode({"type": "feed", **_values(record)}) + "\n"
    values = {"type": "entry", **_values(record), **_values(record.entry)}
    del values["entry"]
    return _encode(values) + "\n"


def _values(record: Any) -> dict[str, Any]:
    # Not `asdict`, which copies every text: it took more time than all the rest of an export.
    return {name: getattr(record, name) for name in record.__slots__}


def _plain(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else _values(value)


_encode: Final = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


def iso(moment: datetime) -> str:
    """``2026-02-28T12:00:00.000+00:00``."""
    return moment.isoformat(timespec="milliseconds")


def record_of(line: bytes) -> Record:
    """The record in a line. Fields that it lacks have their defaults, others are not looked at.

    Raises:
      BadLine: it is none.
    """
    if len(line) > LONGEST_LINE:
        raise BadLine(f"longer than {LONGEST_LINE // 2**20} MiB")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise BadLine("not JSON") from None
    kind = found.get("type") if isinstance(found, dict) else None
    if kind == "feed":
        return _made(FeedState, _STATE, found)
    if kind == "entry":
        return _stored_entry(found)
    raise BadLine('no object with "type": "feed" or "entry"')


def _stored_entry(found: Mapping[str, Any]) -> StoredEntry:
    stored = _made(StoredEntry, _STORED, {**found, "entry": _made(Entry, _ENTRY, found)})
    if stored.last_changed < stored.first_seen:
        raise BadLine("last_changed is before first_seen")
    return stored


def _made(kind: type[T], readers: Mapping[str, Read], found: Mapping[str, Any]) -> T:
    """A record of `kind` of those values in `found` that it has fields for."""
    values = {}
    for field in fields(cast("Any", kind)):
        if field.name in found:
            try:
                values[field.name] = readers[field.name](found[field.name])
            except (ValueError, TypeError, OverflowError):
                raise BadLine(f"{field.name} is nothing that it can be") from None
        elif field.default is MISSING and field.default_factory is MISSING:
            raise BadLine(f"{field.name} is missing")
    return kind(**values)


def _exactly(*kinds: type) -> Read:
    def read(value: Any) -> Any:
        if type(value) not in kinds:  # True is an int, but no number
            raise TypeError
        return value

    return read


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


def _plain_name(value: Any) -> str | None:
    """What trioscrape makes itself, and stores as it is: it has to be short, and encodable."""
    if value is not None and len(_name(value).encode()) > _LONGEST_NAME:
        raise ValueError
    return cast("str | None", value)


def _feed_id(value: Any) -> str:
    if not _FEED_ID.fullmatch(value):
        raise ValueError
    return cast("str", value)


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _NUMBERS:
        raise ValueError
    return value


def _day(value: Any) -> str:
    return date.fromisoformat(value).isoformat()


def _url(value: Any) -> str | None:
    """No URL that is stored has credentials, wherever the line comes from."""
    if value is None:
        return None
    if problem_with(_name(value)) is not None:
        raise ValueError
    return without_credentials(value)


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _maybe_moment(value: Any) -> datetime | None:
    return None if value is None else _moment(value)


def _several(read: Read) -> Read:
    def several(values: Any) -> tuple[Any, ...]:
        if not isinstance(values, list):
            raise TypeError
        return tuple(read(value) for value in values)

    return several


def _text_type(value: Any) -> str | None:
    if value not in (None, "html", "text"):
        raise ValueError
    return value  # type: ignore[no-any-return]


def _object(kind: type[T], readers: Mapping[str, Read]) -> Callable[[Any], T]:
    def read(value: Any) -> T:
        if not isinstance(value, dict):
            raise TypeError
        return _made(kind, readers, value)

    return read


_text: Final = _exactly(str, type(None))
_enclosure: Final = _object(Enclosure, {"url": _name, "type": _text, "length": _exactly(int, type(None))})
_timers: Final = _object(
    FeedTimers,
    {
        "max_age": _number,
        "every": _number,
        "skip_hours": _several(_number),
        "skip_days": _several(_number),
    },
)

_ENTRY: Final[Mapping[str, Read]] = {
    **dict.fromkeys(("link", "title", "summary", "content", "language"), _text),
    **dict.fromkeys(("summary_type", "content_type"), _text_type),
    **dict.fromkeys(("published", "updated"), _maybe_moment),
    **dict.fromkeys(("authors", "tags"), _several(_exactly(str))),
    **dict.fromkeys(("key", "hash"), _name),
    "enclosures": _several(_enclosure),
}
_STORED: Final[Mapping[str, Read]] = {
    **dict.fromkeys(("first_seen", "last_changed"), _moment),
    **dict.fromkeys(("feed_url", "feed_title"), _text),
    "feed_id": _feed_id,
    "entry": _exactly(Entry),
    "truncated": _exactly(bool),
}
_STATE: Final[Mapping[str, Read]] = {
    **dict.fromkeys(
        ("title", "link", "subtitle", "language", "self_link", "hub", "etag", "last_modified"), _text
    ),
    **dict.fromkeys(("body_hash", "failure"), _plain_name),
    **dict.fromkeys(("validators_url", "moved_to"), _url),
    **dict.fromkeys(("updated", "next_fetch", "next_unconditional", "gone"), _maybe_moment),
    "feed_id": _feed_id,
    "url": lambda value: _url(_name(value)),
    "distrusts_ids": _exactly(bool),
    "timers": _timers,
    "failures": _number,
    "moved_days": _several(_day),
}
