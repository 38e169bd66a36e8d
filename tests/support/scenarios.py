"""Whole scrapes in virtual time: an internet in memory, a store in memory, the parser in the task."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import trio

from trioscrape import Config, Feed, Outcome, Report, Result, Scrape, Store, open_scrape
from trioscrape._hosts.retry_after import utc_now
from trioscrape.testing import InlineParser, Internet, MemoryStore, Site


def rss(*keys: str, title: str = "T") -> bytes:
    """An RSS document with an item for each key."""
    items = "".join(f"<item><guid>{key}</guid><title>About {key}</title></item>" for key in keys)
    return f'<rss version="2.0"><channel><title>{title}</title>{items}</channel></rss>'.encode()


def healthy(count: int, **how: object) -> Internet:
    """`count` sites f0.test … with a feed of one entry each."""
    return Internet({f"f{n}.test": Site(body=rss(f"e{n}"), **how) for n in range(count)})  # type: ignore[arg-type]


def urls(internet: Internet, path: str = "/feed") -> list[str]:
    return [f"http://{host}{path}" for host in internet.sites]


class Calendar:
    """A wall clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **duration: float) -> None:
        self.moment += timedelta(**duration)


def mixed() -> Internet:
    """One site for each way in which a feed may end."""
    return Internet(
        {
            "good.test": Site(body=rss("a", "b"), headers={"ETag": '"1"'}),
            "slow.test": Site(body=rss("a"), lookup=1, connect=1, first_byte=3),
            "moved.test": Site(status=301, headers={"Location": "http://good.test/feed"}),
            "gone.test": Site(status=410),
            "missing.test": Site(status=404),
            "html.test": Site(body=b"<!doctype html><html><body><p>Welcome</body></html>"),
            "noise.test": Site(body=bytes(range(256)) * 9),
            "empty.test": Site(body=b""),
            "dead.test": Site(lookup=math.inf),
            "hole.test": Site(connect=math.inf),
            "stall.test": Site(first_byte=math.inf),
            "drip.test": Site(body=bytes(8000), chunk=200, per_chunk=1),
            "crawl.test": Site(body=bytes(1000), chunk=1, per_chunk=1),
            "big.test": Site(body=bytes(100_000)),
            "closed.test": Site(listens=False),
            "loop.test": Site(status=302, headers={"Location": "/feed"}),
            "inward.test": Site(
                status=302, headers={"Location": "http://127.0.0.1/"}, addresses=["93.184.215.14"]
            ),
            "unknown.test": Site(exists=False),
        }
    )


MIXED = {
    "good.test": (Outcome.NEW, None),
    "slow.test": (Outcome.NEW, None),
    "moved.test": (Outcome.NEW, None),
    "gone.test": (Outcome.GONE, "http-410"),
    "missing.test": (Outcome.FAILED, "http-404"),
    "html.test": (Outcome.FAILED, "not-a-feed"),
    "noise.test": (Outcome.FAILED, "not-a-feed"),
    "empty.test": (Outcome.FAILED, "not-a-feed"),
    "dead.test": (Outcome.FAILED, "lookup-timeout"),
    "hole.test": (Outcome.FAILED, "connect-timeout"),
    "stall.test": (Outcome.FAILED, "read-timeout"),
    "drip.test": (Outcome.FAILED, "fetch-timeout"),
    "crawl.test": (Outcome.FAILED, "too-slow"),
    "big.test": (Outcome.FAILED, "too-large"),
    "closed.test": (Outcome.FAILED, "connection-refused"),
    "loop.test": (Outcome.FAILED, "redirect-loop"),
    "inward.test": (Outcome.REFUSED, "blocked-address"),
    "unknown.test": (Outcome.FAILED, "name-not-found"),
}
"""How the feed of each of those sites ends."""


def open_virtual(
    feeds: Iterable[str | Feed],
    internet: Internet,
    store: Store | None = None,
    *,
    config: Config | None = None,
    parse_seconds: float = 0.0,
    now: Callable[[], datetime] = utc_now,
) -> AbstractAsyncContextManager[Scrape]:
    """`open_scrape` with everything in memory."""
    return open_scrape(
        feeds,
        store=store if store is not None else MemoryStore(),
        config=config or Config(body_limit=50_000),
        resolver=internet,
        connector=internet.connect,
        parser=InlineParser(parse_seconds),
        now=now,
    )


async def run_virtual(
    feeds: Iterable[str | Feed], internet: Internet, store: Store | None = None, **how: object
) -> tuple[list[Result], Scrape]:
    """All results, and the scrape after its end."""
    async with open_virtual(feeds, internet, store, **how) as scrape:  # type: ignore[arg-type]
        results = [result async for result in scrape]
    return results, scrape


async def counted_report(scrape: Scrape) -> Report:
    """The report of a scrape that has ended, with all that was not started."""
    await scrape.count_not_started()
    return scrape.report()


def open_all(
    internet: Internet, store: Store | None = None, **config: Any
) -> AbstractAsyncContextManager[Scrape]:
    """A scrape of all sites."""
    return open_virtual(urls(internet), internet, store, config=Config(**config))


class Turns:
    """Counts how often another task has its turn."""

    def __init__(self) -> None:
        self.count = 0

    async def run(self) -> None:
        """Take turns until cancelled."""
        while True:
            self.count += 1
            await trio.lowlevel.checkpoint()


async def results_of(scrape: Scrape) -> list[Result]:
    """The results that are still to come."""
    return [result async for result in scrape]
