"""A scrape as it goes on, in samples: the one source of the live view, the lines of progress and the report.

The last seconds are kept as they were, for rates and for what is the bottleneck now. The whole run is kept in
at most `STRETCHES` stretches: when there are more, each two become one. So a run of days takes the memory of
a run of minutes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import trio

from .._records import LANES, Statistics
from .bottleneck import bottleneck, narrow_lane

WINDOW: Final = 5.0
"""Seconds that rates and the present bottleneck are about."""
STRETCHES: Final = 400
"""Of a run: more than a chart has room for."""
SHORTEST: Final = 0.05
LONGEST: Final = 0.25
"""Seconds from one sample to the next: the first ones are close, because a run may take a second in all."""
_SETTLED: Final = 1.0
"""Seconds after which a rate says something."""


class Load(NamedTuple):
    """A lane in a stretch, on average."""

    busy: float
    waiting: float
    narrow: float
    """Share of the samples in which it was `narrow_lane`."""


class Stretch(NamedTuple):
    """Some successive samples."""

    until: float
    """Seconds from the beginning of the scrape to the last of them."""
    finished: int
    """Results by then."""
    samples: int
    loads: tuple[Load, ...]
    """Of the lanes, in their order."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A scrape now, and how it has gone lately."""

    now: Statistics
    lines: int
    """Of the list, without those that repeat a feed, as far as that is known."""
    rate: float | None
    """Results a second; None: not known yet."""
    lane_rates: Mapping[str, float]
    """Turns that ended in each lane, a second; and shards by the workers of a cluster."""
    bottleneck: str | None
    """The lane that it is, by name; None: there is none."""

    @property
    def seconds_left(self) -> float | None:
        """Until the end of the list, if it goes on like this; None: not known."""
        return max(0, self.lines - self.now.finished) / self.rate if self.rate else None


class Series:
    """The samples of one scrape.

    Args:
      statistics: what to take samples of: `Scrape.statistics`.
      lines: of the list.
    """

    def __init__(self, statistics: Callable[[], Statistics], lines: int) -> None:
        self._statistics, self._lines = statistics, lines
        self._recent: deque[Statistics] = deque()
        self._stretches: list[Stretch] = []
        self._samples_each = 1
        self.sample()

    async def watch(self) -> None:
        """Take samples until cancelled."""
        while True:
            await trio.sleep(min(LONGEST, SHORTEST + self._recent[-1].seconds / 50))
            self.sample()

    def sample(self) -> None:
        """Take one."""
        now = self._statistics()
        self._recent.append(now)
        while self._recent[0].seconds < now.seconds - WINDOW:
            self._recent.popleft()
        narrow = narrow_lane(now.lanes, now.outage)
        lanes = [now.lanes[name] for name in LANES]
        loads = tuple(Load(lane.busy, lane.waiting, float(lane.name == narrow)) for lane in lanes)
        self._add(Stretch(now.seconds, now.finished, 1, loads))

    def _add(self, sample: Stretch) -> None:
        stretches = self._stretches
        if stretches and stretches[-1].samples < self._samples_each:
            stretches[-1] = _joined(stretches[-1], sample)
            return
        if len(stretches) == STRETCHES:
            self._samples_each *= 2
            stretches[:] = [_joined(stretches[at], stretches[at + 1]) for at in range(0, STRETCHES, 2)]
        stretches.append(sample)

    @property
    def stretches(self) -> Sequence[Stretch]:
        """All of the run so far."""
        return tuple(self._stretches)

    def moment(self) -> Moment:
        """The scrape as it was when the last sample was taken."""
        first, now = self._recent[0], self._recent[-1]
        passed = now.seconds - first.seconds
        narrow = [narrow_lane(each.lanes, each.outage) for each in self._recent]
        done = {name: now.lanes[name].done - first.lanes[name].done for name in LANES}
        if now.workers is not None and first.workers is not None:
            done[now.workers.name] = now.workers.done - first.workers.done
        return Moment(
            now,
            self._lines - now.duplicates,
            (now.finished - first.finished) / passed if passed >= _SETTLED else None,
            {name: turns / passed if passed else 0.0 for name, turns in done.items()},
            bottleneck((name, narrow.count(name) / len(narrow)) for name in LANES),
        )

    def bottleneck(self) -> tuple[str | None, float, float]:
        """The bottleneck of the whole run, its share of the time, and how many feeds waited on average."""
        whole = self._stretches[0]
        for stretch in self._stretches[1:]:
            whole = _joined(whole, stretch)
        loads = dict(zip(LANES, whole.loads, strict=True))
        name = bottleneck((name, load.narrow) for name, load in loads.items())
        return (None, 0.0, 0.0) if name is None else (name, loads[name].narrow, loads[name].waiting)


def _joined(one: Stretch, other: Stretch) -> Stretch:
    samples = one.samples + other.samples
    part = one.samples / samples
    loads = tuple(
        Load(*(a * part + b * (1 - part) for a, b in zip(before, after, strict=True)))
        for before, after in zip(one.loads, other.loads, strict=True)
    )
    return Stretch(other.until, other.finished, samples, loads)
