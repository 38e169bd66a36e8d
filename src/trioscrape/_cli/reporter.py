"""The report of a run, from its first result to the file: what needs no page is done without its template."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import trio

from .._errors import StoreError
from .._hosts.retry_after import utc_now
from .._records import Report, Result
from .._store import Store
from .._threads import off_loop
from ._report.facts import RunFacts
from ._report.file import ReportFile
from .series import Series


class Reporter:
    """Collects what the report of one run tells, and writes it at the end.

    Args:
      path: of the file.

    Raises:
      UsageError: it can't be written there.
    """

    def __init__(self, path: str) -> None:
        self._file = ReportFile(path)
        self._facts = RunFacts(None)
        self._limiter = trio.CapacityLimiter(1)

    @property
    def path(self) -> Path:
        """Of the file."""
        return self._file.path

    async def begin(self, store: Store) -> None:
        """Find the run before; it is unknown if the store is unavailable, which the run may outlast."""
        with suppress(StoreError):
            self._facts = RunFacts(await store.last_run())

    def add(self, result: Result, seconds: float) -> None:
        """Take note of a result that came so many seconds after the beginning of the run."""
        self._facts.add(result, seconds, utc_now())

    async def write(
        self, report: Report, record: Mapping[str, Any], series: Series, *, interrupted: bool
    ) -> None:
        """Write the report.

        Args:
          report: of the run.
          record: its JSON record, whose numbers the page has.
          series: its samples.
          interrupted: whether a signal has ended it early.

        Raises:
          OSError: the file can't be written.
        """
        from ._report.page import Contents, page  # noqa: PLC0415 - it brings jinja2

        contents = Contents(record, report, series, self._facts, interrupted)
        await off_loop(lambda: self._file.write(page(contents)), limiter=self._limiter)
