"""The store as feeds see it: behind its lane, and waited for while it takes nothing."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, TypeVar

import trio

from .._errors import FeedFailed, StoreError, StoreUnavailable
from .._lane import Lane, Timings
from .._records import EntryCounts, FeedState, FeedUpdate, Outage, Report
from .protocol import Store

FIRST_PAUSE: Final = 0.25
"""Seconds until a store that has failed is asked again; after each further failure twice as long."""
LONGEST_PAUSE: Final = 10.0
"""Seconds. A store that is back is noticed by then, and one that is not has little to do."""
OWN_FAILURES: Final = 3
"""Failures of one save, each while others have been stored since the one before, until it is given up."""

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Call(Generic[T]):
    """A call of the store, with all of its attempts."""

    attempt: Callable[[], Awaitable[T]]
    timings: Timings = field(default_factory=Timings)
    saves: bool = False
    """Whether it saves a feed: a store that can't write may well be read, so reading proves nothing."""
    failed_at: int | None = None
    """How many feeds had been stored when it failed last; None: it has not failed."""
    own_failures: int = 0


class StoreLane:
    """A store behind its lane. An outage holds up feeds and costs none.

    A call that the store can't serve now (`StoreUnavailable`) is made again; every call of a store is
    idempotent. During an outage only one of the callers asks, after ever longer pauses; the others
    queue behind it and hold no slot of the lane. They take turns, so that one whose call fails for a
    cause of its own does not speak for all. With the first call that succeeds everybody goes on.

    A save may never fit into the store's timeout, and take along those that are merged with it. So
    those that have failed ask one at a time also when the others have gone on. One that fails then, and
    again when others have been stored meanwhile, is no outage but a feed that can't be stored. And an
    outage in which nothing but a single save has failed is in doubt: others have to try.

    Args:
      store: open.
      lane: whose slots its calls take.
      outage_timeout: seconds from the first failure, with no success after it, until a failure is raised as
        `StoreError`. The last attempt is made by then, and takes no longer than the store's own timeout.
      jitter: a number from 0 to 1, each time another; it cuts each pause by up to a half, so that programs
        that share a store do not come back in step.
      others_can_try: whether there are more feeds, to end the doubt when a single save has waited that long.
    """

    def __init__(
        self,
        store: Store,
        lane: Lane,
        outage_timeout: float,
        *,
        jitter: Callable[[], float] = random.random,
        others_can_try: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store, self._lane, self._outage_timeout = store, lane, outage_timeout
        self._jitter, self._others_can_try = jitter, others_can_try
        self._clock = trio.lowlevel.current_clock()
        self._failure: str | None = None
        self._since = self._pause = self._again = 0.0
        self._asking = trio.Lock()
        self._stored = 0
        # Those that have failed since the last success, unless they were found to fail by themselves.
        self._failing: set[_Call[Any]] = set()

    @property
    def outage(self) -> Outage | None:
        """The outage that goes on at this moment; it may be asked for in any thread."""
        if self._failure is None:
            return None
        return Outage(self._clock.current_time() - self._since, self._failure)

    @property
    def takes_nothing(self) -> bool:
        """Whether there is an outage beyond doubt: more than a single save has failed."""
        return self._failure is not None and not self._in_doubt

    @property
    def _in_doubt(self) -> bool:
        return len(self._failing) <= 1 and all(call.saves for call in self._failing)

    async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        """See `Store.load`."""
        return await self._made(_Call(partial(self._store.load, feed_ids)))

    async def save(self, update: FeedUpdate, timings: Timings) -> EntryCounts:
        """See `Store.save`. What the feed waits for the end of an outage is charged to nothing.

        Raises:
          FeedFailed: ``not-stored``: the store takes others, or others have to show that it does.

        Cancellation: while waiting, gives up; a write that has begun is finished, and its success
        returned, for the caller to report.
        """
        return await self._made(_Call(partial(self._store.save, update), timings, saves=True))

    async def record_run(self, report: Report) -> None:
        """See `Store.record_run`."""
        await self._made(_Call(partial(self._store.record_run, report)))

    async def _made(self, call: _Call[T]) -> T:
        while True:
            with suppress(StoreUnavailable):
                if self._failure is None and call.failed_at is None:
                    async with self._lane.slot(call.timings):
                        if self._failure is None:  # or it has failed while this one queued
                            return await self._attempted(call)
                else:
                    async with self._asking:
                        if self._failure is not None or call.failed_at is not None:  # or it is back
                            await trio.sleep_until(self._again)
                            async with self._lane.slot(call.timings):
                                return await self._attempted(call)

    async def _attempted(self, call: _Call[T]) -> T:
        # Who asks whether an outage is over learns nothing of its own call.
        others_go_on = self._failure is None and call.failed_at is not None and call.failed_at < self._stored
        try:
            result = await call.attempt()
        except StoreUnavailable as error:
            if others_go_on and call.saves:
                self._failed_by_itself(call, error)
            else:
                self._failed(call, error)
            call.failed_at = self._stored
            raise
        self._stored += call.saves
        if call.saves or not any(each.saves for each in self._failing):
            self._failure = None
            self._failing.clear()
        return result

    def _failed_by_itself(self, call: _Call[T], error: StoreUnavailable) -> None:
        call.own_failures += 1
        if call.own_failures == OWN_FAILURES:
            raise FeedFailed("not-stored", f"{error}; others were stored meanwhile") from error
        if self._failure is None:
            self._again = trio.current_time() + FIRST_PAUSE * 2**call.own_failures

    def _failed(self, call: _Call[T], error: StoreUnavailable) -> None:
        now = trio.current_time()
        if self._failure is None:
            self._since, self._again, self._pause = now, now, FIRST_PAUSE
        self._failure = str(error)
        if not call.own_failures:
            self._failing.add(call)
        left = self._since + self._outage_timeout - now
        if left <= 0:
            waited = (
                f"; nothing could be stored for {self._outage_timeout:g} s" if self._outage_timeout else ""
            )
            if call.own_failures or (self._in_doubt and self._others_can_try()):
                raise FeedFailed("not-stored", f"{error}{waited}") from error
            raise StoreError(f"{error}{waited}") from error
        # Calls that were under way when the outage began fail with the first one, and say no more than it.
        if now >= self._again:
            pause = self._pause * (1 - self._jitter() / 2)
            self._again = now + min(pause, left)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
