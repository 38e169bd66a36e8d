"""The one nursery that all feeds are in, and who is let into it when."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final

import trio

from .._byte_budget import ByteBudget
from .._config.config import Config, HostGrouping
from .._dns.caching import Names, Resolver
from .._errors import StoreError
from .._hosts.retry_after import Holds
from .._hosts.slots import HostSlot, HostSlots
from .._http import Fetcher
from .._http._transport import LaneTransport, client_context
from .._http.happy_eyeballs import Connector, ConnectorBug
from .._lane import Histogram, Timings
from .._parse import RecordParser
from .._records import Feed, Outcome, Result, new_run_id
from .._store import Store
from .._store.lane import StoreLane
from .backlog import Backlog
from .candidates import Candidate
from .pipeline import Lanes, Passage
from .seen import Seen
from .tally import Tally

LAG_PERIOD: Final = 0.02
"""Seconds between two looks at how late the event loop is."""


class Run:
    """One scrape, from the feed list to the last result."""

    def __init__(
        self, feeds: Iterable[str | Feed], store: Store, config: Config, now: Callable[[], datetime]
    ) -> None:
        self.id = new_run_id()
        self.tally = Tally()
        self.lanes = Lanes(config, store)
        self.lag = Histogram()
        self.began = trio.current_time()
        self.ended: float | None = None
        self.over = False
        """Whether nothing of it is under way any more: the rest of the list may be read for the totals."""
        self._config, self._now = config, now
        self._context = client_context(config.ca_file)
        self.backlog = Backlog(feeds, config, now)
        self._in_flight = trio.CapacityLimiter(config.in_flight)
        self.lanes.dns.overdue_changed = self._let_in_beside
        self._changed = trio.lowlevel.ParkingLot()
        self._slots = HostSlots(self.backlog.queue, self._changed.unpark_all)
        self._slots.waiting_changed = self._let_in_beside
        self._locating = 0
        self.store = StoreLane(
            store, self.lanes.store, config.outage_timeout, others_can_try=self._others_can_try
        )
        self._draining = self._cancelled = False
        self._under_way: set[trio.CancelScope] = set()
        self.failure: Exception | None = None
        """What ended the run before its time, and is no feed's own failure."""

    @trio.as_safe_channel
    async def results(
        self, resolver: Resolver, connector: Connector, parser: RecordParser
    ) -> AsyncGenerator[Result | None, None]:
        """A channel that gives None when the lanes are at work, then all results as they come.

        Whoever opens it must raise `failure` afterwards when there is one.
        """
        config, lanes = self._config, self.lanes
        transport = LaneTransport(self._context, connector, http2=config.http2)
        fetcher = Fetcher(
            Names(resolver, lanes.dns),
            lanes.http,
            transport,
            config,
            Holds(self._now, self.backlog.queue.hold),
        )
        budget = ByteBudget(config.bytes_in_flight)
        arrivals = Seen[str]()
        send, receive = trio.open_memory_channel[Result](0)
        try:
            with receive:
                async with aclosing(transport), trio.open_nursery() as self._nursery:
                    passage = Passage(lanes, fetcher, parser, self.store, budget, arrivals, self._now, config)
                    self._nursery.start_soon(self._watch_lag)
                    self._nursery.start_soon(self._admit, passage, send)
                    yield None
                    async for result in receive:
                        yield result
                    self._nursery.cancel_scope.cancel(reason="all feeds have their result")
        finally:
            self.ended = trio.current_time()
            arrivals.close()

    # Admission

    async def _admit(self, passage: Passage, send: trio.MemorySendChannel[Result]) -> None:
        with send, self._ending_the_run():
            while True:
                turn = object()
                await self._in_flight.acquire_on_behalf_of(turn)
                candidate = await self._next(send)
                if candidate is None:
                    return
                self.tally.accepted += 1
                self._nursery.start_soon(self._accepted, candidate, turn, passage, send.clone())

    def _let_in_beside(self) -> None:
        """Let others in beside feeds that hold nothing but a task.

        Their lookup is stuck, or they have been redirected to a host with which others are busy.
        """
        config = self._config
        stuck = min(self.lanes.dns.overdue_now, config.dns_abandoned)
        self._in_flight.total_tokens = config.in_flight + stuck + min(self._slots.waiting, config.look_ahead)

    async def _next(self, send: trio.MemorySendChannel[Result]) -> Candidate | None:
        """The next feed whose host may start one; None when there is none left or we drain."""
        queue = self.backlog.queue
        while not self._draining:
            if self.store.takes_nothing:
                await self._changed.park()  # until the feed whose write has ended it is through
            elif (candidate := queue.start(trio.current_time())) is not None:
                return candidate
            elif self.backlog.wants_more:
                for result in await self.backlog.read(self.store):
                    self.tally.accepted += 1
                    self.tally.count(result)
                    await send.send(result)
            elif queue or self._locating:
                with trio.move_on_at(queue.next_time):
                    await self._changed.park()
            else:
                return None
        return None

    def _others_can_try(self) -> bool:
        """Whether anybody else is in flight, or can be let in."""
        more = not self._draining and (bool(self.backlog.queue) or self.backlog.wants_more)
        return more or self.tally.accepted - self.tally.finished > 1

    def drain(self) -> None:
        """Let no more feeds in, and do not wait for what the store knows of them."""
        self._draining = True
        self.backlog.stop()
        self._changed.unpark_all()

    def cancel(self) -> None:
        """End the feeds that are under way; each still has its result."""
        self.drain()
        self._cancelled = True
        for scope in self._under_way:
            scope.cancel()

    # One feed

    async def _accepted(
        self, candidate: Candidate, turn: object, passage: Passage, send: trio.MemorySendChannel[Result]
    ) -> None:
        result = None
        again = False
        slot = self._slots.held(candidate.host)
        try:
            with send:
                with self._ending_the_run(), self._cancellable():
                    again = not await self._in_its_place(candidate, slot, passage)
                    if not again:
                        result = await passage.outcome(candidate, slot)
                if again:
                    return
                result = result or self._cut_short(candidate.feed)
                self.tally.count(result)
                await send.send(result)
        finally:
            if again:
                self.tally.accepted -= 1
            elif result is None:  # cancelled from outside: nobody is there to send it to
                self.tally.count(self._cut_short(candidate.feed))
            slot.release()
            self._in_flight.release_on_behalf_of(turn)
            self._changed.unpark_all()

    async def _in_its_place(self, candidate: Candidate, slot: HostSlot, passage: Passage) -> bool:
        """Whether the feed may go on. By address, only a lookup tells where it has to queue.

        Waiting here would fill what may be in flight with the feeds of one big address, so it goes back.
        """
        if self._config.group_hosts_by is not HostGrouping.ADDRESS or candidate.located:
            return True
        self._locating += 1
        try:
            address = await passage.fetcher.address(candidate.feed, candidate.state, Timings())
        finally:
            self._locating -= 1
        if address is None or slot.move_nowait(address):
            return True
        self.backlog.queue.put(replace(candidate, host=address, located=True))
        return False

    @contextmanager
    def _cancellable(self) -> Iterator[None]:
        with trio.CancelScope() as scope:
            self._under_way.add(scope)
            if self._cancelled:  # between being let in and getting here
                scope.cancel()
            try:
                yield
            finally:
                self._under_way.discard(scope)

    def _cut_short(self, feed: Feed) -> Result:
        """The result of a feed whose way through the lanes has ended before its end."""
        reason = "not-stored" if isinstance(self.failure, StoreError) else "cancelled"
        return Result(feed, Outcome.FAILED, reason, str(self.failure) if self.failure else None)

    @contextmanager
    def _ending_the_run(self) -> Iterator[None]:
        """What is no feed's own failure ends the run: once, and as itself, not in a group.

        A store that is gone fails several writes at once; the caller's feed iterator, resolver, connector
        or parser may have a bug. Nothing more is let in, what is under way is cut short.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001 - is raised again when all tasks have ended
            itself = error.error if isinstance(error, ConnectorBug) else error
            self.failure = self.failure or itself
            self.cancel()

    # Looking at it

    async def _watch_lag(self) -> None:
        while True:
            due = trio.current_time() + LAG_PERIOD
            await trio.sleep_until(due)
            self.lag.add(trio.current_time() - due)

    @property
    def seconds(self) -> float:
        """Since the beginning, until the end when it has come."""
        return (self.ended if self.ended is not None else trio.current_time()) - self.began
