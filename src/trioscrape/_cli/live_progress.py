"""The live view of the lanes on a terminal: the module that brings rich, which most runs do without."""

from __future__ import annotations

import sys
from typing import Final, TextIO, cast

import trio
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .._records import LANES, LaneStatistics, Report
from .progress import Progress, headline, outage_line
from .report import duration
from .unbuffered import Unbuffered

_BAR_FROM: Final = 60
"""Columns of a terminal that has room for bars."""
_TIMES_FROM: Final = 44
"""Columns of a terminal that has room for waiting times."""
_LAST_MOMENT: Final = 1.0
"""Seconds that a terminal is given to remove the view when the command has been cancelled."""


class LiveProgress(Progress):
    """Messages above a view of the lanes that is redrawn in place."""

    period = 0.15

    def __init__(self, live: Live) -> None:
        super().__init__()
        self._live = live

    async def start(self) -> None:
        """Begin. Cancellation: returns at once."""
        await self._in_thread(self._live.start)

    async def stop(self) -> None:
        """Remove the view from the terminal.

        Cancellation: a stopped terminal is left as it is after a second.
        """
        try:
            await self._in_thread(self._live.stop)
        finally:
            # Show the cursor again even when cancelled; does nothing if that has been done.
            with trio.move_on_after(_LAST_MOMENT, shield=True):
                await self._in_thread(self._live.stop)

    def _draw(self, report: Report, lines: int) -> None:
        view = lanes_view(report, lines, self._live.console.width)
        self._live.update(view, refresh=True)

    def _write(self, line: str) -> None:
        self._live.console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)


def live_progress() -> LiveProgress | None:
    """A live view on standard error, if that is a terminal which can show one."""
    console = Console(file=cast("TextIO", Unbuffered(sys.stderr)))
    if console.is_dumb_terminal:
        return None
    # No thread of rich's own, and sys.stdout and sys.stderr stay as they are.
    return LiveProgress(
        Live(
            console=console,
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
    )


def lanes_view(report: Report, lines: int, width: int) -> RenderableType:
    """The progress of a scrape in a few lines; a narrow terminal gets fewer columns."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("lane", no_wrap=True)
    if width >= _BAR_FROM:
        table.add_column()
    for title in ("busy", "waiting", "done", "wait p99")[: 4 if width >= _TIMES_FROM else 3]:
        table.add_column(title, justify="right", no_wrap=True)
    for name in LANES:
        table.add_row(*_cells(report.lanes[name], width))
    above = [headline(report, lines), *([outage_line(report.outage)] if report.outage else [])]
    return Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in above), table)


def _cells(lane: LaneStatistics, width: int) -> list[RenderableType]:
    bar = ProgressBar(total=lane.width, completed=lane.busy, width=20)
    numbers = [f"{lane.busy}/{lane.width}", f"{lane.waiting:,}", f"{lane.done:,}"]
    return [
        lane.name,
        *([bar] if width >= _BAR_FROM else []),
        *numbers,
        *([duration(lane.waited.p99)] if width >= _TIMES_FROM else []),
    ]
