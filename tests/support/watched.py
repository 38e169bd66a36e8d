"""Fakes that count how much goes on at once, and lanes that are watched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final
from unittest.mock import patch

import trio

from trioscrape import Config, EntryCounts, FeedState, FeedUpdate, ResolvedAddresses
from trioscrape._lane import Lane, Timings
from trioscrape.testing import Answer, InlineParser, MemoryStore, Request, World

STORE_WIDTH: Final = 3


class Gauge:
    """How many do something at once."""

    def __init__(self, name: str, allowed: int) -> None:
        self.name, self.allowed, self.now, self.most = name, allowed, 0, 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            yield
        finally:
            self.now -= 1


class WatchedWorld(World):
    """Knows how many lookups and requests there were at once."""

    def watch(self, config: Config) -> WatchedWorld:
        self.looking_up = Gauge("lookups", config.dns_width + config.dns_abandoned)
        self.connecting = Gauge("connects", config.http_width)
        self.requesting = Gauge("connects and requests", config.http_width)
        self._under_way: list[Answer] = []
        return self

    async def resolve(self, host: str) -> ResolvedAddresses:
        with self.looking_up.one_more():
            return await super().resolve(host)

    async def connect(self, address: str, port: int) -> trio.abc.Stream:
        with self.connecting.one_more():
            return await super().connect(address, port)

    def answer(self, request: Request, address: str) -> Answer:
        answer = super().answer(request, address)
        self._under_way = [*(each for each in self._under_way if not each.ended), answer]
        now = self.connecting.now + len(self._under_way)
        self.requesting.most = max(self.requesting.most, now)
        return answer


class WatchedStore(MemoryStore):
    """Takes its time, and knows how many calls there were at once."""

    def __init__(self, world: World) -> None:
        super().__init__(STORE_WIDTH, world.now)
        self.calls = Gauge("calls of the store", STORE_WIDTH)

    async def save(self, update: FeedUpdate) -> EntryCounts:
        with self.calls.one_more():
            await trio.sleep(0.01)
            return await super().save(update)

    async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        with self.calls.one_more():
            await trio.sleep(0.01)
            return await super().load(feed_ids)


class WatchedParser(InlineParser):
    """Knows how many documents were parsed at once, and keeps none."""

    def __init__(self, config: Config) -> None:
        super().__init__(0.02)
        self.parsing = Gauge("documents being parsed", config.parse_width)

    async def parse(self, document: Any) -> Any:
        with self.parsing.one_more():
            parsed = await super().parse(document)
        self.documents.clear()
        return parsed


@contextmanager
def lanes_watched(broken: list[str]) -> Iterator[None]:
    """Note each feed that waits for a lane while it has a slot of one."""
    original, held = Lane.slot, defaultdict[trio.lowlevel.Task, list[str]](list)

    @asynccontextmanager
    async def slot(lane: Lane, timings: Timings) -> AsyncIterator[None]:
        task = trio.lowlevel.current_task()
        if mine := held[task]:
            broken.append(f"a feed waits for the {lane.name} lane while it has a slot of {mine}")
        async with original(lane, timings):
            mine.append(lane.name)
            try:
                yield
            finally:
                mine.remove(lane.name)
                if not mine:
                    del held[task]

    with patch.object(Lane, "slot", slot):
        yield
