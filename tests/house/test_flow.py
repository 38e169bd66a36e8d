"""The state that admission watches."""

import trio
from trio.testing import wait_all_tasks_blocked

from trioscrape._flow import Flow, State


async def test_counts_and_facts() -> None:
    flow = Flow()
    flow.add(in_flight=2, slots=1, stuck=1, locating=3)
    flow.add(in_flight=-1, locating=-3)
    flow.note(read=True)

    assert flow.now == State(in_flight=1, slots=1, stuck=1, read=True)


async def test_every_change_wakes_whoever_waits_for_one() -> None:
    flow, woken = Flow(), []

    async def watch() -> None:
        while True:
            await flow.change()
            woken.append(flow.now.in_flight)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        for _ in range(3):
            await wait_all_tasks_blocked()
            flow.add(in_flight=1)
        await wait_all_tasks_blocked()
        flow.note(hungry=False)  # which it is
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()

    assert woken == [1, 2, 3]


async def test_a_condition_is_waited_for() -> None:
    flow = Flow()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flow.until, lambda now: now.in_flight > 1)
        flow.add(in_flight=1)
        await wait_all_tasks_blocked()
        assert nursery.child_tasks
        flow.add(in_flight=1)
        await wait_all_tasks_blocked()
        assert not nursery.child_tasks
