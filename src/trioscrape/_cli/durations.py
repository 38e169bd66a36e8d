"""Durations as they are typed: ``90``, ``2.5``, ``15m``, ``1h 30min``, ``7 days``."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 7 * 86_400),
}
_PART: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", re.IGNORECASE | re.ASCII)


def seconds(text: str) -> float:
    """A duration in seconds; a number alone is one of seconds.

    Raises:
      ValueError: it is none.
    """
    try:
        return float(text)
    except ValueError:
        return with_units(text)


def with_units(text: str) -> float:
    """The same, of a duration whose units are named.

    Raises:
      ValueError: it is none.
    """
    parts = list(_PART.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        raise ValueError(text)
    try:
        return sum(float(part[1]) * _UNITS[part[2].lower()] for part in parts)
    except KeyError:
        raise ValueError(text) from None
