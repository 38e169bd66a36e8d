"""Runs, their samples and their report pages, made from values; and what is on such a page."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element

import html5lib

from trioscrape import (
    Delay,
    EntryCounts,
    FailureExample,
    Feed,
    FeedState,
    LaneStatistics,
    LaneTimes,
    Outcome,
    Quantiles,
    Report,
    Result,
    Statistics,
    feed_id,
)
from trioscrape._cli._report.facts import RunFacts
from trioscrape._cli._report.page import Contents, page
from trioscrape._cli.report import run_record
from trioscrape._cli.series import Series
from trioscrape._records import LANES

XHTML = "{http://www.w3.org/1999/xhtml}"
NOW = datetime(2026, 3, 5, 13, 25, tzinfo=UTC)
LAST_RUN = NOW - timedelta(hours=2)
DAY = timedelta(days=1)


def lane(name: str, **changes: Any) -> LaneStatistics:
    """A lane with half of its slots in use, but for the changes."""
    waited, worked = Quantiles(0.1, 0.25, 0.5), Quantiles(0.01, 0.02, 0.04)
    values = LaneStatistics(name, 8, 4, 0, 20, 1000, waited, worked, 7)
    return replace(values, **changes)


def statistics(seconds: float, finished: int = 0, **lanes: Mapping[str, Any]) -> Statistics:
    """A scrape at a moment; by lane name, what is special there."""
    return Statistics(
        accepted=finished + 10,
        in_flight=10,
        finished=finished,
        seconds=seconds,
        lanes={name: lane(name, **lanes.get(name, {})) for name in LANES},
        loop_lag=Quantiles(),
    )


class Played:
    """The samples of a scrape that goes as it is told."""

    def __init__(self, lines: int) -> None:
        self.next = statistics(0)
        self.series = Series(lambda: self.next, lines)

    def sample(self, now: Statistics) -> None:
        """Take a sample of this moment."""
        self.next = now
        self.series.sample()


def report(**changes: Any) -> Report:
    """The totals of 1,500 feeds."""
    values: dict[str, Any] = {
        "feeds": 1500,
        "not_started": 0,
        "duplicates": 2,
        "duplicate_examples": (),
        "outcomes": {Outcome.NEW: 1480, Outcome.GONE: 1, Outcome.FAILED: 19},
        "entries": EntryCounts(4812, 3, 1),
        "errors": {"http-404": 18, "http-410": 1, "tls": 1},
        "examples": {"tls": FailureExample("https://b.test/", "the certificate has expired")},
        "seconds": 6.123456,
        "lanes": {name: lane(name) for name in LANES},
        "loop_lag": Quantiles(0.0001, 0.002, 0.0123456789),
        "delay": Delay(600, 7200, 10_000, 37),
        "stored": 1481,
        "run_id": "69a2d6f5153125a73278f4b7",
        "remarks": ("a.test allows about 1 request in 60 s",),
    }
    return Report(**(values | changes))


def state(url: str, **changes: Any) -> FeedState:
    """A feed that was all right."""
    values: dict[str, Any] = {"url": url, "title": "T", "body_hash": "b", "newest_entry": NOW - DAY}
    return FeedState(feed_id(url), **(values | changes))


def result(url: str, outcome: Outcome = Outcome.NEW, reason: str | None = None, **more: Any) -> Result:
    """The result of a feed that took a second."""
    lanes = {"dns": LaneTimes(5, 0.25), "http": LaneTimes(0, 0.75), "store": LaneTimes(0, 9)}
    return Result(Feed(url), outcome, reason, **({"lanes": lanes} | more))


def facts(*results: Result, last_run: datetime | None = LAST_RUN) -> RunFacts:
    """What is told of these, of which one has come each tenth of a second."""
    found = RunFacts(last_run)
    for number, each in enumerate(results, 1):
        found.add(each, number / 10, NOW)
    return found


def contents(
    of: Report | None = None, told: RunFacts | None = None, *, interrupted: bool = False
) -> Contents:
    """What a page is made of."""
    of, played = of or report(), Played(1500)
    for tenth in range(1, 62):
        played.sample(statistics(tenth / 10, 24 * tenth, http={"busy": 8, "waiting": tenth}))
    record = run_record(of, "sqlite:news.db", NOW)
    return Contents(record, of, played.series, told or facts(result("http://a.test/")), interrupted)


def tree(text: str) -> Element:
    """The body of a page, as a browser reads it."""
    found: Element | None = html5lib.parse(text).find(f"{XHTML}body")
    assert found is not None
    return found


def elements(of: Element, name: str) -> Iterator[Element]:
    """All elements of that name, in order."""
    return of.iter(f"{XHTML}{name}")


def text_of(element: Element) -> str:
    """What a person reads there, one thing after the other."""
    return " ".join(" ".join(element.itertext()).split())


def section(of: Element, title: str) -> str:
    """What a person reads in the section with that title."""
    [found] = [each for each in elements(of, "section") if each.get("aria-labelledby") == title]
    return text_of(found)


def numbers(of: Element) -> dict[str, Any]:
    """The numbers of the run's record that are on the page, by their place."""
    return {each.attrib["data-of"]: json.loads(each.attrib["value"]) for each in elements(of, "data")}


def leaves(record: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The numbers in a record, by their place."""
    for name, value in record.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{above}{name}", value


def shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers that the page of a run has to have: all of its record, but no delay where there is none."""
    found = dict(leaves(record))
    if not found["delay.entries"]:
        del found["delay.p50"], found["delay.p99"], found["delay.max"]
    return found


HOSTS = ("daily", "north", "river", "garden", "kitchen", "physics", "cinema", "harbour", "letters", "music")
DETAILS = {
    "http-404": "Not Found",
    "http-403": "Forbidden",
    "http-500": "Internal Server Error",
    "http-503": "Service Unavailable; Retry-After: 3600",
    "name-not-found": "Name or service not known",
    "connect-timeout": "no answer within 10 s",
    "tls": "the certificate has expired on 2026-02-28",
    "not-a-feed": "the document is an HTML page; it links to a feed: "
    + "https://example.org/a/long/way/" * 9,
}


def many(feeds: int) -> tuple[Contents, str]:
    """What a run of so many feeds gives, a tenth of which fail in fifty ways; and its page."""
    told, played, errors = RunFacts(LAST_RUN), Played(feeds), Counter[str]()
    reasons = [*DETAILS, *(f"http-{status}" for status in range(405, 447))]
    for number in range(feeds):
        host = f"{HOSTS[number % 10]}-{HOSTS[number // 10 % 10]}-{number // 10}.example"
        url = f"https://{host}/{'archive/' * (number % 31 // 6)}feed.xml"
        reason = reasons[(number // 10) ** 2 % 977 % len(reasons)] if number % 10 == 0 else None
        was = {"failure": "http-503", "failing_since": NOW - number % 50 * DAY} if number % 97 == 0 else {}
        if number % 61 == 1:
            was = {"newest_entry": NOW - 60.05 * DAY, "longest_silence": 20 * 86_400}
        more = {
            "detail": DETAILS.get(reason or ""),
            "before": state(url, title=host.partition(".")[0].title(), **was),
            "lanes": {"dns": LaneTimes(0, 0.02), "http": LaneTimes(1, 20 / (1 + number % 1013))},
        }
        outcome = Outcome.FAILED if reason else (Outcome.UPDATED, Outcome.NOT_MODIFIED)[number % 2]
        told.add(result(url, outcome, reason, **more), number / 500, NOW)
        errors.update([reason] if reason else [])
        if number % 50 == 0:
            played.sample(_wave(number / feeds, number))
    failed = errors.total()
    totals = report(
        feeds=feeds,
        outcomes={
            Outcome.UPDATED: feeds // 2 - failed,
            Outcome.NOT_MODIFIED: feeds // 2,
            Outcome.FAILED: failed,
        },
        errors=dict(errors.most_common()),
        seconds=feeds / 500,
        lanes=played.next.lanes,
    )
    made = Contents(run_record(totals, "sqlite:news.db", NOW), totals, played.series, told, False)
    return made, page(made)


def _wave(part: float, finished: int) -> Statistics:
    """A scrape that looks up names at first, then waits for servers, and stores in bursts."""
    lookups = {"width": 32, "busy": 32 if part < 0.15 else 9, "waiting": max(0, round(900 * (0.15 - part)))}
    waiting = max(0, round(800 * (part - 0.1) * (0.9 - part) + 60 * math.sin(40 * part)))
    requests = {
        "width": 500,
        "busy": 500 if 0.1 < part < 0.9 else 300,
        "waiting": waiting,
        "peak_waiting": 190,
    }
    parsed = {"width": 2, "busy": 1 + finished // 50 % 2, "waiting": finished // 50 % 5}
    stored = {"width": 4, "busy": 1 + finished // 50 % 7 // 6, "waiting": finished // 50 % 7 * 4}
    return statistics(500 * part, finished, dns=lookups, http=requests, parse=parsed, store=stored)
