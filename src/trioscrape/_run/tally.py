"""The results of a scrape: counted, then handed out."""

from __future__ import annotations

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

    def count(self, result: Result) -> None:
        """Add one feed's outcome."""
        self.outcomes[result.outcome] += 1
        self.entries += result.entries
        self.stored += result.stored
        self.gaps += result.gap
        if result.same_as is not None:
            self.same_feeds += 1
            if len(self.same_feed_examples) < SHOWN:
                self.same_feed_examples.append(result)
        if result.reason is not None and result.outcome is not Outcome.NOT_DUE:
            self.errors[result.reason] += 1
            url, known = result.feed.redacted_url, self.examples.get(result.reason)
            if known is None or url < known.url:
                self.examples[result.reason] = FailureExample(url, result.detail)
            if result.reason == "not-stored" and len(self.not_stored_examples) < SHOWN:
                self.not_stored_examples.append(result)


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
