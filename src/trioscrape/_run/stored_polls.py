"""Which polls of an archive a store already has. A replay skips them and leaves out older ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from .._archive.exchange import KeptPoll
from .._records.kinds import clean_moment
from .._store.lane import StoreLane


class Standing(Enum):
    """How a poll of an archive relates to those in the store."""

    NEXT = auto()
    """It is later than all polls of its feed in the store."""
    STORED = auto()
    """The store has it."""
    OUTDATED = auto()
    """The store does not have it, and has later ones of its feed."""


@dataclass(slots=True)
class EarlierPolls:
    """Polls of one feed that are older than the last ones, which are all that a store knows one by one."""

    url: str
    first: datetime
    """When the first of them began."""
    count: int = 0


class StoredPolls:
    """Compares the polls of an archive with those of the store.

    A poll is recognised by the moment when it began, which the store has of the last ten polls of a feed. If
    an archive has more of them, the earlier ones count as stored once one of the last ten is found in it:
    then the store was made from this archive, or by the run that has written it.

    Args:
      store: of the replay.
    """

    def __init__(self, store: StoreLane) -> None:
        self._store = store
        self._earlier: dict[str, EarlierPolls] = {}
        """By feed, until a poll of it is recognised."""
        self.found = 0
        """How many polls are stored."""

    async def standing(self, poll: KeptPoll) -> Standing:
        """What to do with a poll of a feed that the store knows. The polls of a feed come in their order.

        Raises:
          StoreError: see `StoreLane.read_history`.

        Cancellation: see there.
        """
        began = clean_moment(poll.began)
        totals = (await self._store.read_history([poll.feed_id])).get(poll.feed_id)
        if began is None or totals is None or totals.last_fetch is None or totals.last_fetch < began:
            return Standing.NEXT
        if not _leaves_poll(poll):
            self.found += 1
            return Standing.STORED
        history = (await self._store.read_history([poll.feed_id], polls=True)).get(poll.feed_id, totals)
        if any(each.at == began for each in history.recent):
            earlier = self._earlier.pop(poll.feed_id, None)
            self.found += 1 if earlier is None else 1 + earlier.count
            return Standing.STORED
        if history.polls > len(history.recent) and all(began < each.at for each in history.recent):
            new = EarlierPolls(poll.feed.redacted_url, poll.began)
            self._earlier.setdefault(poll.feed_id, new).count += 1
            return Standing.STORED
        return Standing.OUTDATED

    def outdated(self) -> Iterator[EarlierPolls]:
        """At the end of a replay: polls that counted as stored, of feeds of which none was recognised."""
        yield from self._earlier.values()


def _leaves_poll(poll: KeptPoll) -> bool:
    """Whether there is a poll in the store after it: there is none of a feed that was only put off."""
    if poll.put_off is not None:
        return False
    last = poll.fetches[-1] if poll.fetches else None
    was_put_off = last is not None and last.failed is not None and last.failed.postponed_by is not None
    return not was_put_off or any(fetch.exchanges for fetch in poll.fetches)
