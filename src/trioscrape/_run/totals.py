"""The totals of a scrape in a form that can be added: what a report is made of.

A list may be scraped in parts, by several processes. Reports can't be merged: the median of two medians is
not the median of all durations. Totals can: counts are added, durations are still in the buckets of their
histograms, and examples are chosen by a rule that does not depend on how the list was divided. So the sum of
the parts gives the report of the whole. A pickle of them is a few kilobytes, whatever the number of feeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from .._lane import Histogram, LaneTotals
from .._records import LANES, Delay, Outage, Outcome, Report, new_run_id
from .feed_source import ListCounts
from .tally import Tally

MOST_REMARKS: Final = 30
"""Remarks that are kept of a sum; one scrape has at most 22."""
OFFLINE: Final = "no network: no host could be reached, so the failures of the feeds are not counted"


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of a scrape, or of several parts of one; without arguments, those of nothing at all.

    ::

        totals = sum(parts, Totals()).as_one(seconds=820.0, run_id=run_id, processes=16)
    """

    counts: ListCounts = field(default_factory=lambda: ListCounts(whole=True))
    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0
    lanes: Mapping[str, LaneTotals] = field(default_factory=dict)
    """By name."""
    loop_lag: Histogram = field(default_factory=Histogram)
    """By how much timers were late, in seconds."""
    delays: Histogram = field(default_factory=Histogram)
    """Seconds from the publication of entries to the fetch that found them."""
    outage: Outage | None = None
    run_id: str | None = None
    remarks: tuple[str, ...] = ()
    """As those of a report, without the one that there is no network."""
    parts: int = 0
    """Of how many scrapes these are the totals."""
    offline_parts: int = 0
    """Of how many of them `Report.offline` is true."""

    def __add__(self, other: Totals) -> Totals:
        """The sum of both. Neither is changed; the sum has copies of everything that may change.

        Counts are added, and histograms too. Of ``examples`` the first in alphabetical order is kept for each
        reason, of feeds that were not stored or are the same as another the first ten, and of duplicates the
        ten with the lowest lines. The list is counted if both parts are.

        What no rule can know is up to `as_one`: parts may have gone on one after the other or at once.
        ``seconds`` is the longer of the two, ``run_id`` that of the first part, and lanes are as
        `LaneTotals.__add__` says. Of two outages the longer one counts. Remarks of both are kept, each once,
        `MOST_REMARKS` at most.
        """
        outages = [outage for outage in (self.outage, other.outage) if outage is not None]
        return Totals(
            counts=self.counts + other.counts,
            tally=self.tally + other.tally,
            seconds=max(self.seconds, other.seconds),
            lanes={name: self._lane(name) + other._lane(name) for name in LANES},
            loop_lag=self.loop_lag + other.loop_lag,
            delays=self.delays + other.delays,
            outage=max(outages, key=lambda outage: outage.seconds, default=None),
            run_id=self.run_id or other.run_id,
            remarks=tuple(dict.fromkeys((*self.remarks, *other.remarks)))[:MOST_REMARKS],
            parts=self.parts + other.parts,
            offline_parts=self.offline_parts + other.offline_parts,
        )

    def _lane(self, name: str) -> LaneTotals:
        return self.lanes.get(name) or LaneTotals(name)

    def as_one(self, *, seconds: float, run_id: str, processes: int) -> Totals:
        """As the totals of one scrape by several processes that work at once.

        Args:
          seconds: how long it took, from its beginning to its end.
          run_id: its own id.
          processes: how many work at once: each has lanes of its own, so the lanes are so many times as wide.
        """
        widths = {name: self._lane(name).width * processes for name in LANES}
        lanes = {name: replace(self._lane(name), width=width) for name, width in widths.items()}
        return replace(self, seconds=seconds, run_id=run_id, lanes=lanes)

    def report(self) -> Report:
        """The report. One without a ``run_id`` gets a new one each time."""
        counts, tally, delays = self.counts, self.tally, self.delays.quantiles()
        return Report(
            feeds=counts.feeds,
            not_started=max(counts.feeds - tally.accepted, 0),  # a watch polls a feed many times
            counted=counts.whole,
            duplicates=counts.duplicates,
            duplicate_examples=tuple(counts.duplicate_examples),
            outcomes={outcome: tally.outcomes[outcome] for outcome in Outcome},
            entries=tally.entries,
            errors=tally.reasons,
            examples=dict(tally.examples),
            seconds=self.seconds,
            lanes={name: self._lane(name).statistics() for name in LANES},
            loop_lag=self.loop_lag.quantiles(),
            delay=Delay(delays.p50, delays.p99, delays.max, self.delays.count),
            same_feeds=tally.same_feeds,
            same_feed_examples=tuple(tally.same_feed_examples),
            stored=tally.stored,
            not_stored_examples=tuple(tally.not_stored_examples),
            outage=self.outage,
            run_id=self.run_id or new_run_id(),
            remarks=(*self._on_the_network(), *self.remarks),
            offline=bool(self.parts) and self.offline_parts == self.parts,
        )

    def _on_the_network(self) -> tuple[str, ...]:
        if not self.offline_parts:
            return ()
        if self.offline_parts == self.parts:
            return (OFFLINE,)
        return (
            f"no network for {self.offline_parts:,} of {self.parts:,} parts of the list, see their feeds",
        )
