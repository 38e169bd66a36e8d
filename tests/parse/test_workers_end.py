"""Worker processes that end, or never begin: cancellation, a killed parent, a machine without processes."""

from __future__ import annotations

import os
import select
import sys

import pytest
import trio

from trioscrape._errors import TrioscrapeError
from trioscrape._parse import open_process_parser
from trioscrape._parse._pool import process, workers

from support import hostile_parsers
from support.threads import no_thread
from support.worker_processes import (
    FEED,
    NEVER,
    PATIENCE,
    command,
    failure,
    is_gone,
    opened,
    phone,
    started,
    worker_of,
)


async def test_a_cancelled_document_leaves_no_process_behind() -> None:
    async with opened() as parser:
        with phone() as (listener, port):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(parser.parse, command("hang", port))
                line, _ = await listener.accept()
                pid = int(await line.recv(20))
                nursery.cancel_scope.cancel()
            line.close()

        assert is_gone(pid)
        assert await worker_of(parser) != pid


async def test_cancelled_while_it_waits_for_a_new_worker() -> None:
    async with opened() as parser:
        with trio.CancelScope() as scope:
            scope.cancel()
            await parser.parse(command("pid"))

        assert scope.cancelled_caught
        assert await worker_of(parser)


async def test_cancelling_around_the_parser_leaves_nothing_behind() -> None:
    with phone() as (listener, port), trio.fail_after(PATIENCE):
        pids: frozenset[int] = frozenset()
        async with trio.open_nursery() as nursery:

            async def scrape() -> None:
                async with (
                    open_process_parser(3, NEVER, hostile_parsers.act) as parser,
                    trio.open_nursery() as inner,
                ):
                    for _ in range(3):
                        inner.start_soon(parser.parse, command("hang", port))
                    for _ in range(3):
                        line, _address = await listener.accept()
                        line.close()
                    nonlocal pids
                    pids = parser.processes
                    nursery.cancel_scope.cancel()

            nursery.start_soon(scrape)

    assert len(pids) == 3
    assert all(is_gone(pid) for pid in pids)


async def test_the_callers_own_exception_comes_out_as_itself() -> None:
    with pytest.raises(ZeroDivisionError):
        async with opened(width=2):
            raise ZeroDivisionError


async def test_workers_are_out_of_reach_of_the_terminals_ctrl_c() -> None:
    async with opened() as parser:
        pid = await worker_of(parser)

        assert os.getsid(pid) == pid != os.getsid(0)


async def test_no_worker_can_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")

    with pytest.raises(TrioscrapeError, match="can't be started"):
        async with opened():
            pass  # pragma: no cover


async def test_no_memory_to_start_a_worker_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(setup: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr(workers, "spawn", no_memory)
    with pytest.raises(TrioscrapeError, match="can't be started: not enough memory"):
        async with opened():
            pass  # pragma: no cover


async def test_no_thread_to_start_a_worker_in(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        no_thread(patched)
        with pytest.raises(TrioscrapeError, match="can't start new thread"):
            async with opened():
                pass  # pragma: no cover


async def test_workers_are_reaped_without_a_thread_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_WARM", 2)
    with monkeypatch.context() as patched:
        async with opened(width=2) as parser:
            pids = parser.processes
            no_thread(patched)
            assert (await failure(parser, command("exit")))[0] == "parse-crash"
            assert await worker_of(parser) in pids  # the other one
            assert (await failure(parser, command("kill")))[0] == "parse-crash"
            with pytest.raises(TrioscrapeError, match="can't start new thread"):
                await parser.parse(FEED)

        assert all(is_gone(pid) for pid in pids)


async def test_workers_that_end_before_they_are_ready(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "_PROGRAM", "/nonexistent/worker.py")

    async with opened() as parser:
        with pytest.raises(TrioscrapeError, match="before they are ready"):
            await parser.parse(FEED)

    assert "/nonexistent/worker.py" in capfd.readouterr().err


async def test_a_closed_parser_starts_nothing() -> None:
    async with opened() as parser:
        pass

    with pytest.raises(trio.ClosedResourceError):
        await parser.parse(FEED)


ORPHANS = """
import sys, trio
from support import hostile_parsers
from trioscrape._parse import FeedDocument, open_process_parser
from trioscrape._parse._pool import workers
workers._ORPHAN_GRACE = 0.1

async def main():
    async with open_process_parser(2, 1.0, hostile_parsers.act) as parser:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(parser.parse, FeedDocument(b"hang", sys.argv[1]))
            await parser.parse(FeedDocument(b"pid", "http://feeds.test/"))
            print(*parser.processes, flush=True)
            await trio.sleep_forever()

trio.run(main)
print("not reached: and this program has no __main__ guard, which a worker must not need")
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for a process that is not our child")
async def test_workers_end_when_their_parent_is_killed_even_in_the_middle_of_a_document() -> None:
    with phone() as (listener, port), trio.fail_after(PATIENCE):
        with started(ORPHANS, f"http://feeds.test:{port}/") as parent:
            assert parent.stdout is not None
            line, _ = await listener.accept()
            watched = [os.pidfd_open(int(pid)) for pid in parent.stdout.readline().split()]
            parent.kill()
        line.close()
        for descriptor in watched:
            assert select.select([descriptor], [], [], PATIENCE)[0]
            os.close(descriptor)

    assert len(watched) == 2
