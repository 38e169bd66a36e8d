"""What a scrape remembers of each poll, and what is no poll."""

from datetime import timedelta

from trio.testing import MockClock

from trioscrape import FeedHistory, Outcome, Poll
from trioscrape.testing import Site

from support.days import Days, alone


def history(days: Days) -> FeedHistory:
    [found] = days.store.history.values()
    return found


def last(days: Days) -> Poll:
    return history(days).recent[-1]


async def test_a_first_fetch_and_one_without_news(autojump_clock: MockClock) -> None:
    days = alone(headers={"ETag": '"1"', "Cache-Control": "max-age=600"})
    began = days.now()
    await days.run(interval=300)

    poll = last(days)
    assert (poll.at, poll.due, poll.status, poll.new, poll.reason) == (began, None, 200, 1, None)
    assert poll.size == len(days.sites["a.test"].body)
    assert [(rule.name, rule.value) for rule in poll.rules] == [("max-age", "600 s"), ("interval", None)]
    assert days.state.next_fetch == poll.rules[0].until
    assert (days.state.newest_entry, days.state.longest_silence) == (None, None)

    days.now.forward(minutes=25)
    await days.run()
    poll = last(days)
    assert (poll.status, poll.size, poll.new, poll.due) == (304, None, 0, began + timedelta(minutes=10))
    found = history(days)
    assert (found.polls, found.polls_with_news, found.last_lateness) == (2, 1, 15 * 60)
    assert (found.last_success, found.last_news) == (poll.at, began)


async def test_phases_are_parts_of_the_lane(autojump_clock: MockClock) -> None:
    days = alone(first_byte=2)
    await days.run()

    times = last(days).times
    assert times.first_byte >= 2000
    assert times.connect + times.tls + times.first_byte + times.body <= times.http_worked + 4
    assert times.tls == 0


async def test_redirects_are_kept_also_of_a_fetch_that_fails(autojump_clock: MockClock) -> None:
    days = alone()
    days.sites["a.test"] = Site(status=301, headers={"Location": "http://b.test/feed"})
    days.sites["b.test"] = Site(status=404)
    days = Days(days.sites)
    await days.run()

    poll = last(days)
    assert poll.redirects == ("301 http://b.test/feed",)
    assert (poll.status, poll.reason) == (404, "http-404")
    assert [rule.name for rule in poll.rules] == ["back-off"]


async def test_failures_have_a_beginning_until_one_succeeds(autojump_clock: MockClock) -> None:
    days = alone()
    await days.run()
    sound, days.sites["a.test"] = days.sites["a.test"], Site(status=503)
    days = Days(days.sites, now=days.now)
    began = days.now()
    for _ in range(3):
        await days.run(ignore_schedule=True)
        days.now.forward(hours=1)
    assert (days.state.failing_since, days.state.failures) == (began, 3)
    assert history(days).last_success is None

    days.internet.sites["a.test"] = sound
    await days.run(ignore_schedule=True)
    assert (days.state.failing_since, days.state.failure_detail) == (None, None)


async def test_a_pause_that_the_host_asks_for_is_the_rule(autojump_clock: MockClock) -> None:
    feeds = [f"http://a.test/{number}" for number in range(3)]
    days = Days({"a.test": Site(status=429, headers={"Retry-After": "3600"})}, feeds)
    results = await days.run()
    assert {result.outcome for result in results} == {Outcome.FAILED}

    # One of them was answered; the others were put off without a request.
    [polled] = days.store.history.values()
    [rule] = polled.recent[-1].rules
    assert (rule.name, rule.value) == ("host-pause", "a.test")
    assert {state.next_fetch for state in days.store.feeds.values()} == {rule.until}
    assert all(state.failing_since is not None for state in days.store.feeds.values())
