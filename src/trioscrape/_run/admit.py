"""Admission: which feed enters the lanes next, and when.

::

    feed list ─► read ahead ─► is it due? ─► locate ─► queue of its host ─► in flight ─► the lanes
                 250 feeds,    if not, it    only where  hosts are served    when there is room, and
                 with states   has a result  hosts are   in turn; in each    its host has a free slot
                                             grouped by  the longest waiting     │
                                             address     feed goes first         ├─► put off: its host
                                                               ▲                 │   leaves no time for it
                                                               └── refused by its host, for a while

Two tasks work here. `Admission.read_ahead` fills the queues, and reads no further than is needed to find
a feed that can be started. In `Admission.next` the task of the next feed waits until it is admitted. All
that they wait for is a change of `Flow`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import trio

from .._config.config import Config, HostGrouping
from .._errors import FeedFailed
from .._exception_groups import ungrouped
from .._flow import Flow, State
from .._hosts.queue import HostQueue
from .._hosts.retry_after import Pauses
from .._hosts.silence import Silence
from .._hosts.slots import HostSlot, HostSlots
from .._http import Fetcher
from .._lane import Timings
from .._records import Outcome, Result
from .._store.lane import StoreLane
from .candidates import Candidate
from .feed_source import Source
from .next_state import not_due
from .scopes import Scopes
from .tally import Results

GATHERING: Final = 2.0
"""Seconds after the start before a host is fetched from whose feeds have been put off in earlier runs: time
to read the list. Else the longest waiting one would be looked for among the first 250 feeds only."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Admits feeds: host by host in turn, up to the limit in flight, none while the store is unavailable."""

    source: Source
    queue: HostQueue[Candidate]
    slots: HostSlots
    fetcher: Fetcher
    """Locates feeds."""
    store: StoreLane
    """Knows when feeds are due."""
    silence: Silence
    """Is told which hosts did not answer in earlier runs."""
    pauses: Pauses
    """Is told which hosts have asked for a pause in earlier runs."""
    flow: Flow
    results: Results
    """Gets the results of feeds that are not fetched at all."""
    now: Callable[[], datetime]
    config: Config
    _reading: Scopes = field(default_factory=Scopes)
    _began: float = field(default_factory=trio.current_time)

    async def read_ahead(self) -> None:
        """Read the list and queue the feeds that are due; ends with the list, or when the scrape drains."""
        with ungrouped():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._receive)
                while batch := await self._next_batch():
                    for result in self._queue(batch, nursery):
                        await self.results.give_unfetched(result)
                        await self.source.ended(result)
        self.flow.note(read=True)

    async def next(self) -> tuple[Candidate, HostSlot] | None:
        """Wait until a feed is admitted. It is in flight from then on, and has a slot of its host.

        Returns None when no more feeds will be admitted. A feed that its host leaves no time for is admitted
        too, but has no slot and is not fetched. Only one task may wait here at a time. It must call `done`
        when its feed is done.
        """
        # Else each feed that is cancelled would admit another one, to be cancelled in turn.
        await trio.lowlevel.checkpoint_if_cancelled()
        flow, queue = self.flow, self.queue
        while not flow.now.draining:
            if self._is_full(flow.now) or self.store.takes_nothing:
                await flow.change()
            elif (candidate := queue.start(trio.current_time())) is not None:
                flow.add(in_flight=1, slots=1)
                return candidate, self.slots.started(candidate.host, candidate.waits_since)
            elif (put_off := queue.put_off()) is not None:
                flow.add(in_flight=1)
                return replace(put_off[0], put_off=put_off[1]), self.slots.none()
            elif flow.now.read and not (queue or flow.now.in_flight):
                return None
            else:
                flow.note(hungry=True)
                with trio.move_on_at(queue.next_time):
                    await flow.change()
        return None

    def put_back(self, candidate: Candidate, timings: Timings) -> None:
        """Have a feed that was let in wait for its host once more: it counts as not started."""
        self.queue.put_back(replace(candidate, timings=timings))

    def done(self, slot: HostSlot) -> None:
        """Note that a feed is no longer in flight."""
        slot.release()
        self.flow.add(in_flight=-1)

    def drain(self) -> None:
        """Admit no more feeds, and stop reading the list, also while the store is unavailable."""
        self.flow.note(draining=True)
        self._reading.cancel()

    @property
    def has_others(self) -> bool:
        """Whether there are other feeds than a single one in flight."""
        now = self.flow.now
        return now.in_flight > 1 or not (now.draining or (now.read and not self.queue))

    async def _receive(self) -> None:
        with self._reading.open():
            await self.source.receive()

    async def _next_batch(self) -> Sequence[Candidate]:
        """Some more feeds, with what the store knows of them; none at the end of the list."""
        with self._reading.open():
            await self.flow.until(self._wants_more)
            batch = await self.source.take()
            sound = [candidate.feed_id for candidate in batch if candidate.problem is None]
            states = await self.store.load(sound) if sound else {}
            now, interval = self.now(), timedelta(seconds=self.config.interval)
            return [candidate.knowing(states.get(candidate.feed_id), now, interval) for candidate in batch]
        return ()

    def _queue(self, batch: Sequence[Candidate], nursery: trio.Nursery) -> list[Result]:
        """Queue what is to be fetched; the results of the others."""
        unfetched = self._queue_due(batch, nursery)
        for candidate in batch:
            if candidate.state is not None:
                self.silence.remember(candidate.host, candidate.state)
                self.pauses.remember(candidate.state)
        self.flow.note(hungry=False)
        return unfetched

    def _queue_due(self, batch: Sequence[Candidate], nursery: trio.Nursery) -> list[Result]:
        unfetched = []
        for candidate in batch:
            if (result := self._unfetched(candidate)) is not None:
                unfetched.append(result)
            elif self.config.group_hosts_by is HostGrouping.ADDRESS:
                self.flow.add(locating=1)
                nursery.start_soon(self._locate, candidate)
            else:
                self._put(candidate)
        return unfetched

    def _put(self, candidate: Candidate) -> None:
        self.queue.put(candidate)
        if candidate.state is not None and (host := candidate.state.postponed_by) is not None:
            # Those that have waited longer may be further down in the list.
            self.queue.pause(host, self._began + GATHERING)
            self.queue.take_turns(host)

    def _wants_more(self, now: State) -> bool:
        """Whether to read on: nothing can be started, and there is room in the queues."""
        return (
            now.hungry
            and len(self.queue) + now.locating < self.config.look_ahead
            and now.locating < self._room(now)
        )

    def _unfetched(self, candidate: Candidate) -> Result | None:
        """The result of a feed that is not fetched: it is no URL, or not due."""
        if candidate.problem is not None:
            feed = candidate.feed
            where = f"line {feed.line}: " if feed.line is not None else ""
            detail = f"{where}{feed.redacted_url[:200]!r}: {candidate.problem}"
            return Result(feed, Outcome.REFUSED, "not-a-url", detail)
        return None if self.config.ignore_schedule else not_due(candidate, self.now())

    async def _locate(self, candidate: Candidate) -> None:
        """Queue a feed under its host's address; what the lookup takes is charged to the feed."""
        timings, place = Timings(), candidate.host
        try:
            with self._reading.open():
                with suppress(FeedFailed):  # fetching it will fail in the same way
                    place = await self.fetcher.place(candidate.feed, candidate.state, timings)
                self._put(replace(candidate, host=place, timings=timings))
        finally:
            self.flow.add(locating=-1)

    def _is_full(self, now: State) -> bool:
        """Whether as many feeds are in flight as may be.

        Those that wait for a slot of another host do not count: they take up no more than a task.
        """
        waiting = min(now.in_flight - now.slots, self.config.look_ahead)
        return now.in_flight >= self._room(now) + waiting

    def _room(self, now: State) -> int:
        """Feeds that may be busy at once. Those whose lookup is stuck do not count."""
        return self.config.in_flight + min(now.stuck, self.config.dns_abandoned)
