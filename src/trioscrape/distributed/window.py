"""Which shard is submitted next: those in queues first, and of each queue one at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from .partition import Shard, packed, unpacked

PIECES: Final = 8
"""That a shard is split into on which workers have died."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A shard that may be scraped now."""

    shard: Shard
    queue: str | None
    """Where others wait until this one has ended; None: it has nothing to do with others."""


class Window:
    """The shards that have not been submitted yet.

    Shards that have a host in common are in one queue: the parts of a giant, and the pieces of a shard that
    was split. So a host is fetched from by one worker at a time.

    Args:
      shards: all of them, read as they are needed; those with a `Shard.chain` come first.
    """

    def __init__(self, shards: Iterator[Shard]) -> None:
        self._shards = shards
        self._queues: dict[str, deque[Shard]] = {}
        self._busy: set[str] = set()
        """Queues of which a shard is under way."""
        self._numbers = count(1)

    def take(self) -> Turn | None:
        """The next shard; None: none may begin now."""
        for queue, waiting in self._queues.items():
            if waiting and queue not in self._busy:
                self._busy.add(queue)
                return Turn(waiting.popleft(), queue)
        for shard in self._shards:
            if shard.chain is None:
                return Turn(shard, None)
            self._queues.setdefault(shard.chain, deque()).append(shard)
            if shard.chain not in self._busy:
                self._busy.add(shard.chain)
                return Turn(self._queues[shard.chain].popleft(), shard.chain)
        return None

    def ended(self, turn: Turn) -> None:
        """Let the next shard of its queue begin."""
        if turn.queue is not None:
            self._busy.discard(turn.queue)
            if not self._queues.get(turn.queue):
                self._queues.pop(turn.queue, None)

    def split(self, turn: Turn) -> None:
        """Have the feeds of a shard that has failed come again in pieces. It has more than one feed."""
        feeds = unpacked(turn.shard)
        size = max(1, len(feeds) // PIECES)
        pieces = [packed(feeds[at : at + size], turn.shard.chain) for at in range(0, len(feeds), size)]
        queue = turn.queue or f"pieces {next(self._numbers)}"  # no host has a space in its name
        self._queues.setdefault(queue, deque()).extendleft(reversed(pieces))

    def rest(self) -> Iterator[Shard]:
        """All that was not taken; nothing is left then."""
        for waiting in self._queues.values():
            while waiting:
                yield waiting.popleft()
        yield from self._shards
