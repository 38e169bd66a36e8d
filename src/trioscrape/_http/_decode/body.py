"""A body as it arrives, decoded and counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ..._errors import FeedFailed
from .codings import ACCEPT_ENCODING, CODINGS, Decoder, Undecodable

NESTED: Final = 2
"""Codings on top of each other that are undone. A proxy may add one to the server's own."""

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
      FeedFailed: ``bad-encoding`` when the encoding is not one that we asked for.
    """

    def __init__(self, encoding: str | None, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._small = bytearray()
        self._wire = 0
        self.windows = 0
        """Bytes announced by `feed` that are free again when the body is finished."""
        self._stages = [_Stage(decoder) for decoder in _decoders(encoding or "")]

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
            raise FeedFailed("bad-encoding", f"the compressed body is damaged: {error}") from error

    def _through(self, stages: Sequence[_Stage], data: bytes) -> Iterator[int]:
        if not stages:
            self._add(data)
            yield len(data)
            return
        stage = stages[0]
        if data and not stage.begun:
            stage.begun = True
            if window := stage.decoder.window(data[0]):
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
        if not all(stage.decoder.ended for stage in self._stages):
            raise FeedFailed("bad-encoding", "the compressed body ends too early")
        return b"".join([*self._parts, self._small])


class _Stage:
    """One coding on the way from the wire to the document."""

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self.begun, self.size = False, 0


def _decoders(encoding: str) -> list[Decoder]:
    """In the order in which they are to be undone: the header names the last one applied last."""
    names = [name for part in encoding.lower().split(",") if (name := part.strip()) not in ("", "identity")]
    try:
        decoders = [CODINGS[name.removeprefix("x-")]() for name in reversed(names)]
    except KeyError:
        decoders = []
    if len(decoders) != len(names) or len(names) > NESTED:
        raise FeedFailed(
            "bad-encoding", f"Content-Encoding is {encoding[:80]!r}, not one of {ACCEPT_ENCODING}"
        )
    return decoders
