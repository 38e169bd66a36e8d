"""What every store promises of values that a database does not take, and of records of other programs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
import trio

from trioscrape import Enclosure, StoreError
from trioscrape._records import Entry, EntryCounts

from support.stores import FEED, OTHER, Opened, entry, state, update


async def saved_among_others(opened: Opened, *entries: Entry) -> tuple[EntryCounts, set[EntryCounts]]:
    """What a save of the feed counts, and what those of eighteen other feeds do that are merged with it."""
    counts = {}

    async def save(number: int) -> None:
        feed_id = FEED if number == 7 else f"{number:032x}"
        counts[number] = await opened.store.save(update(*entries, feed_id=feed_id))

    async with trio.open_nursery() as nursery:
        for number in range(1, 20):
            nursery.start_soon(save, number)
    return counts.pop(7), set(counts.values())


class TestInvalidRecords:
    """Other programs can write to a database. An invalid record costs its feed a fetch, and nothing else."""

    @pytest.mark.parametrize(
        "damage",
        [
            {"url": "no URL"},
            {"url": "http://a.test:99999/"},
            {"timers": "often"},
            {"timers": {"max_age": 99999999999999999}},
            {"timers": {"skip_hours": 5}},
            {"timers": {"skip_hours": [24]}},
            {"timers": "[" * 100_000},
            {"failures": "many"},
            {"failures": -1},
            {"distrusts_ids": "maybe"},
            {"etag": b"bytes"},
            {"next_fetch": "soon"},
            {"next_fetch": "2026-13-01"},
            {"gone": 5},
            {"moved_to": "ftp://a.test/"},
            {"validators_url": ""},
            {"moved_days": {"a": 1}},
            {"moved_days": [1, 2]},
            {"moved_days": ["soon"]},
            {"title": b"bytes"},
        ],
        ids=lambda damage: str(damage)[:40],
    )
    async def test_an_invalid_state_is_none(self, opened: Opened, damage: dict[str, object]) -> None:
        """The feed counts as never fetched, until its next save makes the record valid again."""
        await opened.store.save(update(entry("a")))
        await opened.store.save(update(entry("a"), feed_id=OTHER))
        opened.damage("feeds", damage)

        assert await opened.store.load([FEED, OTHER]) == {OTHER: state(OTHER)}
        [name] = damage
        with pytest.raises(StoreError, match=f"has an invalid record: feed {FEED}: {name}.* must be "):
            [each async for each in opened.store.read_feeds()]
        own, others = await saved_among_others(opened, entry("a"), entry("b"))
        assert own == EntryCounts(new=1, unchanged=1)
        assert others == {EntryCounts(new=2)}
        assert await opened.store.load([FEED]) == {FEED: state()}

    @pytest.mark.parametrize(
        "damage", [{"updated": "soon"}, {"rewrites": "many"}, {"hash": b"", "updated": 7}]
    )
    async def test_an_invalid_entry_that_has_changed_is_written(
        self, opened: Opened, damage: dict[str, object]
    ) -> None:
        await opened.store.save(update(entry("a")))
        opened.damage("entries", damage)

        own, others = await saved_among_others(opened, entry("a", hash="b"))
        assert own == EntryCounts(changed=1)
        assert others == {EntryCounts(new=1)}
        assert await opened.entries(FEED) == {"a": entry("a", hash="b")}


class TestValidatorsOfOthers:
    @pytest.mark.parametrize("value", ['"a\r\nCookie: b"', '"\x1b[31m"', "\0", "\x7f", "日本", " ", '"a" '])
    async def test_those_that_no_header_can_have_are_none(self, opened: Opened, value: str) -> None:
        await opened.store.save(update(entry()))
        opened.damage("feeds", {"etag": value, "last_modified": value})

        expected = state(etag=None, last_modified=None)
        assert await opened.store.load([FEED]) == {FEED: expected}
        assert [each async for each in opened.store.read_feeds()] == [expected]

    async def test_nor_are_they_stored(self, opened: Opened) -> None:
        await opened.store.save(update(entry(), etag='"a\r\nCookie: b"', last_modified="\0"))

        assert await opened.store.load([FEED]) == {FEED: state(etag=None, last_modified=None)}


class TestOddValues:
    async def test_text_that_no_database_takes(self, opened: Opened) -> None:
        odd = entry("k\0\ud83d", title="a\ud83d b", summary="a\0b", content="\ud83c\udf88", tags=("\udfff",))
        same = update(odd, entry("plain"), title="a\ud83d", etag="\xff")

        assert await opened.store.save(same) == EntryCounts(new=2)
        assert await opened.store.save(same) == EntryCounts(unchanged=2)
        stored = (await opened.entries(FEED))["k\0\N{REPLACEMENT CHARACTER}"]
        assert stored.title == "a\N{REPLACEMENT CHARACTER} b"
        assert stored.summary == "a\0b"
        assert stored.content == "\N{BALLOON}"
        assert (await opened.store.load([FEED]))[FEED].etag == "\xff"

    @pytest.mark.parametrize("length", [2**63, -(2**63) - 1, 10**40])
    async def test_numbers_beyond_64_bits_are_left_out(self, opened: Opened, length: int) -> None:
        enclosures = (
            Enclosure("https://a.test/1", None, length),
            Enclosure("https://a.test/2", None, 2**63 - 1),
        )
        await opened.store.save(update(entry(enclosures=enclosures)))

        stored = (await opened.entries(FEED))["k"].enclosures
        assert stored == (replace(enclosures[0], length=None), enclosures[1])

    async def test_the_first_and_the_last_day_of_the_calendar(self, opened: Opened) -> None:
        first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
        await opened.store.save(update(entry(published=first, updated=last)))

        stored = (await opened.entries(FEED))["k"]
        assert (stored.published, stored.updated) == (first, last)

    async def test_a_date_that_leaves_the_calendar_in_utc_is_left_out(self, opened: Opened) -> None:
        east = timezone(timedelta(hours=14))
        await opened.store.save(update(entry(published=datetime(1, 1, 1, tzinfo=east)), entry("other")))

        assert (await opened.entries(FEED))["k"].published is None
        assert "other" in await opened.entries(FEED)

    async def test_text_without_end_is_cut_and_counts_as_unchanged(self, opened: Opened) -> None:
        endless = "é" * 9_000_000
        huge = entry(title=endless, summary=endless, content=endless, link=endless, authors=("a",) * 10**5)
        same = update(huge, entry("other"), entry(endless))

        assert await opened.store.save(same) == EntryCounts(new=3)
        assert await opened.store.save(same) == EntryCounts(unchanged=3)
        stored = (await opened.entries(FEED))["k"]
        assert stored.title
        assert endless.startswith(stored.title)
        assert (stored.link, stored.summary, stored.content, stored.truncated) == (None, None, None, True)
        assert (await opened.entries(FEED))["other"] == entry("other")

    @pytest.mark.parametrize("key", ["$set", "$", "a.b.$[]", ".", "$where: 1", "'; DROP TABLE entries; --"])
    async def test_keys_that_mean_something_to_a_database(self, opened: Opened, key: str) -> None:
        same = update(entry(key, tags=(key,), authors=(key,), title=key), title=key, etag=key)

        assert await opened.store.save(same) == EntryCounts(new=1)
        assert await opened.store.save(same) == EntryCounts(unchanged=1)
        assert (await opened.entries(FEED))[key].tags == (key,)

    async def test_a_title_of_a_megabyte_is_cut(self, opened: Opened) -> None:
        title = "日本" * 2**18
        await opened.store.save(update(entry(title=title), entry("other"), title=title))

        stored = (await opened.entries(FEED))["k"].title or ""
        assert title.startswith(stored)
        assert 65_533 <= len(stored.encode()) <= 65_536
        assert (await opened.store.load([FEED]))[FEED].title == stored

    async def test_dates_that_are_no_unix_time(self, opened: Opened) -> None:
        """Before 1970, beyond 2038, and naive ones, which are taken as UTC."""
        dates = [datetime(1066, 10, 14, tzinfo=UTC), datetime(2500, 1, 1, tzinfo=UTC), datetime(2024, 1, 1)]
        await opened.store.save(update(*(entry(str(n), published=date) for n, date in enumerate(dates))))

        stored = await opened.entries(FEED)
        assert [stored[str(number)].published for number in range(3)] == [
            date.replace(tzinfo=UTC) for date in dates
        ]
