"""The page of a run's report, made from values.

It is one file with everything in it: no script, no picture, no font and no style from anywhere, which its
Content-Security-Policy says as well. Its size does not depend on the number of feeds.

Each number of the run's JSON record is in a ``<data>`` element with the exact value, and with the number's
place in the record: ``<data value="0.25" data-of="lanes.http.waited.p99">250 ms</data>``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial, reduce
from http import HTTPStatus
from importlib import resources
from typing import Any, Final

import jinja2

from ..._config.version import VERSION
from ..._errors import REASONS
from ..._printable import printable
from ..._records import LANES, Outcome, Report
from ..._schedule.advice import advice
from ..bottleneck import past_sentence
from ..pages import span, when
from ..report import complete, duration
from ..series import Series
from .charts import BUSY, FINISHED, WAITING, WIDTH, finished_chart, lane_charts
from .facts import RunFacts

_HOSTS: Final = 14
_LONG: Final = 120.0
"""Seconds from which parts of a second say nothing."""
_REASONS: Final = 15
"""Reasons that are explained; there may be hundreds of HTTP statuses."""
_MEANINGS: Final[Mapping[Outcome, str]] = {
    Outcome.NEW: "stored for the first time",
    Outcome.UPDATED: "new or changed entries",
    Outcome.NOT_MODIFIED: "nothing has changed",
    Outcome.NOT_DUE: "not fetched: not due yet",
    Outcome.GONE: "gone for good, according to the server",
    Outcome.REFUSED: "not fetched: not a URL, or not allowed",
    Outcome.FAILED: "see Failures below",
}


@dataclass(frozen=True, slots=True)
class Contents:
    """What a page is made of."""

    record: Mapping[str, Any]
    """The run's JSON record."""
    report: Report
    series: Series
    facts: RunFacts
    interrupted: bool


def page(contents: Contents) -> str:
    """The whole page."""
    record, report, facts = contents.record, contents.report, contents.facts
    stretches = contents.series.stretches
    template = _environment().get_template("page.html")
    return template.render(
        run=record,
        at=partial(_at, record),
        contents=contents,
        facts=facts,
        version=VERSION,
        complete=complete(report),
        meanings=_MEANINGS,
        bar=_bar(record["outcomes"]),
        bottleneck=past_sentence(*contents.series.bottleneck()),
        lanes=lane_charts(stretches, [record["lanes"][name]["width"] for name in LANES]),
        finished=finished_chart(stretches),
        size={"width": WIDTH, "busy": BUSY, "waiting": WAITING, "finished": FINISHED},
        hosts=facts.hosts.slowest(_HOSTS),
        reasons=_reasons(report, facts),
        other_reasons=list(report.errors)[_REASONS:],
        milestones=facts.finishes.milestones(),
    )


def _at(record: Mapping[str, Any], path: str) -> Any:
    """``lanes.http.width``: a value of the record by its place."""
    return reduce(lambda inside, name: inside[name], path.split("."), record)


def _bar(outcomes: Mapping[str, int]) -> list[tuple[str, float]]:
    """The outcomes that there were, and their share in percent."""
    whole = sum(outcomes.values()) or 1
    return [(name, 100 * feeds / whole) for name, feeds in outcomes.items() if feeds]


def _reasons(report: Report, facts: RunFacts) -> Sequence[Mapping[str, Any]]:
    return [
        {
            "name": reason,
            "meaning": _meaning(reason),
            "advice": advice(reason),
            "examples": facts.failures.get(reason, ()),
        }
        for reason in list(report.errors)[:_REASONS]
    ]


def _meaning(reason: str) -> str:
    kind, _, number = reason.partition("-")
    if kind != "http":
        return REASONS[reason]
    try:
        return f"the server answered {number} {HTTPStatus(int(number)).phrase}"
    except ValueError:  # no standard has it
        return f"the server answered {number}"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": "{:,}".format,
        "duration": _duration,
        "when": when,
        "shown": printable,
        "is_url": lambda text: text.startswith(("http://", "https://")),
    }
    return environment


def _duration(seconds: float) -> str:
    """``12 ms``, ``3.4 s``, ``5 min``, ``2 days``."""
    return duration(seconds) if seconds < _LONG else span(timedelta(seconds=seconds))


def _source(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
