"""Messages on standard error, and the progress of a scrape.

On a terminal the progress is a live view of the lanes, elsewhere a line every five seconds. Both read
frozen snapshots, and are written in a thread of their own: a stopped terminal (Ctrl-S) or a slow pipe
must not delay the event loop, where unrelated timeouts would expire meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Final, TextIO, cast

import trio
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from trio_util import periodic

from .._printable import printable
from .._records import LANES, LaneStatistics, Outage, Outcome, Report
from .._threads import NoThread, in_thread
from .output import Unbuffered
from .report import count, duration

_BAR_FROM: Final = 60
"""Columns of a terminal that has room for bars."""
_TIMES_FROM: Final = 44
"""Columns of a terminal that has room for waiting times."""
_LAST_MOMENT: Final = 1.0
"""Seconds that a terminal is given to remove the view when the command has been cancelled."""


class Progress:
    """Messages and progress as lines on standard error.

    When nobody reads them any more, or no thread can be started to write them, the command goes on
    without.

    Args:
      quiet: write warnings only.
    """

    period = 5.0
    """Seconds from one line of progress to the next."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        # Its own: what waits for a thread here must not wait for the threads of lookups.
        self._limiter = trio.CapacityLimiter(1)
        self._stderr = Unbuffered(sys.stderr)
        self._remarked: set[str] = set()

    async def show(self, report: Callable[[], Report], lines: int) -> None:
        """Show the progress of a list of `lines` feeds, again and again until cancelled."""
        async with aclosing(periodic(self.period)) as ticks:
            async for elapsed, _ in ticks:
                if elapsed and ((now := report()).outage or not self._quiet):
                    for remark in self._new_remarks(now):
                        await self.say(remark)
                    await self._in_thread(partial(self._draw, now, lines))

    def _new_remarks(self, report: Report) -> Iterator[str]:
        """One line for each host. Whether there is a network is only known at the end."""
        for remark in () if report.offline else report.remarks:
            host = remark.partition(" ")[0]
            if host not in self._remarked:
                self._remarked.add(host)
                yield remark

    async def say(self, message: str) -> None:
        """Write a line, unless it is quiet."""
        if not self._quiet:
            await self.warn(message)

    async def connecting(self, store: str) -> None:
        """Say which store is waited for, by its URL without credentials; a file does not make wait."""
        if not store.startswith("sqlite:"):
            await self.say(f"connecting to {store}")

    async def warn(self, message: str) -> None:
        """Write a line in any case."""
        await self._in_thread(partial(self._write, printable(message)))

    def _draw(self, report: Report, lines: int) -> None:
        self._write(plain_line(report, lines))

    def _write(self, line: str) -> None:
        self._stderr.write(f"{line}\n")

    async def _in_thread(self, write: Callable[[], None]) -> None:
        try:
            await in_thread(write, limiter=self._limiter, abandon_on_cancel=True)
        except NoThread:  # one that has died does not return its token
            self._limiter = trio.CapacityLimiter(1)
        except OSError:
            pass


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


@asynccontextmanager
async def open_progress(*, live: bool, quiet: bool = False) -> AsyncIterator[Progress]:
    """The live view if it is wanted and standard error is a terminal that can show it, else lines.

    The view is removed from the terminal at the end of the block. ``NO_COLOR`` is respected.
    """
    stderr = Unbuffered(sys.stderr)
    console = Console(file=cast("TextIO", stderr))
    if quiet or not live or not stderr.isatty() or console.is_dumb_terminal:
        yield Progress(quiet=quiet)
        return
    # No thread of rich's own, and sys.stdout and sys.stderr stay as they are.
    view = Live(
        console=console, transient=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
    )
    progress = LiveProgress(view)
    try:
        await progress.start()
        yield progress
    finally:
        await progress.stop()  # noqa: ASYNC102 - gives up when it is cancelled


def plain_line(report: Report, lines: int) -> str:
    """The progress of a scrape in one line of text."""
    lanes = ", ".join(_lane(report.lanes[name]) for name in LANES)
    outage = f"; {_outage(report.outage)}" if report.outage else ""
    return f"{_head(report, lines)}; {lanes}{outage}"


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
    above = [_head(report, lines), *([_outage(report.outage)] if report.outage else [])]
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


def _head(report: Report, lines: int) -> str:
    finished = sum(report.outcomes.values())
    failed = report.outcomes.get(Outcome.FAILED, 0)
    written = report.entries.new + report.entries.changed
    return (
        f"{finished:,} of {count(lines, 'feed')}{f', {failed:,} failed' if failed else ''}, "
        f"{written:,} {'entry' if written == 1 else 'entries'} written, {report.seconds:.1f} s"
    )


def _outage(outage: Outage) -> str:
    return printable(f"store unavailable for {outage.seconds:.0f} s: {outage.detail}")


def _lane(lane: LaneStatistics) -> str:
    waiting = f" ({lane.waiting:,} waiting)" if lane.waiting else ""
    return f"{lane.name} {lane.busy}/{lane.width}{waiting}"
