"""What the workers tell while they scrape: what a scrape on a cluster is at one moment."""

from __future__ import annotations

import heapq
import pickle
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from .._records import (
    LANES,
    ClusterTotals,
    LaneStatistics,
    Quantiles,
    Report,
    Statistics,
)

_SLOWEST: Final = 10


class Live:
    """The shards that are under way, as their workers have last told.

    Its methods may be called from any thread: each reads or replaces one thing.
    """

    def __init__(self) -> None:
        self._submitted: dict[str, int] = {}
        """By key, how many times each shard that is not done has begun."""
        self._tails: set[str] = set()
        self._running: dict[str, Statistics] = {}
        self._shards = self._repeated = 0
        self._workers = self._threads = 0
        self.most_workers = 0
        """The largest number of workers at one time."""

    def look(self, workers: int, threads: int) -> None:
        """Note how many workers there are, and how many threads they have in all."""
        self._workers, self._threads = workers, threads
        self.most_workers = max(self.most_workers, workers)

    def submitted(self, key: str) -> None:
        """Note that a shard has been submitted."""
        self._submitted[key] = 0

    def heard(self, what: str, value: Any) -> str | None:
        """Handle an event of a worker. Returns the key of a shard that has just begun; otherwise None."""
        if what == "statistics":
            told: dict[str, Statistics] = pickle.loads(value)  # noqa: S301 - a worker runs our own code
            self._running.update({key: each for key, each in told.items() if key in self._submitted})
        elif value in self._submitted and what == "tail":
            self._tails.add(value)
        elif value in self._submitted:
            self._repeated += self._submitted[value] > 0
            self._submitted[value] += 1
            self._tails.discard(value)
            return str(value)
        return None

    def ended(self, key: str) -> None:
        """Note that a shard is done, or will be split."""
        self._submitted.pop(key, None)
        self._running.pop(key, None)
        self._tails.discard(key)
        self._shards += 1

    @property
    def tails(self) -> int:
        """Shards at their tails: a worker that has one begins the next one."""
        return len(self._tails)

    def cluster(self) -> ClusterTotals:
        """What the cluster has done so far."""
        return ClusterTotals(self.most_workers, self._shards, self._repeated)

    def statistics(self, done: Report) -> Statistics:
        """The scrape at this moment; `done` is the report of the shards that are done."""
        running = list(self._running.values())
        finished = sum(done.outcomes.values()) + sum(each.finished for each in running)
        in_flight = sum(each.in_flight for each in running)
        outages = [each.outage for each in running if each.outage is not None]
        return Statistics(
            accepted=finished + in_flight,
            in_flight=in_flight,
            finished=finished,
            seconds=done.seconds,
            lanes={name: self._lane(done, running, name) for name in LANES},
            loop_lag=_highest([done.loop_lag, *(each.loop_lag for each in running)]),
            outage=max(outages, key=lambda outage: outage.seconds, default=None),
            outcomes=_added([done.outcomes, *(each.outcomes for each in running)]),
            errors=_by_number(_added([done.errors, *(each.errors for each in running)])),
            entries=sum((each.entries for each in running), done.entries),
            gaps=sum(each.gaps for each in running),
            duplicates=done.duplicates,
            slowest=tuple(
                heapq.nlargest(
                    _SLOWEST, (feed for each in running for feed in each.slowest), lambda feed: feed.seconds
                )
            ),
            delay=done.delay,
            remarks=tuple(
                dict.fromkeys([*done.remarks, *(line for each in running for line in each.remarks)])
            ),
            workers=self._row(),
        )

    def _row(self) -> LaneStatistics:
        begun = sum(times > 0 for times in list(self._submitted.values()))
        busy = min(begun, self._threads)
        nothing = Quantiles()
        waiting = len(self._submitted) - begun
        return LaneStatistics("workers", self._threads, busy, waiting, 0, self._shards, nothing, nothing)

    def _lane(self, done: Report, running: Iterable[Statistics], name: str) -> LaneStatistics:
        before, now = done.lanes[name], [each.lanes[name] for each in running]
        every = [before, *now]
        return LaneStatistics(
            name=name,
            width=max([before.width, *(lane.width * max(1, self._workers) for lane in now)]),
            busy=sum(lane.busy for lane in now),
            waiting=sum(lane.waiting for lane in now),
            peak_waiting=max(lane.peak_waiting for lane in every),
            done=sum(lane.done for lane in every),
            waited=_highest([lane.waited for lane in every]),
            worked=_highest([lane.worked for lane in every]),
            overdue=sum(lane.overdue for lane in every),
        )


def _highest(quantiles: Iterable[Quantiles]) -> Quantiles:
    """Those of the slowest part: for a look at what goes on, while reports have those of the whole."""
    parts = list(quantiles)
    return Quantiles(*(max(getattr(each, name) for each in parts) for name in ("p50", "p99", "max")))


def _added(counts: Iterable[Any]) -> dict[Any, int]:
    total: Counter[Any] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def _by_number(reasons: dict[str, int]) -> dict[str, int]:
    return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))
