"""When the feeds of a watch are polled: bounds, a calendar without heaps, and a price that follows a goal."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from trioscrape import Polling, UsageError
from trioscrape._schedule.calendar import CHOICES, FEW, Calendar
from trioscrape._schedule.planner import LONGEST_WAIT, ROUND, Planner
from trioscrape._schedule.rhythm import Rhythm

MONDAY = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
NEW = Rhythm()
RATES = NEW.rates(MONDAY)


def lively(a_minute: float) -> Rhythm:
    return Rhythm((1200,) * 168, 1200 / 16 / 60 / a_minute, int(MONDAY), window=20)


def ids(count: int) -> list[str]:
    return [f"{number:032x}" for number in range(count)]


class TestCalendar:
    def test_polls_go_where_there_are_few(self) -> None:
        calendar = Calendar()
        for _ in range(600):
            calendar.add(calendar.place(MONDAY, MONDAY + 3600, 0.5))
        minutes = [calendar.between(MONDAY + n * 60, MONDAY + n * 60 + 60) for n in range(60)]
        assert sum(minutes) == 600
        assert max(minutes) <= 2 * 600 / 8, "eight moments of the hour share them"

    def test_with_jitter_they_are_everywhere(self) -> None:
        calendar = Calendar()
        for number in range(600):
            calendar.add(calendar.place(MONDAY, MONDAY + 3600, number * 0.618 % 1))
        minutes = [calendar.between(MONDAY + n * 60, MONDAY + n * 60 + 60) for n in range(60)]
        assert (min(minutes), max(minutes)) == (pytest.approx(10, abs=4), pytest.approx(10, abs=4))

    def test_a_full_minute_takes_no_more(self) -> None:
        calendar = Calendar(capacity=2)
        placed = []
        for number in range(10):
            placed.append(calendar.place(MONDAY, MONDAY + 1, number / 10))
            calendar.add(placed[-1])
        assert Counter((moment - MONDAY) // 60 for moment in placed) == {0: 2, 1: 2, 2: 2, 3: 2, 4: 2}
        assert calendar.place(MONDAY, MONDAY + 1, 0.5, room=2.0) < MONDAY + 60, "but for what can't wait"

    def test_what_was_removed_makes_room(self) -> None:
        calendar = Calendar(capacity=1)
        calendar.add(MONDAY)
        calendar.remove(MONDAY)
        assert calendar.place(MONDAY, MONDAY + 1, 0.0) < MONDAY + 60
        assert calendar.between(MONDAY, MONDAY + 60) == 0


class TestBounds:
    def test_no_poll_is_earlier_than_the_least_interval(self) -> None:
        planner = Planner(Polling(every=900))
        rhythm = lively(10)
        for feed in ids(100):
            due = planner.next_poll(feed, rhythm, rhythm.rates(MONDAY), MONDAY, MONDAY)
            assert 900 <= due - MONDAY <= 900 * 1.15

    def test_no_poll_is_earlier_than_the_servers_rules(self) -> None:
        planner = Planner(Polling(every=60))
        rhythm = lively(10)
        for by_rhythm in True, False:
            planner = Planner(Polling(every=60, by_rhythm=by_rhythm))
            due = planner.next_poll("f", rhythm, rhythm.rates(MONDAY), MONDAY, MONDAY + 7200)
            assert due >= MONDAY + 7200

    def test_no_poll_is_later_than_a_day(self) -> None:
        planner = Planner(Polling(every=900))
        planner.price = 1e9
        due = planner.next_poll("f", NEW, RATES, MONDAY, MONDAY)
        assert due - MONDAY == pytest.approx(LONGEST_WAIT, rel=0.16)

    def test_a_new_feed_is_polled_every_two_hours(self) -> None:
        due = Planner(Polling(every=900)).next_poll("f", NEW, RATES, MONDAY, MONDAY)
        assert due - MONDAY == pytest.approx(7200, rel=0.16)

    def test_a_burst_shortens_the_interval(self) -> None:
        """Its newest quarter has come within 20 minutes: at that pace another one comes in the next 20."""
        planner = Planner(Polling(every=60))
        planner.price = 1e9
        burst = Rhythm(until=int(MONDAY), window=20, quarter=int(MONDAY) - 1200)
        due = planner.next_poll("f", burst, RATES, MONDAY, MONDAY)
        assert due - MONDAY <= 1200

    @pytest.mark.parametrize("entries", [20, 2])
    def test_an_hour_that_was_never_seen_may_bring_a_burst(self, entries: int) -> None:
        """A quarter of the document at 16 entries an hour, or all in one that are expected in a week."""
        planner = Planner(Polling(every=60))
        planner.price = 1e9
        posts = [MONDAY - 80_000 * (n + 1) / entries for n in range(entries)]
        rhythm = Rhythm().after(posts, 20, MONDAY)
        now = MONDAY + 2 * 86_400
        due = planner.next_poll("f", rhythm, rhythm.rates(now), now, now)
        pace = min(16, rhythm.daily * 7)
        assert (pace == 16) is (entries == 20)
        assert due - now == pytest.approx(5 / pace * 3600, rel=0.16)

        now += 5 * 86_400
        due = planner.next_poll("f", rhythm, rhythm.rates(now), now, now)
        assert due - now > 5 / pace * 3600 * 2, "after a week it is its rhythm alone"

    def test_a_fixed_interval_is_kept_and_spread(self) -> None:
        planner = Planner(Polling(every=900, by_rhythm=False))
        dues = []
        for feed in ids(200):
            dues.append(planner.next_poll(feed, NEW, RATES, MONDAY, MONDAY) - MONDAY)
            planner.calendar.add(MONDAY + dues[-1])
        assert all(900 <= due <= 990 for due in dues)
        assert max(Counter(due // 10 for due in dues).values()) <= 80


class TestRestart:
    def test_what_is_not_overdue_stays_as_it_was_planned(self) -> None:
        assert Planner(Polling()).resumed("f", MONDAY + 5, MONDAY) == MONDAY + 5

    def test_a_new_feed_is_polled_at_once(self) -> None:
        assert Planner(Polling()).resumed("f", None, MONDAY) == MONDAY

    def test_what_is_overdue_is_spread(self) -> None:
        planner = Planner(Polling(every=900))
        resumed = [planner.resumed(feed, MONDAY - 86_400, MONDAY) - MONDAY for feed in ids(1000)]
        minutes = Counter(int(moment // 60) for moment in resumed)
        assert len(minutes) == 15
        assert max(minutes.values()) < 2 * 1000 / 15
        assert all(planner.resumed(feed, MONDAY - 5, MONDAY) <= MONDAY + 5 for feed in ids(10))


class TestGoals:
    def polled(self, polling: Polling, feeds: int, hours: int) -> tuple[Planner, int]:
        """The planner after so many hours of feeds with ten entries a day, and the polls of the last one."""
        planner = Planner(polling)
        rhythm = Rhythm((round(10 * 7 * 5 / 168 * 16),) * 168, 5.0, int(MONDAY), window=20)
        dues = {feed: MONDAY + n * 3600 / feeds for n, feed in enumerate(ids(feeds))}
        last = 0
        for second in range(0, hours * 3600, 60):
            now = MONDAY + second
            if second % ROUND == 0:
                planner.look(now)
            for feed, due in dues.items():
                if due < now + 60:
                    last += second >= (hours - 1) * 3600
                    dues[feed] = planner.next_poll(feed, rhythm, rhythm.rates(MONDAY), due, due)
                    planner.calendar.add(dues[feed])
        return planner, last

    @pytest.mark.parametrize("budget", [100, 200, 600])
    def test_the_budget_is_used_and_kept(self, budget: int) -> None:
        _, polls = self.polled(Polling(every=60, budget=budget / 3600), 100, 24)
        assert budget * 0.85 <= polls <= budget * 1.05

    @pytest.mark.parametrize("fresh", [300, 1200, 5000])
    def test_no_more_polls_are_made_than_the_goal_needs(self, fresh: int) -> None:
        planner, polls = self.polled(Polling(every=60, fresh=fresh), 100, 48)
        assert planner.expected_delay == pytest.approx(fresh, rel=0.15)
        assert polls == pytest.approx(100 * 3600 / (2 * fresh), rel=0.3)

    def test_the_budget_comes_before_the_goal(self) -> None:
        planner, polls = self.polled(Polling(every=60, fresh=300, budget=100 / 3600), 100, 24)
        assert polls <= 105
        assert planner.expected_delay is not None
        assert planner.expected_delay > 1200

    def test_after_a_long_overload_polls_are_soon_cheap_again(self) -> None:
        planner = Planner(Polling(budget=0.001))
        for number in range(2000):
            for feed in ids(3):
                planner.next_poll(feed, NEW, RATES, MONDAY, MONDAY)
            planner.look(MONDAY + number * ROUND)
        dear = planner.price
        for number in range(2000, 2020):
            planner.look(MONDAY + number * ROUND)
        assert planner.price < dear / 1000

    def test_a_goal_needs_the_rhythm(self) -> None:
        with pytest.raises(UsageError, match="need by_rhythm"):
            Polling(by_rhythm=False, fresh=1200)
        with pytest.raises(UsageError, match="every must be from 60 to"):
            Polling(every=1)


def test_a_minute_is_crowded_beside_those_after_it() -> None:
    calendar = Calendar()
    for _ in range(FEW + 1):
        calendar.add(600)
    assert calendar.is_crowded(600)
    assert not calendar.is_crowded(540)

    for minute in range(1, CHOICES + 1):
        for _ in range(FEW):
            calendar.add(600 + 60 * minute)
    assert not calendar.is_crowded(600)
