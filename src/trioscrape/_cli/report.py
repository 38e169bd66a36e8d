"""The results of a scrape as they are printed: JSON for programs, a summary for people.

``--json`` prints one JSON object per line. There is a ``"type": "feed"`` for each feed::

    {"type": "feed", "url": …, "feed_id": …, "time": …, "outcome": …, "reason": …, "detail": …,
     "entries": {"new": …, "changed": …, "unchanged": …}, "stored": …, "same_as": …,
     "status": …, "bytes": …, "final_url": …, "next_fetch": …,
     "lanes": {"dns": {"waited_ms": …, "worked_ms": …}, "http": …, "parse": …, "store": …}}

and a ``"type": "run"`` at the end::

    {"type": "run", "run_id": …, "store": …, "shard": …, "began": …, "ended": …,
     "feeds": …, "not_started": …, "counted": …, "duplicates": …,
     "outcomes": {"new": …, "updated": …, "not_modified": …, "not_due": …,
                  "gone": …, "refused": …, "failed": …},
     "entries": {"new": …, "changed": …, "unchanged": …}, "errors": {reason: feeds, …}, "seconds": …,
     "lanes": {"dns": {"width": …, "done": …, "peak_waiting": …, "overdue": …,
                       "waited": {"p50": …, "p99": …, "max": …}, "worked": {…}}, "http": …, …},
     "loop_lag": {"p50": …, "p99": …, "max": …},
     "delay": {"p50": …, "p99": …, "max": …, "entries": …}, "same_feeds": …, "stored": …,
     "remarks": [line, …]}

Keys that end in ``_ms`` are milliseconds, all other durations are seconds. A lane that a feed did not
reach took 0 ms. The outcomes and ``not_started`` add up to ``feeds``; if ``counted`` is false, the run was
interrupted before the list had been read to its end, and there are more. ``same_as`` is another feed of the
list that was shown to be the same one; ``same_feeds`` is the number of feeds that have a ``same_as``.
``stored`` is the number of feeds for which something was written. ``delay`` is the time from
the publication of entries, by their own dates, to the fetch that found them: of those ``entries`` that were
published since their feed had been fetched before.
``remarks`` are for people to read. A run on a Dask cluster has ``"cluster": {"workers": …, "shards": …,
"repeated_shards": …}`` too: the most workers that there were at once, the parts of the list, and how many
times one of these had to begin again because its worker had died.

``feed_id`` and ``run_id`` are the ids in the store. ``status`` is the HTTP status of the last answer,
``bytes`` the size of the document after decoding, ``final_url`` where it came from after all redirects;
they are null where there is none or it is not known. Moments are ISO 8601 in UTC. Nothing here contains
credentials.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from .._printable import printable
from .._records import (
    LANES,
    ClusterTotals,
    DuplicateFeed,
    EntryCounts,
    LaneStatistics,
    LaneTimes,
    Outcome,
    Quantiles,
    Report,
    Result,
)
from .._records.kinds import iso
from .._urls import feed_id, problem_with


def json_line(record: Mapping[str, Any]) -> str:
    """`record` as one line, ASCII only: it is the same in every locale."""
    return json.dumps(record, separators=(",", ":")) + "\n"


def feed_record(result: Result, now: datetime) -> dict[str, Any]:
    """The ``"type": "feed"`` record of a result that there is `now`."""
    url = result.feed.url
    return {
        "type": "feed",
        "url": result.feed.redacted_url,
        "feed_id": None if problem_with(url) else feed_id(url),
        "time": iso(now),
        "outcome": result.outcome.value,
        "reason": result.reason,
        "detail": result.detail,
        "entries": _entries(result.entries),
        "stored": result.stored,
        "same_as": result.same_as,
        "status": result.status or _status(result.reason),
        "bytes": result.size,
        "final_url": result.final_url,
        "next_fetch": result.next_fetch and iso(result.next_fetch),
        "lanes": {name: _times(result.lanes.get(name, LaneTimes())) for name in LANES},
    }


def _status(reason: str | None) -> int | None:
    """The status that a reason has in it."""
    kind, _, number = (reason or "").partition("-")
    if kind == "http":
        return int(number)
    return 429 if reason == "rate-limited" else None


def run_record(report: Report, store: str, ended: datetime) -> dict[str, Any]:
    """The ``"type": "run"`` record; `store` is the URL of the store without credentials."""
    return {
        "type": "run",
        "run_id": report.run_id,
        "store": store,
        "shard": report.shard,
        "began": iso(ended - timedelta(seconds=report.seconds)),
        "ended": iso(ended),
        "feeds": report.feeds,
        "not_started": report.not_started,
        "counted": report.counted,
        "duplicates": report.duplicates,
        "outcomes": {outcome.value: report.outcomes.get(outcome, 0) for outcome in Outcome},
        "entries": _entries(report.entries),
        "errors": dict(report.errors),
        "seconds": round(report.seconds, 3),
        "lanes": {name: _lane(report.lanes[name]) for name in LANES},
        "loop_lag": _quantiles(report.loop_lag),
        "delay": {**_quantiles(report.delay), "entries": report.delay.entries},
        "same_feeds": report.same_feeds,
        "stored": report.stored,
        "remarks": list(report.remarks),
        **({} if report.cluster is None else {"cluster": asdict(report.cluster)}),
    }


def _entries(counts: EntryCounts) -> dict[str, int]:
    return {"new": counts.new, "changed": counts.changed, "unchanged": counts.unchanged}


def _times(times: LaneTimes) -> dict[str, float]:
    return {"waited_ms": round(times.waited * 1000, 3), "worked_ms": round(times.worked * 1000, 3)}


def _lane(lane: LaneStatistics) -> dict[str, Any]:
    return {
        "width": lane.width,
        "done": lane.done,
        "peak_waiting": lane.peak_waiting,
        "overdue": lane.overdue,
        "waited": _quantiles(lane.waited),
        "worked": _quantiles(lane.worked),
    }


def _quantiles(quantiles: Quantiles) -> dict[str, float]:
    return {
        "p50": round(quantiles.p50, 6),
        "p99": round(quantiles.p99, 6),
        "max": round(quantiles.max, 6),
    }


@dataclass(frozen=True, slots=True)
class Style:
    """What a summary says besides the totals."""

    interrupted: bool = False
    """Whether a signal has ended the run early."""
    verbose: bool = False
    """Whether to show the lanes."""


def summary(report: Report, store: str, style: Style) -> str:
    """What is printed at the end of a run; `store` is the URL of the store without credentials."""
    return "".join(f"{printable(line)}\n" for line in _summary(report, store, style))


def _summary(report: Report, store: str, style: Style) -> Iterator[str]:
    feeds = count(report.feeds, "feed")
    if style.interrupted:
        done = sum(report.outcomes.values()) - report.errors.get("cancelled", 0)
        yield f"interrupted after {report.seconds:.1f} s: {done:,} of {feeds} done"
    else:
        yield f"{feeds} in {report.seconds:.1f} s"
    yield ""
    rows: list[tuple[str, ...]] = [
        (outcome.value, f"{report.outcomes.get(outcome, 0):,}") for outcome in Outcome
    ]
    if not report.complete:
        rows.append(("not_started", f"{report.not_started:,}", "" if report.counted else "or more"))
    yield from _table(rows)
    if report.errors:
        yield ""
        yield from _table([_reason_row(report, reason) for reason in report.errors])
    if report.duplicates:
        yield ""
        yield from _duplicates(report)
    if report.same_feeds:
        yield ""
        yield from _same_feeds(report)
    if report.cluster is not None:
        yield ""
        yield f"  {_on_cluster(report.cluster)}"
    if report.remarks:
        yield ""
        yield from (f"  {remark}" for remark in report.remarks)
    if report.not_stored_examples:
        yield ""
        yield from _not_stored(report)
    if style.verbose:
        yield ""
        yield from _lanes(report)
    yield ""
    yield entries(report.entries)
    yield f"stored in {store}" if complete(report) else f"incomplete; what was stored is in {store}"


def _on_cluster(cluster: ClusterTotals) -> str:
    again = cluster.repeated_shards
    repeated = f", {again:,} of them again because a worker had died" if again else ""
    return f"{count(cluster.workers, 'worker')}, {count(cluster.shards, 'shard')}{repeated}"


def complete(report: Report) -> bool:
    """Whether every feed was processed to its end."""
    return (
        report.complete
        and not report.offline
        and not {"cancelled", "not-stored", "out-of-memory"} & report.errors.keys()
    )


def _not_stored(report: Report) -> Iterator[str]:
    yield f"{count(report.stored, 'feed')} stored; not stored:"
    for result in report.not_stored_examples:
        yield f"  {result.feed.redacted_url}"
    if more := report.errors["not-stored"] - len(report.not_stored_examples):
        yield f"  and {count(more, 'more feed')} (--json lists them all)"


def _reason_row(report: Report, reason: str) -> tuple[str, ...]:
    example = report.examples.get(reason)
    if example is None:
        shown: tuple[str, ...] = ()
    elif reason == "not-a-url" and example.detail:  # which quotes the line
        shown = (example.detail,)
    else:
        shown = (example.url, example.detail or "")
    return (reason, f"{report.errors[reason]:,}", *shown)


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """A column of names, a right-aligned column of numbers, and the rest."""
    names = max(len(row[0]) for row in rows)
    numbers = max(len(row[1]) for row in rows)
    for name, number, *rest in rows:
        yield f"  {name:<{names}}  {number:>{numbers}}  {'  '.join(rest)}".rstrip()


def _lanes(report: Report) -> Iterator[str]:
    """A row for each lane: its calls, and how long half of them and nearly all of them waited and worked."""
    heads = ("lane", "width", "done", "most waiting", "waited p50", "p99", "worked p50", "p99", "overdue")
    rows: list[tuple[str, ...]] = [heads]
    for name in LANES:
        lane = report.lanes[name]
        numbers = (f"{lane.width:,}", f"{lane.done:,}", f"{lane.peak_waiting:,}")
        times = (lane.waited.p50, lane.waited.p99, lane.worked.p50, lane.worked.p99)
        rows.append((name, *numbers, *map(duration, times), f"{lane.overdue:,}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *cells in rows:
        aligned = (f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        yield f"  {name:<{widths[0]}}  {'  '.join(aligned)}"


def duration(seconds: float) -> str:
    """``12 ms``, ``3.4 s``."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _duplicates(report: Report) -> Iterator[str]:
    for duplicate in report.duplicate_examples:
        yield f"  {_duplicate(duplicate)}"
    if more := report.duplicates - len(report.duplicate_examples):
        yield f"  and {count(more, 'more line')} that repeat an earlier feed"


def _same_feeds(report: Report) -> Iterator[str]:
    for result in report.same_feed_examples:
        yield f"  {result.feed.redacted_url} is the same feed as {result.same_as}"
    if more := report.same_feeds - len(report.same_feed_examples):
        yield f"  and {count(more, 'more line')} with another URL of a feed of the list"


def _duplicate(duplicate: DuplicateFeed) -> str:
    feed, first = duplicate.feed, duplicate.first_line
    if feed.line is None or first is None:
        return f"listed twice: {feed.redacted_url}"
    return f"line {feed.line} repeats the feed of line {first}: {feed.redacted_url}"


def entries(counts: EntryCounts) -> str:
    """``entries: 12 new, 3 changed, 4 unchanged``."""
    return f"entries: {counts.new:,} new, {counts.changed:,} changed, {counts.unchanged:,} unchanged"


def count(number: int, noun: str) -> str:
    """``1 feed``, ``2,000 feeds``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
