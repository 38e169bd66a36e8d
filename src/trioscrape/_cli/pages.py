"""How pages about feeds are written: moments and durations for people, lines that fit the terminal."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

_WIDEST: Final = 100
"""Columns. Longer lines are hard to read."""
_NARROWEST: Final = 40
_UNIT: Final = re.compile(r"(?<=\d) (s|min|h|days|%)(?![^\s,;:.)])")
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def width() -> int:
    """The columns of the terminal (``$COLUMNS``; 80 of a pipe), within bounds."""
    return max(_NARROWEST, min(shutil.get_terminal_size().columns, _WIDEST))


def wrapped(text: str, indent: int, *, first: str = "") -> Iterator[str]:
    """`text` in lines that fit; `first` stands in place of the first one's indent.

    URLs stay whole, and so do a number and its unit.
    """
    lines = textwrap.wrap(
        _UNIT.sub(f"{_NO_BREAK}\\1", text),
        width(),
        initial_indent=first or " " * indent,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    yield from (line.replace(_NO_BREAK, " ") for line in lines or [first.rstrip()])


def table(rows: Sequence[Sequence[str]], *, texts: Collection[int] = (0,)) -> Iterator[str]:
    """Columns of the same width, numbers aligned right; `texts` are the places of those that are texts."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(wide) if place in texts else cell.rjust(wide)
            for place, (cell, wide) in enumerate(zip(row, widths, strict=True))
        ]
        yield ("  " + "  ".join(cells)).rstrip()


def when(moment: datetime | None) -> str:
    """``2026-02-28 12:00``; the page says once that all of it is UTC."""
    return "unknown" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def clock(moment: datetime, now: datetime) -> str:
    """``14:20`` of today, else with the date."""
    return f"{moment:%H:%M}" if moment.date() == now.date() else when(moment)


def span(duration: timedelta) -> str:
    """``40 s``, ``5 min``, ``3 h``, ``2 days``: rounded as people would."""
    seconds = max(0, round(duration.total_seconds()))
    for unit, size, least in ("days", 86400, 2), ("h", 3600, 2), ("min", 60, 2):
        if seconds >= least * size:
            return f"{seconds // size:,} {unit}"
    return f"{seconds} s"


def ago(moment: datetime | None, now: datetime) -> str:
    """``2026-02-26 12:00 (2 days ago)``."""
    if moment is None:
        return "never"
    return f"{when(moment)} ({span(now - moment)} ago)"
