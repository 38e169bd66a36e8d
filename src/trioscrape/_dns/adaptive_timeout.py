"""An adaptive timeout for lookups, estimated from how long earlier lookups took (RFC 6298)."""

from __future__ import annotations

import math
from typing import Final

INITIAL: Final = 1.0
"""Seconds, as long as little is known (RFC 6298 §2.1)."""
ENOUGH: Final = 30
"""Answers that an estimate needs. The first ones come from the fastest servers, and mean little."""
FLOOR: Final = 0.05
"""Seconds. TCP waits longer, but there a wrong guess costs a packet, and here a wider lane for a moment."""


class AdaptiveTimeout:
    """Decides when a lookup counts as stuck. TCP has the same problem with lost packets, and two solutions.

    *By time* (RFC 6298): a lookup is late when it takes longer than the mean of those that were answered
    and four times their deviation. No fixed time would be right everywhere: 100 ms is long for a cache
    on the same network, and short where all lookups of the process queue behind one lock. There each
    takes as long as the queue is, and is answered in the end, so the estimate grows with the queue.

    *By order* (RFC 8985): a lookup is lost when it is late and one that began after it has been answered.
    Behind a lock, nothing overtakes. As long as nothing has overtaken a lookup, its time begins anew with
    each answer to another one (RFC 6298 §5.3), so it is only late when nothing is answered any more.
    """

    def __init__(self) -> None:
        self._answers = 0
        self._mean = self._deviation = 0.0
        self._newest = self._last = -math.inf

    def answered(self, began: float, now: float) -> None:
        """Learn from a lookup that was answered. "No such name" is an answer."""
        seconds = now - began
        self._answers += 1
        self._newest, self._last = max(self._newest, began), now
        if self._answers == 1:
            self._mean, self._deviation = seconds, seconds / 2
        else:
            self._deviation += (abs(seconds - self._mean) - self._deviation) / 4
            self._mean += (seconds - self._mean) / 8

    def until(self, began: float) -> float:
        """The time from which on a lookup that began at `began` counts as stuck, by what is known now."""
        if not self._answers:
            return began + INITIAL
        # At least twice the mean, however regular the answers are: our own process may pause for a moment.
        late = max(FLOOR, self._mean + max(self._mean, 4 * self._deviation))
        if self._newest > began:
            return began + late
        return max(began, self._last) + (late if self._answers >= ENOUGH else max(INITIAL, late))
