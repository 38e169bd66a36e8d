"""A watch, which is quiet for hours at a time, and what is in its archive meanwhile."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import trio

from trioscrape import Config, open_watch
from trioscrape._archive.archive import TOGETHER
from trioscrape._archive.reader import ArchiveReader
from trioscrape.testing import InlineParser, MemoryStore, World, run_in_virtual_time

from support.scenarios import healthy, urls


def test_all_of_it_is_on_disk_while_nothing_is_fetched(tmp_path: Path) -> None:
    """So a process that is killed has lost nothing."""

    async def watch() -> int:
        internet, now = healthy(5), World(1, feeds=1).now
        fakes = {
            "resolver": internet,
            "connector": internet.connect,
            "parser": InlineParser(),
            "now": now,
        }
        config = Config(warc=str(tmp_path))
        async with open_watch(urls(internet), store=MemoryStore(), config=config, **fakes) as opened:  # type: ignore[arg-type]
            for _ in range(5):
                await anext(opened)
            await trio.sleep(TOGETHER * 2)
            with closing(ArchiveReader(tmp_path, config.body_limit)) as archive:
                return sum(1 for _ in archive)

    assert run_in_virtual_time(watch) == 5
