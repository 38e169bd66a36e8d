"""What is remembered of polls goes along with the feeds: export, import, copy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trio

from trioscrape import FeedHistory, Poll, TimerRule, open_reader, open_store
from trioscrape._cli.command import main
from trioscrape._cli.jsonl import line_of
from trioscrape._store.history import clean_history

from support.command_line import records
from support.stores import FEED, OTHER
from support.transfers import SQLITE, fill

THEN = datetime(2026, 2, 28, 12, tzinfo=UTC)
POLLS = (
    Poll(THEN, status=200, size=99, new=2, rules=(TimerRule("ttl", THEN + timedelta(hours=1), "3600 s"),)),
    Poll(THEN + timedelta(hours=2), reason="tls", detail="certificate has expired"),
)
HISTORIES = [
    FeedHistory(FEED, 7, 3, POLLS[1].at, THEN, THEN, 60, 1, THEN, POLLS),
    FeedHistory(OTHER, 1, 0, THEN, recent=POLLS[:1]),
]


async def add(histories: list[FeedHistory]) -> None:
    async with open_store(SQLITE) as store:
        await store.restore_history(histories)


async def stored(url: str) -> list[FeedHistory]:
    async with open_reader(url) as reader:
        found = await reader.read_history([FEED, OTHER])
    return [found[feed] for feed in (FEED, OTHER) if feed in found]


@pytest.fixture(autouse=True)
def filled() -> None:
    fill(SQLITE)
    trio.run(add, HISTORIES)


def test_export_and_import(store_url: str, capfd: pytest.CaptureFixture[str]) -> None:
    target = "sqlite:other.db" if store_url == SQLITE else store_url
    assert main(["export", "--all", "--store", SQLITE, "-o", "all.jsonl"]) == 0
    for _ in range(2):
        assert main(["import", "all.jsonl", "--store", target]) == 0

    assert trio.run(stored, target) == HISTORIES


def test_copy(store_url: str) -> None:
    target = "sqlite:other.db" if store_url == SQLITE else store_url
    assert main(["copy", SQLITE, target]) == 0

    assert trio.run(stored, target) == HISTORIES


def test_feeds_alone_come_without(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--feeds", "--store", SQLITE]) == 0

    assert {each["type"] for each in records(capfd.readouterr().out)} == {"feed"}


def test_polls_of_the_future_are_not_believed() -> None:
    late = datetime.now(UTC) + timedelta(days=400)
    history = FeedHistory(FEED, 2, 0, late, THEN, recent=(POLLS[0], Poll(late)))
    Path("one.jsonl").write_text(line_of(history))

    for trusted, expected in (
        (["--trusted"], history),
        ([], replace(history, last_fetch=None, recent=POLLS[:1])),
    ):
        target = f"sqlite:{len(trusted)}.db"
        assert main(["import", "one.jsonl", *trusted, "--store", target]) == 0
        assert trio.run(stored, target) == [clean_history(expected)]
