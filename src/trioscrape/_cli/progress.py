"""Messages on standard error, and the progress of a scrape.

On a terminal the progress is a live view of the lanes, see `live_progress`; elsewhere it is a line every
five seconds. Both read frozen snapshots, and are written in a thread of their own: a stopped terminal
(Ctrl-S) or a slow pipe must not delay the event loop, where unrelated timeouts would expire meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from functools import partial

import trio
from trio_util import periodic

from .._printable import printable
from .._records import LANES, LaneStatistics, Outage, Outcome, Report
from .._threads import NoThread, in_thread
from .report import count
from .unbuffered import Unbuffered


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

    async def say_all(self, messages: Sequence[str]) -> None:
        """Write several lines at once, unless it is quiet."""
        if not self._quiet:
            await self._in_thread(partial(self._write, "\n".join(map(printable, messages))))

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


def plain_line(report: Report, lines: int) -> str:
    """The progress of a scrape in one line of text."""
    lanes = ", ".join(_lane(report.lanes[name]) for name in LANES)
    outage = f"; {outage_line(report.outage)}" if report.outage else ""
    return f"{headline(report, lines)}; {lanes}{outage}"


def headline(report: Report, lines: int) -> str:
    """How many feeds and entries there are so far."""
    finished = sum(report.outcomes.values())
    failed = report.outcomes.get(Outcome.FAILED, 0)
    written = report.entries.new + report.entries.changed
    return (
        f"{finished:,} of {count(lines, 'feed')}{f', {failed:,} failed' if failed else ''}, "
        f"{written:,} {'entry' if written == 1 else 'entries'} written, {report.seconds:.1f} s"
    )


def outage_line(outage: Outage) -> str:
    """What is wrong with the store."""
    return printable(f"store unavailable for {outage.seconds:.0f} s: {outage.detail}")


def _lane(lane: LaneStatistics) -> str:
    waiting = f" ({lane.waiting:,} waiting)" if lane.waiting else ""
    return f"{lane.name} {lane.busy}/{lane.width}{waiting}"
