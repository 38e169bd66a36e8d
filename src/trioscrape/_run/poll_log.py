"""Polls of feeds that have not changed, on their way to the store."""

from __future__ import annotations

from typing import Final

import trio

from .._records import Poll
from .._store.lane import StoreLane

TOGETHER: Final = 250
"""Polls of one write. A call of the store and a commit take as long as some tens of polls."""
PERIOD: Final = 1.0
"""Seconds after which a poll is written, also if it is alone."""
GRACE: Final = 2.0
"""Seconds that the store has for the last polls when a run ends."""


class PollLog:
    """Gathers polls that changed nothing, and writes many of them together.

    Most feeds have not changed when they are polled, and a write for each of them would be a fifth of what
    they take. A process that is killed loses the polls of its last second, and nothing else: what a feed
    needs for its next fetch, and its entries, are saved at once.

    Args:
      store: where they are written.
    """

    def __init__(self, store: StoreLane) -> None:
        self._store = store
        self._gathered: list[tuple[str, Poll]] = []
        self._some = trio.Event()

    async def add(self, feed_id: str, poll: Poll) -> None:
        """Add a poll, and write all of them if they are many: then there is a checkpoint.

        Raises:
          StoreError: the store is gone for good.

        Cancellation: while the store is unavailable, keeps the polls for the next write.
        """
        self.note(feed_id, poll)
        if len(self._gathered) >= TOGETHER:
            await self.write()

    def note(self, feed_id: str, poll: Poll) -> None:
        """Add a poll for the next write: for what has been cancelled, and may not wait any more."""
        self._gathered.append((feed_id, poll))
        self._some.set()

    async def write(self) -> None:
        """Write what there is; errors and cancellation are those of `add`."""
        some, self._gathered, self._some = self._gathered, [], trio.Event()
        if not some:
            return
        try:
            await self._store.add_polls(some)
        except trio.Cancelled:
            self._gathered[:0] = some
            self._some.set()
            raise

    async def keep_writing(self) -> None:
        """Write each poll `PERIOD` seconds after it came at the latest; until cancelled.

        Raises:
          StoreError: see `add`.
        """
        while True:
            await self._some.wait()
            await trio.sleep(PERIOD)
            await self.write()

    async def close(self) -> None:
        """Write what is left, if the store takes it within `GRACE` seconds; also when cancelled."""
        with trio.move_on_after(GRACE, shield=True):
            await self.write()
