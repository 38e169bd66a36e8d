"""The header of gzip, in files and in Content-Encoding (RFC 1952 §2.3); deflate data and a trailer follow."""

from __future__ import annotations

from typing import Final

_HEADER: Final = 4096
"""Bytes of a header: a file name and a comment may be in it."""


class NoGzip(ValueError):
    """There is no gzip."""


def header_size(data: bytes) -> int | None:
    """How long the header of the gzip member is that `data` begins with; None: it has not ended yet.

    Raises:
      NoGzip: it begins with something else, or the header is too long.
    """
    if data[:3] != b"\x1f\x8b\x08"[: len(data)] or (len(data) > 3 and data[3] & 0xE0):
        raise NoGzip("there is no gzip in it")
    if len(data) > _HEADER and header_size(data[:_HEADER]) is None:
        raise NoGzip(f"its gzip header is longer than {_HEADER} bytes")
    if len(data) < 12:
        return 10 if len(data) >= 10 and data[3] == 0 else None
    flags, size = data[3], 10
    if flags & 4:
        size += 2 + int.from_bytes(data[size : size + 2], "little")
    for flag in 8, 16:  # a name and a comment, each with a NUL at its end
        if flags & flag:
            if (end := data.find(b"\0", size)) < 0:
                return None
            size = end + 1
    if flags & 2:
        size += 2
    return size if size <= len(data) else None
