"""What a test sees of a store in memory; that it keeps the contract is tested with the other stores."""

import pytest
import trio
from trio.testing import MockClock

from trioscrape import StoreUnavailable
from trioscrape.testing import MemoryStore

from support.stores import FEED, FULL_ENTRY, entry, report, state, stored, update


async def test_everything_lies_open() -> None:
    store = MemoryStore()
    await store.save(update(FULL_ENTRY, entry("k")))
    await store.record_run(report())

    assert store.feeds == {FEED: state()}
    assert store.entries == {FEED: {FULL_ENTRY.key: FULL_ENTRY, "k": entry("k")}}
    assert [run.feeds for run in store.runs] == [500]


async def test_writes_are_counted() -> None:
    store = MemoryStore()
    for call, writes in (
        (lambda: store.save(update(entry())), 1),
        (lambda: store.save(update(entry())), 1),
        (lambda: store.save(update(entry(hash="other"))), 2),
        (lambda: store.save(update(entry(hash="other"), etag="2")), 3),
        (lambda: store.record_run(report()), 4),
        (lambda: store.restore_entries([stored("a"), stored("b")]), 6),
        (lambda: store.restore_entries([stored("a"), stored("b")]), 6),
        (lambda: store.restore_feeds([state(), state("0" * 32)]), 7),
        (lambda: store.load([FEED]), 7),
    ):
        await call()
        assert store.writes == writes


async def test_an_outage() -> None:
    store = MemoryStore()
    store.unavailable = "the disk is full"
    for call in (
        lambda: store.save(update(entry())),
        lambda: store.load([FEED]),
        lambda: store.record_run(report()),
        lambda: store.restore_entries([]),
        lambda: store.restore_feeds([]),
        lambda: anext(store.read_entries()),
        lambda: anext(store.read_feeds()),
    ):
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            await call()

    store.unavailable = None
    await store.save(update(entry()))


async def test_it_takes_no_time(autojump_clock: MockClock) -> None:
    began = trio.current_time()
    store = MemoryStore(width=3)
    await store.save(update(entry()))
    await store.aclose()

    assert trio.current_time() == began
    assert (store.width, store.closed, store.redacted_url) == (3, True, "memory:")
