"""Quantiles of a million durations in the memory of a few hundred numbers."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

from .results import Quantiles

_GROWTH: Final = 1.05
"""Each bucket is 5 % wider than the one before: from 1 µs to an hour in 450 buckets."""
_LOG_GROWTH: Final = math.log(_GROWTH)
_SMALLEST: Final = 1e-6


class Histogram:
    """Durations in buckets of a fixed relative width, as HdrHistogram does."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self._count = 0
        self._max = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self._buckets[math.ceil(math.log(max(seconds, _SMALLEST) / _SMALLEST) / _LOG_GROWTH)] += 1
        self._count += 1
        self._max = max(self._max, seconds)

    def quantiles(self) -> Quantiles:
        """What was counted so far; all zero when nothing was."""
        return Quantiles(self._at(0.50), self._at(0.99), self._max)

    def _at(self, share: float) -> float:
        rank = share * self._count
        seen = 0
        for bucket, count in sorted(self._buckets.items()):
            seen += count
            if seen >= rank:
                return min(_SMALLEST * _GROWTH**bucket, self._max)
        return 0.0
