"""Runs that keep what servers send, and replays of what they have kept."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from trioscrape import Config, Feed, PollTimes, Result, open_scrape
from trioscrape._archive.reader import ArchiveReader
from trioscrape._run.replay import Replay, open_replay
from trioscrape.testing import (
    InlineParser,
    Internet,
    MemoryStore,
)

from support.scenarios import Calendar


async def keep(
    feeds: list[Feed] | list[str], internet: Internet, store: MemoryStore, clock: Calendar, **settings: object
) -> list[Result]:
    """The results of one run."""
    fakes = {"resolver": internet, "connector": internet.connect, "parser": InlineParser(), "now": clock}
    config = Config(**settings)  # type: ignore[arg-type]
    async with open_scrape(feeds, store=store, config=config, **fakes) as scrape:  # type: ignore[arg-type]
        return [result async for result in scrape]


async def replayed(folder: Path, store: MemoryStore, **settings: object) -> tuple[list[Result], Replay]:
    """The results of a replay."""
    with closing(ArchiveReader(folder, Config().body_limit)) as archive:
        async with open_replay(iter(archive), store, Config(parse_width=1, **settings)) as replay:  # type: ignore[arg-type]
            results = [result async for result in replay]
    assert archive.damage == []
    return results, replay


def content(store: MemoryStore) -> dict[str, object]:
    """What is stored, but for how long the lanes took."""
    times = PollTimes()
    return {
        "feeds": store.feeds,
        "entries": store.entries,
        "stored": store._stored,
        "history": {
            feed: [replace(poll, times=times) for poll in history.recent]
            for feed, history in store.history.items()
        },
    }


def same(one: MemoryStore, other: MemoryStore) -> None:
    before, after = content(one), content(other)
    for name, what in before.items():
        assert after[name] == what, name
