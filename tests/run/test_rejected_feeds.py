"""A feed that the store does not accept: the run goes on, and so does the next one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from trioscrape import Outcome, Report, Result, StoreError
from trioscrape._cli.report import complete
from trioscrape._store.lane import REJECTED

from support.faulty_stores import StrictStore
from support.scenarios import Calendar, healthy, open_virtual, results_of, rss, urls


async def fetched(
    store: StrictStore, calendar: Calendar, count: int = 10, body: bytes | None = None
) -> tuple[dict[str, Result], Report]:
    """The results of a run over `count` feeds, the fourth of which may have another document."""
    internet = healthy(count, headers={"ETag": '"1"'})
    if body is not None:
        internet.sites["f3.test"] = replace(internet.sites["f3.test"], body=body, headers={"ETag": '"2"'})  # type: ignore[index]
    async with open_virtual(urls(internet), internet, store, now=calendar) as scrape:
        found = await results_of(scrape)
    return {result.feed.url: result for result in found}, scrape.report()


BAD = "http://f3.test/feed"


async def test_it_is_not_stored_and_all_others_are(autojump_clock: MockClock) -> None:
    store = StrictStore(["e3"])

    found, report = await fetched(store, Calendar())

    result = found.pop(BAD)
    assert (result.outcome, result.reason, result.stored) == (Outcome.FAILED, "not-stored", False)
    assert result.detail == "memory: no e3 in this house"
    assert {(each.outcome, each.stored) for each in found.values()} == {(Outcome.NEW, True)}
    assert (report.errors, report.stored, complete(report)) == ({"not-stored": 1}, 9, False)
    assert [each.feed.url for each in report.not_stored_examples] == [BAD]


async def test_it_is_put_off_and_then_fetched_whole(autojump_clock: MockClock) -> None:
    """Like any feed that fails. Nothing of its document is remembered."""
    store, calendar = StrictStore(["e3"]), Calendar()
    await fetched(store, calendar)
    [state] = [each for each in store.feeds.values() if each.url == BAD]
    assert (state.failures, state.failure) == (1, "not-stored")
    assert (state.etag, state.body_hash) == (None, None)

    found, report = await fetched(store, calendar)
    assert (found[BAD].outcome, found[BAD].reason) == (Outcome.NOT_DUE, "not-stored")
    assert complete(report)
    assert report.not_stored_examples == ()

    calendar.forward(minutes=16)
    found, _ = await fetched(store, calendar)
    assert found[BAD].reason == "not-stored"
    calendar.forward(minutes=16)
    found, _ = await fetched(store, calendar)
    assert found[BAD].outcome is Outcome.NOT_DUE  # for twice as long

    store.keys = ()
    calendar.forward(hours=1)
    found, _ = await fetched(store, calendar)
    assert (found[BAD].outcome, found[BAD].entries.new) == (Outcome.NEW, 1)


async def test_of_a_known_feed_no_entry_is_lost(autojump_clock: MockClock) -> None:
    """With the validators of the document that was rejected, the next answer would be 304."""
    store, calendar = StrictStore(["bad"]), Calendar()
    await fetched(store, calendar)
    calendar.forward(days=1)

    found, _ = await fetched(store, calendar, body=rss("e3", "more", "bad"))
    assert found[BAD].reason == "not-stored"
    [state] = [each for each in store.feeds.values() if each.url == BAD]
    assert (state.etag, state.failures) == ('"1"', 1)
    assert set(store.entries[state.feed_id]) == {"e3"}

    store.keys = ()
    calendar.forward(days=1)
    found, _ = await fetched(store, calendar, body=rss("e3", "more", "bad"))
    assert (found[BAD].outcome, found[BAD].entries.new) == (Outcome.UPDATED, 2)


async def test_a_failure_that_is_rejected_as_well(autojump_clock: MockClock) -> None:
    store = StrictStore(urls=["http://nowhere.test/feed"])
    internet = healthy(9)
    async with open_virtual(["http://nowhere.test/feed", *urls(internet)], internet, store) as scrape:
        found = await results_of(scrape)

    assert [r.detail for r in found if not r.stored] == ["memory: no such feed in this house"]
    assert scrape.report().errors == {"not-stored": 1}


async def test_a_store_that_accepts_nothing_ends_the_run(autojump_clock: MockClock) -> None:
    internet = healthy(REJECTED * 5)
    store = StrictStore(urls=urls(internet))
    found = []
    with pytest.raises(StoreError, match=rf"in this house; all of the first {REJECTED} feeds were rejected$"):
        async with open_virtual(urls(internet), internet, store) as scrape:
            async for result in scrape:
                found.append(result)

    assert REJECTED <= len(found) < REJECTED * 5
    assert {result.reason for result in found} == {"not-stored"}


async def test_documents_alone_end_no_run(autojump_clock: MockClock) -> None:
    """However many are rejected: the records of their failures are accepted, so the store is well."""
    count = REJECTED * 2
    store = StrictStore([f"e{n}" for n in range(count - 1)])

    found, report = await fetched(store, Calendar(), count)

    assert report.errors == {"not-stored": count - 1}
    assert found[f"http://f{count - 1}.test/feed"].stored
    assert len(store.feeds) == count


@pytest.mark.heavy
@given(documents=st.sets(st.integers(0, 29)), states=st.sets(st.integers(0, 29)))
@settings(max_examples=max(settings().max_examples // 4, 5))
def test_whatever_is_rejected_the_others_are_stored(documents: set[int], states: set[int]) -> None:
    """And the rest in a run after the rules are gone."""

    async def check() -> None:
        store, calendar = StrictStore(), Calendar()
        store.keys = [f"e{n}" for n in documents]
        store.urls = [f"http://f{n}.test/feed" for n in states]

        found, report = await fetched(store, calendar, 30)

        assert len(found) == 30
        bad = documents | states
        assert {n for n in range(30) if found[f"http://f{n}.test/feed"].reason == "not-stored"} == bad
        assert report.stored == 30 - len(bad)
        store.keys = store.urls = ()
        calendar.forward(minutes=16)
        found, report = await fetched(store, calendar, 30)
        assert {n for n in range(30) if found[f"http://f{n}.test/feed"].outcome is Outcome.NEW} == bad
        assert sum(map(len, store.entries.values())) == 30

    trio.run(check, clock=MockClock(autojump_threshold=0))
