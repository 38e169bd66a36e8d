"""The state of a feed after a fetch, and whether a feed is due. Pure functions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from .._errors import FeedFailed
from .._http import Fetched
from .._http.conditional import Validators, is_conditional
from .._records import EntryCounts, FeedState, FeedTimers, Outcome, ParsedFeed, Result
from .._schedule.freshness import GONE, back_off, format_moment, not_before, trusted_until
from .._schedule.permanent_redirects import moved_from, moves
from .._schedule.rhythm import Rhythm
from .candidates import Candidate
from .plans import Plan

GONE_REASON = "http-410"
_LATE = {"read-timeout", "fetch-timeout"}
SLACK = 0.1
"""Of the user's interval: cron is late now and then, and what is due a second later would wait for another
whole interval."""


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
    if state.gone is not None:
        detail = f"gone since {format_moment(state.gone)}; {due}"
        return Result(feed, Outcome.NOT_DUE, GONE_REASON, detail, next_fetch=until)
    if state.failure is not None:
        streak = f"; failures in a row: {state.failures}" if state.failures else ""
        return Result(feed, Outcome.NOT_DUE, state.failure, f"{due}{streak}", next_fetch=until)
    return Result(feed, Outcome.NOT_DUE, detail=f"fresh; {due}", next_fetch=until)


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
) -> FeedState:
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
    timers, rhythm = _timers(known, fetched, parsed), _rhythm(known, parsed, now, plan)
    url, moved_to, moved_days = moves(candidate.feed, known, fetched.moved_to, now)
    origin, since = moved_from(candidate.feed, known, url, now)
    said = parsed or known or FeedState(candidate.feed_id, url)
    return FeedState(
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
        distrusts_ids=said.distrusts_ids,
        shared_keys=said.shared_keys,
        etag=fetched.validators.etag,
        last_modified=fetched.validators.last_modified,
        validators_url=fetched.url if fetched.validators != Validators() else None,
        body_hash=body_hash,
        timers=timers,
        next_fetch=plan.next_fetch(candidate.feed_id, rhythm, timers, fetched.age, now),
        next_unconditional=unkept_until or _next_unconditional(candidate, fetched, body_hash, now),
        moved_to=moved_to,
        moved_days=moved_days,
        rhythm=rhythm,
    )


def _rhythm(known: FeedState | None, parsed: ParsedFeed | None, now: datetime, plan: Plan) -> str | None:
    stored = known.rhythm if known is not None else None
    if parsed is None:
        return stored
    before, moment = Rhythm.of(stored), now.timestamp()
    dates = (entry.published or entry.updated for entry in parsed.entries)
    published = [date.timestamp() for date in dates if date is not None]
    if before.until:
        plan.found([moment - date for date in published if before.until < date <= moment])
    return str(before.after(published, len(parsed.entries), moment))


def has_gap(known: FeedState | None, entries: EntryCounts) -> bool:
    """Whether a document that was stored has none of the entries that its feed had before."""
    if known is None or not entries.new or entries.changed or entries.unchanged:
        return False
    return Rhythm.of(known.rhythm).window > 0


def _timers(known: FeedState | None, fetched: Fetched, parsed: ParsedFeed | None) -> FeedTimers:
    """Those of the document last seen; a 304 may only change what headers say (RFC 9111 §4.3.4)."""
    before = known.timers if known is not None else FeedTimers()
    timers = parsed.timers if parsed is not None else before
    silent = before.max_age if fetched.body is None else 0
    return replace(timers, max_age=silent if fetched.max_age is None else fetched.max_age)


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


def after_failure(
    candidate: Candidate, failed: FeedFailed, now: datetime, next_run: datetime | None
) -> FeedState:
    """The state after a failure: what is known stays, and the next fetch is put off.

    A feed that was postponed because of its host has not failed once more.
    """
    feed = candidate.feed
    known = candidate.state or FeedState(candidate.feed_id, feed.redacted_url, title=feed.title)
    known = replace(known, listed_url=feed.redacted_url)
    if failed.postponed_by is not None:
        return replace(
            known,
            failure=known.failure if known.failures else failed.reason,
            next_fetch=failed.not_before or known.next_fetch,
            postponed=known.postponed or now,
            postponed_by=failed.postponed_by,
        )
    until = failed.not_before or now
    known = replace(known, postponed=None, postponed_by=None, last_fetch=None)
    if failed.reason == GONE_REASON:
        return replace(
            known,
            failures=known.failures + 1,
            failure=failed.reason,
            gone=known.gone or now,
            next_fetch=now + GONE,
        )
    if failed.reason in _LATE and is_conditional(known):
        # There was no time left for the same without validators, and it may be these that it hangs on.
        known = replace(known, next_unconditional=now)
    failures = known.failures + 1
    due = max(now + back_off(candidate.feed_id, failures), until, next_run or until)
    return replace(known, failures=failures, failure=failed.reason, gone=None, next_fetch=due)
