"""A body as it arrives, decoded and counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ..._errors import FeedFailed
from .codings import CODINGS
from .declared import codings_of, decoder_of
from .decoder import Decoder, Undecodable

BOMB_RATIO: Final = 100
"""From here on, a body past its limit is a bomb and no large feed. Feeds shrink to a fifth or a
twentieth; the most that deflate can do is 1032, which takes a body of one letter."""


SLICE: Final = 4096
"""Bytes of compressed data that are looked at together: what they stand for is compared with them."""


class Body:
    """Collects a body as it arrives.

    httpx's own decoders inflate a whole chunk before anyone can look at its size: 64 KiB of gzip can
    be 64 MiB of feed. Here nothing is decoded before there is room for it: memory grows by what `feed`
    has announced, by a piece for every coding, and for zstd by what it looks back on: the body once
    more at the most.

    Args:
      encoding: the Content-Encoding header's value (RFC 9110 §8.4), None for none.
      limit: bytes, on the wire, decoded, and between two codings.

    Raises:
      FeedFailed: ``bad-encoding`` when it names too many codings.
    """

    def __init__(self, encoding: str | None, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._small = bytearray()
        self._wire = 0
        self.windows = 0
        """Bytes announced by `feed` that are free again when the body is finished."""
        names, self._is_well_said = codings_of(encoding) if encoding else ([], True)
        self._stages = [_Stage(name) for name in names]

    @property
    def sound(self) -> bool:
        """Whether the body was what the header says, in each coding, with its trailer and checksum."""
        return self._is_well_said and all(stage.sound for stage in self._stages)

    def feed(self, chunk: bytes) -> Iterator[int]:
        """Take what came from the wire; gives how many bytes more are held, piece by piece.

        The next piece is not decoded before it is asked for: in between, the caller waits until it
        may hold this one, and lets others run.

        Raises:
          FeedFailed: ``too-large``, ``decompression-bomb`` or ``bad-encoding``.
        """
        step = SLICE if self._stages else len(chunk) or 1
        for start in range(0, len(chunk), step):
            yield from self._take(chunk[start : start + step])

    def _take(self, data: bytes) -> Iterator[int]:
        self._wire += len(data)
        if self._wire > self._limit:
            raise self._beyond(self._wire)
        try:
            yield from self._through(self._stages, data)
        except Undecodable as error:
            raise _not_what_it_says(self._stages, error) from error

    def _through(self, stages: Sequence[_Stage], data: bytes, *, last: bool = False) -> Iterator[int]:
        if not stages:
            self._add(data)
            yield len(data)
            return
        stage = stages[0]
        if stage.decoder is None:
            data = stage.head = stage.head + data
            if not data or (decoder := decoder_of(stage.name, data, last=last)) is None:
                return
            stage.decoder, stage.head = decoder, b""
            if window := decoder.window(data[0]):
                self.windows += window
                yield window
        for piece in stage.decoder.decode(data):
            stage.size += len(piece)
            if stage.size > self._limit:
                raise self._beyond(stage.size)
            yield from self._through(stages[1:], piece)

    def _add(self, data: bytes) -> None:
        # Each part costs 40 bytes beside its own, so chunks of one byte get together first; as one
        # bytearray, the whole body would be moved from place to place as it grows.
        self._small += data
        if len(self._small) >= SLICE:
            self._parts.append(bytes(self._small))
            self._small.clear()

    def _beyond(self, size: int) -> FeedFailed:
        if size > BOMB_RATIO * self._wire:
            return FeedFailed("decompression-bomb", f"{self._wire:,} bytes decompress to {size:,} or more")
        return FeedFailed("too-large", f"more than {self._limit:,} bytes")

    def finish(self) -> bytes:
        """The whole body.

        Raises:
          FeedFailed: ``bad-encoding`` when a compressed stream has no end.
        """
        try:
            for n, stage in enumerate(self._stages):
                if stage.head:  # a few bytes that look like text, or like the beginning of a coding
                    for _ in self._through(self._stages[n:], b"", last=True):
                        pass
        except Undecodable as error:
            raise _not_what_it_says(self._stages, error) from error
        if not all(stage.ended for stage in self._stages):
            raise FeedFailed(
                "bad-encoding",
                "the compressed body ends before its last block: the server did not send all of it; "
                "if that goes on, only its operator can change it",
            )
        return b"".join([*self._parts, self._small])


class _Stage:
    """One coding on the way from the wire to the document."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.decoder: Decoder | None = None
        """None until the first bytes have come."""
        self.head, self.size = b"", 0

    @property
    def ended(self) -> bool:
        """An empty body may end anywhere: some servers say gzip and send nothing."""
        return self.decoder is None or self.decoder.ended

    @property
    def sound(self) -> bool:
        return self.decoder is None or (type(self.decoder) is CODINGS.get(self.name) and self.decoder.sound)


def _not_what_it_says(stages: Sequence[_Stage], error: Undecodable) -> FeedFailed:
    said = ", ".join(stage.name for stage in reversed(stages))
    return FeedFailed("bad-encoding", f"the body is not {said}, as the server says: {error}")
