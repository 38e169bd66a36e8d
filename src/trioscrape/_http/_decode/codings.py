"""The content codings, each undone piece by piece.

What a few bytes stand for is up to whoever sent them: a zstd block of four bytes may be 128 KiB, one
of brotli 16 MiB. So every library here is asked for no more than a piece at a time, and one that can't
be asked so is not used: brotli before 1.2, and ``zstandard``, whose `decompressobj` gives all or
nothing. ``backports.zstd`` is the module that Python 3.14 has as ``compression.zstd``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from .decoder import PIECE, Decoder, Modest, Undecodable
from .inflate import Deflate, Gzip, one_more

ZSTD_WINDOW_LOG: Final = 23
"""8 MiB, the most that a server may ask of a client (RFC 9659 §3)."""


class Brotli:
    """RFC 7932. The library decodes until its window is full, then lets go of it a piece at a time."""

    sound = True

    def __init__(self) -> None:
        self._brotli = brotli.Decompressor()

    @property
    def ended(self) -> bool:
        """See `Decoder.ended`."""
        return bool(self._brotli.is_finished())

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


class Zstd(Modest):
    """RFC 8878, any number of frames up to `MEMBERS`."""

    sound = True

    def __init__(self) -> None:
        self._frames = 0
        self._zstd: Any = None

    @property
    def ended(self) -> bool:
        """See `Decoder.ended`."""
        return self._zstd is None or bool(self._zstd.eof)

    def decode(self, data: bytes) -> Iterator[bytes]:
        """See `Decoder.decode`."""
        while data or not (self.ended or self._zstd.needs_input):
            if self.ended:
                self._frames = one_more(self._frames)
                options = {zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG}
                self._zstd = zstd.ZstdDecompressor(options=options)
            try:
                piece = self._zstd.decompress(data, PIECE)
            except zstd.ZstdError as error:
                raise Undecodable(str(error)) from error
            data = self._zstd.unused_data
            yield piece


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
