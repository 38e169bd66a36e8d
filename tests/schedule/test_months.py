"""Two weeks of 100 feeds; with ``nox -s months`` 60 days of 2,000: what the planner of a watch achieves.

It is the planner alone, with the queue of the hosts, in a simulation: see `support.months`, which says what
is left out. The median delay from publication to poll is a third of what as many polls at a fixed interval
give, at most.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from copy import copy
from functools import cache

import pytest

from trioscrape import Polling

from support.months import BEGAN, DAY, Measured, Months, SimulatedFeed, hourly, world

LONG = bool(os.environ.get("TRIOSCRAPE_TEST_LONG"))
FEEDS, DAYS = (2000, 60) if LONG else (100, 14)
END = BEGAN + DAYS * DAY
RESTARTS = 10 if LONG else 2
"""Kills, each in the middle of something: one in six days or so."""


@cache
def feeds() -> Sequence[SimulatedFeed]:
    return world(FEEDS, DAYS, seed=1)


@cache
def fixed() -> Measured:
    return hourly(feeds(), END)


@cache
def polled(restarts: int) -> Measured:
    """What has come of the watch, with so many kills."""
    began = time.process_time()
    months = Months([copy(feed) for feed in feeds()], Polling(every=300, budget=FEEDS / 3600), seed=2)
    for number in range(restarts):
        months.run(BEGAN + (number + 0.37) * DAYS * DAY / restarts)
        months.restart()
    months.run(END)
    print(months.measured, f"{time.process_time() - began:.0f} s of CPU time")  # noqa: T201
    return months.measured


@pytest.mark.heavy
@pytest.mark.parametrize("restarts", [0, RESTARTS])
class TestMonths:
    def test_no_rule_is_broken(self, restarts: int) -> None:
        found = polled(restarts)
        assert found.broken == [], "no interval, and no Retry-After"
        assert found.refused > FEEDS * DAYS / 200, "there were some to keep"

    def test_the_load_is_flat(self, restarts: int) -> None:
        found = polled(restarts)
        minutes = [found.minutes[minute] for minute in range(24 * 60, DAYS * 24 * 60)]
        mean = sum(minutes) / len(minutes)
        assert max(minutes) <= 2 * mean
        assert LONG is False or min(minutes) * 2 >= mean

    def test_entries_wait_a_third_as_long_as_with_as_many_polls_each_hour(self, restarts: int) -> None:
        found = polled(restarts)
        assert found.polls <= fixed().polls
        assert found.median() * 3 <= fixed().median()

    def test_no_entry_is_missed_that_any_poller_could_have_had(self, restarts: int) -> None:
        assert not +polled(restarts).avoidable
        assert fixed().missed > FEEDS / 2, "an hourly poll does miss some"


@pytest.mark.heavy
def test_kills_change_no_total() -> None:
    """But for the entries of the last hours, and for a price that is found anew after each start."""
    undisturbed, killed = polled(0), polled(RESTARTS)
    before, after = (len(found.delays) + found.missed for found in (undisturbed, killed))
    assert after == pytest.approx(before, rel=0.001)
    assert killed.polls == pytest.approx(undisturbed.polls, rel=0.02 if LONG else 0.06)
