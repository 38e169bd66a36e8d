"""What every store promises of entries that are the same although their hashes or keys change."""

from datetime import UTC, datetime

from trioscrape import FeedUpdate, StoredEntry
from trioscrape._records import EntryCounts

from support.stores import FEED, Opened, entry, state, update


class TestIdentity:
    """Which entry is which when hashes or keys change."""

    async def test_a_hash_that_changes_with_every_fetch_is_written_24_times(self, opened: Opened) -> None:
        """Then it counts as unchanged, and nothing is written any more."""
        when = datetime(2024, 1, 1, tzinfo=UTC)
        for updated in (None, when):
            key = f"counter, updated {updated}"
            await opened.store.save(update(entry(key, hash="0", updated=updated)))
            for number in range(1, 25):
                counts = await opened.store.save(update(entry(key, hash=str(number), updated=updated)))
                assert counts == EntryCounts(changed=1)
            before = await opened.trace()
            for number in range(25, 30):
                counts = await opened.store.save(update(entry(key, hash=str(number), updated=updated)))
                assert counts == EntryCounts(unchanged=1)
            assert await opened.trace() == before
            assert (await opened.entries(FEED))[key].hash == "24"

    async def test_until_the_entry_says_that_it_was_updated(self, opened: Opened) -> None:
        for number in range(30):
            await opened.store.save(update(entry(hash=str(number))))
        for year in (2024, 2025):
            updated = datetime(year, 1, 1, tzinfo=UTC)
            for number in range(25):
                counts = await opened.store.save(update(entry(hash=f"{year} {number}", updated=updated)))
                assert counts == EntryCounts(changed=1)
            counts = await opened.store.save(update(entry(hash=f"{year} 25", updated=updated)))
            assert counts == EntryCounts(unchanged=1)

    async def test_a_feed_that_goes_to_https_has_no_duplicates(self, opened: Opened) -> None:
        def document(scheme: str, *numbers: int) -> FeedUpdate:
            keys = [f"{scheme}://a.test/{number}" for number in numbers]
            return update(*(entry(key, hash=f"hash of {key}", link=key) for key in keys), etag=scheme)

        await opened.store.save(document("http", 1, 2, 3, 4))
        counts = await opened.store.save(document("https", 3, 4, 5))

        assert counts == EntryCounts(new=1, changed=2)
        stored = await opened.entries(FEED)
        assert sorted(stored) == [
            "http://a.test/1",
            "http://a.test/2",
            "https://a.test/3",
            "https://a.test/4",
            "https://a.test/5",
        ]
        assert all(each.link == each.key for each in stored.values())
        before = await opened.trace()
        assert await opened.store.save(document("https", 3, 4, 5)) == EntryCounts(unchanged=3)
        assert await opened.trace() == before

    async def test_an_entry_under_another_url_that_is_else_the_same(self, opened: Opened) -> None:
        """It is unchanged, and goes by the new URL from now on."""
        await opened.store.save(update(entry("http://a.test/1", hash="same"), etag="1"))
        counts = await opened.store.save(update(entry("https://a.test/1", hash="same"), etag="1"))

        assert counts == EntryCounts(unchanged=1)
        assert set(await opened.entries(FEED)) == {"https://a.test/1"}

    async def test_restored_entries_go_to_https_too(self, opened: Opened) -> None:
        moment = datetime(2024, 1, 1, tzinfo=UTC)
        old = StoredEntry(FEED, entry("http://a.test/1", hash="same"), moment, moment)
        await opened.store.restore_feeds([state()])
        await opened.store.restore_entries([old])

        assert await opened.store.save(update(entry("https://a.test/1", hash="same"))) == EntryCounts(
            unchanged=1
        )
        assert set(await opened.entries(FEED)) == {"https://a.test/1"}

    async def test_a_feed_of_another_host_keeps_its_entries_apart_when_in_doubt(self, opened: Opened) -> None:
        await opened.store.save(update(entry("http://a.test/1"), entry("http://b.test/1")))
        await opened.store.save(update(entry("http://c.test/1")))

        assert len(await opened.entries(FEED)) == 3
