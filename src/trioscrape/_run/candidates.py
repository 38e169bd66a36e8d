"""A feed of the list that has not been admitted yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from .._lane import Timings
from .._records import Feed, FeedState
from .._schedule.permanent_redirects import has_moved, start_url
from .._urls import ascii_host, identity, normalised, problem_with


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
    timings: Timings | None = None
    """What it took to locate it; None: it queues under its host's name."""

    @classmethod
    def of(cls, feed: Feed) -> Candidate:
        """The candidate that a feed of the list is."""
        if problem := problem_with(feed.url):
            return Candidate(feed, "", "", problem)
        url = normalised(feed.url)
        return Candidate(feed, identity(url), _host(url))

    def knowing(self, state: FeedState | None) -> Candidate:
        """The same feed with what the store knows of it: it may have moved to another host."""
        if not has_moved(self.feed, state):
            return replace(self, state=state)
        return replace(self, state=state, host=_host(normalised(start_url(self.feed, state))))


def _host(url: str) -> str:
    """As it goes over the wire, so that a feed queues under the name that it is fetched from."""
    host = (urlsplit(url).hostname or "").rstrip(".")  # with a dot at its end it is the same host
    try:
        return ascii_host(host)
    except ValueError:
        return host  # it can't be fetched either
