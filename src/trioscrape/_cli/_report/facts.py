"""What a report shows besides the totals. It is collected from the results, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from ..._records import FailureExample, LaneTimes, Outcome, Result
from .changes import broke, how_quiet, how_recovered, recovered, went_quiet
from .kept import Few, Finishes, Hosts

EXAMPLES: Final = 3
"""How many examples are kept for each reason."""
LISTED: Final = 6
"""Feeds that broke, recovered or went quiet and are named."""
_LONGEST: Final = 200
"""Characters of a detail that are kept: servers may send more."""
_NOT_THERE: Final = LaneTimes()


@dataclass(frozen=True, slots=True)
class Change:
    """A feed that broke, recovered or went quiet since the last run."""

    url: str
    title: str | None
    text: str
    """What has changed, in words."""


class RunFacts:
    """The facts of one run.

    Args:
      last_run: when the run before ended; None: there was none.
    """

    def __init__(self, last_run: datetime | None) -> None:
        self.last_run = last_run
        self.finishes = Finishes()
        self.hosts = Hosts()
        self.failures: dict[str, Few[FailureExample]] = {}
        """Examples by reason."""
        self.broke, self.recovered, self.quiet = Few[Change](LISTED), Few[Change](LISTED), Few[Change](LISTED)

    def add(self, result: Result, seconds: float, now: datetime) -> None:
        """Count a result.

        Args:
          result: of a feed.
          seconds: from the beginning of the run.
          now: the time.
        """
        url, reason = result.feed.redacted_url, result.reason
        self.finishes.add(seconds)
        if result.lanes:
            worked = (result.lanes.get(name, _NOT_THERE).worked for name in ("dns", "http"))
            self.hosts.add(_host(url), sum(worked))
        if reason is not None and result.outcome is not Outcome.NOT_DUE:
            example = FailureExample(url, _cut(result.detail))
            self.failures.setdefault(reason, Few(EXAMPLES)).add(url, example)
        self._compare(result, now)

    def _compare(self, result: Result, now: datetime) -> None:
        before, url = result.before, result.feed.redacted_url
        if before is None:
            return
        title = before.listed_title or before.title
        if broke(result):
            detail = ": ".join(filter(None, (result.reason, _cut(result.detail))))
            self.broke.add(url, Change(url, title, detail))
        elif recovered(result):
            self.recovered.add(url, Change(url, title, how_recovered(before, now)))
        elif went_quiet(result, self.last_run, now):
            self.quiet.add(url, Change(url, title, how_quiet(before, now)))


def _cut(detail: str | None) -> str | None:
    return f"{detail[:_LONGEST]}…" if detail is not None and len(detail) > _LONGEST else detail


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url
