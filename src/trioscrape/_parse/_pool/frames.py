"""The protocol between the parser and its worker processes.

To a worker go pickles and bodies, each after its length: the parser is trusted. What a worker answers is
not, because it has read what strangers wrote: that is never unpickled. It comes as frames of JSON and of the
long texts that belong to it, see `answers`; how long both are stands before, and is looked at before any
memory is taken for them.
"""

from __future__ import annotations

import pickle
import struct
from typing import Any, BinaryIO, Final

from ..._records.texts import CONTENT, SUMMARY

REQUEST_HEADER: Final = struct.Struct("!Q")
ANSWER_HEADER: Final = struct.Struct("!II")
"""Bytes of JSON and of texts."""
READY: Final = b'"ready"'
"""The JSON of the first frame from a worker: everything is imported."""
BATCH_CHARACTERS: Final = 2**18
"""Of texts: a frame ends with the entry that has more."""
MOST_JSON: Final = 16 * 2**20
"""Bytes. What an entry has beside its texts is 6 MiB at the most, and more where it is escaped."""
MOST_TEXTS: Final = CONTENT.limit + SUMMARY.limit + 4 * BATCH_CHARACTERS
"""Bytes."""


class InvalidAnswer(Exception):
    """What a worker has sent is no answer to what it was given. The text says why, without quoting it."""


def framed(payload: bytes) -> bytes:
    """`payload` with its length before it, for a worker."""
    return REQUEST_HEADER.pack(len(payload)) + payload


def dumps(value: Any) -> bytes:
    """`value` as a frame for a worker."""
    return framed(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))


def read_frame(stream: BinaryIO) -> bytes | None:
    """The next frame for a worker, or None at the end of the stream. Blocks."""
    header = stream.read(REQUEST_HEADER.size)
    if len(header) < REQUEST_HEADER.size:
        return None
    (size,) = REQUEST_HEADER.unpack(header)
    payload = stream.read(size)
    return payload if len(payload) == size else None


def answer_frame(json: bytes, texts: bytes = b"") -> bytes:
    """A frame from a worker."""
    return ANSWER_HEADER.pack(len(json), len(texts)) + json + texts


def sizes(header: bytes, room: int) -> tuple[int, int]:
    """The bytes of JSON and of texts that a frame of a worker says to have.

    Args:
      header: of the frame.
      room: bytes that it may have together.

    Raises:
      InvalidAnswer: they are too many.
    """
    json, texts = ANSWER_HEADER.unpack(header)
    if json > MOST_JSON or texts > MOST_TEXTS or json + texts > room:
        raise InvalidAnswer("it is too large")
    return json, texts
