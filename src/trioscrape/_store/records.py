"""What stores keep: a record for each feed, each entry and each run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from .._records import Entry, FeedState, Report, StoredEntry
from .._records.entries import ENTRY, STORED_ENTRY
from .._records.feed_state import FEED_STATE
from .._records.kinds import COUNT, Form
from .._records.table import Field, InvalidRecord
from .._records.texts import FEED_ID, clean_key

T = TypeVar("T")

SCHEMA_VERSION: Final = 5
"""Of collections and tables alike. Data of an older version is migrated, data of a newer one refused."""

CHUNK: Final = 500
"""Keys or entries a statement. Beyond a few hundred only latency grows, and SQLite may stop at 999."""

ENTRY_FIELDS: Final[Mapping[str, Field]] = {
    "feed": Field(FEED_ID, nullable=False, default=None),
    **ENTRY.fields,
    **{name: STORED_ENTRY.fields[name] for name in ("first_seen", "last_changed")},
    # How many times in a row the entry was written for nothing but its hash, see `plan`.
    "rewrites": Field(COUNT, nullable=False, default=int),
}
"""The fields of the record of an entry."""


IS_FOREIGN: Final = "is a database of another program"
"""The message, after the URL of a store, for one that has something else in it."""


def is_newer(version: int) -> str:
    """The message, after the URL of a store, for a schema version that is too new."""
    return (
        f"has schema version {version}, and this trioscrape knows versions up to {SCHEMA_VERSION};"
        " install a newer trioscrape"
    )


def cannot_be_read(version: int | None) -> str | None:
    """The message, after the URL of a store, for a schema version that can't be read; None if it can."""
    if not version:
        return "is empty: nothing has been stored in it"
    if version > SCHEMA_VERSION:
        return is_newer(version)
    if version < SCHEMA_VERSION:
        return f"has schema version {version}; the next run migrates it to {SCHEMA_VERSION}"
    return None


def clean_state(state: FeedState) -> FeedState:
    """The state as a store can hold it."""
    return FEED_STATE.clean(state)[0]


def entry_record(entry: Entry, form: Form) -> dict[str, Any]:
    """The record of an entry, but for its feed, its rewrites and the moments at which it was stored."""
    record, cut = ENTRY.write_cleaned(entry, form)
    record["truncated"] |= cut
    return record


def restored_record(stored: StoredEntry, form: Form) -> dict[str, Any]:
    """The whole record of an entry that another store had."""
    of_entry = entry_record(stored.entry, form)
    record = STORED_ENTRY.write_cleaned(stored, form)[0] | of_entry
    record |= {"feed": clean_key(stored.feed_id), "rewrites": 0}
    return {name: record[name] for name in ENTRY_FIELDS}


def stored_entry(record: Mapping[str, Any], form: Form) -> StoredEntry:
    """The entry in a record, which has ``feed_url`` and ``feed_title`` too where they are known.

    Raises:
      InvalidRecord: it holds none; the text names the entry.
    """
    of_feed = {name: text_or_none(record.get(name)) for name in ("feed_url", "feed_title")}
    try:
        entry = ENTRY.read(record, form)
        return STORED_ENTRY.read({**record, **of_feed, "feed_id": record.get("feed")}, form, entry=entry)
    except InvalidRecord as error:
        key = str(record.get("key"))[:200]
        raise InvalidRecord(f"entry {key!r} of feed {record.get('feed')}: {error}") from error


def text_or_none(value: object) -> str | None:
    """The value, if it is text."""
    return value if isinstance(value, str) else None


def valid_states(records: Iterable[T], read: Callable[[T], FeedState]) -> dict[str, FeedState]:
    """By feed id, what `read` makes of `records`, without those that are invalid."""
    states: dict[str, FeedState] = {}
    for record in records:
        with suppress(InvalidRecord):
            state = read(record)
            states[state.feed_id] = state
    return states


def run_record(report: Report) -> dict[str, Any]:
    """A run's totals: when it ended, in how many seconds, what became of its feeds, how its lanes did.

    That of a run on a Dask cluster has ``cluster`` too.
    """
    cluster = {} if report.cluster is None else {"cluster": asdict(report.cluster)}
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
        "shard": report.shard,
        **cluster,
    }


def now() -> datetime:
    """The moment of the call, in UTC and whole milliseconds."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """`items` in order, at most `size` at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))
