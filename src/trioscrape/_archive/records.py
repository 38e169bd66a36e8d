"""Reads the records of a WARC file: each is a gzip member, and is checked and bounded in memory."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Final

HEAD_LIMIT: Final = 512 * 1024
"""Bytes of the head of a record, and of the head of an answer in it: twice what a server may send."""
_CHUNK: Final = 2**16
_PIECE: Final = 2**20
"""Bytes that are decompressed at once: 64 KiB of gzip can be 64 MiB of a record."""
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_LENGTH: Final = re.compile("[0-9]{1,15}")


class Damaged(Exception):
    """A record is cut off, or is not a WARC record."""


@dataclass(frozen=True, slots=True)
class Record:
    """A WARC record."""

    fields: Mapping[str, str]
    """By lower-case name."""
    block: bytes

    @property
    def kind(self) -> str:
        """Its WARC-Type."""
        return self.fields.get("warc-type", "")


def members(file: IO[bytes], largest: int) -> Iterator[tuple[int, bytes | None]]:
    """Where each gzip member begins, and what is in it; None: more than `largest` bytes.

    Raises:
      Damaged: a member is cut off, or is not gzip.
    """
    begin, left = file.tell(), b""
    while left := left or file.read(_CHUNK):
        member = zlib.decompressobj(zlib.MAX_WBITS + 16)
        parts, room, size = list[bytes](), largest, 0
        while not member.eof:
            if not left and not (left := file.read(_CHUNK)):
                raise Damaged("it ends in the middle of a record")
            try:
                part = member.decompress(left, _PIECE)
            except zlib.error as error:
                raise Damaged(f"it is damaged ({error})") from error
            room -= len(part)
            if room >= 0:
                parts.append(part)
            else:
                parts.clear()
            rest = member.unused_data if member.eof else member.unconsumed_tail
            size += len(left) - len(rest)
            left = rest
        yield begin, b"".join(parts) if room >= 0 else None
        begin += size


def record_in(data: bytes) -> Record:
    """The record that a gzip member has.

    Raises:
      Damaged: it is not a WARC record.
    """
    head, payload = divided(data)
    first, *lines = head.decode("utf-8", "replace").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = _LENGTH.fullmatch(fields.get("content-length", ""))
    if not first.startswith("WARC/") or length is None or len(payload) < int(length[0]):
        raise Damaged("it has something in it that is not a WARC record")
    return Record(fields, payload[: int(length[0])])


def divided(message: bytes) -> tuple[bytes, bytes]:
    """The head of a message, with its blank line, and what follows it.

    Raises:
      Damaged: the head is too long.
    """
    found = _BLANK_LINE.search(message, 0, HEAD_LIMIT)
    end = len(message) if found is None else found.end()
    if end > HEAD_LIMIT:
        raise Damaged(f"it has a record with a head of more than {HEAD_LIMIT:,} bytes")
    return message[:end], message[end:]
