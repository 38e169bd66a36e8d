"""The part of a Dask worker that scrapes: a trio loop in a thread, which outlives the shards.

What takes long to open is open for all of them: the store, the parser's processes, the resolver, the TLS
context. An empty shard took 56 ms without that, 53 of them for the TLS context.
"""

from __future__ import annotations

import os
import pickle
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import trio

from .._config.config import Config
from .._errors import TrioscrapeError, UsageError
from .._hosts.retry_after import utc_now
from .._http._transport import SharedContext, client_context
from .._http.happy_eyeballs import open_tcp
from .._records import Feed, Result, Statistics
from .._run.api import chosen_resolver, opened_parser, opened_store
from .._run.open_files import allow_open_files
from .._run.shard import Learned, ShardScrape, open_shard
from .._run.totals import Totals
from .._run.wiring import Seams

IDLE: Final = 60.0
"""Seconds without a shard after which everything is closed; the next shard opens it again. A client that was
killed can't say that it no longer needs the worker."""
LOOK: Final = 0.25
"""Seconds from one look at the shards to the next."""
REPORT: Final = 1.0
"""Seconds from one report of the shards' statistics to the next."""
TAIL: Final = 10
"""A shard is at its tail when this part of its feeds is in flight, and no other can be started now."""
PATIENCE: Final = 30.0
"""Seconds that closing may take. What takes long is a write that the store has begun."""

ENVIRONMENT: Final = "env:"
"""Prefix of a store's URL that each process reads from a variable of its own environment."""


def store_url_of(store: str) -> str:
    """The URL of the store, password included.

    Raises:
      UsageError: it is to come from a variable of the environment that is not set.
    """
    if not store.startswith(ENVIRONMENT):
        return store
    name = store.removeprefix(ENVIRONMENT)
    if not (url := os.environ.get(name)):
        raise UsageError(f"the environment has no variable {name} with the URL of the store")
    return url


@dataclass(frozen=True, slots=True)
class Done:
    """The outcome of a shard."""

    totals: Totals
    results: bytes
    """A list of `Result`s, see `packed_results`."""
    learned: Learned
    failure: TrioscrapeError | None = None
    """The error that ended it early, and would have ended a scrape of the whole list."""


def packed_results(results: list[Result]) -> bytes:
    """The results, pickled and compressed."""
    return zlib.compress(pickle.dumps(results, pickle.HIGHEST_PROTOCOL), 1)


def unpacked_results(packed: bytes) -> list[Result]:
    """See `packed_results`."""
    results: list[Result] = pickle.loads(zlib.decompress(packed))  # noqa: S301 - a worker runs our own code
    return results


@dataclass(eq=False, slots=True)
class ShardTask:
    """A shard on its way through the loop."""

    key: str
    """The key of its Dask task."""
    feeds: list[Feed]
    chain: str | None
    learned: Learned
    done: Future[Done] = field(default_factory=Future)
    tail: Future[None] = field(default_factory=Future)
    """Is set when the shard needs so little of the worker that another one can begin."""
    scrape: ShardScrape | None = None
    cancelled: bool = False


class Closed(Exception):
    """The loop has ended, and takes no more shards; another one does."""


class ShardLoop:
    """A trio loop in a thread of its own, from `start` to `close`, or until nothing was to do for a minute.

    Its methods are called from other threads.

    Args:
      store: the URL of the store, password included, or ``env:NAME``.
      config: of the scrape; ``parse_width`` is the worker's own.
      report: is called in the loop's thread, once a second, with the statistics of the shards by key.
    """

    def __init__(self, store: str, config: Config, report: Callable[[dict[str, Statistics]], object]) -> None:
        self._store, self._config, self._report = store, config, report
        self.opened: Future[None] = Future()
        """Is set when the store and all else is open; raises what `open_scrape` raises."""
        self.ended: Future[None] = Future()
        self._tasks: dict[str, ShardTask] = {}
        self._closing = trio.Event()
        self._closed = False

    def start(self) -> None:
        """Open everything, in the loop's thread."""
        threading.Thread(target=self._main, name="trioscrape", daemon=True).start()

    def begin(self, task: ShardTask) -> None:
        """Begin a shard.

        Raises:
          Closed: the loop has ended.
          TrioscrapeError: see `opened`.
        """
        self.opened.result()
        self._tasks[task.key] = task  # first: if the loop ends before it has heard of it, it says so
        try:
            self._token.run_sync_soon(self._begin, task)
        except trio.RunFinishedError:
            raise Closed from None

    def cancel(self, key: str) -> None:
        """Cancel the shard with that key, if there is one."""
        self._soon(self._cancel, key)

    def drain(self, timeout: float) -> Future[int]:
        """Let the feeds in flight finish, as `Scrape.drain` does for one scrape; their number."""
        number: Future[int] = Future()
        if not self._soon(self._drain, timeout, number):
            number.set_result(0)
        return number

    def cancel_all(self) -> None:
        """Cancel all shards, as `Scrape.cancel` does."""
        self._soon(self._cancel_all)

    def close(self) -> None:
        """End everything, and wait for that."""
        with suppress(Exception):
            self.opened.result(PATIENCE)
        self._soon(self._closing.set)
        self.ended.result(PATIENCE)

    def _soon(self, call: Callable[..., object], *arguments: Any) -> bool:
        """Call `call` in the loop's thread. Returns whether the loop is still running."""
        if not self.opened.done() or self.opened.exception() is not None:
            return False
        try:
            self._token.run_sync_soon(call, *arguments)
        except trio.RunFinishedError:
            return False
        return True

    def _main(self) -> None:
        why: BaseException = Closed()
        try:
            trio.run(self._serve)
        except BaseException as error:  # noqa: BLE001, ASYNC103 - it is raised in the threads that wait
            why = error
        if not self.opened.done():
            self.opened.set_exception(why)
        for task in list(self._tasks.values()):
            if not task.done.done():
                task.done.set_exception(why)
        self.ended.set_result(None)

    async def _serve(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        config = self._config
        allow_open_files(config)
        tls = SharedContext(partial(client_context, config.ca_file))
        await tls.ready()
        async with (
            opened_store(store_url_of(self._store), config) as store,
            opened_parser(None, config) as parser,
        ):
            self._seams = Seams(store, chosen_resolver(config), open_tcp, parser, utc_now, tls=tls)
            async with trio.open_nursery() as self._nursery:
                self.opened.set_result(None)
                await self._watch()
                self._closed = True
                self._nursery.cancel_scope.cancel(reason="the worker closes")

    def _begin(self, task: ShardTask) -> None:
        if self._closed:
            return
        self._nursery.start_soon(self._take, task)

    async def _take(self, task: ShardTask) -> None:
        try:
            task.done.set_result(await self._scraped(task))
        except Exception as error:  # noqa: BLE001 - it is raised in the thread that waits
            task.done.set_exception(error)
        finally:
            if not task.done.done():
                task.done.set_exception(Closed())
            del self._tasks[task.key]

    async def _scraped(self, task: ShardTask) -> Done:
        results: list[Result] = []
        failure = None
        async with open_shard(task.feeds, self._config, self._seams, task.chain, task.learned) as shard:
            task.scrape = shard
            if task.cancelled:
                shard.scrape.cancel()
            try:
                async for result in shard.scrape:
                    results.append(result)  # noqa: PERF401 - they stay when it raises
            except TrioscrapeError as error:
                failure = error
            learned = shard.learned()
        return Done(shard.scrape.totals(), packed_results(results), learned, failure)

    async def _watch(self) -> None:
        """Find the shards that are at their tails, and report, until it is closed or has nothing to do."""
        reported = busy = trio.current_time()
        while not self._closing.is_set() and trio.current_time() < busy + IDLE:
            with trio.move_on_after(LOOK):
                await self._closing.wait()
            begun = {key: task.scrape for key, task in list(self._tasks.items()) if task.scrape is not None}
            for key, shard in begun.items():
                self._look_for_tail(self._tasks[key], shard)
            if self._tasks:
                busy = trio.current_time()
            if begun and trio.current_time() >= reported + REPORT:
                reported = trio.current_time()
                self._report({key: shard.scrape.statistics() for key, shard in begun.items()})

    def _look_for_tail(self, task: ShardTask, shard: ShardScrape) -> None:
        few = max(1, len(task.feeds) // TAIL)
        if not task.tail.done() and shard.is_at_its_tail(few):
            task.tail.set_result(None)

    def _cancel(self, key: str) -> None:
        if (task := self._tasks.get(key)) is not None:
            task.cancelled = True
            if task.scrape is not None:
                task.scrape.scrape.cancel()

    def _cancel_all(self) -> None:
        for key in list(self._tasks):
            self._cancel(key)

    def _drain(self, timeout: float, number: Future[int]) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancelled = task.cancelled or task.scrape is None
        scrapes = [task.scrape.scrape for task in tasks if task.scrape is not None]
        number.set_result(sum(scrape.drain(timeout) for scrape in scrapes))
