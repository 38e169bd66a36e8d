"""How long a lookup takes when all is well, learned from those that were answered."""

from __future__ import annotations

import math
from typing import Final

INITIAL: Final = 1.0
"""Seconds, as long as little is known (RFC 6298 §2.1)."""
ENOUGH: Final = 30
"""Answers until something is known. The first ones come from the fastest, and say little of the others."""
FLOOR: Final = 0.05
"""Seconds. TCP's is longer, but a wrong guess costs a packet there and here a wider lane for a moment."""


class AdaptiveTimeout:
    """When to call a lookup stuck. TCP asks the same of its packets and has two answers.

    *By time* (RFC 6298): it is late when it takes longer than the mean of those that were answered
    and four times their deviation. A fixed time would be wrong somewhere: 100 ms is long for a cache
    in the same house, and nothing where all lookups of the process queue behind one lock. There each
    takes as long as its queue is and is answered in the end, and the estimate grows with them.

    *By order* (RFC 8985): when something that began later has been answered already, what is late is
    lost. Behind a lock nothing overtakes. Without that sign the clock begins anew with each answer
    to whomever (RFC 6298 §5.3): it tells that nothing moves any more.
    """

    def __init__(self) -> None:
        self._answers = 0
        self._mean = self._deviation = 0.0
        self._newest = self._last = -math.inf

    def answered(self, began: float, now: float) -> None:
        """Learn from a lookup that got an answer. "No such name" is one."""
        seconds = now - began
        self._answers += 1
        self._newest, self._last = max(self._newest, began), now
        if self._answers == 1:
            self._mean, self._deviation = seconds, seconds / 2
        else:
            self._deviation += (abs(seconds - self._mean) - self._deviation) / 4
            self._mean += (seconds - self._mean) / 8

    def until(self, began: float) -> float:
        """The time from which a lookup that began then is stuck, by what is known now."""
        if not self._answers:
            return began + INITIAL
        # Twice the mean, however regular the answers are: that leaves room for a hiccup of ours.
        late = max(FLOOR, self._mean + max(self._mean, 4 * self._deviation))
        if self._newest > began:
            return began + late
        return max(began, self._last) + (late if self._answers >= ENOUGH else max(INITIAL, late))
