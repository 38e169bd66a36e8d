"""When a feed publishes: counts of its entries by hour of the week, and what is expected from them. Pure.

What is counted are the dates of the entries themselves, not the moments at which they were found. So one
document already tells a rhythm, and polling often or rarely does not change it.

The formula. ``c[d,h]`` are the entries that were published on weekday ``d`` in hour ``h`` (UTC), and ``E`` is
for how many weeks the feed has been observed. Both fade with a half-life of four weeks. With ``n`` entries in
all, the estimate has three steps, each of which is the prior of the next one:

- ``R = (n + 1) / (E + 1/7)`` entries a week: a Gamma prior of one entry, observed for one day;
- ``m[d,h] = R · (c[·,h] + 12/24) / (n + 12) · (c[d,·] + 12/7) / (n + 12)``: hour of day and day of week are
  independent of each other, each with a Dirichlet prior of twelve entries that were spread evenly;
- ``rate[d,h] = (c[d,h] + 2 · m[d,h]) / (E + 2)`` entries in that hour: a Gamma prior of two weeks with
  that mean.

So a new feed is believed to publish once a day at any hour, a feed with a few entries to have hours and days,
and one with many entries to have the hours of the week that it has.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, NamedTuple

HOUR: Final = 3600
WEEK: Final = 7 * 24 * HOUR
HOURS: Final = 168
HALF_LIFE: Final = 4.0
"""Weeks."""
LOOK_BACK: Final = 4 * WEEK
"""Seconds: how far a first document is believed to tell all that was published."""
MOST: Final = 36 * 36 - 1
UNIT: Final = 16
"""A count is kept in sixteenths, so that it can fade."""
WINDOW: Final = 9999

_MONDAY: Final = 72
"""Hours from Monday to the beginning of 1970, a Thursday."""
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PAIRS: Final = ["-", *(f"{_DIGITS[count // 36]}{_DIGITS[count % 36]}" for count in range(1, MOST + 1))]
"""How a count is written; zeros are replaced by letters afterwards."""
_READ: Final = {
    **{pair: (count,) for count, pair in enumerate(_PAIRS)},
    **{letter: (0,) * (n + 1) for n, letter in enumerate(_LETTERS)},
}
_ZEROS: Final = re.compile("-{1,26}")
_CELL: Final = re.compile("[A-Z]|[0-9a-z]{2}")
_STORED: Final = re.compile(
    r"(\d{1,3}\.\d{5}) (\d{1,11}) (\d{1,5}) (\d{1,4}) (\d{1,11}) ((?:[A-Z]|[0-9a-z]{2})+)", re.ASCII
)
_FADES: Final = 0.5 ** (1 / HALF_LIFE)
_EVENLY: Final = 12.0
_PRIOR_WEEKS: Final = 2.0
_FIRST_ENTRIES: Final = 1.0
_FIRST_WEEKS: Final = 1 / 7


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What is known of when a feed publishes. All moments are seconds since 1970."""

    counts: tuple[int, ...] = (0,) * HOURS
    """Sixteenths of entries by hour of the week, from Monday 00:00 UTC."""
    weeks: float = 0.0
    """For how long the feed has been observed, faded as the counts are."""
    until: int = 0
    """The moment up to which its entries have been counted; 0: there were none so far."""
    faded: int = 0
    """The week in which the counts have faded last."""
    window: int = 0
    """Entries of its last document."""
    quarter: int = 0
    """Since when the newest quarter of them was published; 0: not known."""

    def __str__(self) -> str:
        """As it is stored: at most 400 ASCII characters, some 100 for most feeds.

        The five numbers, then the counts: two digits to the base 36 each, or a capital letter for a row of 1
        to 26 zeros.
        """
        cells = _ZEROS.sub(
            lambda run: _LETTERS[len(run[0]) - 1], "".join(map(_PAIRS.__getitem__, self.counts))
        )
        return f"{self.weeks:.5f} {self.until} {self.faded} {self.window} {self.quarter} {cells}"

    @classmethod
    def of(cls, text: str | None) -> Rhythm:
        """The rhythm that is stored as `text`; one that knows nothing, if that is None or no rhythm."""
        found = _STORED.fullmatch(text or "")
        if found is None:
            return cls()
        try:
            counts = tuple(chain.from_iterable(map(_READ.__getitem__, _CELL.findall(found[6]))))
        except KeyError:  # 00, which is a letter
            return cls()
        if len(counts) != HOURS:
            return cls()
        return cls(counts, float(found[1]), *map(int, found.groups()[1:5]))

    @property
    def entries(self) -> float:
        """How many were counted, faded."""
        return sum(self.counts) / UNIT

    @property
    def daily(self) -> float:
        """Entries a day, on average: ``R`` of the formula, divided by seven."""
        return (self.entries + _FIRST_ENTRIES) / (self.weeks + _FIRST_WEEKS) / 7

    def after(self, published: Iterable[float], window: int, now: float) -> Rhythm:
        """The rhythm after a document that is new.

        Args:
          published: when its entries were published; a moment that comes twice counts once, because some
            feeds give all of their entries the moment of the request.
          window: its entries, also those without a date.
          now: the moment of the poll.
        """
        known = (self if self.until <= now + HOUR else Rhythm())._faded(now)  # a clock was ahead once
        dates = sorted({moment for moment in published if now - LOOK_BACK < moment <= now})
        new = [moment for moment in dates if moment > known.until]
        if not dates and window and known.until:
            new = [now]  # it has no dates: something was published since the last change
        since = float(known.until)
        if not known.until or (dates and len(new) == len(dates) == window):
            # Nothing of it was there before: what came before its oldest entry is not known.
            since = max(since, now - LOOK_BACK, min(dates, default=now)) if window else now
        counts = list(known.counts)
        for moment in new:
            counts[hour_of_week(moment)] += UNIT
        weeks = known.weeks + max(now - since, 0) / WEEK
        while max(counts) > MOST:
            counts, weeks = [count // 2 for count in counts], weeks / 2
        quarter = dates[-math.ceil(window / 4)] if 0 < window <= 4 * len(dates) else 0
        return replace(
            known,
            counts=tuple(counts),
            weeks=round(weeks, 5),
            until=int(now),
            window=min(window, WINDOW),
            quarter=int(quarter),
        )

    def is_new(self, now: float) -> bool:
        """Whether it has published something, and not every hour of the week has been seen since."""
        return bool(self.until) and self.weeks + (now - self.until) / WEEK < 1

    def _faded(self, now: float) -> Rhythm:
        week = int(now // WEEK)
        passed = min(week - self.faded, 52) if self.faded else 0
        if passed <= 0:
            return self if self.faded == week else replace(self, faded=week)
        left = _FADES**passed
        counts = tuple(int(count * left) for count in self.counts) if any(self.counts) else self.counts
        return replace(self, counts=counts, weeks=round(self.weeks * left, 5), faded=week)

    def rates(self, now: float) -> Rates:
        """What is expected in each hour of the week."""
        observed = self.weeks + (max(now - self.until, 0) / WEEK if self.until else 0)
        counts = self.counts
        total = sum(counts) / UNIT
        weekly = (total + _FIRST_ENTRIES) / (observed + _FIRST_WEEKS)
        spread = total + _EVENLY
        scale = 1 / (HOUR * (observed + _PRIOR_WEEKS))
        prior = _PRIOR_WEEKS * weekly * scale / (spread * spread)
        if not total:
            return Rates(counts, 0.0, (prior * _EVENLY / 7,) * 7, (_EVENLY / 24,) * 24)
        of_days = [counts[day : day + 24] for day in range(0, HOURS, 24)]
        hours = [sum(of_hour) / UNIT + _EVENLY / 24 for of_hour in zip(*of_days, strict=True)]
        days = [prior * (sum(of_day) / UNIT + _EVENLY / 7) for of_day in of_days]
        return Rates(counts, scale / UNIT, days, hours)


class Rates(NamedTuple):
    """Entries a second that are expected in each hour of the week, as far as anybody asks."""

    counts: tuple[int, ...]
    scale: float
    """For the counts."""
    days: Sequence[float]
    hours: Sequence[float]
    """What is multiplied for an hour of a day, before its own counts."""

    def at(self, hour: int) -> float:
        """That of an hour of the week."""
        day, of_day = divmod(hour, 24)
        return self.days[day] * self.hours[of_day] + self.counts[hour] * self.scale


class Wait(NamedTuple):
    """A poll that is due, and what is expected until then."""

    due: float
    entries: float
    """That are published until then."""
    waited: float
    """Seconds that these wait for it, all together."""


def wait(rates: Rates, since: float, price: float, most: float, longest: float) -> Wait:
    """When to poll a feed next that was polled at `since`.

    That is when the entries which are expected since then have waited for `price` seconds in all. Where a
    feed publishes at an even rate, its polls are then ``sqrt(2 · price / rate)`` apart, and of all ways to
    divide the same number of polls among feeds this one makes entries wait least. Where nothing is expected,
    at night say, nothing waits, and nothing is polled.

    Args:
      rates: of the feed, see `Rhythm.rates`.
      since: the moment of its last poll.
      price: seconds.
      most: entries that may be published until the next poll, lest some leave the document unseen.
      longest: seconds after which it is due in any case.
    """
    entries = waited = 0.0
    moment, end = since, since + longest
    cell = hour_of_week(moment)
    length = HOUR - moment % HOUR
    while moment < end:
        rate = rates.at(cell)
        if moment + length > end:
            length = end - moment
        more = entries + rate * length
        then = waited + (entries + more) / 2 * length
        if then >= price or more >= most:
            missing = price - waited
            root = math.sqrt(entries * entries + 2 * rate * missing)
            x = min(2 * missing / (entries + root), max((most - entries) / rate, 0.0), length)
            return Wait(moment + x, entries + rate * x, waited + (entries + rate * x / 2) * x)
        entries, waited = more, then
        moment += length
        cell = cell + 1 if cell < HOURS - 1 else 0
        length = HOUR
    return Wait(end, entries, waited)


def expected_delay(rates: Rates, since: float, until: float) -> float:
    """Seconds that an entry waits for a poll at `until`, on average over those that are expected since.

    With the rate ``r(t)`` that is ``∫ r(t) · (until - t) dt / ∫ r(t) dt`` from `since` to `until`: half of
    the time between two polls where the rate is even, less if most is published shortly before the poll.

    Args:
      rates: of the feed, see `Rhythm.rates`.
      since: the moment of its last poll.
      until: that of the next one.
    """
    entries = waited = 0.0
    moment = since
    while moment < until:
        end = min(moment - moment % HOUR + HOUR, until)
        expected = rates.at(hour_of_week(moment)) * (end - moment)
        entries += expected
        waited += expected * (until - (moment + end) / 2)
        moment = end
    return waited / entries if entries > 0 else max(until - since, 0) / 2


def hour_of_week(moment: float) -> int:
    """From 0, Monday 00:00 to 01:00 UTC."""
    return (int(moment // HOUR) + _MONDAY) % HOURS
