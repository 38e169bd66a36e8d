"""The state of a feed after a fetch, and whether a feed is due. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from .._errors import FeedFailed
from .._http import Fetched
from .._http.conditional import Validators, is_conditional
from .._records import FeedState, FeedTimers, Outcome, ParsedFeed, Result, TimerRule
from .._records.columns import dates
from .._records.feed_state import KEPT_DELAYS
from .._schedule import rules
from .._schedule.freshness import (
    GONE,
    format_moment,
    not_before,
    rules_of_failure,
    trusted_until,
)
from .._schedule.permanent_redirects import moved_from, moves
from .._schedule.rhythm import Rhythm
from .candidates import Candidate
from .plans import Plan

GONE_REASON = "http-410"
BLOCKED = "blocked-address"
_LATE = {"read-timeout", "fetch-timeout"}
SLACK = 0.1
"""Of the user's interval: cron is late now and then, and what is due a second later would wait for another
whole interval."""


class Next(NamedTuple):
    """What is known of a feed after a fetch."""

    state: FeedState
    rules: tuple[TimerRule, ...]
    """What its next fetch waits for; the first one has decided."""


def next_run(began: datetime, interval: float) -> datetime | None:
    """When feeds that are fetched in a run may be fetched again.

    The interval counts from the beginning of the run. Else feeds that are fetched late in a run would not
    be due in the next one, and their interval would be twice as long.

    Args:
      began: when the run began.
      interval: the user's seconds between two fetches.
    """
    return began + timedelta(seconds=interval * (1 - SLACK)) if interval else None


def not_due(candidate: Candidate, now: datetime) -> Result | None:
    """The result of a feed that is not to be fetched `now`; None when it is due.

    The reason is that of its last failure, 410 of a feed that is gone; a fresh feed has none.
    """
    feed, state = candidate.feed, candidate.state
    if state is None or (until := not_before(state, now)) is None:
        return None
    due = f"due again at {format_moment(until)}"
    if (other := state.same_as) is not None and state.failure is None:
        detail = f"the same feed as {other}; {due}"
        return Result(feed, Outcome.NOT_DUE, detail=detail, same_as=other, next_fetch=until)
    if state.gone is not None:
        detail = f"gone since {format_moment(state.gone)}; {due}"
        return Result(feed, Outcome.NOT_DUE, GONE_REASON, detail, next_fetch=until, before=state)
    if state.failure is not None:
        streak = f"; failures in a row: {state.failures}" if state.failures else ""
        detail = f"{due}{streak}"
        return Result(feed, Outcome.NOT_DUE, state.failure, detail, next_fetch=until, before=state)
    return Result(feed, Outcome.NOT_DUE, detail=f"fresh; {due}", next_fetch=until, before=state)


def to_send(known: FeedState | None, now: datetime) -> FeedState | None:
    """The state whose validators to send: none when it is time for an unconditional fetch."""
    if known is None or known.next_unconditional is None or known.next_unconditional > now:
        return known
    return without_validators(known)


def without_validators(known: FeedState | None) -> FeedState | None:
    """The same state with nothing to make a request conditional."""
    return None if known is None else replace(known, etag=None, last_modified=None)


def after_success(
    candidate: Candidate,
    fetched: Fetched,
    body_hash: str | None,
    parsed: ParsedFeed | None,
    now: datetime,
    plan: Plan,
) -> Next:
    """The state after an answer. It is equal to the one before when there is nothing new to remember.

    Args:
      candidate: the feed and its state before.
      fetched: the answer.
      body_hash: of its body, or of the known one if that has not been modified.
      parsed: what the body says; None when it is known already.
      now: when the answer came.
      plan: for the next fetch.
    """
    known = candidate.state
    if unkept_until := _unkept_until(candidate, fetched, now):
        fetched = replace(fetched, validators=Validators())
    timers, moments = _timers(known, fetched, parsed), dates(parsed.entries) if parsed is not None else None
    url, moved_to, moved_days = moves(candidate.feed, known, fetched.moved_to, now)
    origin, since = moved_from(candidate.feed, known, url, now)
    said = parsed or known or FeedState(candidate.feed_id, url)
    newest, silence = _newest_and_silence(known, moments, now)
    rhythm, delays = (known.rhythm, known.delays) if known is not None else (None, ())
    if parsed is not None and moments is not None:
        found = _delays(rhythm, moments, now)
        plan.found(found)
        delays = _kept_delays(delays, found)
        published = (each.timestamp() for each in moments)
        rhythm = str(Rhythm.of(rhythm).after(published, len(parsed.entries), now.timestamp()))
    considered, expected_delay = plan.after_success(candidate.feed_id, rhythm, timers, fetched.age, now)
    state = FeedState(
        feed_id=candidate.feed_id,
        url=url,
        listed_url=candidate.feed.redacted_url,
        moved_from=origin,
        moved_since=since,
        title=said.title or candidate.feed.title,
        listed_title=candidate.feed.title or (known.listed_title if known else None),
        tags=candidate.feed.tags or (known.tags if known else ()),
        link=said.link,
        subtitle=said.subtitle,
        language=said.language,
        updated=said.updated,
        self_link=said.self_link,
        hub=said.hub,
        cloud=said.cloud,
        newest_entry=newest,
        longest_silence=silence,
        distrusts_ids=said.distrusts_ids,
        shared_keys=said.shared_keys,
        etag=fetched.validators.etag,
        last_modified=fetched.validators.last_modified,
        validators_url=fetched.url if fetched.validators != Validators() else None,
        body_hash=body_hash,
        timers=timers,
        next_fetch=considered[0].until if considered else None,
        next_unconditional=unkept_until or _next_unconditional(candidate, fetched, body_hash, now),
        moved_to=moved_to,
        moved_days=moved_days,
        rhythm=rhythm,
        delays=delays,
        expected_delay=expected_delay,
    )
    return Next(state, considered)


def _newest_and_silence(
    known: FeedState | None, moments: Sequence[datetime] | None, now: datetime
) -> tuple[datetime | None, int | None]:
    """``newest_entry`` and ``longest_silence``: how long a feed may be silent with nothing wrong."""
    if moments is None:
        return (known.newest_entry, known.longest_silence) if known is not None else (None, None)
    past = sorted(moment for moment in moments if moment <= now)
    silences = [int((later - earlier).total_seconds()) for earlier, later in pairwise(past)]
    return (past[-1] if past else None), (max(silences) if silences else None)


def _delays(stored: str | None, moments: Sequence[datetime], now: datetime) -> list[float]:
    """How many seconds ago the entries were published that have come since the document before."""
    before, moment = Rhythm.of(stored).until, now.timestamp()
    published = sorted(each.timestamp() for each in moments)
    return [moment - date for date in published if before < date <= moment] if before else []


def _kept_delays(before: Sequence[int], found: Sequence[float]) -> tuple[int, ...]:
    # Of many, the latest alone would make it look as if all had been found soon.
    some = found[:: len(found) // KEPT_DELAYS + 1]
    return (*before, *map(int, some))[-KEPT_DELAYS:]


def had_entries(known: FeedState | None) -> bool:
    """Whether the last document of a feed had any entries."""
    return known is not None and Rhythm.of(known.rhythm).window > 0


def _timers(known: FeedState | None, fetched: Fetched, parsed: ParsedFeed | None) -> FeedTimers:
    """Those of the document last seen; a 304 may only change what headers say (RFC 9111 §4.3.4)."""
    before = known.timers if known is not None else FeedTimers()
    timers = parsed.timers if parsed is not None else before
    silent = before.max_age if fetched.body is None else 0
    said = silent if fetched.max_age is None else fetched.max_age
    return timers if timers.max_age == said else replace(timers, max_age=said)


def _unkept_until(candidate: Candidate, fetched: Fetched, now: datetime) -> datetime | None:
    """Until when no validators are kept, because the server breaks on them; None: they are kept."""
    known = candidate.state
    if fetched.failed_with_validators:
        return trusted_until(candidate.feed_id, now, caught=False)
    if known is None or known.next_unconditional is None:
        return None
    if not is_conditional(known):
        return known.next_unconditional if known.next_unconditional > now else None
    # It did not answer a conditional request in time, and one without validators it did.
    was_late = known.failure in _LATE and not is_conditional(to_send(known, now))
    return trusted_until(candidate.feed_id, now, caught=True) if was_late else None


def _next_unconditional(
    candidate: Candidate, fetched: Fetched, body_hash: str | None, now: datetime
) -> datetime | None:
    known, sent = candidate.state, fetched.validators
    if sent.etag is None and sent.last_modified is None:
        return None
    due = known.next_unconditional if known is not None else None
    if due is not None and due > now and known is not None and known.body_hash == body_hash:
        return due
    # To a request without validators it has sent another body under those that we had: a 304 would have
    # been wrong, and the ones before may have been.
    caught = (
        known is not None
        and is_conditional(known)
        and not is_conditional(to_send(known, now))
        and (known.etag, known.last_modified) == (sent.etag, sent.last_modified)
        and known.body_hash != body_hash
    )
    return trusted_until(candidate.feed_id, now, caught=caught)


def after_failure(candidate: Candidate, failed: FeedFailed, now: datetime, next_run: datetime | None) -> Next:
    """The state after a failure: what is known stays, and the next fetch is put off.

    A feed that was postponed because of its host has not failed once more.
    """
    known = _failed_state(candidate, failed, now)
    if failed.reason == BLOCKED:
        # Our own refusal: the feed stays due, as other settings may allow it.
        return Next(replace(known, failure=failed.reason), ())
    if failed.postponed_by is not None:
        pause = failed.not_before
        return Next(
            replace(
                known,
                failure=known.failure if known.failures else failed.reason,
                next_fetch=pause or known.next_fetch,
                postponed=known.postponed or now,
                postponed_by=failed.postponed_by,
            ),
            (TimerRule(rules.HOST_PAUSE, pause, failed.postponed_by),) if pause else (),
        )
    known = replace(known, postponed=None, postponed_by=None, last_turn=None)
    failures = known.failures + 1
    if failed.reason == GONE_REASON:
        gone = (TimerRule(rules.GONE, now + GONE),)
        return Next(_put_off(known, failed, gone, gone=known.gone or now), gone)
    if failed.reason in _LATE and is_conditional(known):
        # There was no time left for the same without validators, and it may be these that it hangs on.
        known = replace(known, next_unconditional=now)
    considered = rules_of_failure(candidate.feed_id, failures, now, failed.not_before, next_run)
    return Next(_put_off(known, failed, considered, gone=None), considered)


def _failed_state(candidate: Candidate, failed: FeedFailed, now: datetime) -> FeedState:
    feed = candidate.feed
    known = candidate.state or FeedState(candidate.feed_id, feed.redacted_url, title=feed.title)
    return replace(
        known,
        listed_url=feed.redacted_url,
        listed_title=feed.title or known.listed_title,
        tags=feed.tags or known.tags,
        # Of a feed that is put off time and again, the words need not be written each time.
        failure_detail=known.failure_detail if known.postponed else failed.detail or None,
        failing_since=known.failing_since or now,
    )


def _put_off(
    known: FeedState, failed: FeedFailed, considered: tuple[TimerRule, ...], *, gone: datetime | None
) -> FeedState:
    return replace(
        known,
        failures=known.failures + 1,
        failure=failed.reason,
        gone=gone,
        next_fetch=considered[0].until,
    )
