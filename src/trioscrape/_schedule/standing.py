"""How a feed stands at a moment: healthy, failing, gone; what is wrong, since when, what to do. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from .._records import FeedHistory, FeedState
from .advice import advice
from .freshness import due, not_before

LATE: Final = timedelta(hours=1)
"""A feed is late that has been due for longer: most people run the command every hour or more often."""
FORGOTTEN: Final = timedelta(days=7)
"""A feed that has been due for longer is mostly in no list any more."""
LEAST_SILENCE: Final = timedelta(days=7)
"""No feed is quiet before: weekends and holidays are no news."""
SILENCE: Final = 3
"""A feed is quiet that has been silent for so many times its longest pause."""
MISSED: Final = timedelta(days=30)
"""For how long a gap is shown. What was missed is mostly gone, but it shows that there are too few polls."""
UNKNOWN_SILENCE: Final = timedelta(days=90)
"""The same where no pause is known, because there are no two dates."""


class Standing(StrEnum):
    """What a feed is. Each has exactly one standing: the first that is true of it."""

    GONE = "gone"
    """The server answers 410."""
    PAUSED = "paused"
    """It is put off because of its host, which allows few requests or does not answer."""
    RESTING = "resting"
    """The last fetch has failed, and the next one is not due yet."""
    FAILING = "failing"
    """The last fetch has failed, and the next run tries it again."""
    UNFETCHED = "unfetched"
    """It was never fetched here."""
    QUIET = "quiet"
    """All is well, but there has been no new entry for unusually long."""
    HEALTHY = "healthy"


BROKEN: Final = frozenset({Standing.GONE, Standing.PAUSED, Standing.RESTING, Standing.FAILING})
"""The standings of feeds that something is wrong with."""


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """A feed at a moment."""

    state: FeedState
    history: FeedHistory
    standing: Standing
    has_gaps: bool
    """Whether entries may have come and gone between two of its polls lately, see `Poll.gap`."""
    since: datetime | None
    """Of a broken feed: since when; None: unknown, because an older version has noticed it."""
    due: datetime | None
    """When it is fetched next, which may be past; None: in the next run."""
    late: timedelta
    """For how long it has been due."""
    silence: timedelta | None
    """How old its newest entry is; None: unknown."""

    @property
    def is_broken(self) -> bool:
        """Whether something is wrong with it."""
        return self.standing in BROKEN

    @property
    def is_late(self) -> bool:
        """Whether it has been due for long."""
        return self.late > LATE

    @property
    def has_moved(self) -> bool:
        """Whether it has another URL than the list says, or permanent redirects lead to one."""
        return self.state.moved_from is not None or self.state.moved_to is not None

    @property
    def what_to_do(self) -> str | None:
        """A sentence for people; None: nothing."""
        state = self.state
        if self.is_broken:
            return advice(state.failure or "http-410")
        if self.late > FORGOTTEN:
            return (
                "No run fetches it: put it into your list, or delete it with 'trioscrape forget --unlisted'."
            )
        if self.has_moved:
            return f"Put its new URL into your list: {state.moved_to or state.url}"
        if self.has_gaps:
            return "Poll it more often: run trioscrape more often, or give its watch a smaller --every."
        if self.standing is Standing.QUIET:
            return "Look at its site: it may have been given up, or have another feed now."
        return None


def status_of(state: FeedState, history: FeedHistory | None, now: datetime) -> FeedStatus:
    """The feed as it is `now`.

    Args:
      state: as it is stored, and as far as it is believed.
      history: its polls; None: there were none.
      now: the time.
    """
    history = history or FeedHistory(state.feed_id)
    was_due = due(state)
    silence = _silence(state, history, now)
    standing = _standing(state, now, silence)
    return FeedStatus(
        state,
        history,
        standing,
        history.last_gap is not None and now - history.last_gap <= MISSED,
        _since(state, standing),
        not_before(state, now) or was_due,
        max(timedelta(0), now - was_due) if was_due is not None else timedelta(0),
        silence,
    )


def _standing(state: FeedState, now: datetime, silence: timedelta | None) -> Standing:
    if state.gone is not None:
        return Standing.GONE
    if state.postponed is not None:
        return Standing.PAUSED
    if state.failure is not None:
        return Standing.FAILING if not_before(state, now) is None else Standing.RESTING
    if state.body_hash is None:
        return Standing.UNFETCHED
    return Standing.QUIET if silence is not None and silence > _longest(state) else Standing.HEALTHY


def _since(state: FeedState, standing: Standing) -> datetime | None:
    if standing is Standing.GONE:
        return state.gone
    if standing is Standing.PAUSED:
        return state.postponed
    return state.failing_since if standing in BROKEN else None


def _silence(state: FeedState, history: FeedHistory, now: datetime) -> timedelta | None:
    # Of a feed with dates its own are better: its first poll brought entries of all ages.
    newest = state.newest_entry or history.last_news
    return None if newest is None else max(timedelta(0), now - newest)


def quiet_from(state: FeedState) -> datetime | None:
    """From when the feed is quiet, should no new entry come; None: its entries have no dates."""
    return None if state.newest_entry is None else state.newest_entry + _longest(state)


def _longest(state: FeedState) -> timedelta:
    """How long it may be silent before that is unusual."""
    if state.longest_silence is None:
        return UNKNOWN_SILENCE
    return max(LEAST_SILENCE, SILENCE * timedelta(seconds=state.longest_silence))
