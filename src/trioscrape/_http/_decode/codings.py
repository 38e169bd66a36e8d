"""The content codings, each undone piece by piece.

What a few bytes stand for is up to whoever sent them: a zstd block of four bytes may be 128 KiB, one
of brotli 16 MiB. So every library here is asked for no more than a piece at a time, and one that can't
be asked so is not used: brotli before 1.2, and ``zstandard``, whose `decompressobj` gives all or
nothing. ``backports.zstd`` is the module that Python 3.14 has as ``compression.zstd``.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final, Protocol

PIECE: Final = 65_536
"""Bytes that are decoded at once: as much as one read from the wire."""

MEMBERS: Final = 1000
"""Compressed streams in one body. bgzip makes one of every 64 KiB; an empty one costs 20 bytes."""

ZSTD_WINDOW_LOG: Final = 23
"""8 MiB, the most that a server may ask of a client (RFC 9659 §3)."""


class Undecodable(Exception):
    """The bytes are not what they are said to be; the text says how."""


class Decoder(Protocol):
    """Undoes one content coding."""

    @property
    def ended(self) -> bool:
        """Whether the body may end here. An empty one may: some servers say gzip and send nothing."""

    def window(self, first: int) -> int:
        """Bytes that it fills at once, whatever is asked of it, in a body whose first byte is `first`."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """What `data` stands for, in pieces of about `PIECE` bytes; an empty one is a time to breathe.

        Raises:
          Undecodable: it stands for nothing.
        """


class _Modest:
    """Looks back on no more than it has been asked for."""

    def window(self, first: int) -> int:
        """See `Decoder.window`."""
        del first
        return 0


class Gzip(_Modest):
    """RFC 1952, any number of members up to `MEMBERS`."""

    def __init__(self) -> None:
        self._members = 0
        self._inflate = _Inflate(16 + zlib.MAX_WBITS)
        self._padding = False

    @property
    def ended(self) -> bool:
        return self._members == 0 or self._inflate.ended

    def decode(self, data: bytes) -> Iterator[bytes]:
        """See `Decoder.decode`."""
        while data and not self._padding:
            if self.ended and not data.startswith(b"\x1f") and self._members:
                self._padding = True  # after the last member: ignored, as browsers do
                return
            if self.ended:
                self._members = _one_more(self._members)
                self._inflate = _Inflate(16 + zlib.MAX_WBITS)
            yield from self._inflate.decode(data)
            data = self._inflate.unused


class Deflate(_Modest):
    """RFC 1950, or bare RFC 1951 as some servers send it."""

    def __init__(self) -> None:
        self._head = b""
        self._inflate: _Inflate | None = None

    @property
    def ended(self) -> bool:
        return not self._head if self._inflate is None else self._inflate.ended

    def decode(self, data: bytes) -> Iterator[bytes]:
        """See `Decoder.decode`."""
        if self._inflate is None:
            data = self._head = self._head + data
            if len(data) < 2:
                return
            # The two bytes of a zlib header: method 8, and a checksum (RFC 1950 §2.2).
            has_header = data[0] & 15 == 8 and int.from_bytes(data[:2]) % 31 == 0
            self._inflate = _Inflate(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
        if not self._inflate.ended:
            yield from self._inflate.decode(data)


class _Inflate:
    """One zlib stream."""

    def __init__(self, window_bits: int) -> None:
        self._zlib = zlib.decompressobj(window_bits)

    @property
    def ended(self) -> bool:
        return self._zlib.eof

    @property
    def unused(self) -> bytes:
        return self._zlib.unused_data

    def decode(self, data: bytes) -> Iterator[bytes]:
        is_full = False
        while (data or is_full) and not self._zlib.eof:
            try:
                piece = self._zlib.decompress(data, PIECE)
            except zlib.error as error:
                raise Undecodable(str(error)) from error
            data = self._zlib.unconsumed_tail
            is_full = len(piece) == PIECE  # then zlib may have more without being given more
            yield piece


class Brotli:
    """RFC 7932. The library decodes until its window is full, then lets go of it a piece at a time."""

    def __init__(self) -> None:
        self._brotli = brotli.Decompressor()
        self._begun = False

    @property
    def ended(self) -> bool:
        return not self._begun or bool(self._brotli.is_finished())

    def window(self, first: int) -> int:
        """See `Decoder.window`; the first bits say it (RFC 7932 §9.1)."""
        if first & 1 == 0:
            return 2**16
        if (bits := first >> 1 & 7) != 0:
            return int(2 ** (17 + bits))
        bits = first >> 4 & 7
        return int(2 ** (8 + bits)) if bits else 2**17

    def decode(self, data: bytes) -> Iterator[bytes]:
        """See `Decoder.decode`."""
        self._begun = self._begun or bool(data)
        while True:
            try:
                piece = self._brotli.process(data, output_buffer_limit=PIECE)
            except brotli.error as error:
                raise Undecodable(str(error)) from error
            yield piece
            # With all input taken it can accept more, and may still have more to give.
            if len(piece) < PIECE and (self._brotli.can_accept_more_data() or self._brotli.is_finished()):
                return
            data = b""


class Zstd(_Modest):
    """RFC 8878, any number of frames up to `MEMBERS`."""

    def __init__(self) -> None:
        self._frames = 0
        self._zstd: Any = None

    @property
    def ended(self) -> bool:
        return self._zstd is None or bool(self._zstd.eof)

    def decode(self, data: bytes) -> Iterator[bytes]:
        """See `Decoder.decode`."""
        while data or not (self.ended or self._zstd.needs_input):
            if self.ended:
                self._frames = _one_more(self._frames)
                options = {zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG}
                self._zstd = zstd.ZstdDecompressor(options=options)
            try:
                piece = self._zstd.decompress(data, PIECE)
            except zstd.ZstdError as error:
                raise Undecodable(str(error)) from error
            data = self._zstd.unused_data
            yield piece


def _one_more(members: int) -> int:
    if members == MEMBERS:
        raise Undecodable(f"more than {MEMBERS} compressed streams in one body")
    return members + 1


def _brotli_module() -> Any:
    try:
        module = importlib.import_module("brotli")
        module.Decompressor().process(b"", output_buffer_limit=1)
    except (ImportError, TypeError):  # TypeError: before 1.2
        return None
    return module


def _zstd_module() -> Any:
    for name in "compression.zstd", "backports.zstd":
        with suppress(ImportError):
            return importlib.import_module(name)
    return None


brotli, zstd = _brotli_module(), _zstd_module()
"""None when they are not installed."""

CODINGS: Final[dict[str, Callable[[], Decoder]]] = {
    "gzip": Gzip,
    "deflate": Deflate,
    **({"br": Brotli} if brotli else {}),
    **({"zstd": Zstd} if zstd else {}),
}
"""By their registered names (RFC 9110 §8.4.1, RFC 7932 §13, RFC 8878 §7.2)."""

ACCEPT_ENCODING: Final = ", ".join(CODINGS)
