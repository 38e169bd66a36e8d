"""Feeds that have moved: when to believe a permanent redirect, and where to begin from then on. Pure.

Servers send 301 by mistake: a login page, a domain that has lapsed for a day, a hotel's network. So a
feed's URL changes only after nothing but permanent redirects led to one and the same feed on several
days. Its id stays that of the list's URL, and so do its entries.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from .._records import Feed, FeedState
from .._urls import normalised

MOVED_DAYS: Final = 3
"""Days on which a feed has to be found moved before its URL changes."""
MOVED_FAILURES: Final = 3
"""Failures in a row after which a feed that has moved is looked for where the list says again."""


def has_moved(feed: Feed, state: FeedState | None) -> bool:
    """Whether the next fetch starts at ``state.url`` and not where the list says."""
    if state is None or state.failures >= MOVED_FAILURES:
        return False
    return not _same(state.url, feed.redacted_url)


def start_url(feed: Feed, state: FeedState | None) -> str:
    """Where a fetch starts; with credentials if that is where the list says."""
    return state.url if state is not None and has_moved(feed, state) else feed.url


def moved_from(
    feed: Feed, state: FeedState | None, url: str, now: datetime
) -> tuple[str | None, datetime | None]:
    """``moved_from`` and ``moved_since`` of a feed that is fetched from `url` from now on.

    Args:
      feed: what the list says.
      state: before.
      url: where the next fetch starts.
      now: when that was found.
    """
    if _same(url, feed.redacted_url):
        return None, None
    if state is None or not _same(state.url, url):
        return (feed.redacted_url if state is None else state.url), now
    return state.moved_from or feed.redacted_url, state.moved_since


def moves(
    feed: Feed, state: FeedState | None, moved_to: str | None, now: datetime
) -> tuple[str, str | None, tuple[str, ...]]:
    """What a fetch that has succeeded makes of ``url``, ``moved_to`` and ``moved_days``.

    Args:
      feed: what the list says.
      state: before the fetch.
      moved_to: where permanent redirects alone have led it; None when there was another one, or none.
      now: when that was.
    """
    url = state.url if state is not None and has_moved(feed, state) else feed.redacted_url
    if moved_to is None:
        return url, None, ()
    today = now.astimezone(UTC).date().isoformat()
    before = state.moved_days if state is not None and state.moved_to == moved_to else ()
    days = before if today in before else (*before, today)
    return (moved_to, None, ()) if len(days) >= MOVED_DAYS else (url, moved_to, days)


def _same(one: str, other: str) -> bool:
    return one == other or normalised(one) == normalised(other)
