"""Messages on standard error, and the progress of a scrape.

On a terminal the progress is a live view of the lanes, see `live_progress`; elsewhere it is a line every
five seconds. Both read frozen snapshots, see `series`, and are written in a thread of their own: a stopped
terminal (Ctrl-S) or a slow pipe must not delay the event loop, where timeouts would expire meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from datetime import timedelta
from functools import partial

import trio
from trio_util import periodic

from .._printable import printable
from .._records import LANES, LaneStatistics, Outage, Outcome
from .._threads import NoThread, in_thread
from .bottleneck import sentence
from .pages import span
from .report import count
from .series import Moment
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

    async def show(self, look: Callable[[], Moment]) -> None:
        """Show the progress of a scrape, again and again until cancelled."""
        async with aclosing(periodic(self.period)) as ticks:
            async for elapsed, _ in ticks:
                if elapsed and ((moment := look()).now.outage or not self._quiet):
                    for remark in self._new_remarks(moment.now.remarks):
                        await self.say(remark)
                    await self._in_thread(partial(self._draw, moment))

    def _new_remarks(self, remarks: Iterable[str]) -> Iterator[str]:
        """One line for each host."""
        for remark in remarks:
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

    def _draw(self, moment: Moment) -> None:
        self._write(plain_line(moment))

    def _write(self, line: str) -> None:
        self._stderr.write(f"{line}\n")

    async def _in_thread(self, write: Callable[[], None]) -> None:
        try:
            await in_thread(write, limiter=self._limiter, abandon_on_cancel=True)
        except NoThread:  # one that has died does not return its token
            self._limiter = trio.CapacityLimiter(1)
        except OSError:
            pass


def plain_line(moment: Moment) -> str:
    """The progress of a scrape in one line of text."""
    now = moment.now
    counts = [of_list(moment), *pace(moment), *failed(moment), written(moment), f"{now.seconds:.1f} s"]
    lanes = [*(now.lanes[name] for name in LANES), *([] if now.workers is None else [now.workers])]
    told = [", ".join(counts), ", ".join(map(_lane, lanes)), bottleneck_line(moment)]
    return "; ".join([*told, *([outage_line(now.outage)] if now.outage else [])])


def of_list(moment: Moment) -> str:
    """``117 of 500 feeds``."""
    return f"{moment.now.finished:,} of {count(moment.lines, 'feed')}"


def pace(moment: Moment) -> list[str]:
    """``41/s``, ``9 s left``; none of them before that is known."""
    if moment.rate is None:
        return []
    left = moment.seconds_left
    return [per_second(moment.rate), *([f"{span(timedelta(seconds=left))} left"] if left else [])]


def per_second(rate: float) -> str:
    """``41/s``, ``0.4/s``."""
    return f"{rate:,.0f}/s" if rate >= 10 or not rate else f"{rate:.1f}/s"


def failed(moment: Moment) -> list[str]:
    """``3 failed``, if any has: as many as the summary says."""
    number = moment.now.outcomes.get(Outcome.FAILED, 0)
    return [f"{number:,} failed"] if number else []


def written(moment: Moment) -> str:
    """``1,204 entries written``."""
    entries = moment.now.entries.new + moment.now.entries.changed
    return f"{entries:,} {'entry' if entries == 1 else 'entries'} written"


def bottleneck_line(moment: Moment) -> str:
    """See `sentence`."""
    lane = None if moment.bottleneck is None else moment.now.lanes[moment.bottleneck]
    return sentence(lane, moment.now.outage)


def outage_line(outage: Outage) -> str:
    """What is wrong with the store."""
    return printable(f"store unavailable for {outage.seconds:.0f} s: {outage.detail}")


def _lane(lane: LaneStatistics) -> str:
    waiting = f" ({lane.waiting:,} waiting)" if lane.waiting else ""
    return f"{lane.name} {lane.busy}/{lane.width}{waiting}"
