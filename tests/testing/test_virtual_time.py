"""Programs in virtual time do the same each time."""

from __future__ import annotations

import random

import pytest
import trio

from trioscrape import scrape
from trioscrape._run import loop_lag, wiring
from trioscrape.testing import InlineParser, Internet, MemoryStore, Site, run_in_virtual_time

from support.scenarios import rss


async def race(count: int) -> list[float]:
    """Who is first, and what it has drawn."""
    order: list[float] = []

    async def run(number: int) -> None:
        for _ in range(3):
            await trio.sleep(1)
            order.extend((number, random.random()))

    async with trio.open_nursery() as nursery:
        for number in range(count):
            nursery.start_soon(run, number)
    return order


def test_the_order_of_tasks_follows_from_the_seed() -> None:
    orders = [run_in_virtual_time(race, 20, seed=seed) for seed in (1, 1, 2)]

    assert orders[0] == orders[1] != orders[2]


def test_the_clock_begins_at_0_and_jumps() -> None:
    async def main() -> float:
        assert trio.current_time() == 0
        await trio.sleep(86_400)
        return trio.current_time()

    assert run_in_virtual_time(main) == 86_400


def test_afterwards_everything_is_as_before() -> None:
    """Also after an exception."""
    before = random.getstate(), trio._core._run._r.getstate(), loop_lag.PERIOD, wiring.client_context

    async def main() -> None:
        random.random()
        assert before[2] < loop_lag.PERIOD
        raise KeyError

    with pytest.raises(KeyError):
        run_in_virtual_time(main)
    assert before == (
        random.getstate(),
        trio._core._run._r.getstate(),
        loop_lag.PERIOD,
        wiring.client_context,
    )


def test_the_clock_does_not_jump_while_a_large_document_is_read() -> None:
    """Its texts are made safe elsewhere than on the event loop; but not in virtual time."""

    async def main() -> float:
        internet = Internet({"a.test": Site(body=rss(*("x" * 500 + str(number) for number in range(500))))})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 3600)
            await scrape(
                ["http://a.test/"],
                store=MemoryStore(),
                resolver=internet,
                connector=internet.connect,
                parser=InlineParser(),
            )
            nursery.cancel_scope.cancel()
        return trio.current_time()

    assert run_in_virtual_time(main) == 0
