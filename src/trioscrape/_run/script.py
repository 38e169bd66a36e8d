"""A whole scrape in one call, for scripts, asyncio programs and notebooks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import trio

from .._config.config import Config
from .._dns.caching import Resolver
from .._http.happy_eyeballs import Connector
from .._parse import Parser
from .._records import Report
from .api import scrape
from .feed_source import Feeds


def run(
    feeds: Feeds,
    store: str,
    *,
    config: Config | None = None,
    resolver: Resolver | None = None,
    connector: Connector | None = None,
    parser: Parser | None = None,
) -> Report:
    """Scrape `feeds` into the store at the URL `store`, and return the totals.

    ::

        report = trioscrape.run(["https://example.org/feed.xml"], "sqlite:news.db")

    The scrape has a trio event loop of its own. It can be called where another loop is running already, in a
    notebook for example: then that loop is in a thread of its own, and this call blocks the running one until
    the scrape has ended. In an asyncio program, ``await asyncio.to_thread(trioscrape.run, feeds, url)`` does
    not block.

    Args and errors are those of `open_scrape`; the run is recorded in the store.

    Cancellation: Ctrl-C cancels the scrape, finishes the write in hand and raises `KeyboardInterrupt`.
    """
    work = partial(
        scrape, feeds, store=store, config=config, resolver=resolver, connector=connector, parser=parser
    )
    return _run_in_thread(work) if _loop_is_running() else trio.run(work)


def _loop_is_running() -> bool:
    """Whether this thread has an event loop at work, in which `trio.run` would fail or be refused."""
    if trio.lowlevel.in_trio_run():
        return True
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _run_in_thread(work: Callable[[], Awaitable[Report]]) -> Report:
    scope = trio.CancelScope()
    tokens: list[trio.lowlevel.TrioToken] = []

    async def cancellable() -> Report:
        tokens.append(trio.lowlevel.current_trio_token())
        with scope:
            return await work()
        raise KeyboardInterrupt  # nobody else cancels the scope

    with ThreadPoolExecutor(1, "trioscrape") as pool:
        running = pool.submit(trio.run, cancellable)
        try:
            return running.result()
        except KeyboardInterrupt:
            for token in tokens:
                with suppress(trio.RunFinishedError):
                    token.run_sync_soon(scope.cancel)
            raise
