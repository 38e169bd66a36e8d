"""Feeds of a list, what became of each, and the totals.

All durations are seconds as floats; all datetimes are aware and in UTC; all counts are feeds or entries.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .._urls import without_credentials
from .entries import EntryCounts
from .statistics import LaneStatistics, LaneTimes, Outage, Quantiles


class Outcome(StrEnum):
    """What became of a feed. Each feed of a list ends in exactly one."""

    NEW = "new"
    """Stored for the first time."""
    UPDATED = "updated"
    """Known, and at least one entry was new or had changed."""
    NOT_MODIFIED = "not_modified"
    """Known, and nothing in it had changed; nothing was written."""
    NOT_DUE = "not_due"
    """Not fetched, because its time has not come: it is fresh, backing off after a failure, or gone."""
    GONE = "gone"
    """The server answered 410 (RFC 9110 §15.5.11)."""
    REFUSED = "refused"
    """trioscrape would not fetch it: no http(s) URL, or an address the policy blocks."""
    FAILED = "failed"
    """Anything else; the reason says what."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One line of a feed list. Its repr leaves out the credentials of the URL."""

    url: str = field(repr=False)
    """As the list has it, credentials included."""
    title: str | None = None
    """What the list calls it."""
    line: int | None = None
    """Where in the list it stands, from 1; None when it came from elsewhere."""
    redacted_url: str = field(init=False, compare=False)
    """The URL without credentials: the only form that is printed or stored."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "redacted_url", without_credentials(self.url))


@dataclass(frozen=True, slots=True)
class Result:
    """The one outcome of one feed."""

    feed: Feed
    outcome: Outcome
    reason: str | None = None
    """One of `REASONS`: why it is gone, refused or failed, or that not all of it was taken
    (``too-many-entries``, with any outcome). Of a feed that was not due, why it failed last. Else None."""
    detail: str | None = None
    """The reason in more words, or a remark on a feed that has none, for people; never holds credentials."""
    entries: EntryCounts = EntryCounts()  # noqa: RUF009 - it is frozen
    stored: bool = False
    """Whether this run wrote something for the feed and the store acknowledged it."""
    same_as: str | None = None
    """Another feed of the list whose document was found at the same URL, after all redirects."""
    lanes: Mapping[str, LaneTimes] = field(default_factory=dict)
    """By lane name; a lane that the feed did not reach is missing."""


@dataclass(frozen=True, slots=True)
class FailureExample:
    """A feed that failed for some reason, to show beside the number of all that did."""

    url: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class DuplicateFeed:
    """A line of the list that names a feed which an earlier line has named."""

    feed: Feed
    first_line: int | None
    """Of the line that counts; None when the list has no lines."""


def new_run_id() -> str:
    """An identity for a run: 24 hex digits that begin with the time, so that they sort by it."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


@dataclass(frozen=True, slots=True)
class Report:
    """The totals of a scrape. The outcomes and ``not_started`` add up to ``feeds``."""

    feeds: int
    """In the list, duplicates counted once; if it is not `counted`, in what has been read of it."""
    not_started: int
    """Feeds that had not been started when the scrape was drained or cancelled."""
    duplicates: int
    """Lines that named a feed which the list had already named."""
    duplicate_examples: tuple[DuplicateFeed, ...]
    """The first ten of them."""
    outcomes: Mapping[Outcome, int]
    entries: EntryCounts
    errors: Mapping[str, int]
    """Feeds by reason, most frequent first; what went wrong before this run is not in it."""
    examples: Mapping[str, FailureExample]
    """The first feed of each reason."""
    seconds: float
    lanes: Mapping[str, LaneStatistics]
    loop_lag: Quantiles
    twins: int = 0
    """Feeds that arrived, after all redirects, where another one of the list had arrived."""
    twin_examples: tuple[Result, ...] = ()
    """The first ten of them; ``same_as`` has the other one."""
    stored: int = 0
    """Feeds for which something was written and acknowledged."""
    not_stored_examples: tuple[Result, ...] = ()
    """The first ten feeds that the store failed."""
    outage: Outage | None = None
    """None: the store takes what it is given."""
    counted: bool = True
    """Whether the whole list is counted. False: the scrape goes on or has ended early, and the list may
    have more feeds; see `Scrape.count_not_started`."""
    run_id: str = field(default_factory=new_run_id)
    """All reports of a scrape have the same: a store has one record of them, see `Store.record_run`."""

    @property
    def complete(self) -> bool:
        """Whether every feed of the list was started."""
        return self.counted and self.not_started == 0
