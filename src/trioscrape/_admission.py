"""Admission: the feed list as candidates, each feed once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import idna

from ._moves import start_url
from ._seen import Seen
from ._types import Duplicate, Feed, FeedState
from ._urls import feed_id, normalised, problem_with

SHOWN_DUPLICATES = 10


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
    located: bool = False
    """Whether it queues under its host's address."""

    def knowing(self, state: FeedState | None) -> Candidate:
        """With what the store knows of it: it may have moved to another host."""
        return replace(self, state=state, host=_host(start_url(self.feed, state)))


class FeedSource:
    """The feed list as candidates, each feed once.

    Reads `feeds` no further than it is asked to.
    """

    def __init__(self, feeds: Iterable[str | Feed]) -> None:
        if isinstance(feeds, str | bytes):
            raise TypeError(f"feeds must be an iterable of URLs, not {type(feeds).__name__}")
        self._feeds = iter(feeds)
        self._seen = Seen[int | None]()
        self.duplicates = 0
        self.duplicate_examples: list[Duplicate] = []

    def take(self, count: int) -> list[Candidate]:
        """The next `count` candidates; fewer only at the end of the list."""
        taken: list[Candidate] = []
        for candidate in self._candidates():
            taken.append(candidate)
            if len(taken) == count:
                break
        return taken

    def count_rest(self) -> int:
        """How many candidates are left; reads the list to its end."""
        return sum(1 for _ in self._candidates())

    def _candidates(self) -> Iterator[Candidate]:
        for item in self._feeds:
            feed = Feed(item) if isinstance(item, str) else item
            if not isinstance(feed, Feed):
                raise TypeError(f"a feed is a URL or a Feed, not {type(item).__name__}")
            candidate = _candidate(feed)
            if candidate.problem is None and (first := self._seen.before(candidate.feed_id, feed.line)):
                self._duplicate(Duplicate(feed, first[0]))
            else:
                yield candidate

    def _duplicate(self, duplicate: Duplicate) -> None:
        self.duplicates += 1
        if len(self.duplicate_examples) < SHOWN_DUPLICATES:
            self.duplicate_examples.append(duplicate)

    def close(self) -> None:
        """Forget which feeds were seen."""
        self._seen.close()


def _candidate(feed: Feed) -> Candidate:
    if problem := problem_with(feed.url):
        return Candidate(feed, "", "", problem)
    return Candidate(feed, feed_id(feed.url), _host(feed.url))


def _host(url: str) -> str:
    """As it goes over the wire, so that it queues under the name that it is fetched and held under."""
    host = urlsplit(normalised(url)).hostname or ""
    if host.isascii():
        return host
    try:
        return idna.encode(host).decode("ascii")
    except idna.IDNAError:
        return host  # it can't be fetched either
