"""The page of ``trioscrape explain``: everything about one feed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from .._parse.identity import kind_of
from .._records import FeedHistory, FeedState, Poll, PollTimes, StoredEntry, TimerRule
from .._records.history import HISTORY
from .._records.kinds import Form, iso
from .._schedule.freshness import rule_of_skips
from .._schedule.posting import Posting, median, posting
from .._schedule.rules import RULES
from .._schedule.standing import FeedStatus, Standing
from .pages import ago, clock, span, table, when, wrapped
from .report import count
from .status_page import delay_in_words, gaps_in_words, reason_in_words, record_of_feed, silence_in_words

_INDENT: Final = 12
"""Columns of the headings on the left."""
_KINDS: Final = {
    "id": "their ids (guid, id)",
    "link": "their links, as they have no id or one that is the link",
    "text": "title, date and text, as they have no id and no link of their own",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """What is known of a feed."""

    status: FeedStatus
    entries: Sequence[StoredEntry]
    """The latest."""
    stored: int
    """How many there are."""
    now: datetime

    @property
    def history(self) -> FeedHistory:
        """Its polls."""
        return self.status.history

    @property
    def last_poll(self) -> Poll | None:
        """The last of its polls."""
        return self.history.recent[-1] if self.history.recent else None

    @property
    def rules(self) -> tuple[TimerRule, ...]:
        """What its next fetch waits for, the rule that has decided first.

        Those of the poll that has planned it: a run may have put the feed off since.
        """
        due = self.status.state.next_fetch
        planned = (poll.rules for poll in reversed(self.history.recent) if poll.rules)
        return next((rules for rules in planned if rules[0].until == due), ())

    @property
    def skipped(self) -> TimerRule | None:
        """The hours and days to skip, if they put the next fetch off still more."""
        state = self.status.state
        return rule_of_skips(max(state.next_fetch or self.now, self.now), state.timers)

    @property
    def posting(self) -> Posting | None:
        """Its rhythm."""
        dates = [stored.entry.published or stored.entry.updated for stored in self.entries]
        return posting([date for date in dates if date is not None and date <= self.now])


def page(explained: Explained) -> Iterator[str]:
    """The lines of the page."""
    yield from _names(explained)
    yield ""
    yield from _standing(explained)
    yield from _section("Next fetch", _next_fetch(explained))
    yield ""
    yield from _polls(explained)
    if explained.last_poll is not None:
        yield from _last_fetch(explained.last_poll)
    yield ""
    yield from _section("Validators", _validators(explained))
    yield from _section("Entries", _entries(explained))
    yield from _section("Rhythm", _rhythm(explained))
    yield from _section("Hubs", _hubs(explained.status.state))


def _section(head: str, texts: Iterator[str]) -> Iterator[str]:
    first = head
    for text in texts:
        yield from wrapped(text, _INDENT, first=first.ljust(_INDENT))
        first = ""


def _names(explained: Explained) -> Iterator[str]:
    state = explained.status.state
    yield from wrapped(state.listed_title or state.title or "(without a title)", 0)
    yield f"{state.listed_url or state.url}"
    if state.moved_from is not None:
        yield f"fetched from {state.url} since {when(state.moved_since)}"
    if state.same_as is not None:
        yield f"the same feed as {state.same_as}, under which its entries are stored"
    if state.moved_to is not None:
        days = count(len(state.moved_days), "day")
        yield from wrapped(f"redirects permanently to {state.moved_to}, seen on {days} so far", 0)
    if state.tags:
        yield f"folder {' / '.join(state.tags)}"
    yield f"feed id {state.feed_id}; all times are UTC, now it is {when(explained.now)}"


def _standing(explained: Explained) -> Iterator[str]:
    status, now = explained.status, explained.now
    yield from _section("State", _state(status, now))
    if (to_do := status.what_to_do) is not None:
        yield from _section("To do", iter([to_do]))
    elif status.standing in (Standing.HEALTHY, Standing.UNFETCHED):
        yield from _section("To do", iter(["nothing"]))


def _state(status: FeedStatus, now: datetime) -> Iterator[str]:
    state, history = status.state, status.history
    if status.is_broken:
        failures = f", {count(state.failures, 'failure')} in a row" if state.failures else ""
        length = f" ({span(now - status.since)}{failures})" if status.since is not None else failures
        yield f"{status.standing} since {when(status.since)}{length}"
        yield reason_in_words(state)
        if state.postponed_by is not None:
            yield f"put off because of the host {state.postponed_by}"
    else:
        yield status.standing.value
    if status.standing is Standing.QUIET:
        yield silence_in_words(status, now)
    if history.last_fetch is not None:
        news = "; ".join(
            f"last {what} {ago(moment, now)}"
            for what, moment in (
                ("fetched", history.last_fetch),
                ("success", history.last_success),
                ("new entry", history.last_news),
            )
        )
        yield news


def in_words(rule: TimerRule, now: datetime) -> str:
    """``Retry-After 3600 s (until 14:20)``."""
    words = " ".join(filter(None, (RULES.get(rule.name, rule.name), rule.value)))
    return f"{words} (until {clock(rule.until, now)})"


def _next_fetch(explained: Explained) -> Iterator[str]:
    status, now, rules = explained.status, explained.now, explained.rules
    if status.due is None or status.due <= now:
        since = f", due since {when(status.due)} ({span(status.late)})" if status.due else ""
        yield f"in the next run{since}"
    else:
        yield f"{clock(status.due, now)}, in {span(status.due - now)}"
    if rules:
        first, *others = rules
        beaten = f" beat {', '.join(in_words(rule, now) for rule in others)}" if others else ""
        yield f"because {in_words(first, now)}{beaten}"
    elif status.state.next_fetch is None:
        yield "because neither the server nor the document asks to wait"
    elif status.state.postponed_by is not None:
        yield f"because the host {status.state.postponed_by} asked for a pause"
    else:
        yield "why is not known: an older version has decided it"
    if (skipped := explained.skipped) is not None:
        yield f"and then {in_words(skipped, now)}"


def _polls(explained: Explained) -> Iterator[str]:
    history = explained.history
    if not history.recent:
        yield "No poll is recorded yet."
        return
    with_news = f"{history.polls_with_news:,} of them with new entries"
    kept = len(history.recent)
    yield f"Polls: {history.polls:,}, {with_news}{f'. The last {kept}:' if kept < history.polls else ':'}"
    heads = ("when", "late", "status", "bytes", "took", "what came")
    yield from table([heads, *(_row(poll) for poll in reversed(history.recent))], texts=(0, 5))


def _row(poll: Poll) -> tuple[str, ...]:
    late = "" if poll.due is None or poll.due > poll.at else span(poll.at - poll.due)
    took = poll.times.dns_worked + poll.times.http_worked + poll.times.parse_worked
    return (
        when(poll.at),
        late,
        "" if poll.status is None else str(poll.status),
        "" if poll.size is None else f"{poll.size:,}",
        f"{took:,} ms",
        _what_came(poll),
    )


def _what_came(poll: Poll) -> str:
    if poll.reason is not None:
        return poll.reason
    if poll.new or poll.changed:
        counts = ((poll.new, "new"), (poll.changed, "changed"))
        came = ", ".join(f"{number} {what}" for number, what in counts if number)
        return f"{came}, gap before" if poll.gap else came
    return "not modified" if poll.status == 304 else "nothing new"


def _last_fetch(poll: Poll) -> Iterator[str]:
    times = poll.times
    yield ""
    yield f"Where the time of the last fetch went ({when(poll.at)})"
    rows = [("", "waited", "worked", "")]
    for lane in "dns", "http", "parse":
        waited, worked = getattr(times, f"{lane}_waited"), getattr(times, f"{lane}_worked")
        rows.append((lane, f"{waited:,} ms", f"{worked:,} ms", _phases(times) if lane == "http" else ""))
    yield from table(rows, texts=(0, 3))
    for place, redirect in enumerate(poll.redirects):
        yield from wrapped(redirect, 14, first="  redirects   " if not place else "")


def _phases(times: PollTimes) -> str:
    names = {"connect": "connect", "TLS": "tls", "first byte": "first_byte", "body": "body"}
    return ", ".join(f"{words} {getattr(times, name):,}" for words, name in names.items())


def _validators(explained: Explained) -> Iterator[str]:
    state = explained.status.state
    named = (("ETag", state.etag), ("Last-Modified", state.last_modified))
    kept = [f"{name} {value}" for name, value in named if value is not None]
    if state.body_hash is None:
        yield "none yet: no document has been stored"
    else:
        yield ", ".join(kept) or "none: the server sends none, so the whole document comes each time"
    if kept and state.next_unconditional is not None:
        yield f"next fetched without them after {when(state.next_unconditional)}, in case they are wrong"


def _entries(explained: Explained) -> Iterator[str]:
    state = explained.status.state
    kinds = Counter(kind_of(stored.entry.key, stored.entry.link) for stored in explained.entries)
    if not kinds:
        yield "none are stored"
        return
    number_of = "{} " if len(kinds) > 1 else ""
    shares = (f"{number_of.format(number)}by {_KINDS[kind]}" for kind, number in kinds.most_common())
    sample = "" if explained.stored == len(explained.entries) else f"; of the last {len(explained.entries)}"
    yield f"{explained.stored:,} stored{sample}; known {', '.join(shares)}"
    if explained.history.gaps:
        yield gaps_in_words(explained.status, explained.now)
    if state.distrusts_ids:
        yield "ids of this feed are not believed, as too many were missing or repeated; links count instead"
    if state.shared_keys:
        yield f"{len(state.shared_keys)} ids or links that several entries have had identify none"


def _rhythm(explained: Explained) -> Iterator[str]:
    rhythm = explained.posting
    if rhythm is None:
        yield "not known: there are no two entries with dates"
        return
    gap = timedelta(seconds=rhythm.median_seconds)
    last = ago(rhythm.last, explained.now)
    yield f"an entry every {span(gap)} (median of {rhythm.entries} with a date), the last one {last}"
    mostly = [", ".join(rhythm.days)] if rhythm.days else []
    if rhythm.hours is not None:
        mostly.append("{:02}:00 to {:02}:00".format(*rhythm.hours))
    if mostly:
        yield f"mostly {', '.join(mostly)}"
    state = explained.status.state
    measured = median(state.delays) if state.delays else None
    if words := delay_in_words(measured, state.expected_delay):
        yield words


def _hubs(state: FeedState) -> Iterator[str]:
    """Who would tell of its changes; they are only recorded."""
    if state.hub is not None:
        yield f"WebSub {state.hub} (not used)"
    if state.cloud is not None:
        yield f"rssCloud {state.cloud} (not used)"


def record(explained: Explained) -> dict[str, Any]:
    """The ``"type": "explain"`` record of the feed."""
    state, rhythm = explained.status.state, explained.posting
    history = HISTORY.write(explained.history, Form.JSON)
    rules = (*explained.rules, *((explained.skipped,) if explained.skipped else ()))
    kinds = Counter(kind_of(stored.entry.key, stored.entry.link) for stored in explained.entries)
    return {
        **record_of_feed(explained.status),
        "type": "explain",
        "rules": [{"name": r.name, "until": iso(r.until), "value": r.value} for r in rules],
        "recent": history["recent"],
        "etag": state.etag,
        "last_modified": state.last_modified,
        "hub": state.hub,
        "cloud": state.cloud,
        "entries": explained.stored,
        "known_by": dict(kinds),
        "distrusts_ids": state.distrusts_ids,
        "shared_keys": len(state.shared_keys),
        "rhythm": None
        if rhythm is None
        else {
            "entries": rhythm.entries,
            "median_seconds": round(rhythm.median_seconds),
            "days": list(rhythm.days),
            "hours": rhythm.hours,
        },
    }
