"""Measurements of a scrape and its lanes. All durations are seconds as floats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from .entries import EntryCounts

LANES: Final = ("dns", "http", "parse", "store")


@dataclass(frozen=True, slots=True)
class LaneTimes:
    """The seconds that one feed has spent in one lane, over all its turns there."""

    waited: float = 0.0
    worked: float = 0.0


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of durations in seconds. p50 and p99 are accurate to 5 %."""

    p50: float = 0.0
    p99: float = 0.0
    max: float = 0.0


@dataclass(frozen=True, slots=True)
class Delay(Quantiles):
    """From the publication of entries, by their own dates, to the fetch that found them."""

    entries: int = 0
    """How many were published since their feed had been fetched before; others say nothing about delays."""


@dataclass(frozen=True, slots=True)
class LaneStatistics:
    """A lane at one moment.

    The store lane counts writes where the store merges the saves of several feeds into one: ``width`` is how
    many writes it makes at once, and a feed is ``waiting`` until a write that has it begins.
    """

    name: str
    width: int
    """Feeds that it serves at once."""
    busy: int
    """Feeds that have a slot now; more than ``width`` if some are overdue."""
    waiting: int
    """Feeds that are waiting for a slot now."""
    peak_waiting: int
    done: int
    """Turns that have ended. A feed that is redirected takes several."""
    waited: Quantiles
    """Time spent waiting for a slot."""
    worked: Quantiles
    """Time from acquiring a slot to releasing it."""
    overdue: int = 0
    """Turns that took so long that their slots were given to other feeds; mostly lookups of dead names."""


@dataclass(frozen=True, slots=True)
class ClusterTotals:
    """What a Dask cluster has done for a scrape."""

    workers: int
    """The most that it had at once."""
    shards: int
    """Parts of the list that have ended."""
    repeated_shards: int
    """How many times one of them had to begin again, because its worker had died."""


@dataclass(frozen=True, slots=True)
class Writers:
    """A store that merges saves into writes, at one moment."""

    width: int
    """Writes that it makes at once."""
    busy: int
    """Writes that it makes now, and reads, which take turns with them."""
    waiting: int
    """Saves that are not in a write yet."""
    peak_waiting: int


@dataclass(frozen=True, slots=True)
class InFlight:
    """A feed in flight, at one moment."""

    url: str
    """Without credentials."""
    seconds: float
    """Since it was admitted."""
    lane: str | None
    """Where it is, or what it waits for; None: between two lanes, or waiting for another host."""
    queued: bool
    """Whether it waits for that lane."""


@dataclass(frozen=True, slots=True)
class Outage:
    """The store is unavailable at the moment, and the scrape waits for it."""

    seconds: float
    """Since its first failure."""
    detail: str
    """The message of its last failure, without credentials."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """A scrape at one moment."""

    accepted: int
    """Feeds that have been started; each has or will have exactly one result."""
    in_flight: int
    finished: int
    seconds: float
    """Since the scrape began."""
    lanes: Mapping[str, LaneStatistics]
    loop_lag: Quantiles
    """By how much timers of the event loop were late."""
    outage: Outage | None = None
    """None: the store is available."""
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """Fetches by their `Outcome`."""
    errors: Mapping[str, int] = field(default_factory=dict)
    """Fetches by reason, one of `REASONS`, most frequent first."""
    entries: EntryCounts = EntryCounts()  # noqa: RUF009 - it is frozen
    gaps: int = 0
    """Fetches of which `Result.gap` is true."""
    duplicates: int = 0
    """Lines with a feed that is in an earlier line, as far as the list has been read."""
    slowest: tuple[InFlight, ...] = ()
    """The feeds that have been in flight for longest, ten at most, the longest first."""
    delay: Delay = Delay()
    remarks: tuple[str, ...] = ()
    """What people should know about hosts, a line each; see `Report.remarks`."""
    workers: LaneStatistics | None = None
    """The threads of a Dask cluster, as a lane: there are ``width`` of them, and what is busy, waiting or
    done are shards (see `trioscrape.distributed`). None: the scrape is one process."""


@dataclass(frozen=True, slots=True)
class WatchStatistics:
    """A watch at one moment. All durations are seconds."""

    scrape: Statistics
    """What it has done so far, and its lanes."""
    feeds: int
    """Of the list, without duplicates, as far as it has been read."""
    late: int
    """Feeds that are due, and wait for the budget or for room in the lanes."""
    lateness: Quantiles
    """How much later than planned polls began; what their hosts made them wait does not count."""
    next_hour: int
    """Polls that are planned for the next 60 minutes."""
    price: float
    """How long the entries that are expected of a feed wait in all until it is polled."""
    expected_delay: float | None
    """From the publication of an entry to its poll, on average, as planned; None: not known yet."""
    measured_delay: Quantiles
    """The same as it was measured, of entries with a date."""
