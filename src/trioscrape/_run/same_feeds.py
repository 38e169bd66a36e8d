"""Which feeds of a list are shown to be one and the same."""

from __future__ import annotations

from .._records import FeedState
from .._schedule.same_feed import is_kept_elsewhere
from .._store.lane import StoreLane
from .._urls import feed_id, identity, problem_with, spelling
from .candidates import Candidate
from .seen import Seen


class SameFeeds:
    """What each feed of a run has been seen to be, with the URL of the first feed that was the same.

    Args:
      store: of the run.
      arrivals: where feeds have arrived, and what shows that two are the same.
      merge: whether duplicates are merged; see `Config.merge_duplicates`.
    """

    def __init__(self, store: StoreLane, arrivals: Seen[str], *, merge: bool) -> None:
        self._store, self._arrivals, self._merge = store, arrivals, merge

    async def other(self, candidate: Candidate, where: str, state: FeedState) -> str | None:
        """The URL of another feed of the list that is shown to be the same one; None: there is none.

        Where duplicates are merged, one that was found in an earlier run remains one, whichever of the two
        comes first in this run.

        Args:
          candidate: the feed.
          where: the URL that its document came from.
          state: what is known of it now.
        """
        known = candidate.state
        other = None if known is None else known.same_as
        if other is None or not self._merge or problem_with(other) is not None:
            return await self._arrived(candidate, where, state)
        pair = candidate.feed_id, feed_id(other)
        others, histories = await self._store.load(pair[1:]), await self._store.read_history(pair)
        found = histories.get(pair[0]), histories.get(pair[1])
        if is_kept_elsewhere(state, where, others.get(pair[1]), found):
            return other
        return await self._arrived(candidate, where, state)

    async def clear(self) -> None:
        """Forget all feeds: a watch has polled each of them since."""
        await self._arrivals.clear()

    async def _arrived(self, candidate: Candidate, where: str, state: FeedState) -> str | None:
        """The first feed of the run that is shown to be the same, if that was another one."""
        own = candidate.feed.redacted_url
        shown = [candidate.feed_id if where == candidate.feed.url else feed_id(where)]
        if state.body_hash is not None:
            named = state.self_link if state.self_link and problem_with(state.self_link) is None else where
            spellings = dict.fromkeys((spelling(where), spelling(named)))
            shown += [identity(f"{each} {state.body_hash}") for each in spellings]
        found = await self._arrivals.add_all([(each, own) for each in shown])
        return next((first[0] for first in found if first is not None and first[0] != own), None)
