"""What every store promises of saves that come at once, are cancelled, or come to an end."""

from contextlib import suppress

import trio

from trioscrape import StoreError
from trioscrape._records import EntryCounts

from support.stores import FEED, Opened, entry, update


class TestConcurrency:
    async def test_saves_from_many_tasks(self, opened: Opened) -> None:
        ids = [f"{number:032x}" for number in range(100)]
        async with trio.open_nursery() as nursery:
            for feed_id in ids:
                nursery.start_soon(opened.store.save, update(entry("a"), entry("b"), feed_id=feed_id))

        assert set(await opened.store.load(ids)) == set(ids)
        for feed_id in ids:
            assert set(await opened.entries(feed_id)) == {"a", "b"}

    async def test_saves_of_one_feed_at_once(self, opened: Opened) -> None:
        updates = [
            update(*(entry(str(key), hash=f"{key} by {number}") for key in range(20)), etag=str(number))
            for number in range(12)
        ]
        async with trio.open_nursery() as nursery:
            for each in updates:
                nursery.start_soon(opened.store.save, each)

        assert len(await opened.entries(FEED)) == 20
        assert (await opened.store.load([FEED]))[FEED] in [each.state for each in updates]


class TestCancellation:
    async def test_before_it_begins_nothing_is_stored(self, opened: Opened) -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            await opened.store.save(update(entry()))

        assert scope.cancelled_caught
        assert await opened.store.load([FEED]) == {}
        assert await opened.entries(FEED) == {}

    async def test_anywhere_a_feed_is_stored_whole_or_has_no_state(self, opened: Opened) -> None:
        """Twenty saves for each number of steps that the loop makes before all are cancelled."""
        acknowledged = []

        async def save(feed_id: str) -> None:
            await opened.store.save(update(*(entry(str(key)) for key in range(20)), feed_id=feed_id))
            acknowledged.append(feed_id)

        ids = [f"{number:032x}" for number in range(200)]
        for steps in range(10):
            async with trio.open_nursery() as nursery:
                for feed_id in ids[steps * 20 : steps * 20 + 20]:
                    nursery.start_soon(save, feed_id)
                for _ in range(steps * steps):
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()

        states = await opened.store.load(ids)
        assert set(acknowledged) == set(states)
        for feed_id in states:
            assert len(await opened.entries(feed_id)) == 20
        assert await opened.store.save(update(entry())) == EntryCounts(new=1)


class TestMerging:
    """Saves that come together may be written together; nobody but the database sees it."""

    async def test_each_feed_has_its_own_counts(self, opened: Opened) -> None:
        got: dict[str, EntryCounts] = {}

        async def save(number: int) -> None:
            keys = [str(key) for key in range(number)]
            feed_id = f"{number:032x}"
            got[feed_id] = await opened.store.save(update(*(entry(key) for key in keys), feed_id=feed_id))

        for expected in (EntryCounts(new=1), EntryCounts(unchanged=1)):
            async with trio.open_nursery() as nursery:
                for number in range(60):
                    nursery.start_soon(save, number)
            assert got == {
                f"{number:032x}": EntryCounts(number * expected.new, 0, number * expected.unchanged)
                for number in range(60)
            }

    async def test_one_that_can_not_be_stored_fails_alone(self, opened: Opened) -> None:
        """A value of a wrong type, which is not cleaned; a store in memory may keep it."""
        counts, odd = {}, 7

        async def save(number: int) -> None:
            changes = {"distrusts_ids": 2**70} if number == odd else {"failures": number}
            with suppress(StoreError):
                counts[number] = await opened.store.save(update(entry(), feed_id=f"{number:032x}", **changes))

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(save, number)

        others = {number: f"{number:032x}" for number in range(20) if number != odd}
        stored = await opened.store.load(list(others.values()))
        assert {number: stored[feed].failures for number, feed in others.items()} == {n: n for n in others}
        assert {number: counts[number] for number in others} == dict.fromkeys(others, EntryCounts(new=1))
        if odd not in counts:
            assert await opened.store.load([f"{odd:032x}"]) == {}


class TestClosing:
    async def test_twice_does_nothing(self, opened: Opened) -> None:
        await opened.store.aclose()
        await opened.store.aclose()
