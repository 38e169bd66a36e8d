"""Which shard is submitted next: those in queues first, and of each queue one at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from .partition import Partition, Shard, packed, unpacked

PIECES: Final = 8
"""Pieces into which a shard is split when workers have died during it."""


@dataclass(eq=False, slots=True)
class Queue:
    """Shards that have a host in common: each begins when the one before has ended."""

    rest: Iterator[Shard] = field(default_factory=lambda: iter(()))
    pieces: deque[Shard] = field(default_factory=deque)
    """Those of a shard that was split; they go first."""

    def take(self) -> Shard | None:
        """The next one; None: there is none."""
        return self.pieces.popleft() if self.pieces else next(self.rest, None)


@dataclass(frozen=True, slots=True)
class Turn:
    """A shard that may be scraped now."""

    shard: Shard
    queue: Queue | None
    """Where others wait until this one has ended; None: it has nothing to do with others."""


class Window:
    """The shards that have not been submitted yet.

    The shards of a chain are in a queue, and so are the pieces of a shard that was split: a host is fetched
    from by one worker at a time.

    Args:
      shards: of the list.
    """

    def __init__(self, shards: Partition) -> None:
        self._ready = deque(Queue(chain) for chain in shards.chains())
        """Queues of which no shard is under way."""
        self._others = shards.others()

    def take(self) -> Turn | None:
        """The next shard; None: none may begin now."""
        while self._ready:
            queue = self._ready.popleft()
            if (shard := queue.take()) is not None:
                return Turn(shard, queue)
        other = next(self._others, None)
        return None if other is None else Turn(other, None)

    def ended(self, turn: Turn) -> None:
        """Let the next shard of its queue begin."""
        if turn.queue is not None:
            self._ready.append(turn.queue)

    def split(self, turn: Turn) -> None:
        """Put the feeds of a shard that has failed back, in pieces. It must have more than one feed."""
        feeds = unpacked(turn.shard)
        size = max(1, len(feeds) // PIECES)
        pieces = [packed(feeds[at : at + size], turn.shard.chain) for at in range(0, len(feeds), size)]
        queue = turn.queue or Queue()
        queue.pieces.extendleft(reversed(pieces))
        self._ready.append(queue)
