"""What the stores have in common: what their records hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from .._records import Enclosure, Entry, FeedState, FeedTimers, Report, StoredEntry
from .._records.kinds import clean_entry, clean_key
from .validation import check

T = TypeVar("T")

SCHEMA_VERSION: Final = 2
"""Of collections and tables alike. A store of a newer one is refused, never guessed at."""

CHUNK: Final = 500
"""Keys or entries a statement. Beyond a few hundred only latency grows, and SQLite may stop at 999."""


def entry_record(entry: Entry) -> dict[str, Any]:
    """The fields of a stored entry but for its feed and the times at which it was stored."""
    kept, truncated = clean_entry(entry)
    return {
        "key": kept.key,
        "hash": kept.hash,
        "link": kept.link,
        "title": kept.title,
        "summary": kept.summary,
        "summary_type": kept.summary_type,
        "content": kept.content,
        "content_type": kept.content_type,
        "authors": list(kept.authors),
        "published": kept.published,
        "updated": kept.updated,
        "tags": list(kept.tags),
        "enclosures": [{"url": e.url, "type": e.type, "length": e.length} for e in kept.enclosures],
        "language": kept.language,
        "truncated": truncated,
    }


ENTRY_FIELDS: Final = tuple(field.name for field in fields(Entry))


def entry_of_record(record: Mapping[str, Any]) -> Entry:
    """The entry that `entry_record` made `record` of. What an older version did not store is not known."""
    values = {name: record[name] for name in ENTRY_FIELDS if name in record}
    for name in ("authors", "tags"):
        values[name] = tuple(values[name])
    values["enclosures"] = tuple(Enclosure(**enclosure) for enclosure in values["enclosures"])
    return Entry(**values)


def restored_record(stored: StoredEntry) -> dict[str, Any]:
    """All fields of an entry that another store had."""
    record = entry_record(stored.entry)
    return {
        **record,
        "feed": clean_key(stored.feed_id),
        "truncated": record["truncated"] or stored.truncated,
        "rewrites": 0,
        "first_seen": stored.first_seen,
        "last_changed": stored.last_changed,
    }


STATE_FIELDS: Final = tuple(field.name for field in fields(FeedState))


def state_record(state: FeedState) -> dict[str, Any]:
    """The fields of a state, with lists for tuples and a mapping for its timers."""
    return {name: _plain(getattr(state, name)) for name in STATE_FIELDS}


def _plain(value: Any) -> Any:
    if isinstance(value, FeedTimers):
        return {name: _plain(getattr(value, name)) for name in FeedTimers.__slots__}
    return list(value) if isinstance(value, tuple) else value


def state_of_record(record: Mapping[str, Any]) -> FeedState:
    """The state that `state_record` made `record` of. What an older version did not store is not known.

    Raises:
      UNREADABLE: it has made no such record.
    """
    timers = FeedTimers(**{name: _frozen(value) for name, value in record["timers"].items()})
    known = {name: _frozen(record[name]) for name in STATE_FIELDS if name in record}
    state = FeedState(**{**known, "timers": timers})
    check(state)
    return state


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def run_record(report: Report) -> dict[str, Any]:
    """A run's totals: when it ended, in how many seconds, what became of its feeds, how its lanes did."""
    return {
        "ended": now(),
        "seconds": report.seconds,
        "feeds": report.feeds,
        "not_started": report.not_started,
        "duplicates": report.duplicates,
        "outcomes": {str(outcome): feeds for outcome, feeds in report.outcomes.items()},
        "entries": asdict(report.entries),
        "errors": dict(report.errors),
        "lanes": {name: asdict(lane) for name, lane in report.lanes.items()},
        "loop_lag": asdict(report.loop_lag),
    }


def now() -> datetime:
    """The moment of the call, in UTC and whole milliseconds."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """`items` in order, at most `size` at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))
