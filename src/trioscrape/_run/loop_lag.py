"""How late the event loop runs its timers. It shows work that blocks the loop, which no lane measures."""

from __future__ import annotations

from typing import Final

import trio

from .._lane import Histogram
from .._records import Quantiles

PERIOD: Final = 0.02
"""Seconds between two looks."""


class LoopLag:
    """Sets a timer again and again, and remembers how late it was each time."""

    def __init__(self) -> None:
        self._late = Histogram()
        self._watching = trio.CancelScope()

    async def watch(self) -> None:
        """Look until `stop`."""
        with self._watching:
            while True:
                due = trio.current_time() + PERIOD
                await trio.sleep_until(due)
                self._late.add(trio.current_time() - due)

    def stop(self) -> None:
        """Look no longer."""
        self._watching.cancel()

    def quantiles(self) -> Quantiles:
        """How late it was so far."""
        return self._late.quantiles()
