"""What every store promises of reading back: what comes, in which order, and when it is read."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import trio

from trioscrape import FeedUpdate, UsageError, feed_id
from trioscrape._store import pages

from support.stores import FEED, FULL_ENTRY, OTHER, Opened, entry, keys, moment, state, stored, update


class TestEntries:
    async def test_come_back_as_they_were_saved(self, opened: Opened) -> None:
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        await opened.store.save(update(FULL_ENTRY))

        [found] = [found async for found in opened.store.read_entries()]

        assert found.entry == FULL_ENTRY
        assert (found.feed_id, found.feed_url, found.feed_title) == (FEED, state().url, state().title)
        assert before <= found.first_seen == found.last_changed <= datetime.now(UTC)
        assert not found.entry.truncated

    async def test_what_was_cut_says_so(self, opened: Opened) -> None:
        await opened.store.save(update(entry(title="x" * 100_000)))

        assert [found.entry.truncated async for found in opened.store.read_entries()] == [True]

    async def test_a_change_is_a_later_moment_and_the_first_one_stays(self, opened: Opened) -> None:
        await opened.store.save(update(entry("a"), entry("b")))
        [first, _] = [found async for found in opened.store.read_entries(oldest_first=True)]
        while datetime.now(UTC) - first.last_changed < timedelta(milliseconds=2):
            await trio.lowlevel.checkpoint()
        await opened.store.save(update(entry("a", hash="other"), entry("b")))

        [latest, _] = [found async for found in opened.store.read_entries()]

        assert latest.entry == entry("a", hash="other")
        assert latest.first_seen == first.first_seen < latest.last_changed

    async def test_the_latest_first_or_the_oldest(self, opened: Opened) -> None:
        await opened.store.restore_entries(
            [stored("c", changed=1), stored("a", changed=2), stored("b", changed=1, feed=OTHER)]
        )

        assert await keys(opened.store.read_entries()) == ["a", "c", "b"]
        assert await keys(opened.store.read_entries(oldest_first=True)) == ["b", "c", "a"]

    async def test_of_a_feed_by_its_url(self, opened: Opened) -> None:
        """That of the list, or where it has moved to; the list counts more."""
        listed, moved = "https://a.test/feed", "https://b.test/feed"
        first = state(feed_id=feed_id(listed), url=moved, listed_url=listed)
        await opened.store.save(FeedUpdate(first, (entry("a"),)))
        read = opened.store.read_entries

        assert await keys(read(feed=listed)) == await keys(read(feed=moved)) == ["a"]
        assert await keys(read(feed="https://A.test:443/feed")) == ["a"]
        assert await keys(read(feed="a.test/feed")) == ["a"]
        assert await keys(read(feed="https://c.test/feed")) == []

        second = state(feed_id=feed_id(moved), url=moved, listed_url=moved)
        await opened.store.save(FeedUpdate(second, (entry("b"),)))
        assert [await keys(read(feed=url)) for url in (listed, moved)] == [["a"], ["b"]]
        with pytest.raises(UsageError, match="feed must be a feed id or a URL: it has no host"):
            read(feed="https://")

    async def test_of_a_feed_since_a_moment_and_a_few(self, opened: Opened) -> None:
        read = opened.store.read_entries
        await opened.store.restore_entries(
            [stored(f"{number}", FEED if number % 2 else OTHER, changed=number) for number in range(10)]
        )

        assert await keys(read(feed=FEED)) == ["9", "7", "5", "3", "1"]
        assert await keys(read(since=moment(7))) == ["9", "8", "7"]
        assert await keys(read(since=moment(7).astimezone(timezone(timedelta(hours=5))))) == ["9", "8", "7"]
        assert await keys(read(since=moment(7), oldest_first=True)) == ["7", "8", "9"]
        assert await keys(read(limit=2)) == ["9", "8"]
        assert await keys(read(feed=OTHER, since=moment(3), limit=2, oldest_first=True)) == ["4", "6"]
        assert await keys(read(limit=0)) == await keys(read(feed="0" * 31 + "1")) == []

    @pytest.mark.parametrize("oldest_first", [True, False])
    @pytest.mark.parametrize("moments", [1, 3, 41, 10**6])
    async def test_page_by_page(
        self, opened: Opened, monkeypatch: pytest.MonkeyPatch, moments: int, oldest_first: bool
    ) -> None:
        """Each once and in order, wherever pages end: few large moments, many small ones."""
        monkeypatch.setattr(pages, "PAGE", 7)
        monkeypatch.setattr(pages, "PAGE_BYTES", 2000)
        everything = [
            stored(
                f"{number * 7919 % 100:02}",
                f"{number // 100:032x}",
                changed=number * 31 % moments,
                content="x" * (5000 if number % 13 == 0 else 10),
            )
            for number in range(200)
        ]
        await opened.store.restore_entries(everything)

        found = [each async for each in opened.store.read_entries(oldest_first=oldest_first)]

        assert found == sorted(everything, key=pages.position, reverse=not oldest_first)

    async def test_a_page_ends_when_it_has_much_text(
        self, opened: Opened, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pages, "PAGE_BYTES", 2500)
        await opened.store.restore_entries(
            [stored(str(number), changed=number, content="x" * 1000) for number in range(9)]
        )

        async for first in opened.store.read_entries(oldest_first=True):
            if first.entry.key == "0":  # what has been read by now comes as it was
                await opened.store.save(update(*(entry(str(number), hash="new") for number in range(9))))
            if first.entry.hash == "new":
                break
            last = first.entry.key

        assert last in ("0", "1", "2")

    async def test_while_others_write(self, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
        """From the oldest on nothing is missed: what came before the end is there."""
        monkeypatch.setattr(pages, "PAGE", 3)
        await opened.store.restore_entries([stored(str(number), changed=number) for number in range(10)])
        found = []
        async for each in opened.store.read_entries(oldest_first=True):
            found.append(each.entry.key)
            if each.entry.key == "4":
                await opened.store.save(update(entry("new"), entry("8", hash="other")))

        assert set(found) == {*map(str, range(10)), "new"}
        assert found[-1] in ("new", "8")

    async def test_an_iteration_may_be_left_anywhere(self, opened: Opened) -> None:
        await opened.store.save(update(*(entry(str(number)) for number in range(600))))
        for count in (1, 500, 501):
            seen = 0
            async for _ in opened.store.read_entries():
                seen += 1
                if seen == count:
                    break

        assert len(await keys(opened.store.read_entries())) == 600

    async def test_each_record_is_a_checkpoint(self, opened: Opened) -> None:
        await opened.store.save(update(entry("a"), entry("b")))
        seen = 0
        with trio.CancelScope() as scope:
            async for _ in opened.store.read_entries():
                seen += 1
                scope.cancel()

        assert scope.cancelled_caught
        assert seen == 1

    async def test_arguments_that_are_not_valid(self, opened: Opened) -> None:
        with pytest.raises(UsageError, match="time zone"):
            opened.store.read_entries(since=datetime(2026, 11, 1))
        with pytest.raises(UsageError, match="negative"):
            opened.store.read_entries(limit=-1)

    async def test_no_page_is_read_before_the_one_before_is_used_up(
        self, opened: Opened, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So a million entries need the memory of one page."""
        monkeypatch.setattr(pages, "PAGE", 5)
        await opened.store.restore_entries([stored(f"{number:02}", changed=number) for number in range(20)])
        found = []
        async for each in opened.store.read_entries(oldest_first=True):
            found.append((each.entry.key, each.entry.hash))
            if len(found) % 5 == 0 and len(found) < 20:  # at the end of a page
                count = len(found)
                later = range(count, 20)
                await opened.store.restore_entries(
                    [stored(f"{n:02}", changed=n + count / 100, hash=str(count)) for n in later]
                )

        assert found == [(f"{n:02}", str(n // 5 * 5) if n >= 5 else f"hash of {n:02}") for n in range(20)]


class TestFeeds:
    async def test_in_the_order_of_their_ids(self, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pages, "PAGE", 3)
        ids = [f"{number * 7919 % 100:032x}" for number in range(10)]
        for each in ids:
            await opened.store.save(FeedUpdate(state(each), ()))

        found = [each async for each in opened.store.read_feeds()]

        assert found == [state(feed_id) for feed_id in sorted(ids)]
