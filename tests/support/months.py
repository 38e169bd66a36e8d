"""Months of feeds with daily and weekly rhythms, polled by the planner of a watch: no pipeline, no trio.

What decides when a feed is polled is the very code that a watch uses: `Rhythm`, `Planner` with its calendar,
`HostQueue`, `freshness`. Left out is everything that takes time: fetching, parsing, storing, and the wait of
polls that are due when more of them are than the budget allows. So 60 days of 2,000 feeds, three million
polls, take two minutes. `tests/run/test_watch_days.py` has the whole pipeline for fewer.
"""

from __future__ import annotations

import heapq
import math
import random
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from trioscrape import Polling
from trioscrape._hosts.queue import HostQueue
from trioscrape._schedule.freshness import retry_after
from trioscrape._schedule.planner import ROUND, Planner
from trioscrape._schedule.rhythm import Rates, Rhythm

DAY = 86_400.0
HOUR = 3600.0
BEGAN = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
"""A Monday."""
HISTORY = 21 * DAY
"""Published before the first poll."""
OFFICE = (9, 10, 11, 12, 13, 14, 15, 16, 17)
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class SimulatedFeed:
    """A feed: when it publishes, and what its server wants."""

    feed_id: str
    host: str
    published: list[float]
    window: int
    ttl: float
    """Seconds; 0: it says nothing."""
    rhythm: Rhythm = field(default_factory=Rhythm)
    rates: Rates = field(default_factory=lambda: Rhythm().rates(BEGAN))
    rated: float = 0.0
    polled: float = 0.0
    seen: int = 0
    """Of its entries, those that were published until its last poll."""
    refused_until: float = 0.0
    waits_since: datetime = NEVER


def profile(chance: random.Random, zone: int) -> list[float]:
    """How likely each hour of the week is, as one of several kinds of publishers has it."""
    kind = chance.random()
    weights = []
    slots = {chance.randrange(24) for _ in range(chance.randint(1, 3))}
    days = set(chance.sample(range(7), chance.randint(1, 3))) if kind > 0.85 else set(range(7))
    for hour in range(168):
        day, local = divmod((hour + zone) % 168, 24)
        if kind < 0.45:  # an office
            weight = (1.0 if day < 5 else 0.1) if local in OFFICE else 0.02
        elif kind < 0.55:  # round the clock, quieter at night
            weight = 1.0 if 7 <= local < 23 else 0.3
        else:  # at set hours, on all days or on some
            weight = 1.0 if day in days and local in slots else 0.01
        weights.append(weight)
    total = sum(weights)
    return [weight / total for weight in weights]


def publications(
    chance: random.Random, weekly: float, weights: list[float], first: float, last: float
) -> list[float]:
    """A Poisson process whose rate is that of the hour."""
    found = []
    start = math.floor(first / HOUR) * HOUR
    for hour in range(int((last - start) // HOUR)):
        moment = start + hour * HOUR
        mean = weekly * weights[(int(moment // HOUR) + 72) % 168]
        left = chance.expovariate(1.0)
        while left < mean:
            found.append(moment + left / mean * HOUR)
            left += chance.expovariate(1.0)
    return sorted(found)


def world(count: int, days: int, seed: int) -> list[SimulatedFeed]:
    chance = random.Random(seed)
    zones = [0, -5, -8, 1, 2, 8, 9, 5, -3, 10, -6, 3]
    feeds = []
    for number in range(count):
        weights = profile(chance, chance.choice(zones))
        weekly = min(chance.lognormvariate(math.log(8), 1.6), 30 / max(weights))  # 30 an hour at most
        published = publications(chance, weekly, weights, BEGAN - HISTORY, BEGAN + days * DAY)
        host = f"host{number % (count * 3 // 4)}.test"
        window = chance.choice((10, 15, 20, 25, 50))
        ttl = chance.choice((0, 0, 0, 0, 0, 0, 1800, 3600))
        feeds.append(SimulatedFeed(f"{number:032x}", host, published, window, ttl))
    return feeds


@dataclass
class Measured:
    """What has come of it."""

    polls: int = 0
    delays: list[float] = field(default_factory=list)
    missed: int = 0
    avoidable: Counter[int] = field(default_factory=Counter)
    """Of these, by day, entries that another poller would have had that keeps the same rules."""
    minutes: Counter[int] = field(default_factory=Counter)
    """Polls by minute since the beginning."""
    refused: int = 0
    broken: list[str] = field(default_factory=list)
    """Rules that were broken."""

    def __str__(self) -> str:
        missed = f"{self.missed} missed, of these {sum(self.avoidable.values())} needlessly"
        return (
            f"{self.polls:,} polls found {len(self.delays):,} entries, median {self.median():.0f} s, {missed}"
        )

    def median(self) -> float:
        return sorted(self.delays)[len(self.delays) // 2]


class Months:
    """Polls a world for some days, with restarts of which only what the store has survives.

    Args:
      feeds: the world.
      polling: of the watch.
      seed: of the servers' moods: one answer of 2,000 is 429 with a Retry-After of a quarter of an hour to
        four hours.
    """

    def __init__(self, feeds: list[SimulatedFeed], polling: Polling, seed: int = 0) -> None:
        self.feeds, self.polling, self.measured = feeds, polling, Measured()
        self._chance = random.Random(seed)
        self._of_host: dict[str, list[SimulatedFeed]] = {}
        for feed in feeds:
            self._of_host.setdefault(feed.host, []).append(feed)
        self._paused: dict[str, float] = {}
        """By host, until when it wants no request: the servers' own book."""
        self._due: list[tuple[float, int]] = []
        self._next: dict[int, float] = {}
        """What the store has as ``next_fetch``."""
        self.now = BEGAN
        self._start_process()

    def _start_process(self) -> None:
        self.planner = Planner(self.polling)
        self._queue = HostQueue[SimulatedFeed](1)
        self._numbers = {feed.feed_id: number for number, feed in enumerate(self.feeds)}
        self._due = []
        for number in range(len(self.feeds)):
            moment = self.planner.resumed(self.feeds[number].feed_id, self._next.get(number), self.now)
            self._plan(number, moment)
            if (until := self.feeds[number].refused_until) > self.now:  # what the store has says so
                self._queue.pause(self.feeds[number].host, until)
        self._round = self.now

    def restart(self) -> None:
        """The process is killed, and another one begins with what is in the store."""
        for feed in self.feeds:
            feed.rhythm, feed.rated = Rhythm.of(str(feed.rhythm)), 0.0
            feed.rates = feed.rhythm.rates(self.now)
        self._start_process()

    def _plan(self, number: int, moment: float) -> None:
        self.planner.calendar.add(moment)
        heapq.heappush(self._due, (moment, number))

    def run(self, until: float) -> None:
        """Poll what falls due until then."""
        queue = self._queue
        while True:
            due = self._due[0][0] if self._due else math.inf
            moment = min(due, queue.next_time)
            if moment >= until:
                break
            self.now = max(moment, self.now)
            while self._round <= self.now:
                self.planner.look(self._round)
                self._round += ROUND
            while self._due and self._due[0][0] <= self.now:
                moment, number = heapq.heappop(self._due)
                self.planner.calendar.remove(moment)
                queue.put(self.feeds[number])
            while (feed := queue.start(self.now)) is not None:
                self._poll(feed, self.now)
                queue.release(feed.host, self.now)
        self.now = until

    def _poll(self, feed: SimulatedFeed, now: float) -> None:
        measured, number = self.measured, self._numbers[feed.feed_id]
        measured.polls += 1
        measured.minutes[int((now - BEGAN) // 60)] += 1
        self._check_rules(feed, now)
        if self._chance.random() < 1 / 2000:
            measured.refused += 1
            pause = retry_after(str(self._chance.randrange(900, 14_400)), datetime.fromtimestamp(now, UTC))
            assert pause is not None
            self._paused[feed.host] = until = pause.until.timestamp()
            self._queue.pause(feed.host, until)
            due = max(now + feed.ttl, until)  # as `after_failure` has it
            for each in self._of_host[feed.host]:  # the pause is one of all of them
                each.refused_until = max(each.refused_until, until)
        else:
            self._read(feed, now)
            due = self.planner.next_poll(feed.feed_id, feed.rhythm, feed.rates, now, now + feed.ttl)
        feed.polled = now
        self._next[number] = due
        self._plan(number, due)

    def _check_rules(self, feed: SimulatedFeed, now: float) -> None:
        if feed.polled and now - feed.polled < max(feed.ttl, self.polling.every) - 1e-3:
            self.measured.broken.append(f"{feed.feed_id} after {now - feed.polled:.0f} s")
        if self._paused.get(feed.host, 0.0) > now + 1e-3:
            self.measured.broken.append(f"{feed.host} in its pause")

    def _lost_anyway(self, feed: SimulatedFeed, now: float) -> int:
        """Entries that were lost since the last poll to whoever polls as often as the rules allow."""
        lost, seen, moment = 0, feed.seen, feed.polled
        least = max(feed.ttl, self.polling.every)
        while moment < now:
            moment = min(max(moment + least, feed.refused_until), now)
            last = bisect_right(feed.published, moment)
            lost += max(last - seen - feed.window, 0)
            seen = last
        return lost

    def _read(self, feed: SimulatedFeed, now: float) -> None:
        measured = self.measured
        last = bisect_right(feed.published, now)
        new = last - feed.seen
        if feed.polled:
            lost = max(new - feed.window, 0)
            measured.missed += lost
            if lost:
                day = int((now - BEGAN) // DAY)
                measured.avoidable[day] += max(lost - self._lost_anyway(feed, now), 0)
            measured.delays += [now - moment for moment in feed.published[feed.seen + lost : last]]
        if new or not feed.polled:
            document = feed.published[max(last - feed.window, 0) : last]
            feed.rhythm = feed.rhythm.after(document, len(document), now)
        if new or now - feed.rated > 6 * HOUR:
            feed.rates, feed.rated = feed.rhythm.rates(now), now
        feed.seen = last


def hourly(feeds: list[SimulatedFeed], until: float, interval: float = HOUR) -> Measured:
    """The same feeds at a fixed interval, spread evenly, whatever their servers want."""
    measured = Measured()
    for number, feed in enumerate(feeds):
        offset = BEGAN + interval * number / len(feeds)
        measured.polls += int((until - offset) // interval) + 1
        slots: Counter[int] = Counter()
        for moment in feed.published[bisect_right(feed.published, offset) :]:
            slot = math.ceil((moment - offset) / interval)
            if offset + slot * interval < until:
                slots[slot] += 1
                measured.delays.append(offset + slot * interval - moment)
        measured.missed += sum(max(new - feed.window, 0) for new in slots.values())
    return measured
