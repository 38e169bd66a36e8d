"""Admission: the feed list as candidates, each feed once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

from .._lane import Timings
from .._records import DuplicateFeed, Feed, FeedState
from .._schedule.permanent_redirects import has_moved, start_url
from .._urls import ascii_host, identity, normalised, problem_with
from .seen import Seen

SHOWN_DUPLICATES = 10
_END: Final = object()


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

    def knowing(self, state: FeedState | None) -> Candidate:
        """The same feed with what the store knows of it: it may have moved to another host."""
        if not has_moved(self.feed, state):
            return replace(self, state=state)
        return replace(self, state=state, host=_host(normalised(start_url(self.feed, state))))


class FeedSource:
    """The feed list as candidates, each feed once.

    Reads `feeds` no further than it is asked to.
    """

    def __init__(self, feeds: Iterable[str | Feed]) -> None:
        if isinstance(feeds, str | bytes):
            raise TypeError(f"feeds must be an iterable of URLs, not {type(feeds).__name__}")
        self._feeds = iter(feeds)
        self._seen = Seen[int | None]()
        self.taken = 0
        """Candidates until now: also of a list that has broken off in the middle."""
        self.duplicates = 0
        self.duplicate_examples: list[DuplicateFeed] = []

    async def take(self, count: int) -> list[Candidate]:
        """The next `count` candidates; fewer only at the end of the list."""
        return list(islice(self._candidates(), count))

    def take_rest(self) -> None:
        """Read the list to its end, so that `taken` and `duplicates` are those of the whole list."""
        for _ in self._candidates():
            pass

    def _candidates(self) -> Iterator[Candidate]:
        while (feed := self._next()) is not None:
            candidate = _candidate(feed)
            if candidate.problem is None and (first := self._seen.before(candidate.feed_id, feed.line)):
                self._duplicate(DuplicateFeed(feed, first[0]))
            else:
                self.taken += 1
                yield candidate

    def _next(self) -> Feed | None:
        """The next feed of the list; None at its end. A list that breaks off is not asked again."""
        try:
            item = next(self._feeds, _END)
            return None if item is _END else _as_feed(item)
        except BaseException:
            self._feeds = iter(())
            raise

    def _duplicate(self, duplicate: DuplicateFeed) -> None:
        self.duplicates += 1
        if len(self.duplicate_examples) < SHOWN_DUPLICATES:
            self.duplicate_examples.append(duplicate)

    def close(self) -> None:
        """Forget which feeds were seen."""
        self._seen.close()


def _as_feed(item: object) -> Feed:
    feed = Feed(item) if isinstance(item, str) else item
    if not isinstance(feed, Feed):
        raise TypeError(f"a feed is a URL or a Feed, not {type(item).__name__}")
    return feed


def _candidate(feed: Feed) -> Candidate:
    if problem := problem_with(feed.url):
        return Candidate(feed, "", "", problem)
    url = normalised(feed.url)
    return Candidate(feed, identity(url), _host(url))


def _host(url: str) -> str:
    """As it goes over the wire, so that a feed queues under the name that it is fetched from."""
    host = urlsplit(url).hostname or ""
    try:
        return ascii_host(host)
    except ValueError:
        return host  # it can't be fetched either
