"""Content-Encoding undone within a limit: a body never grows past it, whatever it claims to be.

httpx's own decoders inflate a whole chunk before anyone can look at its size: 64 KiB of gzip can be
64 MiB of feed. These ask zlib for no more than there is room for.
"""

from __future__ import annotations

import zlib
from typing import Final

from ._errors import FeedFailed

ACCEPT_ENCODING: Final = "gzip, deflate"


class Body:
    """Collects a body as it arrives.

    Args:
      encoding: the Content-Encoding header's value (RFC 9110 §8.4), None for none.
      limit: bytes, on the wire and decoded.

    Raises:
      FeedFailed: ``bad-encoding`` when the encoding is not one that we asked for.
    """

    def __init__(self, encoding: str | None, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._wire = self.size = 0
        self._inflate = _decoder(encoding or "")

    def feed(self, chunk: bytes) -> None:
        """Take what came from the wire.

        Raises:
          FeedFailed: ``too-large`` or ``bad-encoding``.
        """
        self._wire += len(chunk)
        if self._wire > self._limit:
            raise self._too_large()
        if self._inflate is None:
            self._add(chunk)
            return
        try:
            self._add(self._inflate.decode(chunk, self._limit - self.size + 1))
        except zlib.error as error:
            raise FeedFailed("bad-encoding", str(error)) from error

    def _add(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._limit:
            raise self._too_large()
        self._parts.append(data)

    def _too_large(self) -> FeedFailed:
        return FeedFailed("too-large", f"more than {self._limit} bytes")

    def finish(self) -> bytes:
        """The whole body.

        Raises:
          FeedFailed: ``bad-encoding`` when the compressed stream has no end.
        """
        if self._inflate is not None and not self._inflate.ended:
            raise FeedFailed("bad-encoding", "the compressed body ends too early")
        return b"".join(self._parts)


class _Inflate:
    """gzip (RFC 1952, any number of members) or deflate (RFC 1950; bare RFC 1951 as some send it)."""

    def __init__(self, window_bits: int) -> None:
        self._window_bits = window_bits
        self._zlib = zlib.decompressobj(window_bits)
        self._first = True

    @property
    def ended(self) -> bool:
        return self._zlib.eof or self._first

    def decode(self, chunk: bytes, room: int) -> bytes:
        """At most `room` bytes of what `chunk` stands for; more would be too large anyway."""
        out = self._start(chunk, room) if self._first else self._zlib.decompress(chunk, room)
        while self._zlib.eof and self._zlib.unused_data and len(out) < room:
            rest = self._zlib.unused_data
            if not rest.startswith(b"\x1f\x8b"):
                break  # padding after the last member: ignored, as browsers do
            self._zlib = zlib.decompressobj(self._window_bits)
            out += self._zlib.decompress(rest, room - len(out))
        return out

    def _start(self, chunk: bytes, room: int) -> bytes:
        if not chunk:
            return b""
        self._first = False
        try:
            return self._zlib.decompress(chunk, room)
        except zlib.error:
            if self._window_bits != zlib.MAX_WBITS:
                raise
            self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._zlib.decompress(chunk, room)


def _decoder(encoding: str) -> _Inflate | None:
    names = [name for part in encoding.lower().split(",") if (name := part.strip()) not in ("", "identity")]
    match names:
        case []:
            return None
        case ["gzip" | "x-gzip"]:
            return _Inflate(16 + zlib.MAX_WBITS)
        case ["deflate"]:
            return _Inflate(zlib.MAX_WBITS)
    raise FeedFailed("bad-encoding", f"Content-Encoding is {encoding[:80]!r}, asked for {ACCEPT_ENCODING}")
