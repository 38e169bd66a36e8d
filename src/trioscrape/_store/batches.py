"""Saves of many tasks, carried out together by whoever gets a thread."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import trio

from .._records import EntryCounts, FeedUpdate
from .threads import Threads

CALLERS: Final = 32
"""Saves at once for each thread: what waits while a thread works is its next write."""

MERGED_ENTRIES: Final = 1000
MERGED_CHARACTERS: Final = 4 * 2**20
"""What one write may hold, unless a single feed has more. Beyond these only latency grows."""

SaveAll = Callable[[Sequence[FeedUpdate]], Sequence[EntryCounts | Exception]]


class _Turn:
    """One save, from the call to its outcome."""

    def __init__(self, update: FeedUpdate) -> None:
        self.update = update
        self.entries = len(update.entries)
        self.characters = sum(len(each.content or "") + len(each.summary or "") for each in update.entries)
        self.task = trio.lowlevel.current_task()
        self.taken = False
        self.leads = False
        self.outcome: EntryCounts | Exception | None = None

    def result(self) -> EntryCounts:
        """The outcome, returned or raised."""
        if isinstance(self.outcome, Exception):
            # One failure may be that of many saves. Each gets its own: raising adds to a traceback.
            raise copy.copy(self.outcome) from self.outcome.__cause__
        assert self.outcome is not None  # noqa: S101
        return self.outcome


class MergedSaves:
    """Merges the saves that wait for a thread into one write; each gets its own outcome.

    A trip to a thread takes 0.1 ms, a command to a server 0.3, a transaction that waits for the
    disk some more; a feed's entries alone take less than any of them. So the task that finds a
    thread free leads: it takes along whatever waits at that moment, and then hands on to the first of
    those that came meanwhile. Where nothing waits nothing is delayed: there is no timer in it.

    Args:
      threads: where the work is done, by at most as many leaders as there are threads.
      save_all: blocking; for each update, in order, its counts or why it is not stored. What it
        raises instead is the outcome of every one of them. No two updates are of one feed.
    """

    def __init__(self, threads: Threads, save_all: SaveAll) -> None:
        self._threads = threads
        self._save_all = save_all
        self._queue: deque[_Turn] = deque()
        self._leaders = 0

    # An interrupt in the middle would leave others waiting for a write that nobody makes.
    @trio.lowlevel.enable_ki_protection
    async def save(self, update: FeedUpdate) -> EntryCounts:
        """See `Store.save`.

        Cancellation: as long as no thread has taken it up, leaves the queue and has stored nothing;
        then waits for the end of the write, whoever leads, and returns its outcome.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        turn = _Turn(update)
        self._queue.append(turn)
        if self._leaders < self._threads.width:
            self._leaders += 1
            turn.leads = True
        else:
            await self._wait(turn)
        if turn.leads:
            await self._lead(turn)
        return turn.result()

    async def _wait(self, turn: _Turn) -> None:
        def abort(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            if turn.taken:
                return trio.lowlevel.Abort.FAILED
            self._queue.remove(turn)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    async def _lead(self, turn: _Turn) -> None:
        try:
            async with self._threads.held() as run:
                batch = self._take(turn)
                with trio.CancelScope(shield=True):
                    try:
                        outcomes = await run(self._save_all, [each.update for each in batch])
                    except Exception as error:  # noqa: BLE001 - raised again in every one of the tasks
                        outcomes = [error] * len(batch)
                self._finish(turn, batch, outcomes)
        finally:
            if not turn.taken:
                self._queue.remove(turn)
            self._hand_on()

    def _take(self, leader: _Turn) -> list[_Turn]:
        """The leader's turn and those that go with it, no longer in the queue."""
        batch, left = [leader], deque[_Turn]()
        feeds = {leader.update.state.feed_id}
        entries, characters = leader.entries, leader.characters
        for turn in self._queue:
            if turn is leader:
                continue
            feed = turn.update.state.feed_id
            more = entries + turn.entries, characters + turn.characters
            # Another leader's own turn stays his: while he waits for his thread he may be cancelled.
            if turn.leads or feed in feeds or more[0] > MERGED_ENTRIES or more[1] > MERGED_CHARACTERS:
                left.append(turn)
            else:
                entries, characters = more
                feeds.add(feed)
                batch.append(turn)
        self._queue = left
        for turn in batch:
            turn.taken = True
        return batch

    def _finish(
        self, leader: _Turn, batch: Sequence[_Turn], outcomes: Sequence[EntryCounts | Exception]
    ) -> None:
        for turn, outcome in zip(batch, outcomes, strict=True):
            turn.outcome = outcome
            if turn is not leader:
                trio.lowlevel.reschedule(turn.task)

    def _hand_on(self) -> None:
        """Whoever has waited longest leads next; without him there is a leader less."""
        for turn in self._queue:
            if not turn.leads:
                turn.leads = True
                trio.lowlevel.reschedule(turn.task)
                return
        self._leaders -= 1
