"""A watch as the command runs it, in this process."""

from __future__ import annotations

import signal
from contextlib import closing
from pathlib import Path

import pytest
import trio

from trioscrape import Config, Polling
from trioscrape._cli import watch_session as module
from trioscrape._cli.list_file import ListFile
from trioscrape._cli.watch_session import Watched, WatchSession


async def test_nothing_asks_the_watch_for_figures_when_it_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready, feeds = trio.Event(), tmp_path / "feeds.txt"
    monkeypatch.setattr(module, "notify", lambda *lines: ready.set() if "READY=1" in lines else None)
    feeds.write_text("http://127.0.0.1:9/")
    watched = Watched(
        str(feeds), f"sqlite:{tmp_path / 'news.db'}", Polling(), Config(), metrics=("127.0.0.1", 0)
    )
    session = WatchSession(watched, json=False)
    with closing(ListFile(str(feeds))) as list_file:
        async with trio.open_nursery() as outer:
            async with trio.open_nursery() as inner:
                inner.start_soon(session._watch, list_file, outer)
                await ready.wait()
                await session._stages[1](signal.SIGTERM)
            left = [task.name.rpartition(".")[2] for task in outer.child_tasks]
            outer.cancel_scope.cancel()
    assert left == ["relay_driver_errors"]
