"""What is measured of a scrape and of its lanes. All durations are seconds as floats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LANES: Final = ("dns", "http", "parse", "store")


@dataclass(frozen=True, slots=True)
class LaneTimes:
    """What one feed spent in one lane, over all its turns there."""

    waited: float = 0.0
    worked: float = 0.0


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of durations in seconds; p50 and p99 are exact to 5 %."""

    p50: float = 0.0
    p99: float = 0.0
    max: float = 0.0


@dataclass(frozen=True, slots=True)
class LaneStatistics:
    """A lane at one moment."""

    name: str
    width: int
    """How many feeds it serves at once."""
    busy: int
    """Feeds that hold a slot now; more than ``width`` where some are overdue."""
    waiting: int
    """Feeds that wait for a slot now."""
    peak_waiting: int
    done: int
    """Turns that have ended; a redirected feed takes several."""
    waited: Quantiles
    """From asking for a slot to getting one."""
    worked: Quantiles
    """From getting a slot to giving it back."""
    overdue: int = 0
    """Turns that took so long that others were let in beside them; lookups of dead names, mostly."""


@dataclass(frozen=True, slots=True)
class Outage:
    """The store takes nothing at the moment, and is waited for."""

    seconds: float
    """Since it failed for the first time."""
    detail: str
    """What it has said last, for people; never holds credentials."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """A scrape at one moment."""

    accepted: int
    """Feeds let in so far; each has or will have exactly one result."""
    in_flight: int
    finished: int
    seconds: float
    """Since the scrape began."""
    lanes: Mapping[str, LaneStatistics]
    loop_lag: Quantiles
    """How late the event loop ran a timer."""
    outage: Outage | None = None
    """None: the store takes what it is given."""
