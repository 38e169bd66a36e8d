"""gzip and deflate, in which what counts is the compressed data.

zlib refuses a stream whose checksum is wrong or missing, and with it the last piece of the document.
Servers send those: they count characters, or append to what they have compressed. The data is whole when
deflate's own last block has come (RFC 1951 §3.2.3), so headers and trailers are read here, and zlib is
given the rest. What was wrong with them is only noted, in `Decoder.sound`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from ..._archive.gzip_header import NoGzip, header_size
from .decoder import PIECE, Modest, Undecodable

MEMBERS: Final = 1000
"""Compressed streams in one body. bgzip makes one of every 64 KiB; an empty one costs 20 bytes."""

_TRAILER: Final = 8
_FLUSHED: Final = b"\0\0\xff\xff"
"""The end of what a compressor has flushed (Z_SYNC_FLUSH). Servers forget to finish it afterwards."""


def one_more(members: int) -> int:
    """The number of members with the next one.

    Raises:
      Undecodable: it is one too many.
    """
    if members == MEMBERS:
        raise Undecodable(f"more than {MEMBERS} compressed streams in one body")
    return members + 1


class _Inflate:
    """One stream of bare deflate."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
        self._tail = b""

    @property
    def finished(self) -> bool:
        """Whether the last block has come."""
        return self._zlib.eof

    @property
    def ended(self) -> bool:
        """Whether nothing is missing from what has come."""
        return self._zlib.eof or self._tail == _FLUSHED

    @property
    def unused(self) -> bytes:
        """What came after the last block."""
        return self._zlib.unused_data

    def decode(self, data: bytes) -> Iterator[bytes]:
        self._tail = (self._tail + data[-4:])[-4:]
        is_full = False
        while (data or is_full) and not self._zlib.eof:
            try:
                piece = self._zlib.decompress(data, PIECE)
            except zlib.error as error:
                raise Undecodable(str(error)) from error
            data = self._zlib.unconsumed_tail
            is_full = len(piece) == PIECE  # then zlib may have more without being given more
            yield piece


class Gzip(Modest):
    """RFC 1952, any number of members up to `MEMBERS`; what comes after the last one is ignored."""

    def __init__(self) -> None:
        self._members = 0
        self._head, self._trailer = b"", b""
        self._inflate = _Inflate()
        self._check = self._size = 0
        self._in_head = True
        self._padding = False
        self._wrong = False

    @property
    def ended(self) -> bool:
        """See `Decoder.ended`."""
        return not self._in_head and self._inflate.ended

    @property
    def sound(self) -> bool:
        """See `Decoder.sound`."""
        return len(self._trailer) == _TRAILER and not self._wrong

    def decode(self, data: bytes) -> Iterator[bytes]:
        """See `Decoder.decode`."""
        while data and not self._padding:
            if self._in_head:
                data = self._after_head(data)
            elif not self._inflate.finished:
                for piece in self._inflate.decode(data):
                    self._check = zlib.crc32(piece, self._check)
                    self._size += len(piece)
                    yield piece
                data = self._inflate.unused
            elif (missing := _TRAILER - len(self._trailer)) > 0:
                self._trailer, data = self._trailer + data[:missing], data[missing:]
                self._verify()
            else:
                self._begin_another(data)

    def _after_head(self, data: bytes) -> bytes:
        self._head += data
        if (size := _gzip_header(self._head)) is None:
            return b""
        data, self._head = self._head[size:], b""
        self._members = one_more(self._members)
        self._in_head = False
        return data

    def _verify(self) -> None:
        size = (self._size & 0xFFFFFFFF).to_bytes(4, "little")
        if len(self._trailer) == _TRAILER and self._trailer != self._check.to_bytes(4, "little") + size:
            self._wrong = True

    def _begin_another(self, data: bytes) -> None:
        if not data.startswith(b"\x1f"):
            self._padding = True  # after the last member: ignored, as browsers do
            return
        self._inflate, self._trailer = _Inflate(), b""
        self._check = self._size = 0
        self._in_head = True


class Deflate(Modest):
    """RFC 1950, or bare RFC 1951 as some servers send it; what comes after it is ignored."""

    def __init__(self) -> None:
        self._head, self._trailer = b"", b""
        self._inflate = _Inflate()
        self._in_head = True
        self._is_bare = False
        self._check = zlib.adler32(b"")

    @property
    def ended(self) -> bool:
        """See `Decoder.ended`."""
        return not self._in_head and self._inflate.ended

    @property
    def sound(self) -> bool:
        """See `Decoder.sound`."""
        if self._is_bare:
            return self._inflate.finished
        return (self._trailer + self._inflate.unused)[:4] == self._check.to_bytes(4)

    def decode(self, data: bytes) -> Iterator[bytes]:
        """See `Decoder.decode`."""
        if self._in_head:
            data = self._head = self._head + data
            if len(data) < 2:
                return
            self._in_head, self._is_bare = False, not is_zlib(data)
            if not self._is_bare:
                if data[1] & 0x20:
                    raise Undecodable("deflate with a dictionary that nobody has (RFC 1950 §2.2)")
                data = data[2:]
        if self._inflate.finished:
            self._trailer += data[: 4 - len(self._trailer)]
            return
        for piece in self._inflate.decode(data):
            self._check = zlib.adler32(piece, self._check)
            yield piece
        self._trailer = self._inflate.unused[:4]


def is_zlib(data: bytes) -> bool:
    """Whether its two first bytes are a zlib header: method 8, and a checksum (RFC 1950 §2.2)."""
    return len(data) > 1 and data[0] & 15 == 8 and int.from_bytes(data[:2]) % 31 == 0


def _gzip_header(data: bytes) -> int | None:
    try:
        return header_size(data)
    except NoGzip as error:
        raise Undecodable(str(error)) from error
