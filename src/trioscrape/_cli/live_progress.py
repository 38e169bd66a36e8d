"""The live view on a terminal: the modules that bring rich, which most runs do without."""

from __future__ import annotations

import sys
from typing import Final, TextIO, cast

import trio
from rich.console import Console
from rich.live import Live

from .live_view import live_view
from .progress import Progress
from .series import Moment
from .unbuffered import Unbuffered

_LAST_MOMENT: Final = 1.0
"""Seconds that a terminal is given to remove the view when the command has been cancelled."""


class LiveProgress(Progress):
    """Messages above a view of the lanes that is redrawn in place."""

    period = 0.25

    def __init__(self, live: Live) -> None:
        super().__init__()
        self._live = live

    async def start(self) -> None:
        """Begin. Cancellation: returns at once."""
        await self._in_thread(self._live.start)

    async def stop(self) -> None:
        """Remove the view from the terminal.

        Cancellation: a stopped terminal is left as it is after a second.
        """
        try:
            await self._in_thread(self._clear)
        finally:
            # Show the cursor again even when cancelled; does nothing if that has been done.
            with trio.move_on_after(_LAST_MOMENT, shield=True):
                await self._in_thread(self._live.stop)

    def _clear(self) -> None:
        # Live.stop prints the view in full once more, which a terminal of fewer rows would scroll.
        if self._live.is_started:
            self._live.update("", refresh=True)
        self._live.stop()

    def _draw(self, moment: Moment) -> None:
        console = self._live.console
        self._live.update(live_view(moment, console.width, console.height), refresh=True)

    def _write(self, line: str) -> None:
        self._live.console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)


def live_progress() -> LiveProgress | None:
    """A live view on standard error, if that is a terminal which can show one."""
    console = Console(file=cast("TextIO", Unbuffered(sys.stderr)))
    if console.is_dumb_terminal:
        return None
    # No thread of rich's own, and sys.stdout and sys.stderr stay as they are.
    return LiveProgress(
        Live(
            console=console,
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
    )
