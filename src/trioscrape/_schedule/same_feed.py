"""Of several URLs of one feed the entries of one are stored: what that means for the others. Pure.

A feed that was shown to be the same as another one has the URL of that one (`FeedState.same_as`), and is
fetched once a day. Its own entries are stored from when the other one goes on failing, is not polled any
more, or is another feed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from .._records import FeedHistory, FeedState, TimerRule
from .._urls import problem_with, spelling
from .rules import SAME_FEED, decided

FAILURES: Final = 3
"""In a row of the other one, after which it counts as gone."""
EVERY: Final = timedelta(days=1)
"""From one fetch of such a feed to the next."""


def is_kept_elsewhere(
    state: FeedState,
    where: str,
    other: FeedState | None,
    histories: tuple[FeedHistory | None, FeedHistory | None],
) -> bool:
    """Whether a feed that was shown to be the same as another one still is, and that one is polled.

    Args:
      state: of the feed, as it was found now.
      where: it was found.
      other: the state of the other one, if it is stored.
      histories: of the feed and of the other one.
    """
    own, others = histories
    if other is None or other.failures >= FAILURES or other.gone is not None or other.same_as is not None:
        return False
    if own is None or others is None or own.last_fetch is None or others.last_fetch is None:
        return False
    if others.last_fetch < own.last_fetch - EVERY:
        return False
    return not _spellings(where, state.self_link).isdisjoint(
        _spellings(other.url, other.listed_url, other.validators_url, other.self_link)
    )


def _spellings(*urls: str | None) -> set[str]:
    """Of what are URLs: others can write to a store."""
    return {spelling(url) for url in urls if url is not None and problem_with(url) is None}


def kept_elsewhere(
    state: FeedState, rules: tuple[TimerRule, ...], other: str, now: datetime
) -> tuple[FeedState, tuple[TimerRule, ...]]:
    """The state of a feed whose entries are those of the feed at the URL `other`, and what it waits for.

    Without what says which document it had: that is to be read when the other one is gone.
    """
    rules = decided(*rules, TimerRule(SAME_FEED, now + EVERY, other))
    state = replace(
        state,
        same_as=other,
        etag=None,
        last_modified=None,
        validators_url=None,
        next_unconditional=None,
        body_hash=None,
        next_fetch=rules[0].until,
    )
    return state, rules
