"""How late the event loop runs its timers: work that blocks the loop, and pauses of the whole process."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Final

import trio

from .._lane import Histogram
from .._records import Quantiles

PERIOD: Final = 0.02
"""Seconds between two looks."""
SLOW_PERIOD: Final = 5.0
"""The same of a watch, which has months, and should not wake the machine all the time."""
PAUSE: Final = 2.0
"""Seconds of standing still that nothing but a stopped process, or a machine that sleeps, explains."""


def time_asleep() -> float:
    """Seconds that this machine has slept, counted from some moment: trio's clock leaves them out.

    Elsewhere than on Linux only the wall clock knows, and may be set meanwhile.
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    return time.time() - time.monotonic()


class LoopLag:
    """Sets a timer again and again, and remembers how late it was each time.

    Args:
      asleep: as `time_asleep`.
      period: seconds between two looks; `PERIOD` at least.
    """

    def __init__(self, asleep: Callable[[], float] = time_asleep, *, period: float = 0.0) -> None:
        self.late = Histogram()
        """How late they were so far, in seconds."""
        self._period = max(period, PERIOD)
        self._watching = trio.CancelScope()
        self._asleep, self._slept = asleep, asleep()
        self._due, self._paused = math.inf, -math.inf

    async def watch(self) -> None:
        """Look until `stop`."""
        with self._watching:
            while True:
                due = self._due = trio.current_time() + self._period
                await trio.sleep_until(due)
                self.late.add(trio.current_time() - due)
                self._look()

    def stop(self) -> None:
        """Look no longer."""
        self._watching.cancel()

    def paused_since(self, moment: float) -> bool:
        """Whether the process has stood still at some time since: timeouts that expired then mean little.

        It was stopped (SIGSTOP), or the machine slept. `moment` is one of trio's clock.
        """
        # All timers that have expired meanwhile are served together, this one's perhaps after the caller's.
        self._look()
        return self._paused > moment

    def _look(self) -> None:
        now, slept = trio.current_time(), self._asleep()
        if now - self._due > PAUSE or slept - self._slept > PAUSE:
            self._paused = now
        self._slept = slept

    def quantiles(self) -> Quantiles:
        """How late it was so far."""
        return self.late.quantiles()
