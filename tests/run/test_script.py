"""``trioscrape.run``: in scripts, and where an event loop is running already."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

import trioscrape
from trioscrape import Outcome, Report, StoreError, UsageError
from trioscrape.testing import InlineParser, Internet, Site

from support.scenarios import healthy, urls


def scrape(tmp_path: Path, internet: Internet | None = None, **how: object) -> Report:
    internet = internet or healthy(5)
    return trioscrape.run(
        urls(internet),
        f"sqlite:{tmp_path / 'x.db'}",
        resolver=internet,
        connector=internet.connect,
        parser=InlineParser(),
        **how,  # type: ignore[arg-type]
    )


def plainly(call: Callable[[], Report]) -> Report:
    return call()


def in_asyncio(call: Callable[[], Report]) -> Report:
    async def main() -> Report:
        return call()

    return asyncio.run(main())


def beside_asyncio(call: Callable[[], Report]) -> Report:
    """The loop goes on meanwhile."""

    async def main() -> Report:
        return await asyncio.to_thread(call)

    return asyncio.run(main())


def in_a_callback(call: Callable[[], Report]) -> Report:
    """The loop runs, and no task does."""
    loop, found = asyncio.new_event_loop(), Future[Report]()

    def callback() -> None:
        try:
            found.set_result(call())
        except Exception as error:  # noqa: BLE001
            found.set_exception(error)
        loop.stop()

    loop.call_soon(callback)
    loop.run_forever()
    loop.close()
    return found.result()


def in_a_notebook(call: Callable[[], Report]) -> Report:
    """As IPython's kernel does it: code without an await, executed by a task of a loop that goes on."""
    names = {"call": call}

    async def run_cell() -> None:
        exec(compile("report = call()", "<cell>", "exec"), names)  # type: ignore[arg-type]

    async def kernel() -> None:
        await asyncio.create_task(run_cell())
        await asyncio.create_task(run_cell())  # and the next cell

    asyncio.run(kernel())
    return names["report"]  # type: ignore[return-value]


def in_trio(call: Callable[[], Report]) -> Report:
    async def main() -> Report:
        return call()

    return trio.run(main)


def in_a_thread_beside_trio(call: Callable[[], Report]) -> Report:
    async def main() -> Report:
        return await trio.to_thread.run_sync(call)

    return trio.run(main)


ANYWHERE = [
    plainly,
    in_asyncio,
    beside_asyncio,
    in_a_callback,
    in_a_notebook,
    in_trio,
    in_a_thread_beside_trio,
]


@pytest.mark.parametrize("where", ANYWHERE)
class TestAnywhere:
    def test_it_is_a_function_like_any_other(
        self, where: Callable[[Callable[[], Report]], Report], tmp_path: Path
    ) -> None:
        report = where(lambda: scrape(tmp_path))

        assert report.outcomes[Outcome.NEW] + report.outcomes[Outcome.NOT_MODIFIED] == 5
        assert report.complete
        assert not [each for each in threading.enumerate() if "trioscrape" in each.name]

    def test_errors_are_themselves(
        self, where: Callable[[Callable[[], Report]], Report], tmp_path: Path
    ) -> None:
        with pytest.raises(StoreError, match=r"missing/x\.db"):
            where(lambda: trioscrape.run([], f"sqlite:{tmp_path / 'missing' / 'x.db'}"))
        with pytest.raises(UsageError, match="invalid store URL"):
            where(lambda: trioscrape.run([], "nonsense:"))


def test_the_run_is_recorded_and_the_store_closed(tmp_path: Path) -> None:
    report = scrape(tmp_path)

    async def read() -> list[str]:
        async with trioscrape.open_reader(f"sqlite:{tmp_path / 'x.db'}") as reader:
            return [state.url async for state in reader.read_feeds()]

    assert len(trio.run(read)) == report.feeds == 5
    import sqlite3

    db = sqlite3.connect(tmp_path / "x.db")
    assert db.execute("SELECT feeds, not_started FROM runs").fetchall() == [(5, 0)]
    db.close()


def test_feeds_may_arrive(tmp_path: Path) -> None:
    async def feeds() -> AsyncIterator[str]:
        for url in urls(internet):
            await trio.sleep(0.01)
            yield url

    internet = healthy(5)
    report = trioscrape.run(
        feeds(),
        f"sqlite:{tmp_path / 'x.db'}",
        resolver=internet,
        connector=internet.connect,
        parser=InlineParser(),
    )

    assert (report.feeds, report.complete) == (5, True)


def test_no_thread_to_run_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)

    with pytest.raises(trioscrape.ResourceError, match="can't start new thread"):
        in_trio(lambda: scrape(tmp_path))


# Interrupted.

PROGRAM = """
import asyncio, sys, threading, trio, trioscrape
from trioscrape.testing import InlineParser, Internet, Site

class Stalling(Internet):
    async def resolve(self, host):
        found = await super().resolve(host)
        print("ready", flush=True)
        return found

def scrape():
    internet = Stalling({"a.test": Site(first_byte=1000)})
    try:
        trioscrape.run(["http://a.test/"], "sqlite:x.db", resolver=internet, connector=internet.connect,
                       parser=InlineParser())
    finally:
        threads = [each.name for each in threading.enumerate() if "trioscrape" in each.name]
        print("left open:", internet.open, threads, flush=True)

async def main():
    scrape()

where = sys.argv[1]
try:
    scrape() if where == "script" else trio.run(main) if where == "trio" else asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
"""


@contextmanager
def started(where: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, where],
        cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("where", ["script", "asyncio", "trio"])
def test_ctrl_c_cancels_and_comes_out_as_itself(where: str, tmp_path: Path) -> None:
    with started(where, tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (out, err, process.returncode) == ("left open: 0 []\ninterrupted\n", "", 0)


def test_a_task_that_is_cancelled_meanwhile(tmp_path: Path) -> None:
    """By a signal handler or another thread; there is nobody else while the loop stands still."""
    internet = Internet({"f0.test": Site(first_byte=1000)})
    task: list[asyncio.Task[object]] = []

    async def main() -> None:
        task.append(asyncio.current_task())  # type: ignore[arg-type]
        scrape(tmp_path, internet, now=cancel_once)

    def cancel_once() -> object:
        task[0].cancel()
        return trioscrape._hosts.retry_after.utc_now()  # type: ignore[attr-defined]

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert internet.open == 0
