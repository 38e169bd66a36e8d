"""Standard output, for results, reports and exports."""

from __future__ import annotations

import os
import sys

import trio


class Output:
    """Standard output, written in a thread of its own, past Python's buffer.

    Who reads it may stop for as long as they like (a pager). That holds up results and so, in the
    end, the lanes; it must not hold up the event loop, where deadlines would run out meanwhile.
    A thread that never comes back must not hold the buffer's lock when the interpreter ends.
    """

    def __init__(self) -> None:
        self._limiter = trio.CapacityLimiter(1)

    async def write(self, text: str) -> None:
        """Write `text` in the encoding of standard output; what that does not have becomes an escape.

        Raises and is cancelled like `write_bytes`.
        """
        await self.write_bytes(text.encode(sys.stdout.encoding, "backslashreplace"))

    async def write_bytes(self, data: bytes) -> None:
        """Write `data`.

        Raises:
          BrokenPipeError: nobody reads it.

        Cancellation: gives up at once; part of the data may have been written.
        """
        await trio.to_thread.run_sync(
            _write_all, sys.stdout.fileno(), data, limiter=self._limiter, abandon_on_cancel=True
        )


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
