"""What every store promises of its lease."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import trio

from trioscrape import Lease, Store, open_store

from support.leases import change_lease, lease, neighbour_of, seconds_from_now
from support.stores import Opened, entry, keys, update

OURS, THEIRS = lease("ours"), lease("theirs")
EXPIRY = 60.0


async def test_one_run_has_it_until_it_is_released(opened: Opened) -> None:
    store = opened.store
    assert await store.acquire_lease(OURS, EXPIRY) is None
    assert await store.acquire_lease(THEIRS, EXPIRY) == OURS
    assert await store.acquire_lease(OURS, EXPIRY) is None
    assert await store.acquire_lease(THEIRS, EXPIRY) == OURS

    await store.release_lease(OURS)

    assert await store.acquire_lease(THEIRS, EXPIRY) is None
    assert await store.acquire_lease(OURS, EXPIRY) == THEIRS


async def test_what_one_does_not_have_one_does_not_release(opened: Opened) -> None:
    store = opened.store
    await store.release_lease(OURS)
    await store.acquire_lease(OURS, EXPIRY)
    await store.release_lease(THEIRS)

    assert await store.acquire_lease(THEIRS, EXPIRY) == OURS


async def test_it_is_known_by_its_id_alone(opened: Opened) -> None:
    renewed = replace(OURS, host="another name")
    await opened.store.acquire_lease(OURS, EXPIRY)

    assert await opened.store.acquire_lease(renewed, EXPIRY) is None
    assert await opened.store.acquire_lease(THEIRS, EXPIRY) == renewed


@pytest.mark.parametrize(
    "name", ["$host", "$$NOW", "näme", "a'b\"c", ""], ids=["field", "variable", "letters", "quotes", "empty"]
)
async def test_names_are_only_names(opened: Opened, name: str) -> None:
    ours = lease(f"${name}", host=name, system=name)
    await opened.store.acquire_lease(ours, EXPIRY)

    assert await opened.store.acquire_lease(THEIRS, EXPIRY) == ours
    await opened.store.release_lease(ours)
    assert await opened.store.acquire_lease(THEIRS, EXPIRY) is None


async def test_one_that_is_not_renewed_is_over_after_its_time(opened: Opened) -> None:
    """By the clock of the store: of this one's own, no time may have passed."""
    await opened.store.acquire_lease(OURS, EXPIRY)

    with trio.fail_after(30):
        while await opened.store.acquire_lease(THEIRS, 0.001) is not None:
            await trio.lowlevel.checkpoint()
    assert await opened.store.acquire_lease(OURS, EXPIRY) == THEIRS


@pytest.mark.parametrize(
    ("seconds", "over"), [(-61, True), (-30, False), (30, False), (70, True), (10 * 365 * 86400, True)]
)
async def test_a_clock_that_was_wrong_locks_nobody_out(opened: Opened, seconds: float, over: bool) -> None:
    await opened.store.acquire_lease(OURS, EXPIRY)
    change_lease(opened.store.redacted_url, renewed=seconds_from_now(seconds))

    assert await opened.store.acquire_lease(THEIRS, EXPIRY) == (None if over else OURS)


async def test_renewal_counts_from_the_last_time(opened: Opened) -> None:
    await opened.store.acquire_lease(OURS, EXPIRY)
    change_lease(opened.store.redacted_url, renewed=seconds_from_now(-59))
    await opened.store.acquire_lease(OURS, EXPIRY)
    change_lease(opened.store.redacted_url, host="the same record")

    assert await opened.store.acquire_lease(THEIRS, 50) == replace(OURS, host="the same record")


@pytest.mark.parametrize("values", [{"renewed": "then"}, {"process": "many"}, {"since": "once"}], ids=str)
async def test_what_is_none_is_in_nobodys_way(opened: Opened, values: dict[str, Any]) -> None:
    await opened.store.acquire_lease(OURS, EXPIRY)
    change_lease(opened.store.redacted_url, **values)

    assert await opened.store.acquire_lease(THEIRS, EXPIRY) is None


async def test_of_many_at_once_one_has_it(opened: Opened) -> None:
    found: list[Lease | None] = []

    async def acquire(store: Store, number: int) -> None:
        found.append(await store.acquire_lease(lease(str(number)), EXPIRY))

    async with trio.open_nursery() as nursery:
        for number in range(30):
            nursery.start_soon(acquire, opened.store, number)

    assert found.count(None) == 1
    assert len({each.id for each in found if each}) == 1


async def test_other_processes_see_it_and_other_stores_do_not(opened: Opened) -> None:
    url = opened.store.redacted_url
    if url == "memory:":
        pytest.skip("nobody else can open it")
    await opened.store.acquire_lease(OURS, EXPIRY)

    with neighbour_of(url) as neighbour:
        async with open_store(url) as same, open_store(neighbour) as other:
            assert await same.acquire_lease(THEIRS, EXPIRY) == OURS
            assert await other.acquire_lease(THEIRS, EXPIRY) is None


async def test_it_is_in_no_readers_way_and_in_no_writers(opened: Opened) -> None:
    """It keeps runs apart, and nothing else."""
    await opened.store.acquire_lease(OURS, EXPIRY)
    await opened.store.save(update(entry("a")))

    assert await keys(opened.store.read_entries()) == ["a"]


def shard(number: int, of: int, name: str = "") -> Lease:
    return lease(name or f"{number} of {of}", shard=number, shards=of)


async def test_runs_on_different_shares_of_a_list_have_it_at_once(opened: Opened) -> None:
    store, shards = opened.store, [shard(number, 4) for number in range(1, 5)]
    for _ in range(2):  # the second time they are renewed
        for each in shards:
            assert await store.acquire_lease(each, EXPIRY) is None
    for each in shards:
        assert await store.acquire_lease(shard(each.shard or 0, 4, "another"), EXPIRY) == each
        await store.release_lease(each)
        assert await store.acquire_lease(shard(each.shard or 0, 4, "another"), EXPIRY) is None
        await store.release_lease(lease("another"))

    assert await store.acquire_lease(OURS, EXPIRY) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (shard(3, 16), shard(3, 16, "another")),
        (shard(3, 16), shard(4, 8)),
        (shard(3, 16), shard(3, 8)),
        (shard(3, 16), OURS),
        (OURS, shard(3, 16)),
        (shard(1, 1), OURS),
    ],
    ids=["same share", "another number", "both", "whole list", "a share of it", "only share"],
)
async def test_other_runs_exclude_each_other(opened: Opened, one: Lease, other: Lease) -> None:
    store = opened.store
    await store.acquire_lease(one, EXPIRY)
    assert await store.acquire_lease(other, EXPIRY) == one
    assert await store.acquire_lease(one, EXPIRY) is None

    await store.release_lease(one)

    assert await store.acquire_lease(other, EXPIRY) is None
    assert await store.acquire_lease(one, EXPIRY) == other


async def test_a_whole_run_waits_for_all_shares(opened: Opened) -> None:
    store = opened.store
    for number in (1, 2, 3):
        await store.acquire_lease(shard(number, 3), EXPIRY)
    for number in (2, 1):
        assert await store.acquire_lease(OURS, EXPIRY) is not None
        await store.release_lease(shard(number, 3))
    assert await store.acquire_lease(OURS, EXPIRY) == shard(3, 3)
    await store.release_lease(shard(3, 3))

    assert await store.acquire_lease(OURS, EXPIRY) is None
    assert await store.acquire_lease(shard(1, 3), EXPIRY) == OURS


async def test_a_share_that_is_not_renewed_is_over_and_the_others_are_not(opened: Opened) -> None:
    store = opened.store
    await store.acquire_lease(shard(1, 3), EXPIRY)
    change_lease(store.redacted_url, renewed=seconds_from_now(-61))
    await store.acquire_lease(shard(2, 3), EXPIRY)

    assert await store.acquire_lease(shard(1, 3, "another"), EXPIRY) is None
    assert await store.acquire_lease(shard(2, 3, "a third"), EXPIRY) == shard(2, 3)
    assert await store.acquire_lease(shard(1, 3), EXPIRY) == shard(1, 3, "another")


async def test_of_many_at_once_one_has_each_share(opened: Opened) -> None:
    found: list[tuple[int, Lease | None]] = []

    async def acquire(store: Store, number: int, name: str) -> None:
        found.append((number, await store.acquire_lease(shard(number, 3, name), EXPIRY)))

    async with trio.open_nursery() as nursery:
        for number in range(30):
            nursery.start_soon(acquire, opened.store, number % 3 + 1, str(number))

    assert sorted(number for number, other in found if other is None) == [1, 2, 3]
    assert all(other.shard == number for number, other in found if other is not None)
