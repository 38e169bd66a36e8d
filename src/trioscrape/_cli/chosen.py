"""Which records of a store an export is to have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from .._errors import UsageError
from .._records import FeedHistory, FeedState, StoredEntry
from .._store import Reader
from .._urls import feed_id, normalised, problem_with, without_credentials, without_secrets
from .typed_urls import meant_url

_AT_ONCE: Final = 500
"""Feeds whose histories are read together."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which feeds, and which of their entries."""

    urls: tuple[str, ...] = ()
    """Of the feeds, as they were typed; none: all."""
    since: datetime | None = None
    """Only entries that were stored or changed at this moment or later."""
    limit: int | None = None
    """How many records at most; of entries the latest."""


async def chosen_feeds(store: Reader, chosen: Chosen) -> AsyncIterator[FeedState]:
    """The chosen feeds, in the order of their ids.

    A feed may be chosen by the URL of the list, or by the one that it has now.

    Raises:
      UsageError: at the end: one of them is not stored.
      StoreError: the store has failed.
    """
    wanted = dict.fromkeys(chosen.urls)
    by_url = {url: typed for typed in wanted for url in _meant(typed)}
    by_id = {feed_id(url): typed for url, typed in by_url.items()}
    missing, left = set(wanted), chosen.limit
    async for state in store.read_feeds():
        urls = (normalised(url) for url in (state.url, state.listed_url) if url)
        typed = by_id.get(state.feed_id) or next(filter(None, map(by_url.get, urls)), None)
        if wanted and typed is None:
            continue
        missing.discard(typed or "")
        if left is None or left > 0:
            yield state
        left = None if left is None else left - 1
    for typed in wanted:
        if typed in missing:
            raise UsageError(f"no feed with the URL {without_secrets(typed)} is stored")


async def with_histories(
    store: Reader, states: AsyncIterator[FeedState]
) -> AsyncIterator[FeedState | FeedHistory]:
    """Each of the feeds, and what is remembered of its polls.

    Raises:
      StoreError: the store has failed.
    """
    some: list[FeedState] = []
    async for state in states:
        yield state
        some.append(state)
        if len(some) == _AT_ONCE:
            for history in await _histories(store, some):
                yield history
            some = []
    for history in await _histories(store, some):
        yield history


async def _histories(store: Reader, states: list[FeedState]) -> Iterable[FeedHistory]:
    return (await store.read_history([state.feed_id for state in states])).values()


async def chosen_entries(store: Reader, chosen: Chosen) -> AsyncIterator[StoredEntry]:
    """The chosen entries, oldest first; with a limit the latest ones, latest first.

    Raises:
      UsageError: one of the feeds is not stored.
      StoreError: the store has failed.
    """
    feeds: list[str | None] = [None]
    if chosen.urls:
        feeds = [state.feed_id async for state in chosen_feeds(store, Chosen(chosen.urls))]
    one = feeds[0] if len(feeds) == 1 else None
    left = chosen.limit
    async for stored in store.read_entries(feed=one, since=chosen.since, oldest_first=left is None):
        if left == 0:
            return
        if feeds == [one] or stored.feed_id in feeds:
            yield stored
            left = None if left is None else left - 1


def _meant(typed: str) -> Iterator[str]:
    """The URLs that may be meant: without a scheme, https and http."""
    url = meant_url(typed) or typed
    if problem := problem_with(url):
        raise UsageError(f"{without_secrets(typed)!r} is no URL of a feed: {problem}")
    yield normalised(without_credentials(url))
    if "://" not in typed:
        yield normalised(without_credentials(url.replace("https://", "http://", 1)))
