"""Which form of progress a scrape has: lines, or on a terminal a live view."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .progress import Progress
from .unbuffered import Unbuffered


@asynccontextmanager
async def open_progress(*, live: bool, quiet: bool = False) -> AsyncIterator[Progress]:
    """The live view if it is wanted and standard error is a terminal that can show it, else lines.

    The view is removed from the terminal at the end of the block. ``NO_COLOR`` is respected.
    """
    view = None
    if live and not quiet and Unbuffered(sys.stderr).isatty():
        from .live_progress import live_progress  # noqa: PLC0415 - it brings rich, which takes 50 ms

        view = live_progress()
    if view is None:
        yield Progress(quiet=quiet)
        return
    try:
        await view.start()
        yield view
    finally:
        await view.stop()  # noqa: ASYNC102 - gives up when it is cancelled
