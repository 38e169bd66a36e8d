"""The drawings of the report: values become paths of SVG.

They are stretched to the width of the page (``preserveAspectRatio="none"``), so there is no text in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ..._records import LANES
from ..series import Stretch

WIDTH: Final = 600
"""Units of a chart, as for its heights."""
BUSY: Final = 60
"""Height of the upper part of a lane's chart: how many slots are taken."""
WAITING: Final = 40
"""Height of its lower part, which hangs from the line: how many feeds wait."""
FINISHED: Final = 140
"""Height of the chart of results."""


@dataclass(frozen=True, slots=True)
class LaneChart:
    """A lane over time."""

    name: str
    busy: str
    """The outline of the slots that are taken."""
    waiting: str
    """That of the feeds that wait."""


def lane_charts(stretches: Sequence[Stretch], widths: Sequence[int]) -> list[LaneChart]:
    """A chart for each lane; `widths` are those of the lanes."""
    charts = []
    for place, (name, width) in enumerate(zip(LANES, widths, strict=True)):
        loads = [(stretch.until, stretch.loads[place]) for stretch in stretches]
        most = max((load.waiting for _, load in loads), default=0.0)
        busy = [(at, min(load.busy / width, 1.0) * BUSY) for at, load in loads]
        waiting = [(at, load.waiting / most * WAITING if most else 0.0) for at, load in loads]
        charts.append(
            LaneChart(
                name,
                _outline([(at, BUSY - up) for at, up in busy], base=BUSY),
                _outline([(at, BUSY + down) for at, down in waiting], base=BUSY),
            )
        )
    return charts


def finished_chart(stretches: Sequence[Stretch]) -> str:
    """The outline of the results so far, over time."""
    all_of_them = max((stretch.finished for stretch in stretches), default=0) or 1
    points = [(stretch.until, FINISHED * (1 - stretch.finished / all_of_them)) for stretch in stretches]
    return _outline([(0.0, float(FINISHED)), *points], base=FINISHED)


def _outline(points: Sequence[tuple[float, float]], *, base: float) -> str:
    """The path around the area between the points and the height `base`; time goes from 0 to the last one."""
    whole = points[-1][0] if points and points[-1][0] else 1.0
    drawn = " ".join(_spared((round(at / whole * WIDTH, 1), round(height, 1)) for at, height in points))
    return f"M0 {base}L{drawn} {WIDTH} {base}Z"


def _spared(points: Iterable[tuple[float, float]]) -> Iterable[str]:
    """Without the points in the middle of a level line, and without needless zeros."""
    before: list[tuple[float, float]] = []
    for point in points:
        if len(before) == 2 and before[0][1] == before[1][1] == point[1]:
            before[1] = point
            continue
        if len(before) == 2:
            yield _text(before.pop(0))
        before.append(point)
    yield from map(_text, before)


def _text(point: tuple[float, float]) -> str:
    return f"{point[0]:g} {point[1]:g}"
