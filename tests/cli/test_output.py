"""Standard output and standard error: a reader who stops can't hang the program."""

from __future__ import annotations

import io
import os
import sys
import threading

import pytest
import trio
import trio.testing

from trioscrape._cli.output import Output

from support.threads import no_thread


async def test_a_reader_that_stops_does_not_stop_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    alive = threading.Event()
    seen: list[object] = []

    def read_late() -> None:
        seen.append(alive.wait(timeout=10))
        received = b""
        while data := os.read(reading, 65536):
            received += data
        seen.append(received)

    reader = threading.Thread(target=read_late)
    reader.start()
    with io.TextIOWrapper(io.FileIO(writing, "w"), encoding="ascii") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Output().write, "é" * 200_000)
            await trio.testing.wait_all_tasks_blocked()
            alive.set()
    reader.join()
    os.close(reading)

    assert seen == [True, rb"\xe9" * 200_000]


async def test_no_thread_can_be_started(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Then the event loop waits for the reader: late is better than never."""
    no_thread(monkeypatch)

    await Output().write("hello")

    assert capfd.readouterr().out == "hello"
