"""What is believed of stored records, whatever the clock was when they were written. Pure.

A clock that was years ahead for an hour leaves feeds that are due in years, and each run after that finds
nothing to do. So a moment counts only if a rule can have given it: nothing is put off for longer than the
longest wait, and nothing has happened later than now. The same holds for records of other programs, and for
those that were imported.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from .._records import FeedHistory, FeedState, StoredEntry
from .._records.texts import VALIDATOR
from .freshness import GONE, LONGEST, TRUST

CLOCKS: Final = timedelta(hours=1)
"""How far the clocks of two machines that share a store may be apart."""
LONGEST_IF_GONE: Final = GONE + timedelta(days=1)

_HAPPENED: Final = ("gone", "moved_since", "postponed", "last_turn", "failing_since", "newest_entry")
_NO_INTERVAL: Final = timedelta(0)


def believed(state: FeedState, now: datetime, interval: timedelta = _NO_INTERVAL) -> FeedState:
    """The state, if all of it can be believed; else what is left of it.

    When it says that the feed is to wait for longer than any rule does, the feed is due. What it says has
    happened in the future has happened now. Validators that no request can have are none.

    Args:
      state: as it was stored.
      now: the time.
      interval: the user's, between two fetches.
    """
    changes = _moments(state, now, interval) | _validators(state)
    return replace(state, **changes) if changes else state


def _moments(state: FeedState, now: datetime, interval: timedelta) -> dict[str, Any]:
    latest = now + CLOCKS
    changes: dict[str, Any] = {}
    for name in _HAPPENED:
        moment = getattr(state, name)
        if moment is not None and moment > latest:
            changes[name] = now
    longest = LONGEST if state.gone is None else LONGEST_IF_GONE
    if state.next_fetch is not None and state.next_fetch - latest > max(longest, interval):
        changes["next_fetch"] = None
    if state.next_unconditional is not None and state.next_unconditional - latest > 2 * TRUST:
        changes["next_unconditional"] = None
    if state.moved_days and max(state.moved_days) > (today := latest.date().isoformat()):
        changes["moved_days"] = tuple(day for day in state.moved_days if day <= today)
    return changes


def _validators(state: FeedState) -> dict[str, Any]:
    if state.etag is None and state.last_modified is None:
        return {}
    kept = {
        name: None if value is None else VALIDATOR.clean(value)[0]
        for name, value in (("etag", state.etag), ("last_modified", state.last_modified))
    }
    if kept["etag"] == state.etag and kept["last_modified"] == state.last_modified:
        return {}
    # With `next_unconditional`, a feed without validators is one whose server breaks on them.
    return kept if any(kept.values()) else {**kept, "validators_url": None, "next_unconditional": None}


def believed_entry(stored: StoredEntry, now: datetime) -> StoredEntry:
    """The entry, with moments that are not in the future; it was never changed before it was first seen."""
    last = now if stored.last_changed - now > CLOCKS else stored.last_changed
    first = min(stored.first_seen, last)
    if (first, last) == (stored.first_seen, stored.last_changed):
        return stored
    return replace(stored, first_seen=first, last_changed=last)


def believed_history(history: FeedHistory, now: datetime) -> FeedHistory:
    """The history, without polls that are in the future and without what is known of them."""
    latest = now + CLOCKS
    changes: dict[str, Any] = {
        name: None
        for name in ("last_fetch", "last_success", "last_news", "last_gap")
        if (moment := getattr(history, name)) is not None and moment > latest
    }
    if any(poll.at > latest for poll in history.recent):
        changes["recent"] = tuple(poll for poll in history.recent if poll.at <= latest)
    return replace(history, **changes) if changes else history
