"""Counting a scrape: every feed in exactly one outcome, at every moment and also after a cancellation."""

from __future__ import annotations

from collections import Counter
from typing import Final

from ._types import EntryCounts, Example, Feed, Outcome, Result

SHOWN_TWINS: Final = 10


class Tally:
    """What has become of the feeds so far."""

    def __init__(self) -> None:
        self.taken = 0
        """Feeds read from the list, duplicates left out."""
        self.accepted = 0
        """Feeds that have or will have a result."""
        self.outcomes: Counter[Outcome] = Counter()
        self.entries = EntryCounts()
        self.errors: Counter[str] = Counter()
        self.examples: dict[str, Example] = {}
        self.twins = 0
        self.twin_examples: list[Result] = []

    @property
    def finished(self) -> int:
        """Accepted feeds whose outcome is known."""
        return self.outcomes.total()

    def count(self, result: Result) -> None:
        """Add one feed's outcome."""
        self.outcomes[result.outcome] += 1
        self.entries += result.entries
        if result.same_as is not None:
            self.twins += 1
            if len(self.twin_examples) < SHOWN_TWINS:
                self.twin_examples.append(result)
        if result.reason is not None:
            self._count_reason(result.reason, result.feed, result.detail)

    def count_cancelled(self, feed: Feed, detail: str | None) -> None:
        """Add a feed that was under way when the scrape was cancelled; `detail` says by what, if known."""
        self.outcomes[Outcome.FAILED] += 1
        self._count_reason("cancelled", feed, detail)

    def _count_reason(self, reason: str, feed: Feed, detail: str | None) -> None:
        self.errors[reason] += 1
        self.examples.setdefault(reason, Example(feed.shown, detail))
