"""How a feed differs from what it was in the run before: it broke, recovered, or went quiet. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from ..._records import FeedState, Outcome, Result
from ..._schedule.standing import quiet_from
from ..pages import span

_FETCHED: Final = frozenset({Outcome.NEW, Outcome.UPDATED, Outcome.NOT_MODIFIED})
_OURS: Final = frozenset({"cancelled", "not-stored", "out-of-memory"})
"""Reasons that say nothing about a feed."""


def broke(result: Result) -> bool:
    """Whether the feed has failed, or is gone, and was all right before."""
    return (
        result.before is not None
        and not _was_broken(result.before)
        and result.outcome in (Outcome.FAILED, Outcome.GONE)
        and result.reason not in _OURS
    )


def recovered(result: Result) -> bool:
    """Whether the feed is all right, and was not before."""
    return result.before is not None and _was_broken(result.before) and result.outcome in _FETCHED


def how_recovered(before: FeedState, now: datetime) -> str:
    """``after 3 days of http-404``."""
    reason = before.failure or ("http-410" if before.gone else "being put off")
    since = before.failing_since or before.gone or before.postponed
    return f"after {reason}" if since is None else f"after {span(now - since)} of {reason}"


def went_quiet(result: Result, last_run: datetime | None, now: datetime) -> bool:
    """Whether the feed has had no new entry for unusually long since the last run, and not before."""
    before = result.before
    if before is None or _was_broken(before) or result.outcome not in (Outcome.NOT_MODIFIED, Outcome.NOT_DUE):
        return False
    since = quiet_from(before)
    return since is not None and last_run is not None and last_run < since <= now


def how_quiet(before: FeedState, now: datetime) -> str:
    """``no new entry for 70 days; the longest pause before was 20 days``."""
    silence = "unknown" if before.newest_entry is None else span(now - before.newest_entry)
    if before.longest_silence is None:
        return f"no new entry for {silence}"
    longest = span(timedelta(seconds=before.longest_silence))
    return f"no new entry for {silence}; the longest pause before was {longest}"


def _was_broken(state: FeedState) -> bool:
    return state.failure is not None or state.gone is not None or state.postponed is not None
