"""What every store promises. A new one passes all of this once it has a line in ``stores.STORES``."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
import trio

from trioscrape import Enclosure, FeedState, FeedTimers, FeedUpdate, StoredEntry, StoreError
from trioscrape._records import Entry, EntryCounts
from trioscrape.testing import MemoryStore

from support.stores import FEED, FULL_ENTRY, OTHER, STORES, Opened, entry, report, state, update


@pytest.fixture(params=STORES)
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    async with STORES[request.param](request) as opened:
        yield opened


class TestRoundTrip:
    async def test_a_state_is_loaded_as_it_was_saved(self, opened: Opened) -> None:
        await opened.store.save(update(entry()))

        assert await opened.store.load([FEED]) == {FEED: state()}

    async def test_a_state_of_nothing_but_a_url(self, opened: Opened) -> None:
        bare = FeedState(FEED, "https://a.test/feed")
        await opened.store.save(update())
        await opened.store.save(FeedUpdate(bare, ()))

        assert await opened.store.load([FEED]) == {FEED: bare}

    async def test_an_entry_is_stored_with_every_field(self, opened: Opened) -> None:
        await opened.store.save(update(FULL_ENTRY))

        assert opened.entries(FEED) == {FULL_ENTRY.key: FULL_ENTRY}

    async def test_validators_come_back_byte_for_byte(self, opened: Opened) -> None:
        every_latin_1 = bytes(range(256)).decode("latin-1")
        await opened.store.save(update(etag=f' W/"{every_latin_1}" ', last_modified=every_latin_1))

        loaded = (await opened.store.load([FEED]))[FEED]
        assert loaded.etag == f' W/"{every_latin_1}" '
        assert loaded.last_modified == every_latin_1

    async def test_unknown_feeds_are_missing(self, opened: Opened) -> None:
        await opened.store.save(update())

        assert await opened.store.load([OTHER]) == {}
        assert await opened.store.load([]) == {}

    async def test_5000_feeds_are_loaded_at_once(self, opened: Opened) -> None:
        known = [f"{number:032x}" for number in range(0, 5000, 100)]
        for feed_id in known:
            await opened.store.save(update(feed_id=feed_id))

        loaded = await opened.store.load([f"{number:032x}" for number in range(5000)])

        assert loaded == {feed_id: state(feed_id) for feed_id in known}

    async def test_a_run_is_one_record(self, opened: Opened) -> None:
        await opened.store.record_run(report())
        await opened.store.record_run(report())

        assert [run["feeds"] for run in opened.runs()] == [500, 500]
        assert opened.runs()[0]["lanes"]["dns"]["peak_waiting"] == 468

    async def test_a_run_that_is_recorded_again_is_the_same_record(self, opened: Opened) -> None:
        """An answer may have been lost; a later report takes the place of an earlier one."""
        run = report()
        await opened.store.record_run(run)
        await opened.store.record_run(report())
        await opened.store.record_run(run)
        assert [each["feeds"] for each in opened.runs()] == [500, 500]

        await opened.store.record_run(replace(run, feeds=501))
        assert sorted(each["feeds"] for each in opened.runs()) == [500, 501]


class TestIdempotence:
    async def test_new_changed_and_unchanged_are_counted(self, opened: Opened) -> None:
        first = await opened.store.save(update(entry("a"), entry("b")))
        second = await opened.store.save(update(entry("a"), entry("b", hash="other"), entry("c")))

        assert first == EntryCounts(new=2)
        assert second == EntryCounts(new=1, changed=1, unchanged=1)

    async def test_a_changed_entry_replaces_the_old_one(self, opened: Opened) -> None:
        await opened.store.save(update(FULL_ENTRY))
        changed = entry(FULL_ENTRY.key, hash="other")
        await opened.store.save(update(changed))

        assert opened.entries(FEED) == {FULL_ENTRY.key: changed}

    async def test_entries_that_have_left_the_document_stay(self, opened: Opened) -> None:
        await opened.store.save(update(entry("a")))
        await opened.store.save(update(entry("b")))

        assert set(opened.entries(FEED)) == {"a", "b"}

    async def test_the_same_again_writes_nothing(self, opened: Opened) -> None:
        same = update(*(entry(str(number)) for number in range(30)))
        await opened.store.save(same)
        before = opened.writes()

        counts = await opened.store.save(same)

        assert counts == EntryCounts(unchanged=30)
        assert opened.writes() == before

    async def test_a_new_etag_alone_is_written(self, opened: Opened) -> None:
        await opened.store.save(update(entry()))
        before = opened.writes()

        assert await opened.store.save(update(entry(), etag='"2"')) == EntryCounts(unchanged=1)

        assert opened.writes() != before
        assert (await opened.store.load([FEED]))[FEED].etag == '"2"'

    @pytest.mark.parametrize(
        "change",
        [
            {"timers": FeedTimers(max_age=1)},
            {"next_fetch": datetime(2030, 1, 1, tzinfo=UTC)},
            {"next_unconditional": None},
            {"failures": 4},
            {"failure": "tls"},
            {"gone": None},
            {"moved_to": None, "moved_days": ()},
        ],
        ids=lambda change: next(iter(change)),
    )
    async def test_each_field_of_a_state_alone_is_written(
        self, opened: Opened, change: dict[str, object]
    ) -> None:
        await opened.store.save(update(entry()))
        before = opened.writes()

        assert await opened.store.save(update(entry(), **change)) == EntryCounts(unchanged=1)

        assert opened.writes() != before
        assert await opened.store.load([FEED]) == {FEED: state(**change)}

    async def test_moments_are_kept_to_the_millisecond(self, opened: Opened) -> None:
        """What is the same in milliseconds is the same, and writes nothing."""
        moment = datetime(2024, 2, 29, 12, 30, 0, 999999, UTC)
        await opened.store.save(update(next_fetch=moment))
        before = opened.writes()
        await opened.store.save(update(next_fetch=moment))

        assert opened.writes() == before
        loaded = (await opened.store.load([FEED]))[FEED]
        assert loaded.next_fetch == moment.replace(microsecond=999000)

    async def test_of_one_key_twice_the_last_counts(self, opened: Opened) -> None:
        counts = await opened.store.save(update(entry("a", hash="1"), entry("a", hash="2")))

        assert counts == EntryCounts(new=1)
        assert opened.entries(FEED)["a"].hash == "2"

    async def test_equal_keys_of_two_feeds_are_two_entries(self, opened: Opened) -> None:
        await opened.store.save(update(entry("a", title="of one")))
        counts = await opened.store.save(update(entry("a", title="of the other"), feed_id=OTHER))

        assert counts == EntryCounts(new=1)
        assert opened.entries(FEED)["a"].title == "of one"
        assert opened.entries(OTHER)["a"].title == "of the other"

    async def test_more_entries_than_fit_a_statement(self, opened: Opened) -> None:
        many = update(*(entry(str(number)) for number in range(1201)))

        assert await opened.store.save(many) == EntryCounts(new=1201)
        assert await opened.store.save(many) == EntryCounts(unchanged=1201)
        assert len(opened.entries(FEED)) == 1201


class TestIdentity:
    """Which entry is which when a feed changes its mind."""

    async def test_a_hash_that_changes_with_every_fetch_is_believed_24_times(self, opened: Opened) -> None:
        """Then it counts as unchanged, and nothing is written any more."""
        when = datetime(2024, 1, 1, tzinfo=UTC)
        for updated in (None, when):
            key = f"counter, updated {updated}"
            await opened.store.save(update(entry(key, hash="0", updated=updated)))
            for number in range(1, 25):
                counts = await opened.store.save(update(entry(key, hash=str(number), updated=updated)))
                assert counts == EntryCounts(changed=1)
            before = opened.writes()
            for number in range(25, 30):
                counts = await opened.store.save(update(entry(key, hash=str(number), updated=updated)))
                assert counts == EntryCounts(unchanged=1)
            assert opened.writes() == before
            assert opened.entries(FEED)[key].hash == "24"

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
        stored = opened.entries(FEED)
        assert sorted(stored) == [
            "http://a.test/1",
            "http://a.test/2",
            "https://a.test/3",
            "https://a.test/4",
            "https://a.test/5",
        ]
        assert all(each.link == each.key for each in stored.values())
        before = opened.writes()
        assert await opened.store.save(document("https", 3, 4, 5)) == EntryCounts(unchanged=3)
        assert opened.writes() == before

    async def test_an_entry_under_another_url_that_is_else_the_same(self, opened: Opened) -> None:
        """It is unchanged, and goes by the new URL from now on."""
        await opened.store.save(update(entry("http://a.test/1", hash="same"), etag="1"))
        counts = await opened.store.save(update(entry("https://a.test/1", hash="same"), etag="1"))

        assert counts == EntryCounts(unchanged=1)
        assert set(opened.entries(FEED)) == {"https://a.test/1"}

    async def test_entries_of_another_store_go_to_https_too(self, opened: Opened) -> None:
        moment = datetime(2024, 1, 1, tzinfo=UTC)
        old = StoredEntry(FEED, entry("http://a.test/1", hash="same"), moment, moment)
        await opened.store.restore_feeds([state()])
        await opened.store.restore_entries([old])

        assert await opened.store.save(update(entry("https://a.test/1", hash="same"))) == EntryCounts(
            unchanged=1
        )
        assert set(opened.entries(FEED)) == {"https://a.test/1"}

    async def test_a_feed_of_another_host_keeps_its_entries_apart_when_in_doubt(self, opened: Opened) -> None:
        await opened.store.save(update(entry("http://a.test/1"), entry("http://b.test/1")))
        await opened.store.save(update(entry("http://c.test/1")))

        assert len(opened.entries(FEED)) == 3


class TestConcurrency:
    async def test_saves_from_many_tasks(self, opened: Opened) -> None:
        ids = [f"{number:032x}" for number in range(100)]
        async with trio.open_nursery() as nursery:
            for feed_id in ids:
                nursery.start_soon(opened.store.save, update(entry("a"), entry("b"), feed_id=feed_id))

        assert set(await opened.store.load(ids)) == set(ids)
        assert all(set(opened.entries(feed_id)) == {"a", "b"} for feed_id in ids)

    async def test_saves_of_one_feed_at_once(self, opened: Opened) -> None:
        updates = [
            update(*(entry(str(key), hash=f"{key} by {number}") for key in range(20)), etag=str(number))
            for number in range(12)
        ]
        async with trio.open_nursery() as nursery:
            for each in updates:
                nursery.start_soon(opened.store.save, each)

        assert len(opened.entries(FEED)) == 20
        assert (await opened.store.load([FEED]))[FEED] in [each.state for each in updates]


class TestCancellation:
    async def test_before_it_begins_nothing_is_stored(self, opened: Opened) -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            await opened.store.save(update(entry()))

        assert scope.cancelled_caught
        assert await opened.store.load([FEED]) == {}
        assert opened.entries(FEED) == {}

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
        assert all(len(opened.entries(feed_id)) == 20 for feed_id in states)
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

    async def test_a_poisonous_one_fails_alone(self, opened: Opened) -> None:
        """Something that no cleaning has foreseen."""
        if isinstance(opened.store, MemoryStore):
            pytest.skip("keeps whatever it is given")
        counts, failed = [], []

        async def save(number: int) -> None:
            failures = 2**70 if number == 7 else number
            try:
                counts.append(
                    await opened.store.save(update(entry(), feed_id=f"{number:032x}", failures=failures))
                )
            except StoreError:
                failed.append(number)

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(save, number)

        assert failed == [7]
        stored = await opened.store.load([f"{number:032x}" for number in range(20)])
        assert {state.failures for state in stored.values()} == {*range(20)} - {7}
        assert counts == [EntryCounts(new=1)] * 19


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


class TestRecordsOfOthers:
    """Databases are open to everybody. What a script has spoiled costs nothing but its feed a fetch."""

    @pytest.mark.parametrize(
        "damage",
        [
            {"url": "no URL"},
            {"url": "http://a.test:99999/"},
            {"timers": "often"},
            {"timers": '{"max_age": 99999999999999999}'},
            {"timers": '{"skip_hours": 5}'},
            {"timers": "[" * 100_000},
            {"failures": "many"},
            {"failures": -1},
            {"distrusts_ids": "maybe"},
            {"etag": "no header can say 日本"},
            {"next_fetch": "soon"},
            {"next_fetch": "2026-01-01"},
            {"gone": 5},
            {"moved_days": '{"a": 1}'},
            {"moved_days": "[1, 2]"},
            {"title": b"bytes"},
        ],
        ids=lambda damage: str(damage)[:40],
    )
    async def test_a_state_that_means_nothing_is_none(
        self, opened: Opened, damage: dict[str, object]
    ) -> None:
        """Its feed was never asked, as it were; its next save makes it whole again."""
        if opened.damage is None:
            pytest.skip("nobody else gets at it")

        await opened.store.save(update(entry("a")))
        await opened.store.save(update(entry("a"), feed_id=OTHER))
        opened.damage("feeds", damage)

        assert await opened.store.load([FEED, OTHER]) == {OTHER: state(OTHER)}
        with pytest.raises(StoreError, match=f"none of trioscrape's .*{FEED}"):
            [each async for each in opened.store.read_feeds()]
        own, others = await saved_among_others(opened, entry("a"), entry("b"))
        assert own == EntryCounts(new=1, unchanged=1)
        assert others == {EntryCounts(new=2)}
        assert await opened.store.load([FEED]) == {FEED: state()}

    @pytest.mark.parametrize(
        "damage", [{"updated": "soon"}, {"rewrites": "many"}, {"hash": b"", "updated": 7}]
    )
    async def test_an_entry_that_means_nothing_is_written_again(
        self, opened: Opened, damage: dict[str, object]
    ) -> None:
        if opened.damage is None:
            pytest.skip("nobody else gets at it")

        await opened.store.save(update(entry("a")))
        opened.damage("entries", damage)

        own, others = await saved_among_others(opened, entry("a", hash="b"))
        assert own == EntryCounts(changed=1)
        assert others == {EntryCounts(new=1)}
        assert opened.entries(FEED) == {"a": entry("a", hash="b")}


class TestOddValues:
    async def test_text_that_no_database_takes(self, opened: Opened) -> None:
        odd = entry("k\0\ud83d", title="a\ud83d b", summary="a\0b", content="\ud83c\udf88", tags=("\udfff",))
        same = update(odd, entry("plain"), title="a\ud83d", etag="\0")

        assert await opened.store.save(same) == EntryCounts(new=2)
        assert await opened.store.save(same) == EntryCounts(unchanged=2)
        stored = opened.entries(FEED)["k\0\N{REPLACEMENT CHARACTER}"]
        assert stored.title == "a\N{REPLACEMENT CHARACTER} b"
        assert stored.summary == "a\0b"
        assert stored.content == "\N{BALLOON}"
        assert (await opened.store.load([FEED]))[FEED].etag == "\0"

    @pytest.mark.parametrize("length", [2**63, -(2**63) - 1, 10**40])
    async def test_numbers_beyond_64_bits_are_left_out(self, opened: Opened, length: int) -> None:
        enclosures = (
            Enclosure("https://a.test/1", None, length),
            Enclosure("https://a.test/2", None, 2**63 - 1),
        )
        await opened.store.save(update(entry(enclosures=enclosures)))

        stored = opened.entries(FEED)["k"].enclosures
        assert stored == (replace(enclosures[0], length=None), enclosures[1])

    async def test_the_first_and_the_last_day_of_the_calendar(self, opened: Opened) -> None:
        first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
        await opened.store.save(update(entry(published=first, updated=last)))

        stored = opened.entries(FEED)["k"]
        assert (stored.published, stored.updated) == (first, last)

    async def test_a_date_that_leaves_the_calendar_in_utc_is_left_out(self, opened: Opened) -> None:
        east = timezone(timedelta(hours=14))
        await opened.store.save(update(entry(published=datetime(1, 1, 1, tzinfo=east)), entry("other")))

        assert opened.entries(FEED)["k"].published is None
        assert "other" in opened.entries(FEED)

    async def test_text_without_end_is_cut_and_counts_as_unchanged(self, opened: Opened) -> None:
        endless = "é" * 9_000_000
        huge = entry(title=endless, summary=endless, content=endless, link=endless, authors=("a",) * 10**5)
        same = update(huge, entry("other"), entry(endless))

        assert await opened.store.save(same) == EntryCounts(new=3)
        assert await opened.store.save(same) == EntryCounts(unchanged=3)
        stored = opened.entries(FEED)["k"]
        assert stored.content
        assert endless.startswith(stored.content)
        assert stored.link is None
        assert opened.entries(FEED)["other"] == entry("other")

    @pytest.mark.parametrize(
        "key", ["$set", "$", "a.b.$[]", ".", "$where: 1", "'; DROP TABLE entries; --", ""]
    )
    async def test_keys_that_mean_something_to_a_database(self, opened: Opened, key: str) -> None:
        same = update(entry(key, tags=(key,), authors=(key,), title=key), title=key, etag=key)

        assert await opened.store.save(same) == EntryCounts(new=1)
        assert await opened.store.save(same) == EntryCounts(unchanged=1)
        assert opened.entries(FEED)[key].tags == (key,)

    async def test_a_title_of_a_megabyte_is_cut(self, opened: Opened) -> None:
        title = "日本" * 2**18
        await opened.store.save(update(entry(title=title), entry("other"), title=title))

        stored = opened.entries(FEED)["k"].title or ""
        assert title.startswith(stored)
        assert 65_533 <= len(stored.encode()) <= 65_536
        assert (await opened.store.load([FEED]))[FEED].title == stored

    async def test_dates_that_are_no_unix_time(self, opened: Opened) -> None:
        """Before 1970, beyond 2038, and naive ones, which are taken as UTC."""
        dates = [datetime(1066, 10, 14, tzinfo=UTC), datetime(2500, 1, 1, tzinfo=UTC), datetime(2024, 1, 1)]
        await opened.store.save(update(*(entry(str(n), published=date) for n, date in enumerate(dates))))

        stored = [opened.entries(FEED)[str(number)].published for number in range(3)]
        assert stored == [date.replace(tzinfo=UTC) for date in dates]


class TestClosing:
    async def test_twice_does_nothing(self, opened: Opened) -> None:
        await opened.store.aclose()
        await opened.store.aclose()
