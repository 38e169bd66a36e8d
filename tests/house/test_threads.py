"""Calls in threads: what they return, and threads that die in the middle, as they do without memory."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from trioscrape._threads import STARTING, NoThread, in_thread

CACHE = type(trio._core._thread_cache.THREAD_CACHE)
Deliver = Callable[[Any], object]


async def test_the_result_and_the_error() -> None:
    limiter = trio.CapacityLimiter(1)

    assert await in_thread(divmod, 7, 2, limiter=limiter) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await in_thread(divmod, 7, 0, limiter=limiter)
    assert limiter.borrowed_tokens == 0


async def test_a_call_that_has_begun_is_waited_for() -> None:
    begun, end = threading.Event(), threading.Event()

    def call() -> str:
        begun.set()
        end.wait(30)
        return "done"

    found = []
    async with trio.open_nursery() as nursery:

        async def run() -> None:
            found.append(await in_thread(call, limiter=trio.CapacityLimiter(1)))

        nursery.start_soon(run)
        await trio.to_thread.run_sync(begun.wait, 30)
        nursery.cancel_scope.cancel()
        end.set()

    assert found == ["done"]


async def test_one_that_waits_for_a_thread_is_given_up() -> None:
    limiter = trio.CapacityLimiter(1)
    async with limiter:
        with trio.move_on_after(0) as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(lambda: in_thread(int, limiter=limiter))

    assert scope.cancelled_caught


async def test_an_abandoned_call_has_its_token_until_it_ends() -> None:
    end, limiter = threading.Event(), trio.CapacityLimiter(1)
    with trio.move_on_after(0.01):
        await in_thread(end.wait, 30, limiter=limiter, abandon_on_cancel=True)
    assert limiter.borrowed_tokens == 1
    end.set()

    await in_thread(int, limiter=limiter)
    assert limiter.borrowed_tokens == 0


@pytest.fixture
def fast_clock(mock_clock: MockClock) -> MockClock:
    """A second takes a millisecond. A clock that jumps when all tasks wait jumps over the work of threads."""
    mock_clock.rate = 1000
    return mock_clock


@pytest.mark.parametrize("abandon", [True, False])
async def test_a_thread_that_never_begins(
    fast_clock: MockClock, monkeypatch: pytest.MonkeyPatch, abandon: bool
) -> None:
    def start(cache: object, fn: Callable[[], object], deliver: Deliver, name: str | None = None) -> None:
        pass

    monkeypatch.setattr(CACHE, "start_thread_soon", start)
    limiter = trio.CapacityLimiter(1)
    with pytest.raises(NoThread):
        await in_thread(int, limiter=limiter, abandon_on_cancel=abandon)

    assert trio.current_time() >= STARTING
    assert limiter.borrowed_tokens == abandon, "a thread that may be stuck has its token until it ends"


async def test_one_that_begins_too_late(fast_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has waited for it has done something else meanwhile."""
    started, called = [], []

    def start(cache: object, fn: Callable[[], object], deliver: Deliver, name: str | None = None) -> None:
        started.append(fn)

    monkeypatch.setattr(CACHE, "start_thread_soon", start)
    with pytest.raises(NoThread):
        await in_thread(called.append, 1, limiter=trio.CapacityLimiter(1))
    started[0]()

    assert called == []


async def test_a_result_that_is_not_delivered(fast_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(cache: object, fn: Callable[[], object], deliver: Deliver, name: str | None = None) -> None:
        fn()

    monkeypatch.setattr(CACHE, "start_thread_soon", start)

    for abandon in True, False:
        assert await in_thread(int, "7", limiter=trio.CapacityLimiter(1), abandon_on_cancel=abandon) == 7


async def test_one_that_finds_no_memory_to_tell(
    fast_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(cache: object, fn: Callable[[], object], deliver: Deliver, name: str | None = None) -> None:
        fn()
        deliver(None)

    def run_sync_soon(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(CACHE, "start_thread_soon", start)
    monkeypatch.setattr(trio.lowlevel.TrioToken, "run_sync_soon", run_sync_soon)

    assert await in_thread(int, "7", limiter=trio.CapacityLimiter(1)) == 7


NO_ROOM = """
import resource, sys, threading, trio
from trioscrape._threads import NoThread, in_thread

async def main():
    before = threading.active_count()
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 12 * 2**20, resource.RLIM_INFINITY))
    limiter = trio.CapacityLimiter(1)
    for abandon in False, True:
        try:
            await in_thread(int, limiter=limiter, abandon_on_cancel=abandon)
        except NoThread as error:
            print(error, limiter.borrowed_tokens, threading.active_count() - before)

trio.run(main)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="macOS ignores RLIMIT_AS")
def test_none_is_begun_that_would_have_its_stack_and_nothing_else() -> None:
    ended = subprocess.run([sys.executable, "-c", NO_ROOM], capture_output=True, text=True, check=True)

    said = "[Errno 11] no memory for one more thread: [Errno 12] Cannot allocate memory 0 0"
    assert ended.stdout.splitlines() == [said, said]


async def test_a_wait_for_a_token_may_take_long(autojump_clock: MockClock) -> None:
    limiter = trio.CapacityLimiter(1)
    async with trio.open_nursery() as nursery:
        with trio.move_on_after(10 * STARTING) as scope:
            limiter.acquire_on_behalf_of_nowait("another")
            await in_thread(int, limiter=limiter, abandon_on_cancel=True)
        limiter.release_on_behalf_of("another")
        nursery.cancel_scope.cancel()

    assert scope.cancelled_caught


async def test_a_clock_that_jumps_is_not_gone_by(autojump_clock: MockClock) -> None:
    limiter = trio.CapacityLimiter(1)
    for abandon in True, False:
        slow = in_thread(time.sleep, 0.05, limiter=limiter, abandon_on_cancel=abandon)
        assert await slow is None

    assert trio.current_time() == 0


async def test_it_takes_no_token_of_the_default_limiter() -> None:
    default = trio.to_thread.current_default_thread_limiter()

    assert await in_thread(lambda: default.borrowed_tokens, limiter=trio.CapacityLimiter(1)) == 0


async def test_an_error_is_no_reference_cycle() -> None:
    class Payload:
        pass

    async def fail() -> weakref.ref[Payload]:
        payload = Payload()

        def call() -> None:
            raise ValueError(payload)

        with pytest.raises(ValueError, match="Payload"):
            await in_thread(call, limiter=trio.CapacityLimiter(1))
        return weakref.ref(payload)

    gc.disable()
    try:
        left = await fail()
        assert left() is None
    finally:
        gc.enable()
