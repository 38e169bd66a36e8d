"""Records on their way into a store: entries as they come, feeds at last."""

from __future__ import annotations

import pytest

from trioscrape import StoredEntry, TrioscrapeError
from trioscrape._cli.restore import Transferred, restoring
from trioscrape.testing import MemoryStore

from support.stores import FEED, entry, state
from support.threads import no_thread
from support.transfers import ENTRIES, moment


async def test_a_copy_that_breaks_off_leaves_no_state() -> None:
    """With the state, the next run would be told that nothing has changed, and miss the rest."""
    store = MemoryStore()
    with restoring(store, Transferred()) as target:
        for number in range(1000):
            await target.add(state(f"{number:032x}"))
        for number in range(700):
            await target.add(StoredEntry(FEED, entry(str(number)), moment(0), moment(0)))

    assert len(store.entries[FEED]) == 500
    assert store.feeds == {}


async def test_all_feeds_after_the_entries() -> None:
    store, counts = MemoryStore(), Transferred()
    with restoring(store, counts) as target:
        for number in range(1001):
            await target.add(state(f"{number:032x}"))
        await target.add(ENTRIES[0])
        await target.finish()

    assert len(store.feeds) == 1001
    assert str(counts) == counts.written == "1 entry and 1,001 feeds"


async def test_large_entries_do_not_gather() -> None:
    store = MemoryStore()
    with restoring(store, Transferred()) as target:
        for number in range(6):
            huge = entry(str(number), content="x" * 1_000_000)
            await target.add(StoredEntry(FEED, huge, moment(0), moment(0)))

    assert len(store.entries[FEED]) == 5


async def test_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    no_thread(monkeypatch)

    with (
        restoring(MemoryStore(), Transferred()) as target,
        pytest.raises(TrioscrapeError, match="temporary file: can't start new thread"),
    ):
        await target.finish()
