"""The time in a made-up world: its wall clock goes as fast as trio's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import trio

EPOCH: Final = datetime(2026, 1, 5, tzinfo=UTC)
"""When every world begins: a Monday."""


class WorldClock:
    """Counts the seconds of a world.

    Args:
      start: seconds of the world when trio's clock is at 0, as it is at the beginning of a virtual run.
    """

    def __init__(self, start: float = 0.0) -> None:
        self.start = start
        self._frozen: float | None = None

    @property
    def seconds(self) -> float:
        """Since the beginning of the world."""
        return self.start + trio.current_time()

    @property
    def news(self) -> float:
        """Up to when feeds have published: `seconds`, until `freeze`."""
        return self.seconds if self._frozen is None else self._frozen

    def freeze(self) -> None:
        """Let no feed publish anything from now on."""
        self._frozen = self.news

    def now(self) -> datetime:
        """The wall clock, for the argument ``now`` of a scrape."""
        return moment(self.seconds)


def moment(seconds: float) -> datetime:
    """A time of the world as a date."""
    return EPOCH + timedelta(seconds=seconds)
