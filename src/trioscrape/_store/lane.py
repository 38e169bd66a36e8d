"""The store lane: limits the calls of the store, and repeats them while the store is unavailable."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, TypeVar

import trio

from .._errors import FeedFailed, StoreError, StoreRejected, StoreUnavailable
from .._lane import Lane, Timings
from .._records import EntryCounts, FeedHistory, FeedState, FeedUpdate, Outage, Poll, Report
from .protocol import Store

FIRST_WAIT: Final = 0.25
"""Seconds until a call that has failed is tried again; after each further failure twice as long."""
LONGEST_WAIT: Final = 10.0
"""Seconds. A store that is back is noticed by then, and one that is not is hardly bothered."""
OWN_FAILURES: Final = 3
"""Failures of one save, each while others have been stored since the one before, until it is given up."""
REJECTED: Final = 100
"""Feeds that are rejected before the first one is stored, after which the store counts as failed.

Of each, a record that has nothing of its document was rejected as well, see `Pipeline`. So no feed can bring
about that the others are not fetched; and a store that accepts nothing is not found out only after a million
fetches."""

T = TypeVar("T")


class OutageInDoubt(Exception):
    """Nothing but a single save has failed, and for as long as an outage is waited for.

    Either it is an outage, or it is this feed alone that can't be stored: the caller knows whether there
    are others that will show. `error` is what to raise if there are none.
    """

    def __init__(self, error: StoreError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(eq=False, slots=True)
class _Call(Generic[T]):
    """A call of the store, with all of its attempts."""

    attempt: Callable[[], Awaitable[T]]
    timings: Timings = field(default_factory=Timings)
    saves: bool = False
    """Whether it saves a feed. A full disk can still be read: only saving shows that an outage is over."""
    failed_at: int | None = None
    """How many feeds had been stored when it failed last; None: it has not failed."""
    own_failures: int = 0


class StoreLane:
    """A store behind its lane. Feeds wait for the end of an outage, and none is lost to it.

    A call that the store can't serve now (`StoreUnavailable`) is made again; every call of a store is
    idempotent. During an outage only one of the callers tries, after ever longer waits; the others
    queue behind it and have no slot of the lane. They take turns, so that one whose call fails for a
    reason of its own does not stand for all. With the first call that succeeds everybody goes on.

    A save may never fit into the store's timeout, and fail those that are merged with it as well. So
    those that have failed go on trying one at a time also when the others have gone on. One that fails
    then, and again when others have been stored meanwhile, is no outage but a feed that can't be stored.
    While nothing but a single save has failed, an outage is in doubt: others have to try.

    A save that is rejected (`StoreRejected`) is not made again, and says nothing of the other feeds, unless
    the store has accepted none at all.

    Args:
      store: open.
      lane: whose slots its calls take.
      outage_timeout: seconds from the first failure, with no success after it, until a failure is raised as
        `StoreError`. The last attempt is made by then, and takes no longer than the store's own timeout.
      jitter: gives a number from 0 to 1, a new one with each call; it cuts each wait by up to a half, so
        that programs that share a store do not come back in step.
    """

    def __init__(
        self,
        store: Store,
        lane: Lane,
        outage_timeout: float,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store, self._lane, self._outage_timeout = store, lane, outage_timeout
        self._jitter = jitter
        self._clock = trio.lowlevel.current_clock()
        self._failure: str | None = None
        self._since = self._wait = self._again = 0.0
        self._trying = trio.Lock()
        self._stored = 0
        self._rejected: set[str] = set()
        # Those that have failed since the last success, unless they were found to fail by themselves.
        self._failing: set[_Call[Any]] = set()

    @property
    def outage(self) -> Outage | None:
        """The outage at this moment, if there is one; may be looked at from any thread."""
        if self._failure is None:
            return None
        return Outage(self._clock.current_time() - self._since, self._failure)

    @property
    def takes_nothing(self) -> bool:
        """Whether there is an outage beyond doubt: not just a single save has failed."""
        return self._failure is not None and not self._in_doubt

    @property
    def _in_doubt(self) -> bool:
        return len(self._failing) <= 1 and all(call.saves for call in self._failing)

    async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        """See `Store.load`."""
        return await self._made(_Call(partial(self._store.load, feed_ids)))

    async def read_history(self, feed_ids: Sequence[str], *, polls: bool = False) -> dict[str, FeedHistory]:
        """See `Store.read_history`."""
        return await self._made(_Call(partial(self._store.read_history, feed_ids, polls=polls)))

    async def save(self, update: FeedUpdate, timings: Timings) -> EntryCounts:
        """See `Store.save`. The time that the feed waits for the end of an outage counts nowhere.

        Raises:
          StoreRejected: the store does not accept this feed.
          FeedFailed: ``not-stored``; the store takes others.
          OutageInDoubt: this save alone has failed until the outage timeout.

        Cancellation: while waiting, gives up; a write that has begun is finished, and its success
        returned, for the caller to report.
        """
        try:
            return await self._made(_Call(partial(self._store.save, update), timings, saves=True))
        except StoreRejected as error:
            self._check_whether_any_is_stored(update.state.feed_id, error)
            raise

    async def add_polls(self, polled: Sequence[tuple[str, Poll]]) -> None:
        """See `Store.add_polls`. Polls that can't be stored while feeds can are forgotten.

        Raises:
          StoreError: the store is gone for good.

        Cancellation: as `save`.
        """
        try:
            await self._made(_Call(partial(self._store.add_polls, polled), saves=True))
        except OutageInDoubt as doubt:
            raise doubt.error from doubt.__cause__
        except FeedFailed:
            pass

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
                    async with self._trying:
                        if self._failure is not None or call.failed_at is not None:  # or it is back
                            await trio.sleep_until(self._again)
                            async with self._lane.slot(call.timings):
                                return await self._attempted(call)

    async def _attempted(self, call: _Call[T]) -> T:
        # A call that only tries whether an outage is over says nothing about itself.
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
        except StoreRejected:
            self._failing.discard(call)
            raise
        self._stored += call.saves
        if call.saves or not any(each.saves for each in self._failing):
            self._failure = None
            self._failing.clear()
        return result

    def _check_whether_any_is_stored(self, feed_id: str, error: StoreRejected) -> None:
        if self._stored:
            return
        self._rejected.add(feed_id)
        if len(self._rejected) >= REJECTED:
            raise StoreError(f"{error}; all of the first {REJECTED} feeds were rejected") from error

    def _failed_by_itself(self, call: _Call[T], error: StoreUnavailable) -> None:
        call.own_failures += 1
        if call.own_failures == OWN_FAILURES:
            raise FeedFailed("not-stored", f"{error}; other feeds were stored meanwhile") from error
        if self._failure is None:
            self._again = trio.current_time() + FIRST_WAIT * 2**call.own_failures

    def _failed(self, call: _Call[T], error: StoreUnavailable) -> None:
        now = trio.current_time()
        if self._failure is None:
            self._since, self._again, self._wait = now, now, FIRST_WAIT
        self._failure = str(error)
        if not call.own_failures:
            self._failing.add(call)
        left = self._since + self._outage_timeout - now
        if left <= 0:
            waited = (
                f"; nothing could be stored for {self._outage_timeout:g} s" if self._outage_timeout else ""
            )
            if call.own_failures:
                raise FeedFailed("not-stored", f"{error}{waited}") from error
            failure = StoreError(f"{error}{waited}")
            raise (OutageInDoubt(failure) if self._in_doubt else failure) from error
        # Calls that had begun before the outage fail together with the first one, and mean no more than it.
        if now >= self._again:
            wait = self._wait * (1 - self._jitter() / 2)
            self._again = now + min(wait, left)
            self._wait = min(2 * self._wait, LONGEST_WAIT)
