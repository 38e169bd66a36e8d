"""What every store promises of a save: what is stored can be loaded, and is written once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trioscrape import FeedState, FeedTimers, FeedUpdate
from trioscrape._records import EntryCounts
from trioscrape._records.feed_state import FEED_STATE
from trioscrape._records.kinds import COUNT, FLAG, MOMENT
from trioscrape._records.texts import DAYS, NAME, NAMES, URL, VALIDATOR

from support.stores import FEED, FULL_ENTRY, OTHER, Opened, entry, report, state, update

OTHER_VALUES = {
    URL.expected: "https://other.test/",
    NAME.expected: "other",
    VALIDATOR.expected: '"other"',
    MOMENT.expected: datetime(2030, 1, 1, tzinfo=UTC),
    COUNT.expected: 4,
    FLAG.expected: False,
    DAYS.expected: ("2030-01-01",),
    NAMES.expected: ("other",),
    "an object": FeedTimers(max_age=1),
    "a list of numbers of seconds": (7,),
}
"""One of each kind that is in no field of `state`, by what values of the kind must be."""


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

        assert await opened.entries(FEED) == {FULL_ENTRY.key: FULL_ENTRY}

    async def test_entries_are_as_old_as_the_update_says(self, opened: Opened) -> None:
        """Without it, they are as old as the write."""
        first, later = datetime(2020, 1, 2, tzinfo=UTC), datetime(2021, 1, 2, tzinfo=UTC)
        await opened.store.save(replace(update(entry("a"), entry("b")), at=first))
        await opened.store.save(replace(update(entry("a", hash="2"), entry("b"), entry("c")), at=later))
        await opened.store.save(update(entry("d")))

        moments = {
            each.entry.key: (each.first_seen, each.last_changed) async for each in opened.store.read_entries()
        }
        now = moments.pop("d")[0]
        assert moments == {"a": (first, later), "b": (first, first), "c": (later, later)}
        assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)

    async def test_validators_come_back_byte_for_byte(self, opened: Opened) -> None:
        every = bytes([9, *range(32, 127), *range(128, 256)]).decode("latin-1")
        await opened.store.save(update(etag=f'W/"{every}"', last_modified=f".{every}"))

        loaded = (await opened.store.load([FEED]))[FEED]
        assert loaded.etag == f'W/"{every}"'
        assert loaded.last_modified == f".{every}"

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

        assert await opened.entries(FEED) == {FULL_ENTRY.key: changed}

    async def test_entries_that_have_left_the_document_stay(self, opened: Opened) -> None:
        await opened.store.save(update(entry("a")))
        await opened.store.save(update(entry("b")))

        assert set(await opened.entries(FEED)) == {"a", "b"}

    async def test_the_same_again_writes_nothing(self, opened: Opened) -> None:
        same = update(*(entry(str(number)) for number in range(30)))
        await opened.store.save(same)
        before = await opened.trace()

        counts = await opened.store.save(same)

        assert counts == EntryCounts(unchanged=30)
        assert await opened.trace() == before

    async def test_a_new_etag_alone_is_written(self, opened: Opened) -> None:
        await opened.store.save(update(entry()))
        before = await opened.trace()

        assert await opened.store.save(update(entry(), etag='"2"')) == EntryCounts(unchanged=1)

        assert await opened.trace() != before
        assert (await opened.store.load([FEED]))[FEED].etag == '"2"'

    @pytest.mark.parametrize("name", FEED_STATE.fields)
    async def test_each_field_of_a_state_alone_is_written(self, opened: Opened, name: str) -> None:
        """A field that is added to `FeedState` is here at once, in every store."""
        if name == "feed_id":
            pytest.skip("another id is another feed")
        change = {name: OTHER_VALUES[FEED_STATE.fields[name].kind.expected]}
        await opened.store.save(update(entry()))
        before = await opened.trace()

        assert await opened.store.save(update(entry(), **change)) == EntryCounts(unchanged=1)

        assert await opened.trace() != before
        assert await opened.store.load([FEED]) == {FEED: state(**change)}

    async def test_moments_are_kept_to_the_millisecond(self, opened: Opened) -> None:
        """What is the same in milliseconds is the same, and writes nothing."""
        moment = datetime(2024, 2, 29, 12, 30, 0, 999999, UTC)
        await opened.store.save(update(next_fetch=moment))
        before = await opened.trace()
        await opened.store.save(update(next_fetch=moment))

        assert await opened.trace() == before
        loaded = (await opened.store.load([FEED]))[FEED]
        assert loaded.next_fetch == moment.replace(microsecond=999000)

    async def test_of_one_key_twice_the_last_counts(self, opened: Opened) -> None:
        counts = await opened.store.save(update(entry("a", hash="1"), entry("a", hash="2")))

        assert counts == EntryCounts(new=1)
        assert (await opened.entries(FEED))["a"].hash == "2"

    async def test_equal_keys_of_two_feeds_are_two_entries(self, opened: Opened) -> None:
        await opened.store.save(update(entry("a", title="of one")))
        counts = await opened.store.save(update(entry("a", title="of the other"), feed_id=OTHER))

        assert counts == EntryCounts(new=1)
        assert (await opened.entries(FEED))["a"].title == "of one"
        assert (await opened.entries(OTHER))["a"].title == "of the other"

    async def test_more_entries_than_fit_a_statement(self, opened: Opened) -> None:
        many = update(*(entry(str(number)) for number in range(1201)))

        assert await opened.store.save(many) == EntryCounts(new=1201)
        assert await opened.store.save(many) == EntryCounts(unchanged=1201)
        assert len(await opened.entries(FEED)) == 1201
