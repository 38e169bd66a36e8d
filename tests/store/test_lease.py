"""The lease of one run: acquired, waited for, renewed, lost and released, in virtual time."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from trioscrape import StoreError, StoreInUse
from trioscrape._store.lease import EXPIRY, LAST_MOMENT, LOOK, RENEWAL, leased, reserved
from trioscrape.testing import MemoryStore

from support.leases import SINCE, ended_process, lease

THEIRS = lease("theirs")
NEVER = math.inf


async def use(store: MemoryStore, seconds: float, wait: float = 0) -> float:
    """Reserve the store for so many seconds; when that was possible."""
    async with reserved(store, wait):
        began = trio.current_time()
        await trio.sleep(seconds)
    return began


async def theirs(store: MemoryStore) -> None:
    """Another run, of which nothing more is heard from then on."""
    assert await store.acquire_lease(THEIRS, EXPIRY) is None


async def test_shares_whose_processes_have_ended_are_in_nobodys_way(autojump_clock: MockClock) -> None:
    """All of them at once: the machine was short of memory, for example."""
    store = MemoryStore()
    async with leased(store, 0, shard=(1, 3)):
        system = store.lease.system if store.lease else None
    for number in (1, 2, 3):
        dead = lease(str(number), shard=number, shards=3, process=ended_process(), system=system)
        assert await store.acquire_lease(dead, EXPIRY) is None

    assert await use(store, 1) == 0


async def test_the_message_names_the_share(autojump_clock: MockClock) -> None:
    store = MemoryStore()
    async with leased(store, 0, shard=(1, 3)), leased(store, 0, shard=(2, 3)):
        with pytest.raises(StoreInUse, match=r"is in use by process \d+ on .* \(shard 1/3, since 20"):
            await use(store, 1)


class TestAcquiring:
    async def test_another_is_told_who_uses_the_store(self, autojump_clock: MockClock) -> None:
        store = MemoryStore()
        await theirs(store)

        with pytest.raises(StoreInUse) as caught:
            await use(store, 1)

        assert str(caught.value) == (
            "memory: is in use by process 4242 on host of theirs (since 2026-11-01 14:03:00 UTC)"
        )
        assert store.lease == THEIRS
        assert trio.current_time() == 0

    async def test_who_waits_is_next(self, autojump_clock: MockClock) -> None:
        store = MemoryStore()
        began: dict[str, float] = {}

        async def run(name: str, seconds: float, wait: float) -> None:
            began[name] = await use(store, seconds, wait)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run, "first", 100.5, 0)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(run, "second", 1, 200)

        assert began["first"] == 0
        assert 100.5 <= began["second"] < 100.5 + LOOK
        assert store.lease is None

    async def test_it_does_not_wait_for_longer(self, autojump_clock: MockClock) -> None:
        store = MemoryStore()
        with pytest.raises(StoreInUse, match=r"is in use by process .*; it has not ended within 50\.5 s$"):
            async with reserved(store, 0):
                await use(store, 1, wait=50.5)

        assert trio.current_time() == 50.5

    async def test_one_that_was_killed_is_waited_for_until_its_lease_is_over(
        self, autojump_clock: MockClock
    ) -> None:
        store = MemoryStore()
        await theirs(store)

        assert EXPIRY <= await use(store, 1, wait=NEVER) <= EXPIRY + LOOK

    async def test_a_wait_can_be_cancelled(self, autojump_clock: MockClock) -> None:
        store = MemoryStore()
        await theirs(store)
        with trio.move_on_after(10.5):
            await use(store, 1, wait=NEVER)

        assert trio.current_time() == 10.5
        assert store.lease == THEIRS


class TestDeadProcesses:
    """What nobody has to wait for: a process that is known to have ended."""

    @pytest.fixture
    async def system(self) -> str | None:
        store = MemoryStore()
        async with leased(store, 0):
            assert store.lease is not None
            return store.lease.system

    async def test_one_that_has_ended_has_no_lease(self, system: str | None) -> None:
        if system is None:
            pytest.skip("this system does not say whose its process ids are")
        store = MemoryStore()
        await store.acquire_lease(replace(THEIRS, process=ended_process(), system=system), EXPIRY)

        async with leased(store, 0):
            assert store.lease is not None
            assert store.lease.id != THEIRS.id

    @pytest.mark.parametrize("values", [{"system": None}, {"system": "another container"}], ids=str)
    async def test_elsewhere_its_id_means_nothing(self, values: dict[str, Any]) -> None:
        store = MemoryStore()
        await store.acquire_lease(replace(THEIRS, process=ended_process(), **values), EXPIRY)

        with pytest.raises(StoreInUse):
            await use(store, 1)

    @pytest.mark.parametrize("process", [0, 2**62], ids=["group", "huge"])
    async def test_an_odd_id_ends_nothing(self, system: str | None, process: int) -> None:
        store = MemoryStore()
        await store.acquire_lease(replace(THEIRS, process=process, system=system), EXPIRY)

        with pytest.raises(StoreInUse):
            await use(store, 1)

    async def test_one_that_works_keeps_it(self, system: str | None) -> None:
        store = MemoryStore()
        await store.acquire_lease(replace(THEIRS, process=os.getppid(), system=system), EXPIRY)

        with pytest.raises(StoreInUse):
            await use(store, 1)


class TestRenewing:
    async def test_as_long_as_the_run_goes_on(self, autojump_clock: MockClock) -> None:
        store = MemoryStore()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(use, store, 3600)
            await trio.testing.wait_all_tasks_blocked()
            while trio.current_time() < 3600:
                assert await store.acquire_lease(THEIRS, EXPIRY) == store.lease
                await trio.sleep(7)

        assert await store.acquire_lease(THEIRS, EXPIRY) is None

    async def test_three_may_fail(self, autojump_clock: MockClock) -> None:
        store = MemoryStore()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(use, store, 100)
            await trio.sleep(RENEWAL - 1)
            store.unavailable = "away"
            await trio.sleep(3 * RENEWAL)
            store.unavailable = None
            assert await store.acquire_lease(THEIRS, EXPIRY) == store.lease

    async def test_after_a_long_outage_it_is_acquired_again(self, autojump_clock: MockClock) -> None:
        store = MemoryStore()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(use, store, 2000)
            await trio.sleep(1)
            store.unavailable, ours = "away", store.lease
            await trio.sleep(1000)
            store.unavailable = store.lease = None  # as a killed server may have it
            await trio.sleep(RENEWAL + 1)
            assert store.lease == ours
            assert await store.acquire_lease(THEIRS, EXPIRY) == ours

    async def test_unless_another_run_was_faster(self, autojump_clock: MockClock) -> None:
        store = MemoryStore()
        with pytest.raises(StoreInUse) as caught:
            async with reserved(store, 0):
                store.unavailable = "away"
                await trio.sleep(1000)
                store.unavailable = None
                await theirs(store)
                await trio.sleep_forever()

        assert str(caught.value) == (
            "memory: was taken over by process 4242 on host of theirs (since 2026-11-01 14:03:00 UTC), "
            "while this run could not renew its lease"
        )
        assert trio.current_time() <= 1000 + RENEWAL
        assert store.lease == THEIRS


class TestOutages:
    async def test_at_the_start_nothing_is_known(self, autojump_clock: MockClock) -> None:
        store = MemoryStore()
        store.unavailable = "away"
        async with reserved(store, 0):
            assert store.lease is None
            store.unavailable = None
            await trio.sleep(RENEWAL + 1)
            assert store.lease is not None

    async def test_one_during_a_wait_is_no_end_of_the_other_run(self, autojump_clock: MockClock) -> None:
        store = MemoryStore()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(use, store, 500)
            await trio.sleep(1)
            nursery.start_soon(use, store, 1000, NEVER)
            await trio.sleep(1)
            store.unavailable, ours = "away", store.lease
            await trio.sleep(30)
            store.unavailable = None
            await trio.sleep(400)
            assert store.lease == ours
            await trio.sleep(100)
            assert store.lease not in {ours, None}

    async def test_a_store_that_has_failed_for_good_is_an_error(self) -> None:
        class Failed(MemoryStore):
            async def _answer(self) -> None:
                raise StoreError("failed")

        with pytest.raises(StoreError, match=r"^failed$"):
            await use(Failed(), 1)


class TestReleasing:
    async def test_on_every_way_out(self, autojump_clock: MockClock) -> None:
        store = MemoryStore()
        with trio.move_on_after(1):
            await use(store, 2)
        assert store.lease is None

        with pytest.raises(ZeroDivisionError):
            async with reserved(store, 0):
                _ = 1 / 0
        assert store.lease is None

    async def test_an_outage_is_no_error(self, autojump_clock: MockClock) -> None:
        store = MemoryStore()
        async with reserved(store, 0):
            store.unavailable = "away"

        assert store.lease is not None
        store.unavailable = None
        assert EXPIRY <= await use(store, 1, wait=NEVER) <= EXPIRY + LOOK

    async def test_a_store_that_does_not_answer_is_left_soon(self, autojump_clock: MockClock) -> None:
        class Stuck(MemoryStore):
            async def _answer(self) -> None:
                await trio.sleep(0 if self.lease is None else NEVER)

        with trio.move_on_after(1):
            await use(Stuck(), 2)

        assert trio.current_time() == 1 + LAST_MOMENT


async def test_it_says_who_and_since_when(autojump_clock: MockClock) -> None:
    store = MemoryStore()
    async with leased(store, 0, SINCE):
        assert store.lease is not None
        assert store.lease.since == SINCE
