"""`trioscrape.run`: a scrape for programs that do not use trio: scripts, notebooks, asyncio programs."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Final

import trio

from .._config.config import Config
from .._dns.caching import Resolver
from .._errors import ResourceError
from .._hosts.retry_after import utc_now
from .._http.happy_eyeballs import Connector
from .._parse import Parser
from .._records import Report
from .api import scrape
from .feed_source import Feeds

PERIOD: Final = 0.1
"""Seconds between two looks whether the caller's asyncio task has been cancelled."""


def run(  # noqa: PLR0913
    feeds: Feeds,
    store: str,
    *,
    config: Config | None = None,
    resolver: Resolver | None = None,
    connector: Connector | None = None,
    parser: Parser | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Report:
    """Scrape `feeds` into the store at a URL, and return the totals.

    ::

        report = trioscrape.run(["https://example.org/feed.xml"], "sqlite:news.db")

    It returns when everything is done, and can be called from anywhere. In a thread with a running event
    loop (a notebook, an asyncio program, a trio task) the scrape has a thread of its own, and the event
    loop stands still until it has ended; an asyncio program that has more to do calls
    ``await asyncio.to_thread(trioscrape.run, feeds, store)``, a trio program `scrape`.

    The store is opened before the first lookup, and gets a record of the run. All other arguments are those
    of `open_scrape`. Where the scrape has a thread of its own, a synchronous iterable of feeds is read in
    that thread. An asynchronous one, and a resolver, connector or parser, have to be written for trio.

    Raises:
      StoreError, UsageError, ResourceError: see `open_scrape`.
      KeyboardInterrupt: Ctrl-C. What is in flight is cancelled first; a write that the store has begun is
        finished, for at most the store's own timeout.
      asyncio.CancelledError: the asyncio task that has called this was cancelled meanwhile, as
        `asyncio.run` does at Ctrl-C. The scrape is cancelled in the same way.
    """
    main = partial(
        scrape,
        feeds,
        store=store,
        config=config,
        resolver=resolver,
        connector=connector,
        parser=parser,
        now=now,
    )
    if trio.lowlevel.in_trio_run() or _asyncio_task() is not None:
        return _InThread(main).report()
    return trio.run(main)


def _asyncio_task() -> Any:
    """The asyncio task that calls this, or the running loop if no task does; None: neither."""
    asyncio = sys.modules.get("asyncio")  # who has a running loop has imported it
    if asyncio is None:
        return None
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    return asyncio.current_task(loop) or loop


class _InThread:
    """A scrape in a thread of its own, for a caller that waits for its end."""

    def __init__(self, main: Callable[[], Awaitable[Report]]) -> None:
        self._main = main
        self._scope = trio.CancelScope()
        self._started: Future[Any] = Future()

    def report(self) -> Report:
        """What the scrape returns or raises; an interruption cancels it first."""
        with ThreadPoolExecutor(1, "trioscrape.run") as pool:
            try:
                ended = pool.submit(trio.run, self._cancellable)
            except RuntimeError as error:
                raise ResourceError(f"no thread can be started for the scrape: {error}") from error
            try:
                _wait(ended)
            except BaseException:
                self._cancel(ended)
                raise
            return ended.result()

    async def _cancellable(self) -> Report:
        self._started.set_result(trio.lowlevel.current_trio_token())
        with self._scope:
            return await self._main()
        raise RuntimeError("the scrape was interrupted")  # nobody sees it: the interruption is raised

    def _cancel(self, ended: Future[Report]) -> None:
        """Cancel the scrape; leaving the pool waits for its end."""
        wait([self._started, ended], return_when=FIRST_COMPLETED)
        if self._started.done():
            with suppress(trio.RunFinishedError):
                self._started.result().run_sync_soon(self._scope.cancel)


def _wait(ended: Future[Report]) -> None:
    task = _asyncio_task()
    cancelled = getattr(task, "cancelling", int)
    before = cancelled()
    while not wait([ended], timeout=PERIOD).done:
        # Where asyncio.run() handles Ctrl-C, it cancels its main task, which can't notice that here.
        if cancelled() > before:
            raise sys.modules["asyncio"].CancelledError
