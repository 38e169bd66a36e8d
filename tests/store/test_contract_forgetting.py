"""What every store promises of deleting feeds."""

from trioscrape import FeedUpdate

from support.stores import FEED, OTHER, Opened, entry, keys, state, update


async def test_the_feed_goes_with_its_entries_and_others_stay(opened: Opened) -> None:
    store = opened.store
    await store.save(update(entry("a"), entry("b")))
    await store.save(update(entry("a"), feed_id=OTHER))

    assert await store.count_entries([FEED, OTHER]) == 3
    assert await store.count_entries([FEED]) == 2
    assert await store.forget([FEED]) == 2

    assert await store.load([FEED, OTHER]) == {OTHER: state(OTHER)}
    assert [state.feed_id async for state in store.read_feeds()] == [OTHER]
    assert [found.feed_id async for found in store.read_entries()] == [OTHER]
    assert await store.count_entries([FEED, OTHER]) == 1


async def test_it_may_be_repeated(opened: Opened) -> None:
    await opened.store.save(update(entry("a")))

    assert [await opened.store.forget([FEED, OTHER]) for _ in range(2)] == [1, 0]
    assert await opened.store.forget([]) == await opened.store.count_entries([]) == 0


async def test_entries_without_a_feed_go_as_well(opened: Opened) -> None:
    """Those of an import that broke off."""
    await opened.store.save(FeedUpdate(state(), (entry("a"),)))
    found = [found async for found in opened.store.read_entries()]
    await opened.store.forget([FEED])
    await opened.store.restore_entries(found)

    assert await opened.store.forget([FEED]) == 1
    assert await keys(opened.store.read_entries()) == []


async def test_a_feed_that_comes_back_is_new(opened: Opened) -> None:
    await opened.store.save(update(entry("a")))
    await opened.store.forget([FEED])

    assert (await opened.store.save(update(entry("a")))).new == 1
