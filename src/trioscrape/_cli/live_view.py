"""What the live view of a scrape looks like; a narrow terminal gets less of it.

::

    ━━━━━━━━━━━━━━━━━━━━━━━╺━━━━━━━━━━━━━━━━━  117 of 500 feeds  41/s  9 s left
    1,204 entries written  3.2 s  3 failed  tls 2, http-404 1
      lane                            busy  waiting  rate  wait p99
      dns    ━━━━━━━━╺━━━━━━━━━━━     8/32        0  41/s      0 ms
    ▶ http   ━━━━━━━━━━━━━━━━━━━━  500/500    1,204  41/s     1.2 s
      …
    bottleneck: http lane, 500 of 500 busy, 1,204 waiting
    slowest  12.4 s  http  http://example.org/feed.xml

Colours mean load: a lane is dim without work, green with room, yellow when it is full, and red when it is the
bottleneck. The numbers and the ▶ say the same without colours (``NO_COLOR``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .._printable import printable
from .._records import LANES, InFlight, LaneStatistics
from .progress import bottleneck_line, failed, of_list, outage_line, pace, per_second, written
from .report import duration
from .series import Moment

_BARS_FROM: Final = 60
"""Columns of a terminal that has room for the lanes' bars."""
_RATES_FROM: Final = 44
"""Columns of a terminal that has room for the lanes' rates."""
_TIMES_FROM: Final = 76
"""Columns of a terminal that has room for waiting times."""
_REASONS: Final = 5
_SLOW: Final = 2.0
"""Seconds in flight from which a feed is named: before, there are too many to read."""
_WIDEST: Final = 100
"""Columns of the view: longer lines are hard to read."""
_FIXED_LINES: Final = 10
"""Of the view without slow feeds, and without the workers of a cluster."""
_MOST_SLOW: Final = 5

_BOTTLENECK: Final = "bold red"
_FULL: Final = "yellow"
_WORKING: Final = "green"
_IDLE: Final = "dim"


def live_view(moment: Moment, width: int, height: int) -> RenderableType:
    """The progress of a scrape in a few lines, for a terminal of so many columns and lines."""
    now, width = moment.now, min(width, _WIDEST)
    parts: list[RenderableType] = [_overall(moment, width), *_counts(moment, width)]
    if now.outage:
        parts.append(_line(outage_line(now.outage), style="bold red"))
    style = _BOTTLENECK if moment.bottleneck or now.outage else _IDLE
    parts += [_lanes(moment, width), Text(bottleneck_line(moment), style=style)]
    room = max(0, min(_MOST_SLOW, height - _FIXED_LINES - (now.workers is not None)))
    if slow := [feed for feed in now.slowest if feed.seconds >= _SLOW][:room]:
        parts.append(_slowest(slow, width))
    return Group(*parts)


def _overall(moment: Moment, width: int) -> RenderableType:
    told = "  ".join([of_list(moment), *pace(moment)])
    bar = ProgressBar(total=max(moment.lines, 1), completed=moment.now.finished, complete_style="cyan")
    grid = _grid(width)
    grid.add_column(ratio=1)
    if width < _BARS_FROM:
        grid.add_row(_line(told, style="bold"))
        grid.add_row(bar)
    else:
        grid.add_column(no_wrap=True)
        grid.add_row(bar, Text(told, style="bold"))
    return grid


def _grid(width: int) -> Table:
    """A table without anything around its cells, as wide as the view."""
    grid = Table.grid(padding=(0, 2), pad_edge=False)
    grid.width = width
    return grid


def _counts(moment: Moment, width: int) -> Iterator[Text]:
    """In one line, or if that is too narrow in two."""
    line = _line("  ".join([written(moment), f"{moment.now.seconds:.1f} s"]))
    if failures := failed(moment):
        if width < _BARS_FROM:
            yield line
            line = _line("")
        else:
            line.append("  ")
        line.append(f"{failures[0]}  ", style="red")
        line.append(", ".join(_reasons(moment)))
    yield line


def _reasons(moment: Moment) -> Iterator[str]:
    """The most frequent ones. Those of feeds that have not failed, but are gone say, come along."""
    errors = moment.now.errors
    for reason in list(errors)[:_REASONS]:
        yield f"{reason} {errors[reason]:,}"
    if len(errors) > _REASONS:
        yield "…"


def _lanes(moment: Moment, width: int) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim", pad_edge=False)
    table.add_column("  lane", no_wrap=True)
    if width >= _BARS_FROM:
        table.width = width
        table.add_column(ratio=1)
    titles = ["busy", "waiting"]
    titles += ["rate"] if width >= _RATES_FROM else []
    titles += ["wait p99"] if width >= _TIMES_FROM else []
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    workers = moment.now.workers
    for lane in [*(moment.now.lanes[name] for name in LANES), *([] if workers is None else [workers])]:
        table.add_row(*_cells(moment, lane, width))
    return table


def _cells(moment: Moment, lane: LaneStatistics, width: int) -> Iterator[RenderableType]:
    style = _style(moment, lane)
    yield Text(f"{'▶' if lane.name == moment.bottleneck else ' '} {lane.name}", style=style)
    if width >= _BARS_FROM:
        colour = style.removeprefix("bold ")
        busy = min(lane.busy, lane.width)
        yield ProgressBar(total=lane.width, completed=busy, complete_style=colour, finished_style=colour)
    yield Text(f"{lane.busy:,}/{lane.width:,}", style=style)
    yield Text(f"{lane.waiting:,}", style=style)
    if width >= _RATES_FROM:
        yield per_second(moment.lane_rates[lane.name])
    if width >= _TIMES_FROM:
        yield duration(lane.waited.p99)


def _style(moment: Moment, lane: LaneStatistics) -> str:
    if lane.name == moment.bottleneck:
        return _BOTTLENECK
    if lane.busy >= lane.width:
        return _FULL
    return _WORKING if lane.busy else _IDLE


def _slowest(feeds: list[InFlight], width: int) -> Table:
    table, wide = _grid(width), width >= _BARS_FROM
    if wide:
        table.add_column(style="dim")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1, style="dim")
    for number, feed in enumerate(feeds):
        url = printable(feed.url) if wide else printable(feed.url.partition("://")[2])
        title = ["" if number else "slowest"] if wide else []
        table.add_row(*title, duration(feed.seconds), _where(feed), Text(url))
    return table


def _where(feed: InFlight) -> str:
    if feed.lane is None:
        return "waits"
    return f"waits for {feed.lane}" if feed.queued else feed.lane


def _line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")
