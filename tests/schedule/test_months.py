"""Two weeks of 100 feeds; with ``nox -s months`` 60 days of 2,000: what the planner of a watch achieves.

It is the planner alone, with the queue of the hosts, in a simulation: see `support.months`, which says what
is left out. The median delay from publication to poll is a third of what as many polls at a fixed interval
give, at most.
"""

from __future__ import annotations

import os

import pytest

from trioscrape import Polling

from support.months import BEGAN, DAY, Measured, Months, hourly, world

LONG = bool(os.environ.get("TRIOSCRAPE_TEST_LONG"))
FEEDS, DAYS = (2000, 60) if LONG else (100, 14)
LEARNED = 7
"""Days after which every hour of the week has been seen once."""
RESTARTS = 10


def polled(restarts: int) -> tuple[Measured, Measured]:
    """What came of the watch, and of an hourly poll of the same feeds."""
    feeds = world(FEEDS, DAYS, seed=1)
    end = BEGAN + DAYS * DAY
    fixed = hourly(feeds, end)
    months = Months(feeds, Polling(every=300, budget=FEEDS / 3600), seed=2)
    for number in range(restarts):
        months.run(BEGAN + (number + 0.37) * DAYS * DAY / restarts)
        months.restart()
    months.run(end)
    return months.measured, fixed


@pytest.mark.heavy
@pytest.mark.parametrize("restarts", [0, RESTARTS])
def test_months(restarts: int) -> None:
    found, fixed = polled(restarts)
    report = f"{found.polls} polls, median {found.median():.0f} s, missed {found.missed} {found.avoidable}"

    assert found.broken == [], "no rule of a feed, and no Retry-After"
    assert found.refused > FEEDS * DAYS / 200, "there were some to keep"
    assert found.polls <= fixed.polls, report
    assert found.median() * 3 <= fixed.median(), report
    assert not any(lost for day, lost in found.avoidable.items() if day >= LEARNED), report
    assert sum(found.avoidable.values()) <= fixed.missed / 5, report
    print(report, f"of {fixed.polls} and {fixed.median():.0f} s, {fixed.missed} missed")  # noqa: T201
    minutes = [found.minutes[minute] for minute in range(24 * 60, DAYS * 24 * 60)]
    mean = sum(minutes) / len(minutes)
    assert max(minutes) <= 2 * mean, report
    assert LONG is False or min(minutes) * 2 >= mean, report
