"""What every store promises of entries that are the same although their hashes or keys change."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from trioscrape import Entry, FeedUpdate, StoredEntry
from trioscrape._parse.identity import identified
from trioscrape._records import EntryCounts

from support.old_keys import OLD_KEYS
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


def article(number: int, **changes: Any) -> Entry:
    """One with all that can tell it from others but an id."""
    published = datetime(2024, 1, number, tzinfo=UTC)
    link, title = f"http://a.test/{number}", f"Title {number}"
    return replace(Entry("", "", link, title, published=published, summary=f"Text {number}"), **changes)


class Publisher:
    """Serves documents, of which one store keeps the entries."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.state = state(shared_keys=(), distrusts_ids=False)

    async def serve(self, *pairs: tuple[str | None, Entry], broken: bool = False) -> EntryCounts:
        known = self.state
        found = identified(pairs, shared=known.shared_keys, distrusts_ids=known.distrusts_ids, broken=broken)
        self.state = replace(known, shared_keys=found.shared, distrusts_ids=found.distrusts_ids)
        return await self.opened.store.save(FeedUpdate(self.state, found.entries))

    async def keys(self) -> list[str]:
        return sorted(await self.opened.entries(FEED))


@pytest.fixture
def publisher(opened: Opened) -> Publisher:
    return Publisher(opened)


ARTICLES = [article(number) for number in range(1, 7)]
WITH_IDS = [(f"id {number}", each) for number, each in enumerate(ARTICLES, 1)]
BARE = [(None, each) for each in ARTICLES]


class TestOtherKeys:
    """A document that knows entries by other keys than the store."""

    async def test_ids_then_links_then_ids_again(self, publisher: Publisher) -> None:
        """Once it has had none, its ids are not believed any more."""
        assert await publisher.serve(*WITH_IDS) == EntryCounts(new=6)
        assert await publisher.serve(*BARE) == EntryCounts(unchanged=6)
        assert await publisher.serve(*WITH_IDS) == EntryCounts(unchanged=6)

        assert await publisher.keys() == [each.link for each in ARTICLES]

    async def test_links_then_ids(self, publisher: Publisher) -> None:
        await publisher.serve(BARE[0])
        assert await publisher.serve(*WITH_IDS) == EntryCounts(new=5, unchanged=1)
        assert await publisher.keys() == [guid for guid, _ in WITH_IDS]

    async def test_a_broken_document_in_between(self, publisher: Publisher) -> None:
        """Some entries lose ids, some links too, one loses text. What has not changed is not written."""
        await publisher.serve(*WITH_IDS)
        before = await publisher.opened.trace()
        assert await publisher.serve(*BARE[:4], *WITH_IDS[4:], broken=True) == EntryCounts(unchanged=6)
        assert await publisher.opened.trace() == before

        lost = [(None, replace(each, link=None)) for each in ARTICLES[:2]]
        damaged = (None, replace(ARTICLES[2], summary="\ufffd"))
        assert await publisher.serve(*lost, damaged, *WITH_IDS[3:], broken=True) == EntryCounts(0, 3, 3)
        assert await publisher.serve(*WITH_IDS) == EntryCounts(0, 3, 3)
        assert await publisher.keys() == [guid for guid, _ in WITH_IDS]

    async def test_an_id_that_comes_to_be_shared(self, publisher: Publisher) -> None:
        """And a link after it: then title and date are left."""
        await publisher.serve(("N/A", article(1)), *WITH_IDS[2:])
        counts = await publisher.serve(("N/A", article(1)), ("N/A", article(2)), *WITH_IDS[2:])
        assert counts == EntryCounts(new=1, unchanged=5)

        page = "http://a.test/2"
        three, nine = article(1, link=page), article(9, link=page)
        counts = await publisher.serve(("N/A", article(2)), ("N/A", nine), *WITH_IDS[2:])
        assert counts == EntryCounts(new=1, unchanged=5)
        assert len(await publisher.keys()) == 7
        counts = await publisher.serve(("N/A", three), ("N/A", article(2)), ("N/A", nine), *WITH_IDS[2:])
        assert counts == EntryCounts(changed=1, unchanged=6)

    async def test_without_dates_too(self, publisher: Publisher) -> None:
        undated = [replace(each, published=None) for each in ARTICLES]
        await publisher.serve(*((f"id {number}", each) for number, each in enumerate(undated)))
        assert await publisher.serve(*((None, each) for each in undated)) == EntryCounts(unchanged=6)

    async def test_a_single_one_without_a_date(self, publisher: Publisher) -> None:
        """It is found by its link alone, which was its key."""
        undated = article(1, published=None)
        await publisher.serve((None, undated), *WITH_IDS[1:])
        assert await publisher.serve(("id 1", undated), *WITH_IDS[1:]) == EntryCounts(unchanged=6)
        assert await publisher.keys() == [guid for guid, _ in WITH_IDS]

    async def test_first_seen_stays(self, publisher: Publisher) -> None:
        await publisher.serve(*WITH_IDS)
        seen = {found.entry.title: found async for found in publisher.opened.store.read_entries()}
        await publisher.serve(*BARE)
        async for found in publisher.opened.store.read_entries():
            before = seen[found.entry.title]
            assert (found.first_seen, found.last_changed) == (before.first_seen, before.last_changed)

    async def test_two_thousand_entries_without_ids(self, publisher: Publisher) -> None:
        """All of them are found in one document, and in a later one."""
        when = datetime(2024, 1, 1, tzinfo=UTC)
        many = [Entry("", "", f"http://a.test/{number}", "News", published=when) for number in range(2001)]
        await publisher.serve(*((f"id {number}", each) for number, each in enumerate(many)))
        assert await publisher.serve(*((None, each) for each in many)) == EntryCounts(unchanged=2001)


class TestKeysOfEarlierVersions:
    """Keys that an earlier version of trioscrape has made are replaced when the next document comes."""

    @pytest.mark.parametrize("name", OLD_KEYS)
    async def test_entries_get_the_keys_of_today(self, publisher: Publisher, name: str) -> None:
        old, pairs = OLD_KEYS[name]
        moment = datetime(2024, 1, 1, tzinfo=UTC)
        found = identified(pairs)
        before = [replace(each, key=key) for key, each in zip(old, found.entries, strict=True)]
        await publisher.opened.store.restore_feeds([publisher.state])
        await publisher.opened.store.restore_entries(
            [StoredEntry(FEED, each, moment, moment) for each in before]
        )

        assert await publisher.serve(*pairs) == EntryCounts(unchanged=len(pairs))
        assert await publisher.keys() == sorted(each.key for each in found.entries)
