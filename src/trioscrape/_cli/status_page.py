"""The page of ``trioscrape status``, its lists, and both as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from .._errors import REASONS
from .._records import FeedState
from .._records.kinds import iso
from .._schedule.overview import AGES, SLOT, Overview, badness, quantile
from .._schedule.standing import LATE, FeedStatus, Standing
from .pages import ago, clock, span, table, when, wrapped
from .report import count

_MEANINGS: Final[Mapping[Standing, str]] = {
    Standing.HEALTHY: "the last fetch has succeeded",
    Standing.QUIET: "no new entry for unusually long: trioscrape status quiet",
    Standing.FAILING: "the last fetch has failed; the next run tries again",
    Standing.RESTING: "the last fetch has failed; waiting until the next try",
    Standing.PAUSED: "put off because of their host",
    Standing.GONE: "the server says that they are gone for good",
    Standing.UNFETCHED: "never fetched here",
}


_SHARES: Final = {"p50": 0.5, "p95": 0.95}
_PHRASES: Final = {str(int(status)): status.phrase for status in HTTPStatus}


class Listing(NamedTuple):
    """One of the lists of ``trioscrape status``."""

    title: str
    takes: Callable[[FeedStatus], bool]
    badness: Callable[[FeedStatus, datetime], float]
    """By what it is sorted."""
    line: Callable[[FeedStatus, datetime], str]
    """What it says of a feed."""


def _seconds(duration: timedelta | None) -> float:
    return 0.0 if duration is None else duration.total_seconds()


def _problem(status: FeedStatus, now: datetime) -> str:
    """``http-404: Not Found; since 2026-02-01 12:00 (27 days, 12 failures in a row)``."""
    state, since = status.state, status.since
    more = [span(now - since)] if since is not None else []
    if state.failures > 1:
        more.append(f"{state.failures:,} failures in a row")
    known = f" ({', '.join(more)})" if more else ""
    return f"{reason_in_words(state)}; since {when(since)}{known}"


def reason_in_words(state: FeedState) -> str:
    """``http-404: Not Found``: the reason of the last failure, with its detail or else with what it means."""
    reason = state.failure or "http-410"
    status = reason.removeprefix("http-")
    meaning = state.failure_detail
    if meaning is None and status in _PHRASES:
        meaning = _PHRASES[status]
    return f"{reason}: {meaning or REASONS.get(reason, 'unknown')}"


def _lateness(status: FeedStatus, now: datetime) -> str:
    was_due = now - status.late
    last = status.history.last_fetch
    return f"due since {when(was_due)} ({span(status.late)}); last fetched {when(last) if last else 'never'}"


def silence_in_words(status: FeedStatus, now: datetime) -> str:
    """``no new entry since 2026-02-01 12:00 (27 days), before that never for more than 2 days``."""
    newest = None if status.silence is None else now - status.silence
    gap = status.state.longest_silence
    before = f", before that never for more than {span(timedelta(seconds=gap))}" if gap is not None else ""
    return f"no new entry since {when(newest)} ({span(status.silence or timedelta(0))}){before}"


def gaps_in_words(status: FeedStatus, now: datetime) -> str:
    """``2 gaps in 40 polls, the last one at 2026-02-01 12:00 (27 days ago): all entries were new then …``."""
    history = status.history
    last = "" if history.last_gap is None else f", the last one at {ago(history.last_gap, now)}"
    return (
        f"{count(history.gaps, 'gap')} in {count(history.polls, 'poll')}{last}: all entries were new then, so"
        " others may have come and gone since the poll before"
    )


def _move(status: FeedStatus, _: datetime) -> str:
    state = status.state
    if state.moved_to is not None:
        days = count(len(state.moved_days), "day")
        return f"redirects permanently to {state.moved_to}, seen on {days} so far"
    return f"moved to {state.url} on {when(state.moved_since)}, and is fetched from there"


LISTINGS: Final[Mapping[str, Listing]] = {
    "failing": Listing("Broken feeds", lambda status: status.is_broken, badness, _problem),
    "late": Listing(
        "Late feeds",
        lambda status: status.is_late,
        lambda status, _: status.late.total_seconds(),
        _lateness,
    ),
    "quiet": Listing(
        "Quiet feeds",
        lambda status: status.standing is Standing.QUIET,
        lambda status, _: _seconds(status.silence),
        silence_in_words,
    ),
    "gaps": Listing(
        "Feeds of which entries may have been missed",
        lambda status: status.has_gaps,
        lambda status, _: status.history.gaps,
        gaps_in_words,
    ),
    "moved": Listing(
        "Moved feeds",
        lambda status: status.has_moved,
        lambda status, now: _seconds(now - status.state.moved_since) if status.state.moved_since else 0,
        _move,
    ),
}


def feed_lines(status: FeedStatus, text: str) -> Iterator[str]:
    """A feed in a list: its URL, what there is to say, what to do."""
    state = status.state
    url, name = state.listed_url or state.url, state.listed_title or state.title
    yield from wrapped(f"{url}  {name or ''}".rstrip(), 4, first="  ")
    yield from wrapped(text, 4)
    if (to_do := status.what_to_do) is not None:
        yield from wrapped(to_do, 11, first="    To do: ")


def page(overview: Overview, title: str) -> Iterator[str]:
    """The lines of the page about all feeds."""
    now = overview.now
    yield from wrapped(f"{count(overview.feeds, 'feed')} in {title} at {when(now)} UTC", 0)
    yield ""
    rows = [(each.value, f"{overview.standings[each]:,}", meaning) for each, meaning in _MEANINGS.items()]
    yield from _with_remarks([row for row in rows if row[1] != "0" or row[0] == "healthy"])
    for number, words in (
        (overview.moved, "with another URL than in your list: trioscrape status moved"),
        (overview.with_gaps, "of which entries may have been missed: trioscrape status gaps"),
    ):
        if number:
            yield ""
            yield from wrapped(f"{count(number, 'feed')} {words}", 4, first="  ")
    if overview.reasons:
        yield ""
        yield "What is broken, and for how long"
        yield from _reasons(overview)
    yield ""
    yield "The next hour"
    yield from _next_hour(overview)
    yield ""
    yield "Punctuality"
    yield from _punctuality(overview)
    if worst := list(overview.worst):
        yield ""
        more = f" (of {overview.worst.left_out + len(worst):,}: trioscrape status failing)"
        yield f"Broken for longest{more if overview.worst.left_out else ''}"
        for status in worst:
            yield from feed_lines(status, _problem(status, now))


def _with_remarks(rows: list[tuple[str, str, str]]) -> Iterator[str]:
    """Names, numbers aligned right, and remarks."""
    names, numbers = (max(len(row[place]) for row in rows) for place in (0, 1))
    for name, number, remark in rows:
        yield from wrapped(remark, names + numbers + 6, first=f"  {name:<{names}}  {number:>{numbers}}  ")


def _reasons(overview: Overview) -> Iterator[str]:
    heads = ("", "feeds", *(f"< {span(age).replace('24 h', '1 day')}" for age in AGES), "longer")
    ordered = sorted(overview.reasons.items(), key=lambda item: (-sum(item[1]), item[0]))
    rows = [(reason, f"{sum(ages):,}", *(f"{n:,}" if n else "" for n in ages)) for reason, ages in ordered]
    yield from table([heads, *rows])


def _next_hour(overview: Overview) -> Iterator[str]:
    coming = sum(overview.next_hour)
    busiest = max(overview.next_hour)
    now = f"{count(overview.due_now, 'feed')} due now, {coming:,} more within the hour"
    yield from wrapped(now, 4, first="  ")
    if coming:
        at = overview.now + overview.next_hour.index(busiest) * SLOT
        yield f"  busiest {span(SLOT)}: {busiest:,} from {clock(at, overview.now)}"


def _punctuality(overview: Overview) -> Iterator[str]:
    if (half := quantile(overview.lateness, 0.5)) is None:
        yield from wrapped("nothing is known yet of how late feeds are fetched", 4, first="  ")
    else:
        nearly_all = quantile(overview.lateness, 0.95) or 0
        half_of_them, most = (span(timedelta(seconds=seconds)) for seconds in (half, nearly_all))
        text = (
            f"half of the last fetches came within {half_of_them} of when they were due, 95 % within {most}"
        )
        yield from wrapped(text, 4, first="  ")
    if overview.late:
        longest = span(overview.longest_late)
        text = f"{count(overview.late, 'feed')} due for more than {_an_hour()}, at most for {longest}:"
        yield from wrapped(f"{text} trioscrape status late", 4, first="  ")
    if delay := delay_in_words(quantile(overview.delays, 0.5), overview.expected.value):
        yield from wrapped(delay, 4, first="  ")


def delay_in_words(measured: float | None, expected: float | None) -> str | None:
    """``from publication to storage: median 12 min measured, mean 17 min expected``.

    Args:
      measured: the median in seconds; None: unknown.
      expected: the mean in seconds; None: nothing is planned.
    """
    words = [
        f"{what} {span(timedelta(seconds=seconds))} {how}"
        for what, seconds, how in (("median", measured, "measured"), ("mean", expected, "expected"))
        if seconds is not None
    ]
    return f"from publication to storage: {', '.join(words)}" if words else None


def _an_hour() -> str:
    return "an hour" if timedelta(hours=1) == LATE else span(LATE)


def record_of_feed(status: FeedStatus) -> dict[str, Any]:
    """The ``"type": "feed_status"`` record of a feed."""
    state, history = status.state, status.history
    return {
        "type": "feed_status",
        "feed_id": state.feed_id,
        "url": state.url,
        "listed_url": state.listed_url,
        "title": state.listed_title or state.title,
        "folders": list(state.tags),
        "state": status.standing.value,
        "reason": state.failure,
        "detail": state.failure_detail,
        "since": _iso(status.since),
        "failures": state.failures,
        "what_to_do": status.what_to_do,
        "due": _iso(status.due),
        "late_seconds": round(status.late.total_seconds()),
        "silent_seconds": None if status.silence is None else round(status.silence.total_seconds()),
        "longest_silence": state.longest_silence,
        "moved_from": state.moved_from,
        "moved_to": state.moved_to,
        "last_fetch": _iso(history.last_fetch),
        "last_success": _iso(history.last_success),
        "last_news": _iso(history.last_news),
        "polls": history.polls,
        "polls_with_news": history.polls_with_news,
        "gaps": history.gaps,
        "last_gap": _iso(history.last_gap),
        "delays": list(state.delays),
        "expected_delay": state.expected_delay,
    }


def record(overview: Overview, store: str) -> dict[str, Any]:
    """The ``"type": "status"`` record of all feeds."""
    expected = overview.expected.value
    return {
        "type": "status",
        "store": store,
        "time": iso(overview.now),
        "feeds": overview.feeds,
        "states": {each.value: overview.standings[each] for each in Standing},
        "moved": overview.moved,
        "broken": {
            reason: dict(zip(("day", "week", "month", "longer"), ages, strict=True))
            for reason, ages in overview.reasons.items()
        },
        "due_now": overview.due_now,
        "due_next_hour": overview.next_hour,
        "late": overview.late,
        "longest_late_seconds": round(overview.longest_late.total_seconds()),
        "lateness_seconds": {share: quantile(overview.lateness, at) for share, at in _SHARES.items()},
        "with_gaps": overview.with_gaps,
        "delay_seconds": {share: quantile(overview.delays, at) for share, at in _SHARES.items()},
        "expected_delay_seconds": None if expected is None else round(expected),
        "worst": [record_of_feed(status) for status in overview.worst],
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
