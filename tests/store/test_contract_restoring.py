"""What every store promises of taking over what another store has."""

from dataclasses import replace

from trioscrape import FeedState, FeedUpdate, StoredEntry

from support.stores import FEED, FULL_ENTRY, OTHER, Opened, entry, moment, state, stored, update


class TestRestoring:
    async def test_entries_with_their_times(self, opened: Opened) -> None:
        full = StoredEntry(FEED, replace(FULL_ENTRY, truncated=True), moment(1), moment(2))

        assert await opened.store.restore_entries([full]) == 1

        assert [found async for found in opened.store.read_entries()] == [full]

    async def test_the_same_again_writes_nothing(self, opened: Opened) -> None:
        entries = [stored(str(number), changed=number) for number in range(1000)]
        await opened.store.restore_entries(entries)
        await opened.store.restore_feeds([state()])
        before = await opened.trace()

        assert await opened.store.restore_entries(entries) == 0
        assert await opened.store.restore_feeds([state()]) == 0
        assert await opened.trace() == before

    async def test_the_later_change_wins_and_the_earlier_beginning(self, opened: Opened) -> None:
        store = opened.store
        await store.restore_entries([stored("a", first=5, changed=5, title="old")])
        assert await store.restore_entries([stored("a", first=7, changed=7, title="new")]) == 1
        assert await store.restore_entries([stored("a", first=1, changed=6, title="between")]) == 0

        expected = replace(stored("a", first=5, changed=7, title="new"))
        assert [found async for found in store.read_entries()] == [expected]

    async def test_of_one_entry_twice_the_later_one(self, opened: Opened) -> None:
        twice = [stored("a", changed=2, title="new"), stored("a", changed=1, title="old")]
        await opened.store.restore_entries(twice)

        assert [found.entry.title async for found in opened.store.read_entries()] == ["new"]

    async def test_a_known_feed_stays_as_it_is(self, opened: Opened) -> None:
        await opened.store.save(FeedUpdate(state(), ()))

        assert await opened.store.restore_feeds([state(etag="old"), state(OTHER)]) == 1
        assert await opened.store.load([FEED, OTHER]) == {FEED: state(), OTHER: state(OTHER)}

    async def test_odd_values_are_cleaned_as_in_a_save(self, opened: Opened) -> None:
        odd = stored("k\ud83d", title="a\ud83d", content="x" * 10_000_000)
        await opened.store.restore_entries([odd])
        await opened.store.restore_feeds([FeedState(FEED, "https://a.test/", title="\udfff")])

        [found] = [found async for found in opened.store.read_entries()]
        assert found.entry.key == "k\N{REPLACEMENT CHARACTER}"
        assert found.entry.title == "a\N{REPLACEMENT CHARACTER}"
        assert found.entry.truncated
        assert found.feed_title == "\N{REPLACEMENT CHARACTER}"

    async def test_a_scrape_goes_on_from_there(self, opened: Opened) -> None:
        await opened.store.restore_entries([stored("a", changed=-1000)])
        await opened.store.restore_feeds([state()])

        counts = await opened.store.save(update(entry("a"), entry("b")))

        assert (counts.new, counts.changed, counts.unchanged) == (1, 0, 1)

    async def test_nothing_is_nothing(self, opened: Opened) -> None:
        assert await opened.store.restore_entries([]) == await opened.store.restore_feeds([]) == 0
