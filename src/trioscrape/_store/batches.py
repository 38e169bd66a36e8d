"""Saves of many tasks that are written together."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import trio

from .._records import EntryCounts, FeedUpdate, Writers
from .._records.columns import characters
from .threads import Threads

CALLERS: Final = 32
"""Saves at once for each thread: those that wait while it works are its next write."""

MERGED_ENTRIES: Final = 1000
MERGED_CHARACTERS: Final = 4 * 2**20
"""Of one write at most, unless a single feed has more. Beyond these only latency grows."""

LATE: Final = 0.1
"""Seconds that a save waits until another thread makes the next write: by then most writes have ended."""

SaveAll = Callable[[Sequence[FeedUpdate]], Sequence[EntryCounts | Exception]]


class _Turn:
    """One save, from the call to its outcome."""

    def __init__(self, update: FeedUpdate) -> None:
        self.update = update
        self.entries = len(update.entries)
        self.characters = characters(update.entries)
        self.since = trio.current_time()
        self.task = trio.lowlevel.current_task()
        self.taken = False
        self.leads = False
        self.outcome: EntryCounts | Exception | None = None

    def result(self) -> EntryCounts:
        """The outcome, returned or raised."""
        if isinstance(self.outcome, Exception):
            # Many saves may have failed with one error. Each raises a copy, as raising adds to a traceback.
            raise copy.copy(self.outcome) from self.outcome.__cause__
        assert self.outcome is not None  # noqa: S101
        return self.outcome


class MergedSaves:
    """Merges the saves that wait for a thread into one write; each gets its own outcome.

    A call in a thread takes 0.1 ms, a command to a server 0.3, a transaction that waits for the
    disk some more; a feed's entries alone take less than any of them. So the task that gets a
    free thread leads: it writes whatever waits at that moment, and then the first of those that have come
    meanwhile leads. There is no timer: while nothing is written, nothing waits for a larger write.

    One thread is enough as long as what waits is its next write, see `CALLERS`, and is not late; else
    another one writes at the same time. With all threads at once most writes were of a single feed, and each
    thread stood in line for the GIL: 4 connections took a fifth more CPU than one, and more time.

    Args:
      threads: where writes are made, one by each thread at a time.
      save_all: blocking; for each update, in order, its counts or why it is not stored. What it
        raises instead is the outcome of all of them. No two updates are of one feed.
    """

    def __init__(self, threads: Threads, save_all: SaveAll) -> None:
        self._threads = threads
        self._save_all = save_all
        self._queue: deque[_Turn] = deque()
        self._leaders = self._peak_waiting = 0

    @property
    def writers(self) -> Writers:
        """See `Store.writers`."""
        threads = self._threads
        return Writers(threads.width, threads.limiter.borrowed_tokens, len(self._queue), self._peak_waiting)

    # An interrupt in the middle would leave other tasks waiting for a write that nobody makes.
    @trio.lowlevel.enable_ki_protection
    async def save(self, update: FeedUpdate) -> EntryCounts:
        """See `Store.save`.

        Cancellation: until the write begins, leaves the queue and stores nothing; from then on waits for
        the end of the write, whoever leads, and returns its outcome.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        turn = _Turn(update)
        self._queue.append(turn)
        self._peak_waiting = max(self._peak_waiting, len(self._queue))
        if self._may_lead():
            self._leaders += 1
            turn.leads = True
        else:
            await self._wait(turn)
        if turn.leads:
            await self._lead(turn)
        return turn.result()

    def _may_lead(self) -> bool:
        """Whether it takes one more leader: more waits than the next writes take, or it has waited long."""
        if not 0 < self._leaders < self._threads.width:
            return not self._leaders
        late = trio.current_time() - self._queue[0].since >= LATE
        return late or len(self._queue) > CALLERS * self._leaders

    async def _wait(self, turn: _Turn) -> None:
        def abort(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
            if turn.taken:
                return trio.lowlevel.Abort.FAILED
            self._queue.remove(turn)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    async def _lead(self, turn: _Turn) -> None:
        try:
            async with self._threads.reserved() as run:
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
            self._let_another_lead()

    def _take(self, leader: _Turn) -> list[_Turn]:
        """The leader's turn and those that are written with it, which leave the queue."""
        batch, left = [leader], deque[_Turn]()
        feeds = {leader.update.state.feed_id}
        entries, characters = leader.entries, leader.characters
        for turn in self._queue:
            if turn is leader:
                continue
            feed = turn.update.state.feed_id
            more = entries + turn.entries, characters + turn.characters
            # Another leader writes its own turn: while it waits for its thread it can still be cancelled.
            if turn.leads or feed in feeds or more[0] > MERGED_ENTRIES or more[1] > MERGED_CHARACTERS:
                left.append(turn)
            else:
                entries, characters = more
                batch.append(turn)
            feeds.add(feed)  # of what is left as well: a later save of a feed must not overtake it
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

    def _let_another_lead(self) -> None:
        """The turn that has waited longest leads next, if there is one for which it takes another leader."""
        self._leaders -= 1
        turn = next((turn for turn in self._queue if not turn.leads), None)
        if turn is not None and self._may_lead():
            self._leaders += 1
            turn.leads = True
            trio.lowlevel.reschedule(turn.task)
