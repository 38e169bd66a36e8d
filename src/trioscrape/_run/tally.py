"""The results of a scrape: counted, then handed out."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from types import TracebackType
from typing import Final

import trio

from .._records import EntryCounts, FailureExample, Outcome, Result

SHOWN: Final = 10


class Tally:
    """What has become of the feeds so far: every one in exactly one outcome, also after a cancellation."""

    def __init__(self) -> None:
        self.accepted = 0
        """Feeds that have or will have a result."""
        self.outcomes: Counter[Outcome] = Counter()
        self.entries = EntryCounts()
        self.errors: Counter[str] = Counter()
        self.examples: dict[str, FailureExample] = {}
        self.stored = 0
        self.not_stored_examples: list[Result] = []
        self.gaps = 0
        """Fetches that found no entry they knew, so that some may have been missed."""
        self.same_feeds = 0
        self.same_feed_examples: list[Result] = []

    @property
    def reasons(self) -> dict[str, int]:
        """The reasons, most frequent first, then by name: what is the same in two runs is printed alike."""
        return dict(sorted(self.errors.items(), key=lambda item: (-item[1], item[0])))

    @property
    def finished(self) -> int:
        """Accepted feeds whose outcome is known."""
        return self.outcomes.total()

    def __add__(self, other: Tally) -> Tally:
        """Both together, the same as if one had counted all."""
        both = Tally()
        for each in (self, other):
            both.accepted += each.accepted
            both.outcomes.update(each.outcomes)
            both.entries += each.entries
            both.errors.update(each.errors)
            both.stored += each.stored
            both.gaps += each.gaps
            both.same_feeds += each.same_feeds
            for reason, example in each.examples.items():
                both._add_example(reason, example)
            for result in each.not_stored_examples:
                _keep_first(both.not_stored_examples, result)
            for result in each.same_feed_examples:
                _keep_first(both.same_feed_examples, result)
        return both

    def count(self, result: Result) -> None:
        """Add one feed's outcome."""
        self.outcomes[result.outcome] += 1
        self.entries += result.entries
        self.stored += result.stored
        self.gaps += result.gap
        if result.same_as is not None:
            self.same_feeds += 1
            _keep_first(self.same_feed_examples, result)
        if result.reason is not None and result.outcome is not Outcome.NOT_DUE:
            self.errors[result.reason] += 1
            self._add_example(result.reason, FailureExample(result.feed.redacted_url, result.detail))
            if result.reason == "not-stored":
                _keep_first(self.not_stored_examples, result)

    def _add_example(self, reason: str, example: FailureExample) -> None:
        known = self.examples.get(reason)
        if known is None or (example.url, example.detail or "") < (known.url, known.detail or ""):
            self.examples[reason] = example


def _keep_first(examples: list[Result], result: Result) -> None:
    """Add a result to the examples. Only the first ones in alphabetical order are kept."""
    insort(examples, result, key=_place)
    del examples[SHOWN:]


def _place(result: Result) -> tuple[str, str, int]:
    """Two feeds may differ in nothing but their credentials."""
    return result.feed.redacted_url, result.feed.url, result.feed.line or 0


class Results:
    """Hands out results, until its ``with`` block ends, to whoever receives from `channel`.

    Nothing is buffered: a slow consumer slows the lanes.
    """

    def __init__(self) -> None:
        self.tally = Tally()
        self._send, self.channel = trio.open_memory_channel[Result](0)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._send.close()

    async def give(self, result: Result) -> None:
        """Hand out the result of a feed that has been accepted and counted.

        There is no checkpoint if somebody waits for it.
        """
        try:
            self._send.send_nowait(result)
        except trio.WouldBlock:
            await self._send.send(result)

    async def give_unfetched(self, result: Result) -> None:
        """Accept and count a feed that is not fetched at all, and hand out its result."""
        self.tally.accepted += 1
        self.tally.count(result)
        await self.give(result)
