"""One scrape: a task for each feed in flight, and how it all ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Final

import trio

from .._archive.archive import Archive
from .._errors import StoreError
from .._exception_groups import ungrouped
from .._hosts.retry_after import Pauses, QueueAgain
from .._hosts.slots import HostSlot
from .._http.happy_eyeballs import ConnectorBug
from .._lane import Histogram, Timings
from .._records import Delay, Feed, InFlight, Outcome, Result, new_run_id
from .._schedule.planner import ROUND, Planner
from .._store.lane import OutageInDoubt
from .._store.lease import OwnLease
from .admit import Admission
from .candidates import Candidate
from .loop_lag import LoopLag
from .pipeline import Pipeline
from .scopes import Scopes
from .tally import Results, Tally

_ROUNDS_A_DAY: Final = round(86_400 / ROUND)


@dataclass(frozen=True, slots=True)
class _Flight:
    """A feed in flight."""

    feed: Feed
    since: float
    scope: trio.CancelScope


@dataclass(slots=True)
class Run:
    """One scrape, from the feed list to the last result."""

    admission: Admission
    pipeline: Pipeline
    results: Results
    pauses: Pauses
    lag: LoopLag
    delays: Histogram
    """From the publication of entries to the fetch that found them."""
    remark: str | None = None
    """What people should know about this process."""
    id: str = field(default_factory=new_run_id)
    began: float = field(default_factory=trio.current_time)
    ended: float | None = None
    failure: Exception | None = None
    """What has ended the run early, and is no feed's own failure; raised when all tasks have ended."""
    _in_flight: Scopes = field(default_factory=Scopes)
    _flights: dict[Timings, _Flight] = field(default_factory=dict)
    """By their timings, in the order in which they were admitted."""
    _drained: bool = False
    _left: set[Timings] = field(default_factory=set)
    """The feeds that had not begun when the scrape was told to drain, by their timings."""

    async def feeds(self) -> None:
        """Take the feeds through the lanes. The results end when each admitted feed has its own."""
        try:
            with self.results, ungrouped():
                try:
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(self._read_ahead)
                        nursery.start_soon(self._next_feed, nursery)
                finally:
                    await self._or_end(self.pipeline.polls.close)  # noqa: ASYNC102 - shields itself
        finally:
            self.ended = trio.current_time()
            self.lag.stop()

    async def keep(self, lease: OwnLease) -> None:
        """Renew the lease of the store. When another run has acquired it, this one ends."""
        try:
            await lease.keep()
        except Exception as error:  # noqa: BLE001 - see `_end`
            self._end(error)

    async def keep_polls(self) -> None:
        """Write polls that changed nothing, until cancelled."""
        await self._or_end(self.pipeline.polls.keep_writing)

    async def keep_archive(self, archive: Archive) -> None:
        """Write what waits for the archive, until cancelled."""
        await self._or_end(archive.keep_writing)

    async def _or_end(self, write: Callable[[], Awaitable[None]]) -> None:
        try:
            await write()
        except Exception as error:  # noqa: BLE001 - see `_end`
            self._end(error)

    async def _read_ahead(self) -> None:
        try:
            await self.admission.read_ahead()
        except Exception as error:  # noqa: BLE001 - see `_end`
            self._end(error)

    async def _next_feed(self, nursery: trio.Nursery) -> None:
        """Wait until a feed is admitted, start a task that waits for the next one, and process the feed.

        So the task of a feed acquires and releases all that limits the feeds in flight.
        """
        admitted = await self.admission.next()
        if admitted is None:
            return
        nursery.start_soon(self._next_feed, nursery)
        candidate, slot = admitted
        try:
            await self._take(candidate, slot)
        finally:
            self.admission.done(slot)

    async def _take(self, candidate: Candidate, slot: HostSlot) -> None:
        """Take one feed through the lanes, and hand out its result, whatever it is.

        A feed that has to wait for its host once more has none, and counts as not started. So does one that
        has not begun when the scrape drains.
        """
        self.tally.accepted += 1
        timings = candidate.timings or Timings()
        timings.begun = False
        result: Result | QueueAgain | None = None
        try:
            with self._in_flight.open() as scope:
                self._flights[timings] = _Flight(candidate.feed, trio.current_time(), scope)
                result = await self._outcome(candidate, slot, timings)
        except Exception as error:  # noqa: BLE001 - see `_end`
            self._end(error)
        finally:
            del self._flights[timings]
            if isinstance(result, QueueAgain):
                self.tally.accepted -= 1
                self.admission.put_back(candidate, timings)
            elif result is None and self._drained and (timings in self._left or not timings.begun):
                self.tally.accepted -= 1
            else:
                result = result or timings.stored or self._cut_short(candidate.feed)
                self.tally.count(result)
        if isinstance(result, Result):
            await self.results.give(result)
            await self.admission.source.ended(result)

    async def _outcome(self, candidate: Candidate, slot: HostSlot, timings: Timings) -> Result | QueueAgain:
        try:
            return await self.pipeline.outcome(candidate, slot, timings)
        except QueueAgain as again:
            return again.with_traceback(None)
        except OutageInDoubt as doubt:
            if not self.admission.has_others:
                raise doubt.error from doubt.__cause__
            return Result(candidate.feed, Outcome.FAILED, "not-stored", str(doubt), lanes=timings.lanes)

    def _cut_short(self, feed: Feed) -> Result:
        """The result of a feed that was interrupted."""
        reason = "not-stored" if isinstance(self.failure, StoreError) else "cancelled"
        return Result(feed, Outcome.FAILED, reason, str(self.failure) if self.failure else None)

    def _end(self, error: Exception) -> None:
        """End the run with an error that is no feed's own failure; it is raised when all tasks have ended.

        A store that is gone fails several writes at once; the caller's feed iterator, resolver, connector
        or parser may have a bug. No more feeds are admitted, and those in flight are cancelled.
        """
        if self.ended is not None:  # too late: all feeds have their results
            return
        itself = error.error if isinstance(error, ConnectorBug) else error
        self.failure = self.failure or itself
        self.cancel()

    async def turn_rounds(self, planner: Planner) -> None:
        """Go on for months: what counts for one run, counts for `ROUND` seconds; until cancelled.

        Hosts that did not answer, or refused again and again, are tried once more. Pauses stay. Where feeds
        have arrived counts for a day, in which each of them is polled.
        """
        for number in count(1):
            planner.look(self.pipeline.now().timestamp())
            await trio.sleep(ROUND)
            self.pauses.begin_round()
            self.pipeline.silence.begin_round()
            self.pipeline.network.begin_round()
            if number % _ROUNDS_A_DAY == 0:
                await self.pipeline.same_feeds.clear()

    def drain(self, seconds: float) -> int:
        """Admit no more feeds; give those that have begun so many seconds. Returns their number."""
        self._drained = True
        self.admission.drain()
        for timings, flight in self._flights.items():
            if not timings.begun:
                self._left.add(timings)  # it may begin all the same, for the moment until it is cancelled
                flight.scope.cancel(reason="the scrape drains")
        self._in_flight.cancel_at(trio.current_time() + seconds)
        return sum(timings.begun for timings in self._flights)

    def cancel(self) -> None:
        """End the feeds that are in flight; each still has its result."""
        self.admission.drain()
        self._in_flight.cancel()

    def remarks(self) -> tuple[str, ...]:
        """What people should know about this process, its archive and hosts, a line each."""
        own = [self.remark] if self.remark else []
        if (archive := self.pipeline.archive) is not None and self.ended is not None:
            own.append(archive.remark)
        return (*own, *self.remarks_on_hosts())

    def remarks_on_hosts(self) -> tuple[str, ...]:
        """Those on hosts alone."""
        return (*self.pauses.remarks(), *self.pipeline.silence.remarks())

    def slowest(self, number: int) -> tuple[InFlight, ...]:
        """So many of the feeds in flight, those first that have been so for longest."""
        now = trio.current_time()
        return tuple(
            InFlight(flight.feed.redacted_url, now - flight.since, timings.lane, timings.queued)
            for timings, flight in islice(self._flights.items(), number)
        )

    @property
    def delay(self) -> Delay:
        """From the publication of entries to the fetch that found them, so far."""
        found = self.delays.quantiles()
        return Delay(found.p50, found.p99, found.max, self.delays.count)

    @property
    def tally(self) -> Tally:
        """What has become of the feeds so far."""
        return self.results.tally

    @property
    def seconds(self) -> float:
        """Since the beginning, until the end when it has come."""
        return (self.ended if self.ended is not None else trio.current_time()) - self.began
