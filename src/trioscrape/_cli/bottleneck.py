"""Which lane slows a scrape down: the rule, and the sentence that says so. Pure.

At a moment, the bottleneck is the full lane that most feeds wait for. Full means that it has no free slot.
In the long run feeds pass all lanes at the same rate, so by Little's law (L = λW) the lane with the longest
queue is the one in which a feed loses most time. While the store is unavailable it is the store, for which
all feeds wait in the end.

Over a time, the bottleneck is the lane that was so in most of the samples, if it was in at least half of
them. If there is none, the lanes have room: the scrape is as fast as its servers, its list, or the rules that
keep it polite.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from .._records import LaneStatistics, Outage

LEAST: Final = 0.5
"""Of the samples."""
NO_BOTTLENECK: Final = "no bottleneck: no lane is overloaded"


def narrow_lane(lanes: Mapping[str, LaneStatistics], outage: Outage | None = None) -> str | None:
    """The bottleneck at one moment, by name; None: there is none.

    Args:
      lanes: by their names.
      outage: of the store; None: it is available.
    """
    if outage is not None:
        return "store"
    full = [lane for lane in lanes.values() if lane.waiting and lane.busy >= lane.width]
    return max(full, key=lambda lane: lane.waiting).name if full else None


def bottleneck(shares: Iterable[tuple[str, float]]) -> str | None:
    """The bottleneck over a time, by name; None: there is none.

    Args:
      shares: of the samples in which each lane was `narrow_lane`.
    """
    name, share = max(shares, key=lambda each: each[1], default=("", 0.0))
    return name if share >= LEAST else None


def sentence(lane: LaneStatistics | None, outage: Outage | None = None) -> str:
    """``bottleneck: http lane, 500 of 500 busy, 1,204 waiting``: what it is now."""
    if outage is not None:
        return "bottleneck: the store is unavailable"
    if lane is None:
        return NO_BOTTLENECK
    return f"bottleneck: {lane.name} lane, {lane.busy:,} of {lane.width:,} busy, {lane.waiting:,} waiting"


def past_sentence(name: str | None, share: float, waiting: float) -> str:
    """``bottleneck: http lane, for 82 % of the time, with 480 feeds waiting on average``."""
    if name is None:
        return "no bottleneck: no lane kept feeds waiting for half of the time"
    most = f"for {100 * share:.0f} % of the time"
    return f"bottleneck: {name} lane, {most}, with {waiting:,.0f} feeds waiting on average"
