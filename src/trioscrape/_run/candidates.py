"""A feed of the list that has not been admitted yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from .._errors import FeedFailed
from .._lane import Timings
from .._records import Feed, FeedState
from .._schedule.belief import believed
from .._schedule.permanent_redirects import has_moved, start_url
from .._urls import ascii_host, identity, normalised, problem_with

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_LATELY: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A feed of the list that has been looked at but not yet started."""

    feed: Feed
    feed_id: str
    host: str
    """Under which it queues."""
    problem: str | None = None
    """Why it can't be fetched at all."""
    state: FeedState | None = None
    """What is known of it."""
    stored: FeedState | None = None
    """The same as the store has it, with what is not believed: see `belief`."""
    timings: Timings | None = None
    """What it has spent in the lanes so far: to be located, or in a fetch that its host has refused."""
    put_off: FeedFailed | None = None
    """Why it is not fetched in this run although it is due: its host leaves no time for it."""

    @classmethod
    def of(cls, feed: Feed) -> Candidate:
        """The candidate that a feed of the list is."""
        if problem := problem_with(feed.url):
            return Candidate(feed, "", "", problem)
        url = normalised(feed.url)
        return Candidate(feed, identity(url), host_of(url))

    @property
    def waits_since(self) -> datetime:
        """By what the feeds of a host are served: those that were never fetched, then by their last fetch.

        That is not stored where the host serves all. Of such a feed it counts since when it is due; one
        that is due in every run was fetched in the last one, unless it was put off.
        """
        state = self.state
        if state is None or (state.body_hash is None and not state.failures):
            return _NEVER
        return state.last_turn or state.postponed or state.next_fetch or _LATELY

    def knowing(self, stored: FeedState | None, now: datetime, interval: timedelta) -> Candidate:
        """The same feed with what the store knows of it: it may have moved to another host.

        Args:
          stored: its state, if there is one.
          now: the time.
          interval: the user's, between two fetches.
        """
        if stored is None:
            return self
        state = believed(stored, now, interval)
        host = host_of(normalised(start_url(self.feed, state))) if has_moved(self.feed, state) else self.host
        return replace(self, state=state, stored=stored, host=host)


def host_of(url: str) -> str:
    """As it goes over the wire, so that a feed queues under the name that it is fetched from."""
    host = (urlsplit(url).hostname or "").rstrip(".")  # with a dot at its end it is the same host
    try:
        return ascii_host(host)
    except ValueError:
        return host  # it can't be fetched either
