"""What runs on Dask's workers: a plugin that holds a `ShardLoop`, and the task that gives it a shard.

A plugin, because an actor is lost with its worker: here the worker that takes its place has the plugin again.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from threading import Lock
from typing import Any, Final

from distributed import Worker, WorkerPlugin, get_worker, secede

from .._config.config import Config
from .._errors import TrioscrapeError
from .._records import Statistics
from .._run.shard import Learned
from .loop import Closed, Done, ShardLoop, ShardTask
from .partition import Shard, unpacked

AT_ONCE: Final = 8
"""Shards that one worker may have under way. All but the last one are at their tails."""
RUNNING: Final = {"executing", "long-running"}
"""States of a Dask task that this worker runs."""
GIVEN_UP: Final = {"cancelled", "released", "forgotten"}
"""States of a task whose result is no longer needed: its client is gone, or another worker has the task."""


class Lanes(WorkerPlugin):
    """Scrapes shards on one worker, with the lanes of one run.

    Args:
      run_id: of the run; it names the plugin, so that several runs can use one cluster.
      store: the URL of the store, or ``env:NAME``. It is in no repr and no log.
      config: of the scrape.
    """

    def __init__(self, run_id: str, store: str, config: Config) -> None:
        self.name = plugin_name(run_id)
        self._store, self._config = store, replace(config, parse_width=1)
        self._stopped = False

    async def setup(self, worker: Worker) -> None:
        """Open the store and everything else. Errors are not raised: `problem` has them."""
        self._worker, self._lock, self._running = worker, Lock(), 0
        self._problem: TrioscrapeError | None = None
        try:
            loop = self._start()
            await asyncio.wrap_future(loop.opened)
        except TrioscrapeError as error:
            self._problem = error

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - Dask gives it by its name
        """End the thread and the parser's processes; shards that are under way are cancelled."""
        self._stopped = True
        await asyncio.to_thread(self._loop.close)

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:
        """Cancel a shard whose result is no longer needed."""
        if start in RUNNING and finish in GIVEN_UP:
            self._loop.cancel(str(key))

    @property
    def problem(self) -> TrioscrapeError | None:
        """Why this worker can't scrape; None if it can."""
        return self._problem

    def scrape(self, key: str, shard: Shard, learned: Learned) -> Done | None:
        """Scrape a shard; returns when it is done. None: the scrape drains, and nothing was started.

        Raises:
          TrioscrapeError: the store can't be opened.
        """
        task = ShardTask(key, unpacked(shard), shard.chain, learned)
        self._tell("begun", key)
        while not self._stopped:
            try:
                self._begin(task)
                return self._wait(task)
            except Closed:  # it had nothing to do for a while
                task = ShardTask(key, task.feeds, task.chain, learned)
        return None

    async def drain(self, seconds: float) -> int:
        """Start no more feeds, and give those in flight `seconds` to end; returns how many they are."""
        self._stopped = True
        return await asyncio.wrap_future(self._loop.drain(seconds))

    def cancel(self) -> None:
        """Cancel everything in flight, and start nothing more."""
        self._stopped = True
        self._loop.cancel_all()

    def _start(self) -> ShardLoop:
        self._loop = ShardLoop(self._store, self._config, self._report)
        self._loop.start()
        return self._loop

    def _begin(self, task: ShardTask) -> None:
        with self._lock:
            if self._problem is not None:
                raise self._problem
            if self._loop.ended.done():
                self._start()
            self._loop.begin(task)

    def _wait(self, task: ShardTask) -> Done:
        """Wait until a shard is done. At its tail, let the worker begin its next shard.

        Else it would be idle while the timeouts of dead hosts pass, or one host is fetched from.
        """
        with self._lock:
            self._running += 1
        try:
            either: list[Future[Any]] = [task.done, task.tail]
            wait(either, return_when=FIRST_COMPLETED)
            if not task.done.done() and self._running < AT_ONCE:
                secede()
                self._tell("tail", task.key)
            return task.done.result()
        finally:
            with self._lock:
                self._running -= 1

    def _report(self, statistics: Mapping[str, Statistics]) -> None:
        self._tell("statistics", pickle.dumps(statistics, pickle.HIGHEST_PROTOCOL))

    def _tell(self, what: str, value: str | bytes) -> None:
        self._worker.log_event(self.name, (what, value))


def plugin_name(run_id: str) -> str:
    """The name of the plugin, which is also the topic of its events and the prefix of its Dask tasks."""
    return f"trioscrape-{run_id}"


def scrape_shard(name: str, shard: Shard, learned: Learned) -> Done | TrioscrapeError | None:
    """The Dask task, see `Lanes.scrape`. Errors are returned, because Dask logs what is raised."""
    worker = get_worker()
    lanes = worker.plugins[name]
    assert isinstance(lanes, Lanes)  # noqa: S101
    try:
        return lanes.scrape(str(worker.get_current_task()), shard, learned)
    except TrioscrapeError as error:
        return error


def find_problem(name: str, dask_worker: Worker) -> TrioscrapeError | None:
    """Why a worker can't scrape."""
    lanes = dask_worker.plugins[name]
    assert isinstance(lanes, Lanes)  # noqa: S101
    return lanes.problem


async def drain_lanes(name: str, seconds: float, dask_worker: Worker) -> int:
    """See `Lanes.drain`."""
    lanes = dask_worker.plugins.get(name)
    return await lanes.drain(seconds) if isinstance(lanes, Lanes) else 0


def cancel_lanes(name: str, dask_worker: Worker) -> None:
    """See `Lanes.cancel`."""
    lanes = dask_worker.plugins.get(name)
    if isinstance(lanes, Lanes):
        lanes.cancel()
