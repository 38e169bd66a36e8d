"""The client's part of a scrape on a Dask cluster: it hands out shards, and collects what becomes of them.

Every shard is submitted under a key of its own, and its result is fetched and released as soon as it is
there: a result that is left on a worker is computed again when that worker dies. A window of two shards for
each thread of the cluster is the back-pressure: results that nobody takes hold up the shards after them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import Any, Final, final

from distributed import Client, Future, KilledWorker

from .._errors import ClusterError, TrioscrapeError
from .._records import Outcome, Report, Result, Statistics
from .._run.shard import Learned
from .._run.totals import Totals
from .loop import Done, packed_results, unpacked_results
from .partition import Partition, unpacked
from .progress import Live
from .window import Turn, Window
from .worker import cancel_lanes, drain_lanes, scrape_shard

PER_THREAD: Final = 2
"""Shards that are submitted for each thread: the one that it scrapes, and the next one."""
FIRST: Final = 10
"""Priority of shards that others wait for."""
LOOK: Final = 2.0
"""Seconds from one look at the number of workers to the next."""

_GONE: Final = "the Dask scheduler is gone, or the connection to it; run it again to fetch what is left"


@dataclass(frozen=True, slots=True)
class _Ended:
    """A task that has ended, and what it has returned or raised."""

    key: str
    value: Done | TrioscrapeError | None = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class _Pending:
    turn: Turn
    future: Future[Any] = field(repr=False)


@final
class ClusterScrape:
    """A scrape on a Dask cluster, under way: an iterator of results in order of completion, shard by shard.

    `open_scrape` gives one. One thread iterates over it; all else may be called from any other thread.
    """

    def __init__(self, client: Client, name: str, run_id: str, shards: Partition) -> None:
        self._client, self._name, self._run_id = client, name, run_id
        self._window, self._counts = Window(shards), shards.counts
        self._inbox: SimpleQueue[_Ended | None] = SimpleQueue()
        """Tasks that have ended; None wakes the iteration up for another reason."""
        self._pending: dict[str, _Pending] = {}
        self._totals = Totals()
        self._learned = Learned()
        self._of_hosts: dict[str, Learned] = {}
        self._number = 0
        self._threads, self._looked = 1, -math.inf
        self._began, self._ended = time.monotonic(), math.nan
        self._stop: Callable[[], Any] | None = None
        """Tells the workers to start nothing more."""
        self._tell_again = False
        self._failure: Exception | None = None
        self._closed = False
        self._live = Live()

    def __iter__(self) -> Iterator[Result]:
        """The results.

        Raises:
          ClusterError: the scheduler is gone.
          StoreError, ResourceError: what has ended the scrape on a worker; the others were cancelled then,
            and their results came first.
        """
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[list[Result]]:
        """The results, one list for each shard. It raises what the iteration over single results does."""
        for packed in self.packed_batches():
            yield unpacked_results(packed)

    def packed_batches(self) -> Iterator[bytes]:
        """The results of a shard as the worker packed them, for callers that need only the totals.

        Unpacking them takes twice the CPU time of everything else here.
        """
        while True:
            self._fill()
            if not self._pending:
                break
            ended = self._inbox.get()
            if self._closed:
                return
            if ended is not None and ended.key in self._pending and (packed := self._take(ended)):
                yield packed
        self._ended = time.monotonic()
        if self._failure is not None:
            raise self._failure

    def drain(self, timeout: float = math.inf) -> int:
        """Start no more feeds. The iteration ends when those in flight have their result.

        Args:
          timeout: seconds after which the feeds that are still in flight are cancelled.

        Returns: the number of feeds in flight.
        """
        counts = self._stop_with(lambda: self._client.run(drain_lanes, self._name, timeout))
        return sum(counts.values())

    def cancel(self) -> None:
        """Cancel the feeds in flight, and start no others. The iteration ends when each has its result."""
        self._stop_with(lambda: self._client.run(cancel_lanes, self._name))

    def fail(self, error: Exception) -> None:
        """End the scrape with an error, which the iteration raises when the workers have ended."""
        self._failure = self._failure or error
        self.cancel()

    def report(self) -> Report:
        """The totals of the shards that are done; they are final when the iteration has ended."""
        seconds = (time.monotonic() if math.isnan(self._ended) else self._ended) - self._began
        workers = max(1, self._live.most_workers)
        totals = replace(self._totals, counts=self._counts).as_one(
            seconds=seconds, run_id=self._run_id, processes=workers
        )
        return replace(totals.report(), cluster=self._live.cluster())

    def statistics(self) -> Statistics:
        """The scrape at this moment; the workers report once a second."""
        return self._live.statistics(self.report())

    def hear(self, event: tuple[float, Any]) -> None:
        """Handle an event that a worker has logged. It is called in the thread of the client's event loop."""
        what, value = event[1]
        begun = self._live.heard(what, value)
        if begun is not None and self._stop is not None:
            # By a worker that has come since the others were told.
            self._tell_again = True
            self._inbox.put(None)
        elif what == "tail":
            self._inbox.put(None)

    def close(self) -> None:
        """Cancel everything that is under way, and end an iteration in another thread."""
        self._closed = True
        self._inbox.put(None)
        futures = [each.future for each in self._pending.values()]
        self._pending.clear()
        if futures:
            with suppress(Exception):  # the cluster may be gone
                self._client.cancel(futures)

    def _fill(self) -> None:
        """Submit shards until the window is full."""
        if self._stop is not None:
            if self._tell_again:
                self._tell_again = False
                self._stop_with(self._stop)
            return
        if time.monotonic() > self._looked + LOOK:
            self._looked = time.monotonic()
            workers = _reached(self._client.nthreads)
            self._threads = max(1, sum(workers.values()))
            self._live.look(len(workers), self._threads)
        while len(self._pending) - self._live.tails < PER_THREAD * self._threads:
            turn = self._window.take()
            if turn is None:
                return
            self._submit(turn)

    def _submit(self, turn: Turn) -> None:
        self._number += 1
        chain = turn.shard.chain
        key = f"{self._name}-{chain or 'hosts'}-{self._number}"
        learned = self._learned if chain is None else self._of_hosts.get(chain, self._learned)
        learned = replace(learned, reached=self._learned.reached)
        self._live.submitted(key)
        future = _reached(
            lambda: self._client.submit(
                scrape_shard,
                self._name,
                turn.shard,
                learned,
                key=key,
                pure=False,
                priority=0 if turn.queue is None else FIRST,
            )
        )
        self._pending[key] = _Pending(turn, future)
        assert self._client.loop is not None  # noqa: S101 - it is connected
        self._client.loop.add_callback(self._collect, future)

    async def _collect(self, future: Future[Any]) -> None:
        """Fetch the result of a task. If its worker has died, Dask computes it again first."""
        try:
            ended = _Ended(str(future.key), await self._client.gather(future, asynchronous=True))
        except BaseException as error:  # noqa: BLE001, ASYNC103 - `_take` raises it, in another thread
            ended = _Ended(str(future.key), error=error)
        self._inbox.put(ended)

    def _take(self, ended: _Ended) -> bytes | None:
        """The packed results of a shard; None if it has none, because its workers died and it was split."""
        pending = self._pending.pop(ended.key)
        pending.future.release()
        self._live.ended(ended.key)
        turn, results = pending.turn, None
        if isinstance(ended.error, KilledWorker):
            results = self._killed(turn)
        elif ended.error is not None:
            raise _error(ended.error)
        elif isinstance(ended.value, Done):
            results = self._count(turn, ended.value)
        elif ended.value is not None:
            self.fail(ended.value)
        return results

    def _count(self, turn: Turn, done: Done) -> bytes:
        self._window.ended(turn)
        self._totals += done.totals
        self._learned = Learned(self._learned.reached or done.learned.reached)
        if turn.shard.chain is not None:
            self._of_hosts[turn.shard.chain] = done.learned
        if done.failure is not None and self._failure is None:
            self.fail(done.failure)
        return done.results

    def _killed(self, turn: Turn) -> bytes | None:
        """Split a shard during which several workers have died, or fail it if it has a single feed."""
        if turn.shard.count > 1:
            self._window.split(turn)
            return None
        self._window.ended(turn)
        (feed,) = unpacked(turn.shard)
        result = Result(feed, Outcome.FAILED, "worker-crash", "each worker that had this feed alone has died")
        totals = Totals()
        totals.tally.accepted += 1
        totals.tally.count(result)
        self._totals += totals
        return packed_results([result])

    def _stop_with(self, tell: Callable[[], Any]) -> dict[str, Any]:
        """Submit nothing more, and tell all workers. Returns their answers."""
        self._stop = tell
        self._inbox.put(None)
        with suppress(Exception):  # if the workers can't be reached, `batches` notices
            answers: dict[str, Any] = tell()
            return answers
        return {}


def _reached(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (OSError, CancelledError, RuntimeError) as error:
        raise ClusterError(_GONE) from error  # noqa: ASYNC104 - it is no cancellation of trio's


def _error(error: BaseException) -> BaseException:
    """The exception to raise for a task that has failed."""
    if not isinstance(error, CancelledError | OSError):
        return error
    gone = ClusterError(_GONE)
    gone.__cause__ = error
    return gone
