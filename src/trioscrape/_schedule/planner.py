"""When each feed of a watch is polled next: by its rhythm and the price of a poll, where there is room. Pure.

A poll of a feed is worth the time for which entries wait less because of it. So a feed is polled when the
entries that are expected of it have waited for a certain time in all. That is the *price* of a poll, the same
for every feed: see `rhythm.wait`. Without a goal it is a third of the least interval: with 15 minutes, a feed
is polled when its expected entries have waited for five minutes in all. Then one with an entry an hour is
polled every 25 minutes in the hours in which it publishes, one with an entry a day every two hours.

With a goal the price follows it. A higher price makes fewer polls, and longer waits. Each `ROUND` it is
changed by up to a half: up when more polls are planned than the budget has, down when fewer are, or when
entries are expected to wait for longer than the goal says.

The bounds. No poll comes earlier than the least interval or the rules of the feed and its server allow, or
later than `LONGEST_WAIT` if they allow one. What leaves a document between two polls is never seen. So a feed
is polled before a quarter of its entries is expected to be new, and no later than at the pace at which the
newest quarter has come: in a burst of which the rhythm knows nothing. A feed that has been observed for less
than a week may have a burst at any hour, and is polled so often that it is seen: see `UNSEEN`.
"""

from __future__ import annotations

import math
from typing import Final

from .._config.polling import Polling
from .._lane import Histogram
from .calendar import Calendar
from .freshness import fraction
from .rhythm import HOUR, Rates, Rhythm, wait

LONGEST_WAIT: Final = 86_400.0
ROUND: Final = 720.0
"""Seconds from one look at the price to the next."""
EARLY: Final = 0.85
LATE: Final = 1.15
"""Between which parts of its interval a poll may be placed where the calendar has room."""
SPREAD: Final = 1.1
"""The same for polls at a fixed interval or at the least one, which are never early."""
SHARE: Final = 0.25
"""Of the entries of a document, that may be new at a poll."""

UNSEEN: Final = 16 / 3600
"""Entries a second that may come in an hour of the week that has not been seen yet; but in an hour no more
than are expected in a week. At this pace a quarter of a document with 20 entries takes 19 minutes.

The budget of the simulation, a poll an hour for each feed, allows no more caution: at this pace, the feeds
whose documents go back for less than a week take nearly all of it on the first day."""

PRESSING: Final = 1.5
"""The part of a minute's capacity that may be used lest entries leave their document unseen. The budget is
kept all the same: polls begin no faster than it allows."""

_CENT: Final = 1e-3
_DEAREST: Final = 30 * 86_400.0
"""The lowest and the highest price; without an end, what grows for months would take months to come down."""
_STEP: Final = 1.5
_USED: Final = 0.93
"""Of the budget; the rest is for what was not foreseen."""
_REMEMBERED: Final = 0.5 ** (ROUND / (6 * 3600))


class Planner:
    """Plans polls. All moments are seconds since 1970.

    Args:
      polling: what the user wants.
    """

    def __init__(self, polling: Polling) -> None:
        self._polling = polling
        self.price = self._for_budget = self._for_goal = polling.every / 3
        """Seconds that entries wait in all until their feed is polled."""
        self.every = polling.every
        """Seconds: the least interval."""
        self.by_rhythm = polling.by_rhythm
        """Whether polls follow the rhythm of a feed, and are not just `every` seconds apart."""
        capacity = None if polling.budget is None else max(polling.budget * 60, 1.0)
        self.calendar = Calendar(capacity)
        self.delays = Histogram()
        """Seconds from the publication of an entry to the poll that found it, as measured."""
        self._plans = 0
        self._looked: float | None = None
        self._entries = self._waited = 0.0

    def next_poll(self, feed_id: str, rhythm: Rhythm, rates: Rates, since: float, earliest: float) -> float:
        """When to poll a feed next; the calendar knows it once it has been `added <Calendar.add>`.

        Args:
          feed_id: of the feed.
          rhythm: of the feed.
          rates: see `Rhythm.rates`.
          since: when it was polled last.
          earliest: before which its own rules and those of its server want no poll.
        """
        every, self._plans = self.every, self._plans + 1
        share = fraction(feed_id, str(int(since)))
        if not self.by_rhythm:
            first = max(since + every, earliest)
            return self.calendar.place(first, max(since + every * SPREAD, first), share)
        most = rhythm.window * SHARE if rhythm.window else math.inf
        longest = min(since - rhythm.quarter, LONGEST_WAIT) if rhythm.quarter else LONGEST_WAIT
        cautious = most / min(UNSEEN, rhythm.daily * 7 / HOUR) if rhythm.is_new(since) else math.inf
        expected = wait(rates, since, self.price, most, min(longest, cautious))
        length = max(expected.due - since, every)
        first = max(since + max(length * EARLY, every), earliest)
        pressing = expected.entries >= most or (longest < LONGEST_WAIT and expected.due >= since + longest)
        late = 1.0 if pressing or expected.due >= since + cautious else LATE
        room = PRESSING if pressing else 1.0
        latest = since + length * late
        if not pressing and self.calendar.is_crowded(first):
            # Also at the least interval: what begins together must not stay together.
            latest = max(latest, since + every * SPREAD)
        moment = self.calendar.place(first, max(latest, first), share, room)
        longer = (moment - since) / max(expected.due - since, 1.0)
        self._entries += expected.entries * longer
        self._waited += expected.waited * longer * longer
        return moment

    def resumed(self, feed_id: str, planned: float | None, now: float) -> float:
        """When to poll a feed that the store has planned, after a restart.

        What is overdue is spread over the time for which it is, or the least interval if that is shorter.

        Args:
          feed_id: of the feed.
          planned: when it is due as the store has it; None: at once.
          now: the moment of the restart.
        """
        if planned is None or planned >= now:
            return now if planned is None else planned
        return now + fraction(feed_id, "restart") * min(now - planned, self.every)

    def look(self, now: float) -> None:
        """Let the price follow the goal; to be called every `ROUND` seconds."""
        since, self._looked = self._looked, now
        plans, self._plans = self._plans, 0
        budget, fresh = self._polling.budget, self._polling.fresh
        if since is not None and now > since:
            if budget is not None:
                step = _step(plans / (now - since) / (budget * _USED))
                self._for_budget = min(self._for_budget * step, _DEAREST)
            if fresh is not None and (expected := self.expected_delay) is not None:
                self._for_goal = min(self._for_goal * _step(fresh / expected), _DEAREST)
            chosen = [
                price
                for goal, price in ((budget, self._for_budget), (fresh, self._for_goal))
                if goal is not None
            ]
            self.price = min(max(*chosen, _CENT, self.price / _STEP), _DEAREST) if chosen else self.price
            # The one that does not count now must not be far away when it does.
            self._for_budget = max(self._for_budget, self.price / _STEP)
            self._for_goal = max(self._for_goal, self.price / _STEP)
        self._entries *= _REMEMBERED
        self._waited *= _REMEMBERED

    @property
    def expected_delay(self) -> float | None:
        """Seconds that an entry is expected to wait for its poll, on average; None: nothing is planned."""
        return self._waited / self._entries if self._entries > 0 and self._waited > 0 else None


def _step(ratio: float) -> float:
    # The number of polls goes with the root of the price, and is noisy where the budget is small.
    return min(max(math.sqrt(ratio), 1 / _STEP), _STEP)
