"""Terminals that somebody reads, or nobody."""

from __future__ import annotations

import os
import pty
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def read_terminal(go_on: threading.Event | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """A terminal, and what was written to it, all of it after the block.

    Nobody reads before `go_on`, or before a minute is over: then a test that hangs comes to its end.
    """
    ours, theirs = pty.openpty()
    written: list[bytes] = []

    def read() -> None:
        if go_on is not None:
            go_on.wait(60)
        try:
            while data := os.read(ours, 4096):
                written.append(data)
        except OSError:  # Linux says so when the other side is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield theirs, written
    finally:
        if go_on is not None:
            go_on.set()
        os.close(theirs)
        reader.join()
        os.close(ours)


def fill(terminal: int) -> None:
    """Write to it until it takes nothing more."""
    # By an opening of its own: not to wait is a property that others would share.
    full = os.open(os.ttyname(terminal), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        for _ in range(1000):
            # What has been written is carried to the other side a little later, and leaves room again.
            if not select.select([], [full], [], 0.2)[1]:
                return
            os.write(full, b"." * 512)
        raise AssertionError("somebody reads it")
    finally:
        os.close(full)
