"""A machine whose clock was wrong for a while: when it is right again, all feeds are fetched as ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from trioscrape import Config, FeedTimers, Outcome, Result
from trioscrape.testing import Internet, MemoryStore, Site

from support.scenarios import Calendar, open_virtual, results_of, rss, urls

YEARS = timedelta(days=5 * 365)


def internet() -> Internet:
    """One feed for each way in which the next fetch is put off."""
    return Internet(
        {
            "fresh.test": Site(body=rss("a"), headers={"Cache-Control": "max-age=600000", "ETag": '"1"'}),
            "daily.test": Site(body=rss("a"), headers={"ETag": '"1"'}),
            "late.test": Site(status=503, headers={"Retry-After": "999999999"}),
            "missing.test": Site(status=404),
            "gone.test": Site(status=410),
            "limited.test": Site(status=429, headers={"Retry-After": "3600"}),
        }
    )


async def run(store: MemoryStore, now: datetime, world: Internet, interval: float = 0) -> list[Result]:
    calendar = Calendar()
    calendar.moment = now
    config = Config(body_limit=50_000, interval=interval)
    async with open_virtual(urls(world), world, store, now=calendar, config=config) as scrape:
        return await results_of(scrape)


def fetched(found: list[Result]) -> set[str]:
    return {result.feed.url for result in found if result.outcome is not Outcome.NOT_DUE}


@pytest.mark.parametrize("wrong", [YEARS, 8 * 24 * timedelta(hours=1), -YEARS])
async def test_a_clock_that_was_wrong_once(autojump_clock: MockClock, wrong: timedelta) -> None:
    store, now = MemoryStore(), Calendar().moment
    await run(store, now + wrong, internet())
    later = now + timedelta(hours=1)

    found = await run(store, later, internet())

    expected = set(urls(internet()))
    if wrong < YEARS:
        expected = fetched(found) | {"http://daily.test/feed", "http://missing.test/feed"}
    assert fetched(found) == expected
    for state in store.feeds.values():
        assert state.next_fetch is None or state.next_fetch - later <= timedelta(days=31)
        assert state.gone is None or state.gone <= later


async def test_what_is_not_believed_is_replaced(autojump_clock: MockClock) -> None:
    """Also of a feed of which there is nothing else to remember."""
    store, now, world = MemoryStore(), Calendar().moment, Internet({"a.test": Site(body=rss("a"))})
    await run(store, now, world)
    [key] = store.feeds
    right = store.feeds[key]
    store.feeds[key] = replace(right, next_fetch=now + YEARS, last_turn=now + YEARS)

    [result] = await run(store, now, world)

    assert (result.outcome, result.stored) == (Outcome.NOT_MODIFIED, True)
    assert store.feeds[key] == right


HISTORY = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([0, 0, -3650, -9, 9, 40, 3650, 36500])), max_size=6
)
"""Days until the next run, and by how many days the clock is wrong in it."""


@pytest.mark.heavy
@given(history=HISTORY, interval=st.sampled_from([0, 86400, 20 * 86400]), timers=st.integers(0, 2**31 - 1))
@settings(max_examples=max(settings().max_examples // 5, 5))
def test_each_feed_is_fetched_within_the_longest_wait(
    history: list[tuple[int, int]], interval: float, timers: int
) -> None:
    async def check() -> None:
        store, now = MemoryStore(), Calendar().moment
        for days, wrong in history:
            now += timedelta(days=days)
            await run(store, now + timedelta(days=wrong), internet(), interval)
        for key, state in store.feeds.items():
            store.feeds[key] = replace(state, timers=FeedTimers(max_age=timers))
        seen = set[str]()
        for days in (1, 8, 23):
            now += timedelta(days=days)
            seen |= fetched(await run(store, now, internet(), interval))
        assert seen == set(urls(internet()))

    trio.run(check, clock=MockClock(autojump_threshold=0))
