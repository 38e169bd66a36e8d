"""What all decoders are: they undo one content coding, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

PIECE: Final = 65_536
"""Bytes that are decoded at once: as much as one read from the wire."""


class Undecodable(Exception):
    """The bytes are not what they are said to be; the text says how."""


class Decoder(Protocol):
    """Undoes one content coding."""

    @property
    def ended(self) -> bool:
        """Whether the body may end here."""

    @property
    def sound(self) -> bool:
        """Whether all of it was as the coding's standard has it: also trailers and checksums."""

    def window(self, first: int) -> int:
        """Bytes that it fills at once, whatever is asked of it, in a body whose first byte is `first`."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """What `data` stands for, in pieces of about `PIECE` bytes; an empty one is a time to breathe.

        Raises:
          Undecodable: it stands for nothing.
        """


class Modest:
    """Looks back on no more than it has been asked for."""

    def window(self, first: int) -> int:
        """See `Decoder.window`."""
        del first
        return 0


class Plain(Modest):
    """Bytes that are no coding of anything, whatever is said of them."""

    ended, sound = True, False

    def decode(self, data: bytes) -> Iterator[bytes]:
        """See `Decoder.decode`."""
        yield data
