"""Of several URLs of one feed the entries of one are stored: what that means for the others. Pure.

A feed that was shown to be the same as another one has the URL of that one (`FeedState.same_as`), and is
fetched once a day. Its own entries are stored from when the other one goes on failing, is not polled any
more, or is another feed.

Anybody can copy a document, with what it says of its own URL. So a feed may give its entries away, by a
redirect or by naming another URL as its own, but it can't get those of another feed by either.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from .._records import FeedHistory, FeedState, TimerRule
from .._urls import feed_id, problem_with, spelling
from .rules import SAME_FEED, decided

FAILURES: Final = 3
"""Failures in a row after which the other feed counts as gone."""
EVERY: Final = timedelta(days=1)
"""Time between two fetches of a duplicate."""
_LATELY: Final = timedelta(minutes=10)
"""Two documents of one feed that are fetched within this time are mostly the same."""


class Claim(IntEnum):
    """How a feed is related to a URL."""

    NAMES = 0
    """Its document names the URL as its own (``rel=self``)."""
    LEADS = 1
    """Redirects lead there."""
    IS = 2
    """It is the feed's own URL, but for its spelling."""

    def gives_way_to(self, other: Claim) -> bool:
        """Whether of two feeds with the same document the one with this claim to a URL is the duplicate.

        Of two claims of the same kind, the first one stays.
        """
        return other >= max(self, Claim.LEADS)


def claims(url: str, where: str, self_link: str | None) -> dict[str, Claim]:
    """The claims of a feed, by the spelling of URLs (see `spelling`).

    Args:
      url: its own, in the list.
      where: its document came from.
      self_link: what the document names as its URL.
    """
    found = {spelling(where): Claim.LEADS}
    if self_link is not None and problem_with(self_link) is None:
        found.setdefault(spelling(self_link), Claim.NAMES)
    if (own := spelling(url)) in found:
        found[own] = Claim.IS
    return found


@dataclass(frozen=True, slots=True)
class Polled:
    """A feed that has been fetched now, which may be the same as another one.

    Args:
      url: its own, in the list, without credentials.
      where: its document came from.
      state: as it was found now.
      history: what is stored of its polls; None: nothing.
      now: the time.
    """

    url: str
    where: str
    state: FeedState
    history: FeedHistory | None
    now: datetime

    def is_kept_by(self, other: FeedState, others: FeedHistory | None, *, was: bool) -> bool:
        """Whether the entries of the feed are those of another one, which is polled.

        Args:
          other: the stored state of the other one.
          others: its history; None: nothing is stored of its polls.
          was: whether an earlier run has shown that they are the same feed.
        """
        if others is None or not self._is_polled(other, others):
            return False
        same_document = other.body_hash is not None and other.body_hash == self.state.body_hash
        theirs, where = _stored_claims(other), spelling(self.where)
        for url, claim in claims(self.url, self.where, self.state.self_link).items():
            if url not in theirs or not claim.gives_way_to(theirs[url]):
                continue
            is_same_place = url == where and (was or feed_id(self.where) == other.feed_id)
            if is_same_place or same_document or (was and not self._is_contradicted(others)):
                return True
        return False

    def _is_polled(self, other: FeedState, others: FeedHistory) -> bool:
        if other.failures >= FAILURES or other.gone is not None or other.same_as is not None:
            return False
        if others.last_fetch is None:
            return False
        own = self.history.last_fetch if self.history is not None else None
        # A feed that is not due yet is not forgotten.
        return max(others.last_fetch, other.next_fetch or others.last_fetch) >= (own or self.now) - EVERY

    def _is_contradicted(self, others: FeedHistory) -> bool:
        """Whether a document that differs is of another feed, and not an earlier one of the same."""
        return others.last_fetch is not None and self.now - others.last_fetch < _LATELY


def _stored_claims(other: FeedState) -> dict[str, Claim]:
    """The claims of another feed, but for what its document says; others can write to a store."""
    own = other.listed_url or other.url
    led_to = (other.url, other.validators_url)
    found = {spelling(url): Claim.LEADS for url in led_to if url is not None and problem_with(url) is None}
    return found if problem_with(own) is not None else found | {spelling(own): Claim.IS}


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
