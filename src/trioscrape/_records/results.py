"""Feeds of a list, their results, and the totals of a scrape.

All durations are seconds as floats; all datetimes are aware and in UTC; all counts are feeds or entries.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .._urls import with_scheme, without_credentials
from .entries import EntryCounts
from .feed_state import FeedState
from .statistics import ClusterTotals, Delay, LaneStatistics, LaneTimes, Outage, Quantiles


class Outcome(StrEnum):
    """How the fetch of a feed has ended. Each feed of a list has exactly one outcome."""

    NEW = "new"
    """Stored for the first time."""
    UPDATED = "updated"
    """Stored before, and at least one entry is new or has changed."""
    NOT_MODIFIED = "not_modified"
    """Stored before, and no entry is new or has changed."""
    NOT_DUE = "not_due"
    """Not fetched, because its time has not come: it is fresh, backing off after a failure, or gone."""
    GONE = "gone"
    """The server answered 410 (RFC 9110 §15.5.11)."""
    REFUSED = "refused"
    """Not fetched: it is no http(s) URL, or the address policy does not allow its address."""
    FAILED = "failed"
    """Anything else, see the reason."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed of a feed list. Its repr leaves out the credentials of the URL."""

    url: str = field(repr=False)
    """As it is in the list, including credentials. A URL without scheme (``example.org/feed``) is completed
    to one with https."""
    title: str | None = None
    """Its title in the list."""
    line: int | None = None
    """Its line in the list, from 1; None if there are no lines."""
    tags: tuple[str, ...] = ()
    """The folders of the list that it is in, outermost first."""
    without_scheme: bool = False
    """Whether the list has the URL without scheme: it is fetched over http where there is no https. True
    as well if `url` is given without scheme."""
    redacted_url: str = field(init=False, compare=False)
    """The URL without credentials: the only form that is printed or stored."""

    def __post_init__(self) -> None:
        if (completed := with_scheme(self.url)) is not None:
            object.__setattr__(self, "url", completed)
            object.__setattr__(self, "without_scheme", True)
        object.__setattr__(self, "redacted_url", without_credentials(self.url))


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one feed."""

    feed: Feed
    outcome: Outcome
    reason: str | None = None
    """One of `REASONS`: why it is gone, refused or failed, or that it had more entries than the limit
    (``too-many-entries``, with any outcome); of a feed that was not due, why it failed last; else None."""
    detail: str | None = None
    """Details of the reason, or a remark on a feed without one, for people to read; without credentials."""
    entries: EntryCounts = EntryCounts()  # noqa: RUF009 - it is frozen
    stored: bool = False
    """Whether something was written for the feed, and acknowledged by the store. That the feed was polled, or
    its document rejected by the store, is written too, and does not count."""
    same_as: str | None = None
    """URL of another line of the list that was shown to be the same feed, and was fetched first: redirects
    lead both to the same URL; or both have the same document, and either their URLs differ in nothing but
    http or https, ``www.`` and a slash at the end, or they name the same URL as their own (``rel=self``)."""
    page_feeds: tuple[str, ...] | None = None
    """Of an HTML page (``not-a-feed``), the URLs of the feeds that it names, without credentials; None: it is
    no page."""
    status: int | None = None
    """HTTP status of an answer that was accepted; that of another one is in the reason. None: no answer."""
    size: int | None = None
    """Bytes of the document after decoding; None: there is none, or it has not been modified (304)."""
    final_url: str | None = None
    """Where the document came from, after all redirects, without credentials; None if it has failed."""
    next_fetch: datetime | None = None
    """When it is due again; None: at any time, or not known."""
    gap: bool = False
    """Whether the feed had entries before, and none was known of those in its document and in the older pages
    that were fetched because of that: some may have been published and left the document between two fetches,
    and were missed."""
    pages: int = 0
    """How many older pages were fetched because of a gap; their entries are among `entries`."""
    lanes: Mapping[str, LaneTimes] = field(default_factory=dict)
    """By lane name, without the lanes that the feed did not reach."""
    before: FeedState | None = field(default=None, compare=False, repr=False)
    """What the store had of the feed before this fetch; None: nothing, or the scrape did not get so far."""


@dataclass(frozen=True, slots=True)
class FailureExample:
    """One of the feeds that failed for a reason, as an example in a report."""

    url: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class DuplicateFeed:
    """A line of the list with a feed that is in an earlier line."""

    feed: Feed
    first_line: int | None
    """The earlier line; None if there are no lines."""


def new_run_id() -> str:
    """A new id for a run: 24 hexadecimal digits that begin with the time, so that ids sort by it."""
    return f"{int(time.time()) & 0xFFFFFFFF:08x}{secrets.token_hex(8)}"


@dataclass(frozen=True, slots=True)
class Report:
    """The totals of a scrape. ``outcomes`` and ``not_started`` add up to ``feeds``."""

    feeds: int
    """Feeds in the list, without duplicates; if it is not `counted`, in what has been read of it."""
    not_started: int
    """Feeds that had not been started when the scrape was drained or cancelled."""
    duplicates: int
    """Lines with a feed that is in an earlier line."""
    duplicate_examples: tuple[DuplicateFeed, ...]
    """The first ten of them."""
    outcomes: Mapping[Outcome, int]
    entries: EntryCounts
    errors: Mapping[str, int]
    """Feeds by reason, most frequent first, then by name; without feeds that were not due in this run."""
    examples: Mapping[str, FailureExample]
    """A feed for each reason: the first in alphabetical order, so that it is the same in each run."""
    seconds: float
    lanes: Mapping[str, LaneStatistics]
    loop_lag: Quantiles
    delay: Delay = Delay()  # noqa: RUF009 - it is frozen
    same_feeds: int = 0
    """Feeds that were shown to be the same as another one of the list: see `Result.same_as`."""
    same_feed_examples: tuple[Result, ...] = ()
    """The results of ten of them, the first in alphabetical order; ``same_as`` is the other feed."""
    stored: int = 0
    """Feeds for which something was written, and acknowledged by the store."""
    not_stored_examples: tuple[Result, ...] = ()
    """Ten feeds that could not be stored, the first in alphabetical order."""
    outage: Outage | None = None
    """None: the store is available."""
    counted: bool = True
    """Whether the whole list is counted. False: the scrape goes on or has ended early, and the list may
    have more feeds; see `Scrape.count_not_started`."""
    run_id: str = field(default_factory=new_run_id)
    """Identifies the run: it is the same in all reports of a scrape; see `Store.record_run`."""

    remarks: tuple[str, ...] = ()
    """What people should know about hosts and the network, a line each: a host that allows few requests or
    does not answer, no network at all."""
    offline: bool = False
    """Whether there seems to be no network: more than a few hosts were tried, and none of their lookups and
    connections has succeeded. The state of their feeds is as it was before."""
    cluster: ClusterTotals | None = None
    """None: the scrape was one process."""

    shard: str | None = None
    """Which share of the list the feeds are, such as ``3/16``; None: all of it."""

    @property
    def complete(self) -> bool:
        """Whether every feed of the list was started."""
        return self.counted and self.not_started == 0
