"""Twice the feeds are twice the work: of each function, and of SQLite; nothing looks through the whole list.

A function that is called more than twice as often has a loop around it that grows with the list, and is
named. What C code does inside of a single call is not seen here, but by ``nox -s many``, which compares CPU
time.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

import trioscrape
from trioscrape import open_store
from trioscrape.testing import MemoryStore

from support.growing import PHASES, STEPS, Function, Lists, Work, counted_calls, counted_steps
from support.long import LONG, only_in

FEEDS = 2_000 if LONG else 100
MOST = 2.2
FEW = 150
"""Calls more that may be due to anything, such as a cache that has to be full before it drops something."""
IN_FLIGHT = 10
"""Small beside the list, because some things happen only when so many are in flight already."""
PLACES = (str(Path(trioscrape.__file__).parent), str(Path(trio.__file__).parents[1]))
"""Of whose functions: ours, and those of the packages. The standard library has caches of its own."""


async def work_of(feeds: int, *, one_host: bool) -> dict[str, Work]:
    """By phase."""
    lists = Lists(feeds, MemoryStore(), one_host=one_host)
    done = {phase: Work() for phase in PHASES}
    for phase, work in done.items():
        with counted_calls(work):
            await lists.scrape(phase, in_flight=IN_FLIGHT)
    return done


def growing(few: Work, many: Work) -> dict[Function, tuple[int, int]]:
    """The functions that are called more than twice as often."""
    return {
        function: (few.calls[function], calls)
        for function, calls in many.calls.items()
        if function[0].startswith(PLACES) and calls > MOST * few.calls[function] + FEW
    }


@pytest.mark.heavy
@pytest.mark.parametrize("one_host", [False, True], ids=["many hosts", "one host"])
async def test_no_function_is_called_more_than_twice_as_often(
    autojump_clock: MockClock, one_host: bool
) -> None:
    few, many = await work_of(FEEDS, one_host=one_host), await work_of(2 * FEEDS, one_host=one_host)

    for phase in PHASES:
        assert growing(few[phase], many[phase]) == {}, phase
        assert few[phase].calls.total() > 50 * FEEDS
        assert many[phase].calls.total() <= MOST * few[phase].calls.total()


@pytest.mark.heavy
@pytest.mark.parametrize("one_host", [False, True], ids=["many hosts", "one host"])
async def test_sqlite_takes_twice_as_many_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_host: bool
) -> None:
    """The clock is real here, as the threads are: how many feeds a write has is not always the same."""

    async def steps_of(feeds: int) -> dict[str, int]:
        work, steps = Work(), {}
        with counted_steps(work, monkeypatch):
            async with open_store(f"sqlite:{tmp_path}/{feeds}.db") as store:
                lists = Lists(feeds, store, one_host=one_host, first_byte=0)
                for phase in PHASES:
                    before = work.steps
                    await lists.scrape(phase, in_flight=IN_FLIGHT)
                    steps[phase] = work.steps - before
        return steps

    few, many = await steps_of(FEEDS), await steps_of(2 * FEEDS)

    for phase in PHASES:
        assert few[phase] > 10 * FEEDS
        assert many[phase] <= MOST * few[phase] + STEPS, phase


@only_in("many")
@pytest.mark.parametrize("one_host", [False, True], ids=["many hosts", "one host"])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_eight_times_the_feeds_take_eight_times_the_cpu_time(
    tmp_path: Path, kind: str, one_host: bool
) -> None:
    """Of all threads; half of it more is allowed for, which is what other work on the machine may cost.

    That is as strict as 2.2 times for twice the feeds: work that grows with the square of the list may be a
    tenth of the rest, and no more.
    """

    async def seconds_of(feeds: int) -> dict[str, float]:
        seconds = {}
        async with open_store(f"sqlite:{tmp_path}/{feeds}.db") as sqlite:
            store = sqlite if kind == "sqlite" else MemoryStore()
            lists = Lists(feeds, store, one_host=one_host, first_byte=0)
            for phase in PHASES:
                began = time.process_time()
                await lists.scrape(phase)
                seconds[phase] = time.process_time() - began
        return seconds

    await seconds_of(100)  # what only happens once is no matter of the list
    few, many = await seconds_of(1_000), await seconds_of(8_000)

    assert {
        phase: round(many[phase] / few[phase], 1) for phase in PHASES if many[phase] > 12 * few[phase]
    } == {}
