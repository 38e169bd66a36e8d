"""The feeds whose turn has not come."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import trio

from .._config.config import Config, HostGrouping
from .._config.public_suffixes import registrable_domains
from .._hosts.queue import HostQueue
from .._records import Feed, FeedState, Outcome, Result
from .._store.lane import StoreLane
from .candidates import Candidate, FeedSource
from .next_state import not_due

READ_AHEAD: Final = 250
"""Feeds read from the list at once; what the store knows of them is one query."""


class Backlog:
    """As much of the feed list as has been read, by host.

    Args:
      feeds: the list; read no further than is needed to look `Config.look_ahead` feeds ahead.
      config: how hosts are counted and how fast they may be asked.
      now: the wall clock, in UTC.
    """

    def __init__(self, feeds: Iterable[str | Feed], config: Config, now: Callable[[], datetime]) -> None:
        self.source = FeedSource(feeds)
        group = registrable_domains() if config.group_hosts_by is HostGrouping.DOMAIN else str
        self.queue = HostQueue[Candidate](config.per_host, delay=config.host_delay, group=group)
        self._config, self._now = config, now
        self._at_the_end = False
        self._loading = trio.CancelScope()

    @property
    def wants_more(self) -> bool:
        """Whether there is room for more of the list, and may be more of it."""
        return not self._at_the_end and len(self.queue) < self._config.look_ahead

    async def read(self, store: StoreLane) -> list[Result]:
        """Queue some more feeds, with what the store knows of them.

        Returns the results of those that are not to be fetched: they are no URLs, or not due.
        """
        batch = self.source.take(READ_AHEAD)
        self._at_the_end = not batch
        sound = [candidate for candidate in batch if candidate.problem is None]
        states: dict[str, FeedState] = {}
        if sound:
            with trio.CancelScope() as self._loading:
                states = await store.load([candidate.feed_id for candidate in sound])
            if self._loading.cancelled_caught:
                return []
        results = [_refusal(candidate) for candidate in batch if candidate.problem is not None]
        for candidate in (each.knowing(states.get(each.feed_id)) for each in sound):
            result = None if self._config.ignore_schedule else not_due(candidate, self._now())
            if result is None:
                self.queue.put(candidate)
            else:
                results.append(result)
        return results

    def stop(self) -> None:
        """Do not wait any longer for what the store knows."""
        self._loading.cancel()


def _refusal(candidate: Candidate) -> Result:
    feed = candidate.feed
    where = f"line {feed.line}: " if feed.line is not None else ""
    detail = f"{where}{feed.redacted_url[:200]!r}: {candidate.problem}"
    return Result(feed, Outcome.REFUSED, "not-a-url", detail)
