"""Which rules a feed waits for after a success: for the next run, and in a watch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trioscrape import FeedTimers, Polling, TimerRule
from trioscrape._run.plans import ForAWatch, ForTheNextRun
from trioscrape._schedule.planner import Planner
from trioscrape._schedule.rhythm import Rhythm

NOW = datetime(2026, 3, 2, 12, 0, 0, 123_000, tzinfo=UTC)
DAILY = str(Rhythm().after((NOW.timestamp() - day * 86_400 for day in range(28)), 28, NOW.timestamp()))


def of_a_watch(timers: FeedTimers, *, by_rhythm: bool = True, rhythm: str | None = DAILY) -> list[TimerRule]:
    plan = ForAWatch(Planner(Polling(by_rhythm=by_rhythm)))
    return list(plan.after_success("a", rhythm, timers, 0, NOW).rules)


class TestOfAWatch:
    def test_the_rhythm_decides_and_is_named_with_its_pace(self) -> None:
        first, *others = of_a_watch(FeedTimers(max_age=60))
        assert (first.name, first.value) == ("rhythm", "1.0 entries a day expected")
        assert NOW + timedelta(minutes=15) <= first.until <= NOW + timedelta(days=1)
        assert [rule.name for rule in others] == ["max-age"]

    def test_the_pace_of_a_slow_feed_is_said_in_days(self) -> None:
        weekly = Rhythm().after(
            (NOW.timestamp() - week * 7 * 86_400 for week in range(4)), 4, NOW.timestamp()
        )
        assert of_a_watch(FeedTimers(), rhythm=str(weekly))[0].value == "an entry in 4.4 days expected"

    def test_where_the_server_allows_nothing_earlier_it_has_decided(self) -> None:
        first, second = of_a_watch(FeedTimers(max_age=6 * 86_400))
        assert first == TimerRule("max-age", NOW + timedelta(days=6), f"{6 * 86_400} s")
        assert (second.name, second.until) == ("rhythm", first.until)

    def test_hours_to_skip_come_after_it(self) -> None:
        timers = FeedTimers(skip_hours=tuple(range(23)))
        first, second = of_a_watch(timers)
        assert first == TimerRule("skip-hours", datetime(2026, 3, 2, 23, tzinfo=UTC))
        assert second.name == "rhythm"

    def test_without_rhythm_it_is_the_interval(self) -> None:
        (only,) = of_a_watch(FeedTimers(), by_rhythm=False)
        assert (only.name, only.value) == ("interval", None)
        assert timedelta(minutes=15) <= only.until - NOW <= timedelta(minutes=16.5)

    @pytest.mark.parametrize("timers", [FeedTimers(), FeedTimers(max_age=2 * 86_400)])
    def test_the_delay_is_expected_for_the_moment_that_is_decided(self, timers: FeedTimers) -> None:
        """Entries wait for half of the time until then, or less if they are mostly published late in it."""
        planned = ForAWatch(Planner(Polling())).after_success("a", DAILY, timers, 0, NOW)
        wait = (planned.rules[0].until - NOW).total_seconds()
        assert planned.expected_delay is not None
        assert wait / 4 < planned.expected_delay < 3 * wait / 4


def test_a_run_knows_no_rhythm() -> None:
    plan = ForTheNextRun(NOW + timedelta(hours=1))
    planned = plan.after_success("a", DAILY, FeedTimers(every=7200), 0, NOW)
    assert [rule.name for rule in planned.rules] == ["ttl", "interval"]
    assert planned.expected_delay is None
    assert ForTheNextRun(None).after_success("a", DAILY, FeedTimers(), 0, NOW) == ((), None)
