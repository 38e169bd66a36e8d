"""Lists of any length, scraped three times: new, before any feed is due, and with a 304 for each.

What that takes is counted, not timed: calls of functions in the thread of the event loop, and the steps of
SQLite's virtual machine. Both are the same on a machine that has other work to do.
"""

from __future__ import annotations

import cProfile
import gc
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

import pytest

from trioscrape import Config, Outcome, Store
from trioscrape.testing import Internet, Site

from support.scenarios import Calendar, open_virtual, rss

Function = tuple[str, str, int]
"""The file, the name and the line; for one that is written in C only its description."""
PHASES = {"new": Outcome.NEW, "not due": Outcome.NOT_DUE, "unmodified": Outcome.NOT_MODIFIED}
"""What is done with the list, one after the other, and how each feed ends."""
STEPS = 100
"""Steps of SQLite's virtual machine from one count to the next."""


class AnySites(dict[str, Site]):
    """Any name is a site with the same feed, at the same address, so that the fake has nothing to search."""

    def __init__(self, first_byte: float) -> None:
        super().__init__()
        headers = {"ETag": '"1"', "Cache-Control": "max-age=3600"}
        where = ["198.18.0.1"]
        self.site = Site(body=rss("x"), headers=headers, first_byte=first_byte, addresses=where)

    def get(self, key: str, default: object = None) -> Site:
        return self.site

    def __missing__(self, key: str) -> Site:
        return self.site


class Forgetful(list[Any]):
    """Of what the fake has seen: nothing, so that it does not grow."""

    def append(self, item: object) -> None:
        pass


@dataclass
class Work:
    """What one scrape has taken."""

    calls: Counter[Function] = field(default_factory=Counter)
    steps: int = 0


class Lists:
    """A list of feeds and what is known of it.

    Args:
      one_host: whether all of them are on the same host.
      first_byte: seconds until an answer comes.
    """

    def __init__(self, feeds: int, store: Store, *, one_host: bool, first_byte: float = 0.5) -> None:
        self.feeds, self._store = feeds, store
        self.urls = [f"http://{'one' if one_host else f'f{n}'}.test/{n}" for n in range(feeds)]
        self.internet = Internet(AnySites(first_byte))
        self.internet.lookups = self.internet.connects = self.internet.requests = Forgetful()
        self._now = Calendar()

    async def scrape(self, phase: str, **settings: Any) -> None:
        """Do what the phase says; all feeds end as they should."""
        config = Config(ignore_schedule=phase == "unmodified", **settings)
        how: dict[str, Any] = {"config": config, "now": self._now}
        async with open_virtual(self.urls, self.internet, self._store, **how) as scrape:
            async for _ in scrape:
                pass
        assert scrape.report().outcomes[PHASES[phase]] == self.feeds


@contextmanager
def counted_calls(work: Work) -> Iterator[None]:
    """Count the calls of each function in this thread meanwhile; each step of a generator is one."""
    gc.collect()
    profile = cProfile.Profile(subcalls=False, builtins=False)
    profile.enable()
    try:
        yield
    finally:
        profile.disable()
        for entry in profile.getstats():
            if isinstance(entry.code, CodeType):
                code = entry.code
                work.calls[code.co_filename, code.co_qualname, code.co_firstlineno] += entry.callcount


@contextmanager
def counted_steps(work: Work, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Count the steps of all databases that are opened meanwhile."""
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def count() -> int:
        work.steps += STEPS
        return 0

    def counting(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        db = connect(*args, **kwargs)
        db.set_progress_handler(count, STEPS)
        return db

    with patch.context() as patched:
        patched.setattr(sqlite3, "connect", counting)
        yield
