"""The feeds of a watch as they fall due: a list that has no end.

::

    feed list ─► agenda ─► due, within the budget ─► admission ─► the lanes ─► result
                   ▲                                                             │
                   └───────────────── planned again for when it is due ◄─────────┘

What is planned for each feed is in the store, as `FeedState.next_fetch`; so a watch that was killed goes on
where it was. Here it is only in order: see `agenda`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import trio

from .._exception_groups import ungrouped
from .._hosts.retry_after import Pauses
from .._lane import Histogram
from .._records import FeedState, Outcome, Result
from .._schedule.belief import CLOCKS, believed
from .._schedule.calendar import MINUTE
from .._schedule.freshness import fraction
from .._schedule.planner import ROUND, Planner
from .._store.lane import StoreLane
from .._urls import feed_id
from .agenda import Agenda, Due
from .candidates import Candidate
from .feed_source import READ_AHEAD, Feeds, FeedSource, ListCounts

LOOK: Final = 60.0
"""Seconds after which a wait looks at the wall clock again: it may have been set, or the machine slept."""
REFUSED: Final = 86_400.0
"""Seconds until a feed is tried again whose address is not allowed."""
BURST: Final = 10.0
"""Seconds of its budget that a watch may have saved up."""
_NEARLY: Final = 1e-6
"""What may be missing of a poll that the budget allows. It may come to so little that the wait for it is no
time at all on trio's clock: then a virtual one would stand still."""


class DueSource:
    """Feeds as they fall due, for as long as a watch goes on.

    Args:
      feeds: the list, to begin with.
      store: knows when they are due.
      planner: plans them.
      pauses: of the hosts; they outlive a process.
      now: the wall clock.
      budget: feeds a second at most; None: any number.
    """

    def __init__(
        self,
        feeds: Feeds,
        store: StoreLane,
        planner: Planner,
        pauses: Pauses,
        now: Callable[[], datetime],
        budget: float | None,
    ) -> None:
        self._feeds: Feeds | None = feeds
        self._store, self.planner, self._pauses = store, planner, pauses
        self._now, self._budget = now, budget
        self.agenda, self._edition = Agenda(), 0
        self._new_list, self._changed = trio.Event(), trio.Event()
        self._send, self._unsound = trio.open_memory_channel[Candidate](READ_AHEAD)
        self._saved, self._saved_at = 0.0, trio.current_time()
        self._last = -math.inf
        """When `take` has looked at the wall clock last."""
        self.counts = ListCounts()
        """Of the list as it was read last."""
        self.lateness = Histogram()
        """Seconds from the moment for which a poll was planned to the one at which it could begin."""

    def reload(self, feeds: Feeds) -> None:
        """Take another list from now on. What is in it already stays planned; the rest is forgotten."""
        self._feeds = feeds
        self._new_list.set()

    async def receive(self) -> None:
        """Read the list, and each one after it; has to run beside `take`.

        Raises:
          Exception: what a list raises.
        """
        while True:
            feeds, self._feeds, self._new_list = self._feeds, None, trio.Event()
            if feeds is not None:
                await self._read(feeds)
            if self._feeds is None:
                await self._new_list.wait()

    async def _read(self, feeds: Feeds) -> None:
        self._edition += 1
        source = FeedSource(feeds)
        with ungrouped():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(source.receive)
                try:
                    while candidates := await source.take():
                        await self._add(candidates)
                finally:
                    await source.aclose()  # noqa: ASYNC102 - shields itself
        for moment in await self.agenda.forget_older(self._edition):
            self.planner.calendar.remove(moment)
        self.counts = source.counts

    async def _add(self, candidates: list[Candidate]) -> None:
        sound = {each.feed_id: each.feed for each in candidates if each.problem is None}
        new = await self.agenda.listed(list(sound.items()), self._edition)
        states = await self._store.load(new) if new else {}
        now = self._now()
        await self._plan([(each, self._resumed(each, states.get(each), now)) for each in new])
        for candidate in candidates:
            if candidate.problem is not None:
                await self._send.send(candidate)
        self._changed.set()

    def _resumed(self, identity: str, stored: FeedState | None, now: datetime) -> float:
        state = None if stored is None else believed(stored, now, timedelta(seconds=self.planner.every))
        if state is None or state.next_fetch is None:
            return self.planner.resumed(identity, None, now.timestamp())
        self._pauses.remember(state)
        return self.planner.resumed(identity, state.next_fetch.timestamp(), now.timestamp())

    async def _plan(self, moments: list[tuple[str, float]]) -> None:
        for moment in await self.agenda.plan(moments):
            self.planner.calendar.add(moment)

    async def take(self) -> list[Candidate]:
        """The feeds that are due, up to `READ_AHEAD`; waits until there is one.

        Cancellation: while waiting, loses nothing.
        """
        await trio.lowlevel.checkpoint()
        while True:
            self._changed = trio.Event()
            if candidates := self._unsound_ones():
                return candidates
            allowed = self._allowed()
            now = self._now().timestamp()
            await self._follow_clock(now)
            most = int(allowed + _NEARLY)
            if most and (due := await self.agenda.take(now, most)):
                self._saved -= len(due)
                return [self._begun(each, now) for each in due]
            with trio.move_on_after(await self._wait(allowed, now)):
                await self._changed.wait()

    async def _follow_clock(self, now: float) -> None:
        """Where the wall clock was set back, what was planned by it comes earlier by as much.

        A machine may begin with a clock that is months ahead. Whole minutes, as the calendar counts them.
        """
        last, self._last = self._last, now
        if now < last - CLOCKS.total_seconds():
            minutes = int((now - last) // MINUTE)
            await self.agenda.shift(minutes * MINUTE)
            self.planner.calendar.shift(minutes)

    def _unsound_ones(self) -> list[Candidate]:
        found: list[Candidate] = []
        with suppress(trio.WouldBlock):
            while True:
                found.append(self._unsound.receive_nowait())
        return found

    def _allowed(self) -> float:
        if self._budget is None:
            return READ_AHEAD
        now = trio.current_time()
        saved = self._saved + (now - self._saved_at) * self._budget
        self._saved, self._saved_at = min(saved, max(self._budget * BURST, 1.0)), now
        return min(self._saved, READ_AHEAD)

    async def _wait(self, allowed: float, now: float) -> float:
        if self._budget is not None and allowed + _NEARLY < 1:
            return (1 - allowed) / self._budget
        due = await self.agenda.next_due()
        return LOOK if due is None else min(max(due - now, 0.0), LOOK)

    def _begun(self, due: Due, now: float) -> Candidate:
        self.planner.calendar.remove(due.moment)
        self.lateness.add(max(now - due.moment, 0.0))
        return Candidate.of(due.feed)

    async def ended(self, result: Result) -> None:
        """Plan the feed again whose result this is. Older pages that it has fetched count as polls."""
        self._saved -= result.pages
        if result.reason == "not-a-url":
            return
        now, identity = self._now(), feed_id(result.feed.url)
        least = REFUSED if result.outcome is Outcome.REFUSED else min(self.planner.every, ROUND)
        # Else what failed together, because there was no network say, would fail together again.
        soon = now.timestamp() + least * (1 + fraction(identity, now.isoformat()) / 10)
        planned = soon if result.next_fetch is None else result.next_fetch.timestamp()
        if planned <= now.timestamp():
            planned = soon
        await self._plan([(identity, planned)])
        self._changed.set()

    async def aclose(self) -> None:
        """Forget everything; also when cancelled."""
        self._send.close()
        self._unsound.close()
        await self.agenda.aclose()
