"""Which feeds of a list are shown to be one and the same."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from .._records import FeedState
from .._schedule.same_feed import Claim, Polled, claims
from .._store.lane import StoreLane
from .._urls import feed_id, identity, problem_with, spelling
from .candidates import Candidate
from .seen import Seen


class SameFeed(NamedTuple):
    """Another feed of the list that is shown to be the same one."""

    url: str
    is_kept: bool
    """Whether the entries of the two are to be those of this one, where duplicates are merged."""


class SameFeeds:
    """What each feed of a run has been seen to be, with the URL of the first feed that was the same.

    Args:
      store: of the run.
      arrivals: where feeds have arrived, and what shows that two are the same; each with the feed's claim
        to the URL (see `Claim`) and the feed's own URL.
      merge: whether duplicates are merged; see `Config.merge_duplicates`.
    """

    def __init__(self, store: StoreLane, arrivals: Seen[str], *, merge: bool) -> None:
        self._store, self._arrivals, self._merge = store, arrivals, merge

    async def other(
        self, candidate: Candidate, where: str, state: FeedState, now: datetime
    ) -> SameFeed | None:
        """Another feed of the list that is shown to be the same one; None: there is none.

        Where duplicates are merged, one that was found in an earlier run remains one, whichever of the two
        comes first in this run.

        Args:
          candidate: the feed.
          where: the URL that its document came from.
          state: what is known of it now.
          now: the time.
        """
        if self._merge and (url := await self._stored(candidate, where, state, now)) is not None:
            return SameFeed(url, is_kept=True)
        return await self._arrived(candidate, where, state)

    async def clear(self) -> None:
        """Forget all feeds: a watch has polled each of them since."""
        await self._arrivals.clear()

    async def _stored(self, candidate: Candidate, where: str, state: FeedState, now: datetime) -> str | None:
        """The URL of a stored feed that has the entries of this one."""
        known = candidate.state.same_as if candidate.state is not None else None
        # The feed at the URL that a redirect or the document names may always come later than this one.
        urls = [url for url in (known, where, state.self_link) if url and problem_with(url) is None]
        others = {feed_id(url): url for url in reversed(urls)}
        others.pop(candidate.feed_id, None)
        if not others:
            return None
        states = await self._store.load(tuple(others))
        if not states:
            return None
        histories = await self._store.read_history((candidate.feed_id, *states))
        polled = Polled(candidate.feed.redacted_url, where, state, histories.get(candidate.feed_id), now)
        for each in reversed(others):
            other = states.get(each)
            if other and polled.is_kept_by(other, histories.get(each), was=others[each] == known):
                return other.listed_url or other.url
        return None

    async def _arrived(self, candidate: Candidate, where: str, state: FeedState) -> SameFeed | None:
        """The first feed of the run that is shown to be the same, if that was another one."""
        own = candidate.feed.redacted_url
        claimed = claims(own, where, state.self_link)
        place = candidate.feed_id if where == candidate.feed.url else feed_id(where)
        shown = [(place, claimed[spelling(where)])]
        if state.body_hash is not None:
            shown += [(identity(f"{url} {state.body_hash}"), claim) for url, claim in claimed.items()]
        firsts = await self._arrivals.add_all([(each, f"{claim:d}{own}") for each, claim in shown])
        found = None
        for (_, claim), first in zip(shown, firsts, strict=True):
            if first is None or (url := first[0][1:]) == own:
                continue
            if claim.gives_way_to(Claim(int(first[0][0]))):
                return SameFeed(url, is_kept=True)
            found = found or SameFeed(url, is_kept=False)
        return found
