"""What has come by already."""

from __future__ import annotations

import hashlib
import threading

import pytest
import trio
from trio.testing import assert_no_checkpoints

from trioscrape._run.seen import Seen


def identity(number: int) -> str:
    return hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest()


@pytest.fixture(params=[0, 5, 1000])
def in_memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("trioscrape._run.seen.IN_MEMORY", request.param)
    return int(request.param)


@pytest.mark.usefixtures("in_memory")
async def test_the_first_note_stays() -> None:
    seen = Seen[str]()
    for number in range(20):
        assert await seen.add(identity(number), f"first {number}") is None
    for number in range(20):
        assert await seen.add(identity(number), "second") == (f"first {number}",)
    await seen.aclose()


@pytest.mark.usefixtures("in_memory")
async def test_what_is_cleared_is_new_again() -> None:
    seen = Seen[str]()
    for again in "abc":
        for number in range(20):
            assert await seen.add(identity(number), again) is None
        await seen.clear()
    await seen.aclose()


@pytest.mark.usefixtures("in_memory")
async def test_several_at_once() -> None:
    seen = Seen[int | None]()

    assert await seen.add_all([(identity(1), 1), (identity(2), None), (identity(1), 3)]) == [None, None, (1,)]
    assert await seen.add_all([]) == []
    assert (await seen.add_all([(identity(n), n) for n in range(9)]))[1:3] == [(1,), (None,)]
    await seen.aclose()


@pytest.mark.usefixtures("in_memory")
async def test_tasks_that_come_together() -> None:
    """Each identity is new to exactly one of them, also when what is in memory goes to the file meanwhile."""
    seen, new = Seen[int | None](), []

    async def add(number: int) -> None:
        if await seen.add(identity(number), number) is None:
            new.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(60):
            nursery.start_soon(add, number % 20)
    assert sorted(new) == list(range(20))
    await seen.aclose()


@pytest.mark.usefixtures("in_memory")
async def test_a_task_that_is_cancelled_loses_nothing() -> None:
    seen = Seen[int | None]()
    await seen.add_all([(identity(number), number) for number in range(5)])
    with trio.CancelScope() as scope:
        scope.cancel()
        await seen.add(identity(5), 5)

    assert await seen.add(identity(0), None) == (0,)
    await seen.aclose()


async def test_what_is_new_needs_no_look_at_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed of a long list would wait for a thread each time."""
    monkeypatch.setattr("trioscrape._run.seen.IN_MEMORY", 20)
    monkeypatch.setattr("trioscrape._run.seen.AT_ONCE", 10)
    seen = Seen[int | None]()
    for number in range(21):
        await seen.add(identity(number), number)  # the last one brings all to the file
    with assert_no_checkpoints():
        for number in range(21, 31):
            assert await seen.add(identity(number), number) is None
    await seen.add(identity(31), 31)

    assert [await seen.add(identity(number), None) for number in range(32)] == [(n,) for n in range(32)]
    await seen.aclose()


async def test_a_file_is_used_in_threads_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """And closed when it is done with: from 3.13 on, a database that nobody closes is a warning."""
    monkeypatch.setattr("trioscrape._run.seen.IN_MEMORY", 0)
    threads, closed = [], []

    class Database:
        def __init__(self, *args: object, **kwargs: object) -> None:
            self._db = real(*args, **kwargs)  # type: ignore[arg-type]

        def execute(self, *args: object) -> object:
            threads.append(threading.get_ident())
            return self._db.execute(*args)  # type: ignore[arg-type]

        def executemany(self, *args: object) -> object:
            return self._db.executemany(*args)  # type: ignore[arg-type]

        def close(self) -> None:
            threads.append(threading.get_ident())
            closed.append(self)
            self._db.close()

    from sqlite3 import connect as real

    monkeypatch.setattr("sqlite3.connect", Database)
    seen = Seen[int | None]()
    await seen.add(identity(1), 1)
    with trio.CancelScope() as scope:
        scope.cancel()
        await seen.aclose()

    assert threading.get_ident() not in threads
    assert len(closed) == 1
