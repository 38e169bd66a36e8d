"""The protocol between the parser and its worker processes: frames of bytes, each after its length.

Both ends come from one installation, so the contents are pickles; nothing that comes from a feed is
ever unpickled. Answers come in batches, because unpickling one of 100,000 entries would
stop the event loop for a second.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO, Final

from ..._errors import FeedFailed
from ..._records import ParsedFeed

HEADER: Final = struct.Struct("!Q")
READY: Final = b"ready"
"""The first frame from a worker: everything is imported."""
BATCH: Final = 100
"""Entries a frame: about 1 ms of unpickling."""


def framed(payload: bytes) -> bytes:
    """`payload` with its length before it."""
    return HEADER.pack(len(payload)) + payload


def read_frame(stream: BinaryIO) -> bytes | None:
    """The next frame, or None at the end of the stream. Blocks."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (size,) = HEADER.unpack(header)
    payload = stream.read(size)
    return payload if len(payload) == size else None


def dumps(value: Any) -> bytes:
    """`value` as a frame."""
    return framed(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))


def answer_frames(answer: ParsedFeed | FeedFailed) -> Iterator[bytes]:
    """First the answer without its entries and the number of batches, then the batches."""
    if isinstance(answer, FeedFailed):
        yield dumps((answer, 0))
        return
    entries = answer.entries
    starts = range(0, len(entries), BATCH)
    yield dumps((replace(answer, entries=()), len(starts)))
    for start in starts:
        yield dumps(entries[start : start + BATCH])
