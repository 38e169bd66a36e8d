"""Writes one WARC file, each record as a gzip member (ISO 28500:2017, annex D)."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

OPEN: Final = ".open"
"""How the name ends while a file is being written, or if it was never closed."""
POLL: Final = "application/vnd.trioscrape.poll+json"
"""Content type of the record of a poll."""
SAME_PAYLOAD: Final = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
NOT_MODIFIED: Final = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
LEVEL: Final = 1
"""Compression level; level 6 takes 3.4 times the CPU time for XML."""
SMALL: Final = 1000
"""Bytes; records smaller than this are not compressed. Compressing a request takes six times the CPU time,
mostly for allocating memory and for getting the GIL back, and saves some 300 bytes."""
_VERSION: Final = "WARC/1.1\r\nWARC-Type: "
_STORED: Final = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01"
"""The header of a gzip member (RFC 1952 §2.3), and of its only block, which is stored (RFC 1951 §3.2.4)."""


class WarcFile:
    """A file to which records are added. `save` writes all that were added since the last time, or none.

    Args:
      folder: of the archive.
      serial: number of the file in its run; if there is a file of that name, the next free number is used.

    Raises:
      OSError: the file can't be created.
    """

    def __init__(self, folder: Path, serial: int) -> None:
        stamp = f"{datetime.now(UTC):%Y%m%d%H%M%S}"
        while True:
            self.serial, self.name = serial, f"trioscrape-{stamp}-{serial:05}.warc.gz"
            self._path = folder / (self.name + OPEN)
            if not (folder / self.name).exists():
                try:
                    self._file = os.open(
                        self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666
                    )
                except FileExistsError:
                    pass
                else:
                    break
            serial += 1
        self.size = 0
        """Bytes written to the file."""
        self._ready = bytearray()

    def add(
        self, kind: str, fields: Mapping[str, str], content_type: str, block: bytes, *, compress: bool = True
    ) -> None:
        """Add a record, to be written by the next `save`.

        Args:
          kind: WARC-Type.
          fields: further fields, without Content-Type and Content-Length.
          content_type: Content-Type of the block.
          block: contents of the record.
          compress: whether to compress the record.
        """
        length = len(block)
        lines = "".join([f"{name}: {value}\r\n" for name, value in fields.items()])
        head = f"{_VERSION}{kind}\r\n{lines}Content-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
        record = b"%b%b\r\n\r\n" % (head.encode(), block)
        if len(record) < SMALL:
            self._ready += _stored(record)
        else:  # in one call, as each of them gives up the GIL
            self._ready += zlib.compress(record, LEVEL if compress else 0, zlib.MAX_WBITS + 16)

    def save(self) -> None:
        """Write the records that were added since the last call.

        Raises:
          OSError: the disk is full, or fails. Then none of these records is in the file.
        """
        before = self.size
        try:
            view = memoryview(self._ready)
            while view:
                view = view[os.write(self._file, view) :]
            self.size += len(self._ready)
        except OSError:
            self.cut(before)
            raise
        finally:
            del view
            self._ready.clear()

    def drop(self) -> None:
        """Forget the records that have come since the last time."""
        self._ready.clear()

    def cut(self, size: int) -> None:
        """Take back what has been written behind `size`.

        Raises:
          OSError: the disk fails.
        """
        os.ftruncate(self._file, size)
        os.lseek(self._file, size, os.SEEK_SET)
        self.size = size

    def close(self) -> None:
        """Close the file, and remove `OPEN` from its name. An empty file is deleted."""
        os.close(self._file)
        if self.size:
            self._path.rename(self._path.with_name(self.name))
        else:
            self._path.unlink()


def _stored(data: bytes) -> bytes:
    """A gzip member with `data`, less than 64 KiB, uncompressed."""
    size = len(data)
    return b"%b%b%b%b%b%b" % (
        _STORED,
        size.to_bytes(2, "little"),
        (size ^ 0xFFFF).to_bytes(2, "little"),
        data,
        zlib.crc32(data).to_bytes(4, "little"),
        size.to_bytes(4, "little"),
    )
