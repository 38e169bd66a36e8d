"""The answer of a worker to a document, written there and read here, where nothing of it is believed.

Each frame is a list in JSON whose first item says what it is::

    ["feed", request, feed]                then, as often as necessary:
    ["entries", [entry, …]]                and at the end:
    ["end", request, memory]

    ["failed", request, reason, detail]    at any time, then the end

Feeds and entries are rows of their tables, so that these say what is valid; see `Table.row`. In the place of
a long text is how many bytes it has: the texts follow the JSON, because to escape them takes longer than all
the rest. Entries come in batches, because reading 100,000 of them would stop the event loop for a second.

Pickle is hardly faster (CPU of a real feed: 0.32 ms there and 0.35 here; like this 0.43 and 0.52, and 0.4 to
look at its HTML), but whoever sends it decides what runs where it is read. `marshal` is no better.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from ..._errors import FeedFailed
from ..._records import Entry, ParsedFeed
from ..._records.entries import ENTRY, PARSED_FEED, clean_entry
from ..._records.kinds import INVALID
from ..._records.table import InvalidRecord
from ..safe_html import is_safe
from .frames import BATCH_BYTES, MOST_JSON, MOST_TEXTS, InvalidAnswer, answer_frame

BATCH: Final = 100
"""Entries a frame at the most: 2 ms of reading."""
_LARGE: Final = 2**20
"""Bytes of JSON of a batch in which some entry has more than a store keeps."""
_MOST_PARTS: Final = 2**18
"""Values in a frame: an empty list takes two bytes of JSON, and 64 of memory."""
_MOST_DETAIL: Final = 2000
"""Characters. That of a page names its feeds."""
_REASONS: Final = frozenset(("malformed", "not-a-feed", "parse-crash", "too-large"))
"""Why a document can't be read; all other reasons are not a worker's."""
_TEXTS: Final = [list(ENTRY.fields).index(name) for name in ("summary", "content")]
# What no store and no UTF-8 can hold, NUL and surrogates, can only come as references. No parser lets them
# through, and no worker writes other references than those to control characters.
_FORBIDDEN: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u(?:0000|[dD][89a-fA-F])")

_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

Answer = ParsedFeed | FeedFailed


def most_bytes(size: int) -> int:
    """Bytes that the answer to a document of `size` bytes may have.

    Links made absolute and elements that are closed again let real documents grow by a third.
    """
    return 16 * size + 64 * 2**20


def answer_frames(request: str, answer: Answer, room: int) -> Iterator[bytes]:
    """All frames of an answer but the last one. It is a failure when it has more than `room` bytes."""
    failure = answer if isinstance(answer, FeedFailed) else None
    try:
        if isinstance(answer, ParsedFeed):
            yield _frame("feed", request, PARSED_FEED.row(answer))
            yield from _within(room, _batches(answer.entries))
    except FeedFailed as too_large:
        failure = too_large
    if failure is not None:
        yield _frame("failed", request, failure.reason, _printable(failure.detail))


def _within(room: int, frames: Iterable[bytes]) -> Iterator[bytes]:
    for frame in frames:
        room -= len(frame)
        if room < 0:
            raise FeedFailed("parse-crash", "its entries are too large together")
        yield frame


def end_frame(request: str, memory: int) -> bytes:
    """The last frame of an answer, with the bytes that the worker holds now."""
    return _frame("end", request, memory)


def _frame(*parts: Any, texts: bytes = b"") -> bytes:
    return _checked(_encoded(parts), texts)


def _encoded(value: Any) -> bytes:
    return _encode(value).encode(errors="replace")


def _checked(encoded: bytes, texts: bytes) -> bytes:
    if len(encoded) > MOST_JSON or len(texts) > MOST_TEXTS or _parts(encoded) > _MOST_PARTS:
        raise FeedFailed("parse-crash", "one of its entries is too large")
    return answer_frame(encoded, texts)


def _batches(entries: Sequence[Entry]) -> Iterator[bytes]:
    start = 0
    while start < len(entries):
        rows: list[list[Any]] = []
        texts: list[bytes] = []
        size = 0
        for entry in entries[start : start + BATCH]:
            rows.append(_row(entry, texts))
            size += sum(rows[-1][at] or 0 for at in _TEXTS)
            if size > BATCH_BYTES:
                break
        encoded = _encoded(["entries", rows])
        if len(encoded) > _LARGE:
            yield from map(_batch_of_one, entries[start : start + len(rows)])
        else:
            yield _checked(encoded, b"".join(texts))
        start += len(rows)


def _batch_of_one(entry: Entry) -> bytes:
    texts: list[bytes] = []
    row = _row(clean_entry(entry), texts)
    return _frame("entries", [row], texts=b"".join(texts))


def _row(entry: Entry, texts: list[bytes]) -> list[Any]:
    row = ENTRY.row(entry)
    for at in _TEXTS:
        if row[at] is not None:
            texts.append(row[at].encode(errors="replace"))
            row[at] = len(texts[-1])
    return row


class Reading:
    """The answer to one document, as far as its frames have come.

    Args:
      request: what it must be the answer to.
      size: bytes of the document.
      entries_limit: that of the document.
    """

    def __init__(self, request: str, size: int, entries_limit: int | None) -> None:
        self.room = most_bytes(size)
        """How many bytes the remaining frames may have in total."""
        self.memory = 0
        """How many bytes of memory the worker was using at the end of its answer."""
        self._request = request
        self._entries_limit = entries_limit
        self._feed: ParsedFeed | None = None
        self._entries: list[Entry] = []
        self._failure: FeedFailed | None = None

    @property
    def answer(self) -> Answer:
        """It, when it is complete."""
        if self._feed is None or self._failure is not None:
            return self._failure or FeedFailed("parse-crash")
        return replace(self._feed, entries=tuple(self._entries))

    def add(self, encoded: bytes | bytearray, texts: bytes | bytearray) -> bool:
        """Take the next frame. True: it was the last one.

        Raises:
          InvalidAnswer: it is not valid, or not in its place.
        """
        self.room -= len(encoded) + len(texts)
        if b"\0" in texts:
            raise InvalidAnswer("a text has NUL")
        try:
            return self._add(_decoded(encoded), memoryview(texts))
        except InvalidRecord as error:
            raise InvalidAnswer(str(error)) from None

    def _add(self, frame: Any, texts: memoryview) -> bool:
        match frame:
            case ["entries", [_, *_] as rows] if self._feed and not self._failure:
                self._entries += _entries(rows, texts)
                if self._entries_limit is not None and len(self._entries) > self._entries_limit:
                    raise InvalidAnswer("it has too many entries")
                return False
            case [_, self._request, *_] if not texts:
                pass
            case _:
                raise InvalidAnswer("a frame is no part of it")
        match frame:
            case ["feed", _, row] if not self._feed and not self._failure:
                self._feed = PARSED_FEED.from_row(row, entries=())
            case ["failed", _, str(reason), str(detail)] if reason in _REASONS and not self._failure:
                self._failure = FeedFailed(reason, _printable(detail))
            case ["end", _, int(memory)] if 0 <= memory < 2**63 and (self._feed or self._failure):
                self.memory = memory
                return True
            case _:
                raise InvalidAnswer("a frame is no part of it")
        return False


def _entries(rows: list[Any], texts: memoryview) -> Iterator[Entry]:
    start = 0
    for row in rows:
        if type(row) is not list or len(row) <= max(_TEXTS):
            raise InvalidAnswer("an entry is none")
        for at in _TEXTS:
            size = row[at]
            if size is not None:
                if type(size) is not int or not 0 <= size <= len(texts) - start:
                    raise InvalidAnswer("its texts are shorter than it says")
                row[at] = _text(texts[start : start + size])
                start += size
        entry = ENTRY.from_row(row)
        for text, kind in ((entry.summary, entry.summary_type), (entry.content, entry.content_type)):
            if text and kind != "text" and not is_safe(text):
                raise InvalidAnswer("its HTML has not been made safe")
        yield entry
    if start != len(texts):
        raise InvalidAnswer("its texts are longer than it says")


def _text(encoded: memoryview) -> str:
    try:
        return str(encoded, "utf-8")
    except UnicodeDecodeError:
        raise InvalidAnswer("a text is not UTF-8") from None


def _decoded(encoded: bytes | bytearray) -> Any:
    if _parts(encoded) > _MOST_PARTS:
        raise InvalidAnswer("it has too many parts")
    if b"\\u" in encoded and _FORBIDDEN.search(encoded):
        raise InvalidAnswer("a text has what no text can have")
    try:
        return json.loads(str(encoded, "utf-8"))
    except INVALID:
        raise InvalidAnswer("it is not JSON") from None


def _parts(encoded: bytes | bytearray) -> int:
    """At least as many as there are values in it."""
    return encoded.count(b",") + encoded.count(b"[") + encoded.count(b"{") + encoded.count(b":")


def _printable(detail: str) -> str:
    """On one line, without what a terminal would take for more than text."""
    line = " ".join(detail[:_MOST_DETAIL].split())
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in line)
