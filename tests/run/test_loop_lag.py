"""A process that stands still: stopped, or on a machine that sleeps. Its timeouts mean little then."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys

import pytest
import trio
from trio.testing import MockClock

from trioscrape import Outcome
from trioscrape._run import loop_lag
from trioscrape._run.loop_lag import PAUSE, LoopLag
from trioscrape.testing import Internet, Site

from support.command_line import serving
from support.scenarios import healthy, open_virtual, results_of, urls

LONG = 60.0


@pytest.fixture
def looks_at_the_loop() -> None:
    """As often as ever."""


async def standing_still(
    internet: Internet, clock: MockClock, times: int = 1
) -> list[tuple[str, str | None]]:
    """How feeds end when the clock jumps after a second, that often."""
    async with open_virtual(urls(internet), internet) as scrape, trio.open_nursery() as nursery:

        async def jump() -> None:
            for _ in range(times):
                await trio.sleep(1)
                clock.jump(LONG)

        nursery.start_soon(jump)
        results = await results_of(scrape)
    return [(result.outcome, result.reason) for result in results]


@pytest.mark.parametrize("how", ["lookup", "connect", "first_byte", "per_chunk"])
async def test_what_is_in_hand_is_tried_again(autojump_clock: MockClock, how: str) -> None:
    internet = healthy(5, **{how: 2.0})

    found = await standing_still(internet, autojump_clock)

    assert found == [(Outcome.NEW, None)] * 5
    assert len(internet.lookups) == (10 if how == "lookup" else 5)
    assert len(internet.connects) == (5 if how == "lookup" else 10)


async def test_once(autojump_clock: MockClock) -> None:
    internet = healthy(1, first_byte=3.0)

    found = await standing_still(internet, autojump_clock, times=2)

    assert found == [(Outcome.FAILED, "fetch-timeout")]
    assert len(internet.connects) == 2


async def test_other_timeouts_are_the_servers(autojump_clock: MockClock) -> None:
    internet = Internet({"a.test": Site(first_byte=math.inf)})
    async with open_virtual(urls(internet), internet) as scrape:
        autojump_clock.jump(LONG)  # before it is fetched
        await trio.sleep(1)
        (result,) = await results_of(scrape)

    assert result.reason == "read-timeout"
    assert len(internet.connects) == 1


async def test_a_machine_that_sleeps(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its clock sleeps too, but its connections are dead."""
    slept = 0.0
    lag = LoopLag(lambda: slept)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lag.watch)
        await trio.sleep(1)
        assert not lag.paused_since(0)
        slept = PAUSE + 1
        assert lag.paused_since(0.5)
        await trio.sleep(1)
        assert lag.paused_since(0.5)
        assert not lag.paused_since(1.5)
        lag.stop()


def test_time_asleep_is_no_time_awake() -> None:
    before = loop_lag.time_asleep()

    assert abs(loop_lag.time_asleep() - before) < PAUSE


@pytest.mark.skipif(sys.platform != "linux", reason="waits for a stopped process")
def test_a_process_that_is_stopped(tmp_path: object) -> None:
    """The site answers while nobody listens."""
    with serving() as site:
        how = ("--read-timeout", "1", "--fetch-timeout", "2", "--json", "--store", f"sqlite:{tmp_path}/x.db")
        command = [sys.executable, "-m", "trioscrape", site.url("stall/1"), *how]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            try:
                assert site.requested.wait(30)
                process.send_signal(signal.SIGSTOP)
                os.waitid(os.P_PID, process.pid, os.WSTOPPED)
                with subprocess.Popen(["sleep", str(PAUSE + 1.5)]) as pause:
                    pause.wait()
                site.go_on.set()
                process.send_signal(signal.SIGCONT)
                out, _ = process.communicate(timeout=60)
            finally:
                process.kill()

    assert b'"outcome":"new"' in out
