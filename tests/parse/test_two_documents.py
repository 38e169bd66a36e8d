"""Workers that are given a document while they are at another one."""

from __future__ import annotations

import math
import os
import secrets
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument, ProcessParser, open_process_parser
from trioscrape._parse._pool import process
from trioscrape._parse._pool.process import Worker
from trioscrape._records import ParsedFeed

from support.hostile_worker import HONEST, REQUEST
from support.worker_processes import NEVER, PATIENCE, URL, command, is_gone, opened, phone, worker_of


class Documents:
    """Tasks that parse, and what they got: the id of a process, or a reason."""

    def __init__(self, parser: ProcessParser, listener: trio.socket.SocketType, port: int) -> None:
        self.parser, self.listener, self.port = parser, listener, port
        self.got: dict[str, str] = {}
        self.scopes: dict[str, trio.CancelScope] = {}
        self._nursery: trio.Nursery | None = None

    async def parse(self, name: str, what: str, port: int = 0) -> None:
        with self.scopes.setdefault(name, trio.CancelScope()) as scope:
            try:
                self.got[name] = (await self.parser.parse(command(what, port))).title or ""
            except FeedFailed as failed:
                self.got[name] = failed.reason
        if scope.cancelled_caught:
            self.got[name] = "cancelled"

    async def begun(self, nursery: trio.Nursery, name: str, what: str) -> trio.socket.SocketType:
        """One that a worker is at, and has a line to."""
        nursery.start_soon(self.parse, name, what, self.port)
        line, _ = await self.listener.accept()
        return line

    async def waiting(self, nursery: trio.Nursery, name: str, what: str) -> None:
        """One that is behind another."""
        nursery.start_soon(self.parse, name, what)
        await wait_all_tasks_blocked()
        assert any(worker.documents == 2 for worker in self.parser._workers)


@asynccontextmanager
async def documents(width: int = 1, parse_timeout: float = NEVER) -> AsyncIterator[Documents]:
    async with opened(width, parse_timeout) as parser:
        with phone() as (listener, port):
            yield Documents(parser, listener, port)


async def test_both_are_answered_by_the_same_worker() -> None:
    async with documents() as has:
        (pid,) = has.parser.processes
        async with trio.open_nursery() as nursery:
            line = await has.begun(nursery, "first", "wait")
            await has.waiting(nursery, "second", "pid")
            line.close()

        assert has.got == {"first": str(pid), "second": str(pid)}
        assert await worker_of(has.parser) == pid


async def test_who_dies_over_the_first_one_costs_the_first_one() -> None:
    async with documents() as has:
        (pid,) = has.parser.processes
        async with trio.open_nursery() as nursery:
            line = await has.begun(nursery, "first", "wait")
            await has.waiting(nursery, "second", "pid")
            os.kill(pid, signal.SIGKILL)
        line.close()

        (after,) = has.parser.processes
        assert has.got == {"first": "parse-crash", "second": str(after)}
        assert is_gone(pid)


async def test_the_timeout_of_the_first_one_costs_the_first_one() -> None:
    async with documents(parse_timeout=0.5) as has:
        (pid,) = has.parser.processes
        async with trio.open_nursery() as nursery:
            line = await has.begun(nursery, "first", "hang")
            await has.waiting(nursery, "second", "pid")
        line.close()

        (after,) = has.parser.processes
        assert has.got == {"first": "parse-timeout", "second": str(after)}
        assert is_gone(pid)


async def test_the_timeout_begins_when_the_one_before_is_answered() -> None:
    async with documents() as has, trio.open_nursery() as nursery:
        line = await has.begun(nursery, "first", "wait")
        await has.waiting(nursery, "second", "wait")
        (worker,) = has.parser._workers
        first, second = worker._turns
        assert (first.scope.deadline < math.inf, second.scope.deadline) == (True, math.inf)
        began = trio.current_time()
        line.close()
        await second.begun.wait()

        assert began <= second.scope.deadline - NEVER <= trio.current_time()
        nursery.cancel_scope.cancel()


async def test_who_is_cancelled_behind_another_does_not_touch_it() -> None:
    async with documents() as has:
        (pid,) = has.parser.processes
        async with trio.open_nursery() as nursery:
            line = await has.begun(nursery, "first", "wait")
            await has.waiting(nursery, "second", "hang")
            has.scopes["second"].cancel()
            await wait_all_tasks_blocked()
            assert has.got == {"second": "cancelled"}
            line.close()

        assert has.got["first"] == str(pid)
        assert is_gone(pid), "it would be at the second one"
        assert await worker_of(has.parser) != pid


async def test_who_is_cancelled_before_another_does_not_cost_it() -> None:
    async with documents() as has:
        (pid,) = has.parser.processes
        async with trio.open_nursery() as nursery:
            line = await has.begun(nursery, "first", "hang")
            await has.waiting(nursery, "second", "pid")
            has.scopes["first"].cancel()
        line.close()

        (after,) = has.parser.processes
        assert has.got == {"first": "cancelled", "second": str(after)}
        assert is_gone(pid)


async def test_who_crashes_behind_another_is_blamed_when_it_has_done_so_alone() -> None:
    """The one before may have left the worker in any state."""
    async with documents() as has:
        (pid,) = has.parser.processes
        async with trio.open_nursery() as nursery:
            line = await has.begun(nursery, "first", "wait")
            await has.waiting(nursery, "second", "kill")
            line.close()

        assert has.got == {"first": str(pid), "second": "parse-crash"}
        assert await worker_of(has.parser) != pid


async def test_what_the_first_one_may_have_left_behind_costs_the_second_one_nothing() -> None:
    async with documents() as has:
        (pid,) = has.parser.processes
        async with trio.open_nursery() as nursery:
            line = await has.begun(nursery, "first", "wait")
            nursery.start_soon(has.parse, "second", "wait", has.port)
            await wait_all_tasks_blocked()
            line.close()
            at_the_second, _ = await has.listener.accept()
            os.kill(pid, signal.SIGKILL)
            at_the_second.close()
            again, _ = await has.listener.accept()
            again.close()

        (after,) = has.parser.processes
        assert has.got == {"first": str(pid), "second": str(after)}


async def test_who_waits_behind_a_slow_one_goes_to_a_worker_that_is_idle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with documents(width=2) as has, trio.open_nursery() as nursery:
        slow = await has.begun(nursery, "slow", "wait")
        quick = await has.begun(nursery, "quick", "wait")
        await has.waiting(nursery, "behind", "pid")
        monkeypatch.setattr(process, "SLOW", 0.0)
        quick.close()
        while len(has.got) < 2:
            await trio.lowlevel.checkpoint()

        assert has.got["behind"] == has.got["quick"]
        slow.close()


async def test_who_waits_behind_one_that_turns_out_to_be_slow(mock_clock: MockClock) -> None:
    """The other worker is idle already then, and would be for as long as the first document takes."""
    async with documents(width=2) as has, trio.open_nursery() as nursery:
        slow = await has.begun(nursery, "slow", "wait")
        quick = await has.begun(nursery, "quick", "wait")
        await has.waiting(nursery, "behind", "pid")
        quick.close()
        while "quick" not in has.got:
            await trio.lowlevel.checkpoint()
        assert "behind" not in has.got

        mock_clock.jump(process.SLOW + 0.1)
        while "behind" not in has.got:
            await trio.lowlevel.checkpoint()

        assert has.got["behind"] == has.got["quick"]
        slow.close()


async def test_none_waits_behind_a_slow_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SLOW", 0.0)
    async with documents() as has, trio.open_nursery() as nursery:
        line = await has.begun(nursery, "slow", "wait")
        nursery.start_soon(has.parse, "other", "pid")
        await wait_all_tasks_blocked()
        (worker,) = has.parser._workers
        assert worker.documents == 1
        line.close()


async def test_each_gets_its_own_answer() -> None:
    """Also those beside which others fail."""
    got: dict[int, str] = {}

    async def parse(number: int) -> None:
        title = f"<rss version='2.0'><channel><title>{number}</title></channel></rss>"
        body = title if number % 7 else "<!doctype html><html>"
        try:
            got[number] = (await parser.parse(FeedDocument(body.encode(), URL))).title or ""
        except FeedFailed as failed:
            got[number] = failed.reason

    with trio.fail_after(PATIENCE):
        async with open_process_parser(2, NEVER) as parser, trio.open_nursery() as nursery:
            for number in range(100):
                nursery.start_soon(parse, number)

    assert got == {number: str(number) if number % 7 else "not-a-feed" for number in range(100)}


async def test_what_the_worker_says_to_a_document_that_was_taken_away_is_not_the_first_ones_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has found it in its socket; its answer is there before ours has been looked at."""
    monkeypatch.setattr(secrets, "token_hex", lambda _: REQUEST.decode())
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs:
        worker = Worker(cast("subprocess.Popen[bytes]", None), ours)
        got: list[object] = []

        async def parse() -> None:
            got.append(await worker.parse(FeedDocument(b"<rss/>", URL), NEVER))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(parse)
            await wait_all_tasks_blocked()
            async with trio.open_nursery() as second:
                second.start_soon(parse)
                await wait_all_tasks_blocked()
                second.cancel_scope.cancel()
            theirs.sendall(HONEST + HONEST)
        ours.close()

    [answer] = got
    assert isinstance(answer, ParsedFeed)
    assert worker.retired
