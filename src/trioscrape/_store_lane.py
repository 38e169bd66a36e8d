"""The store as feeds see it: behind its lane, and waited for while it takes nothing."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

import trio

from ._errors import StoreError, StoreUnavailable
from ._lane import Lane, Trip
from ._store import Store
from ._types import EntryCounts, FeedState, FeedUpdate, Outage, Report

FIRST_PAUSE: Final = 0.25
"""Seconds until a store that has failed is asked again; after each further failure twice as long."""
LONGEST_PAUSE: Final = 10.0
"""Seconds. A store that is back is noticed by then, and one that is not has little to do."""

T = TypeVar("T")


class StoreLane:
    """A store behind its lane. An outage holds up feeds and costs none.

    A call that the store can't serve now (`StoreUnavailable`) is made again; every call of a store is
    idempotent. During an outage only one of the callers asks, after ever longer pauses; the others
    queue behind it and hold no slot of the lane. They take turns, so that one whose call fails for a
    cause of its own does not speak for all. With the first call that succeeds everybody goes on.

    Args:
      store: open.
      lane: whose slots its calls take.
      patience: seconds from the first failure, with no success after it, until a failure is raised as
        `StoreError`. The last attempt is made by then, and takes no longer than the store's own deadline.
      jitter: a number from 0 to 1, each time another; it cuts each pause by up to a half, so that programs
        that share a store do not come back in step.
    """

    def __init__(
        self,
        store: Store,
        lane: Lane,
        patience: float,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store, self._lane, self._patience = store, lane, patience
        self._jitter = jitter
        self._failure: str | None = None
        self._since = self._pause = self._again = 0.0
        self._asking = trio.Lock()

    @property
    def outage(self) -> Outage | None:
        """The outage that goes on at this moment."""
        if self._failure is None:
            return None
        return Outage(trio.current_time() - self._since, self._failure)

    async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        """See `Store.load`."""
        return await self._call(Trip(), partial(self._store.load, feed_ids))

    async def save(self, update: FeedUpdate, trip: Trip) -> EntryCounts:
        """See `Store.save`. What the feed waits for the end of an outage is charged to nothing.

        Cancellation: while waiting, gives up; a write that has begun is finished, and its success
        returned, for the caller to report.
        """
        return await self._call(trip, partial(self._store.save, update))

    async def record_run(self, report: Report) -> None:
        """See `Store.record_run`."""
        await self._call(Trip(), partial(self._store.record_run, report))

    async def _call(self, trip: Trip, call: Callable[[], Awaitable[T]]) -> T:
        while True:
            with suppress(StoreUnavailable):
                if self._failure is None:
                    async with self._lane.slot(trip):
                        if self._failure is None:  # or it has failed while this one queued
                            return await self._attempt(call)
                else:
                    async with self._asking:
                        if self._failure is not None:  # or it is back
                            await trio.sleep_until(self._again)
                            async with self._lane.slot(trip):
                                return await self._attempt(call)

    async def _attempt(self, call: Callable[[], Awaitable[T]]) -> T:
        try:
            result = await call()
        except StoreUnavailable as error:
            self._failed(error)
            raise
        self._failure = None
        return result

    def _failed(self, error: StoreUnavailable) -> None:
        now = trio.current_time()
        if self._failure is None:
            self._since, self._again, self._pause = now, now, FIRST_PAUSE
        self._failure = str(error)
        left = self._since + self._patience - now
        if left <= 0:
            waited = f"; nothing could be stored for {self._patience:g} s" if self._patience else ""
            raise StoreError(f"{error}{waited}") from error
        # Calls that were under way when the outage began fail with the first one, and say no more than it.
        if now >= self._again:
            pause = self._pause * (1 - self._jitter() / 2)
            self._again = now + min(pause, left)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
