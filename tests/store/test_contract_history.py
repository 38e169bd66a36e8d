"""What every store promises of the history of feeds: each poll is counted once, the last ten are kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trioscrape import FeedHistory, FeedUpdate, Poll, PollTimes, TimerRule
from trioscrape._records.history import KEPT_POLLS
from trioscrape._store.history import added, first_history

from support.stores import FEED, OTHER, Opened, entry, state, update

BEGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)


def poll(hours: float = 0, **more: object) -> Poll:
    return Poll(BEGIN + timedelta(hours=hours), **more)  # type: ignore[arg-type]


FULL = poll(
    due=BEGIN - timedelta(minutes=5),
    detail="Ärger",
    status=200,
    size=12345,
    redirects=("301 https://a.test/feed",),
    times=PollTimes(1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    rules=(TimerRule("ttl", BEGIN + timedelta(hours=2), "7200 s"), TimerRule("interval", BEGIN)),
)


async def history(opened: Opened, feed: str = FEED) -> FeedHistory:
    return (await opened.store.read_history([feed]))[feed]


async def polled(opened: Opened, *polls: Poll) -> None:
    for each in polls:
        await opened.store.save(FeedUpdate(state(), (), each))


async def test_a_poll_comes_back_as_it_was(opened: Opened) -> None:
    await opened.store.save(FeedUpdate(state(), (entry("a"), entry("b")), FULL))

    found = await history(opened)
    [kept] = found.recent
    assert kept == replace(FULL, new=2)
    assert (found.polls, found.polls_with_news, found.last_lateness) == (1, 1, 300)
    assert found.last_fetch == found.last_success == found.last_news == BEGIN


async def test_totals_go_on_and_the_last_polls_are_kept(opened: Opened) -> None:
    await opened.store.save(FeedUpdate(state(), (entry("a"),), poll()))
    for hour in range(1, KEPT_POLLS + 5):
        await polled(opened, poll(hour, reason="http-503" if hour > 3 else None, status=503))

    found = await history(opened)
    assert (found.polls, found.polls_with_news) == (KEPT_POLLS + 5, 1)
    assert found.last_fetch == BEGIN + timedelta(hours=KEPT_POLLS + 4)
    assert (found.last_success, found.last_news) == (BEGIN + timedelta(hours=3), BEGIN)
    assert [each.at.hour for each in found.recent] == [
        (BEGIN + timedelta(hours=hour)).hour for hour in range(5, KEPT_POLLS + 5)
    ]


async def test_a_poll_that_is_saved_twice_counts_once(opened: Opened) -> None:
    """A save is repeated when its acknowledgement was lost."""
    await polled(opened, poll(), poll(), poll(1), poll(1))

    found = await history(opened)
    assert (found.polls, len(found.recent)) == (2, 2)


async def test_of_an_unchanged_feed_the_poll_is_added_and_the_rest_stays(opened: Opened) -> None:
    await opened.store.save(FeedUpdate(state(), (entry("a"),), poll()))
    for _ in range(2):  # the acknowledgement of the first one was lost
        await opened.store.add_polls([(FEED, poll(1, status=304)), (OTHER, poll(1))])
    await opened.store.add_polls([])

    found = await history(opened)
    assert [each.status for each in found.recent] == [None, 304]
    assert (found.polls, found.polls_with_news) == (2, 1)
    assert (found.last_success, found.last_news) == (poll(1).at, poll().at)
    assert (await history(opened, OTHER)).recent == (poll(1),)
    assert await opened.store.load([FEED, OTHER]) == {FEED: state()}
    assert await opened.store.count_entries([FEED]) == 1


@pytest.mark.parametrize("had_entries", [True, False])
async def test_gaps_are_counted(opened: Opened, had_entries: bool) -> None:
    """A document that has nothing of the one before, although that had something."""
    for hour, keys in enumerate(["ab", "cd", "de", "f", "gh"]):
        entries = tuple(map(entry, keys))
        await opened.store.save(FeedUpdate(state(), entries, poll(hour), had_entries and hour > 0))
    await opened.store.add_polls([(FEED, poll(9))])

    found = await history(opened)
    assert [each.gap for each in found.recent] == [False, had_entries, False, False, had_entries, False]
    assert (found.gaps, found.last_gap) == ((2, poll(4).at) if had_entries else (0, None))


async def test_a_poll_that_is_not_accepted_costs_no_other(opened: Opened) -> None:
    opened.reject("history", "last_lateness", 60)
    late = poll(due=BEGIN - timedelta(minutes=1))
    await opened.store.add_polls([(OTHER, poll()), (FEED, late), ("1" * 32, poll())])

    assert (await opened.store.read_history([OTHER, FEED, "1" * 32])).keys() == {OTHER, "1" * 32}


async def test_all_stores_count_alike(opened: Opened) -> None:
    polls = [poll(hour, status=200 + hour % 2, reason=("tls", None)[hour % 2]) for hour in range(15)]
    expected: FeedHistory | None = None
    for each in polls:
        counted = await opened.store.save(FeedUpdate(state(), (entry(str(each.at.day)),), each))
        each = replace(each, new=counted.new)  # noqa: PLW2901
        expected = added(expected, first_history(FEED, each))

    assert await history(opened) == expected


async def test_a_poll_of_an_unchanged_feed_writes_neither_the_feed_nor_entries(opened: Opened) -> None:
    await opened.store.save(update(entry("a")))
    before = [found async for found in opened.store.read_entries()]
    await polled(opened, poll())

    assert [found async for found in opened.store.read_entries()] == before
    assert await opened.store.load([FEED]) == {FEED: state()}


async def test_totals_can_be_read_alone(opened: Opened) -> None:
    await polled(opened, poll(), poll(1))

    found = await opened.store.read_history([FEED, OTHER], polls=False)
    assert found.keys() == {FEED}
    assert (found[FEED].polls, found[FEED].recent) == (2, ())
    assert await opened.store.read_history([]) == {}


async def test_it_is_restored_where_there_is_none(opened: Opened) -> None:
    await polled(opened, poll(5))
    mine = await history(opened)
    others = [FeedHistory(feed, polls=7, recent=(FULL,)) for feed in (FEED, OTHER)]

    assert [await opened.store.restore_history(others) for _ in range(2)] == [1, 0]
    assert await opened.store.restore_history([]) == 0
    assert await opened.store.read_history([FEED, OTHER]) == {FEED: mine, OTHER: others[1]}


async def test_it_goes_with_its_feed(opened: Opened) -> None:
    await polled(opened, poll())
    await opened.store.forget([FEED])

    assert await opened.store.read_history([FEED]) == {}


async def test_the_feed_at_a_url(opened: Opened) -> None:
    await opened.store.save(update())

    for url in state().url, state().listed_url:
        assert await opened.store.find_feed(url) == state()
    for url in "https://b.test/", "nowhere", "":
        assert await opened.store.find_feed(url) is None


@pytest.mark.parametrize("damage", [{"recent": "no list"}, {"recent": {"a": 1}}, {"polls": "many"}])
async def test_what_another_program_has_damaged_is_replaced(
    opened: Opened, damage: dict[str, object]
) -> None:
    await polled(opened, poll())
    opened.damage("history", damage)
    assert await opened.store.read_history([FEED]) == {}
    await polled(opened, poll(1))

    found = await history(opened)
    assert found.recent[-1] == poll(1)
    assert found.last_fetch == poll(1).at
