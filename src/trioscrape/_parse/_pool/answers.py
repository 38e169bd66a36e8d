"""The answer of a worker to a document, written there and read here, where nothing of it is believed.

Each frame is a list in JSON whose first item says what it is::

    ["feed", request, feed]                      then, as often as necessary:
    ["entries", count, {field: [value, …], …}]   and at the end:
    ["end", request, memory]

    ["failed", request, reason, detail, feeds]   at any time, then the end

A feed is a row of its table, see `Table.row`. Entries are ready to be stored: cut to what a store can hold,
and a list for each field, so that a few calls check, compare and write the field of all of them; see
`EntryColumns`. In the place of a long text is how many characters it has: the texts follow the JSON, because
to escape them takes longer than all the rest. Entries come in batches, because reading 100,000 of them would
stop the event loop for a second.

Pickle is no faster, and whoever sends it decides what runs where it is read. `marshal` is no better.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise, takewhile
from typing import Any, Final

from ..._errors import FeedFailed
from ..._records import Entry, ParsedFeed
from ..._records.columns import EntryColumns
from ..._records.entries import PARSED_FEED
from ..._records.kinds import INVALID
from ..._records.table import InvalidRecord
from ..._urls import problem_with
from ..protocol import LONGEST_PAGE_FEED, MOST_PAGE_FEEDS
from ..safe_html import are_safe
from .frames import BATCH_CHARACTERS, MOST_JSON, MOST_TEXTS, InvalidAnswer, answer_frame

BATCH: Final = 100
"""Entries a frame at the most: 2 ms of reading."""
_LARGE: Final = 2**20
"""Bytes of JSON of a batch whose entries come one by one instead: they have more than their texts."""
_MOST_PARTS: Final = 2**18
"""Values in a frame: an empty list takes two bytes of JSON, and 64 of memory."""
_MOST_DETAIL: Final = 2000
"""Characters. That of a page names its feeds."""
_REASONS: Final = frozenset(("malformed", "not-a-feed", "parse-crash", "too-large"))
"""Why a document can't be read; all other reasons are not a worker's."""
_TEXTS: Final = ("summary", "content")
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
        yield _frame("failed", request, failure.reason, _printable(failure.detail), failure.feeds)


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
        batch = EntryColumns.of(entries[start : start + BATCH])
        columns, texts, count = _without_texts(batch)
        encoded = _encoded(["entries", count, columns])
        if count > 1 and len(encoded) > _LARGE:
            for each in entries[start : start + count]:
                yield from _batches((each,))
        else:
            yield _checked(encoded, texts)
        start += count


def _without_texts(batch: EntryColumns) -> tuple[dict[str, list[Any]], bytes, int]:
    """Its columns, with lengths in the place of texts; the texts; and of how many of its entries they are."""
    of_entries = zip(*map(batch.values, _TEXTS), strict=True)
    sizes = accumulate(sum(map(len, filter(None, texts))) for texts in of_entries)
    count = 1 + sum(1 for _ in takewhile(lambda size: size <= BATCH_CHARACTERS, sizes))
    batch = batch.part(0, count)
    columns = batch.columns
    texts = [text for name in _TEXTS for text in columns.get(name, ()) if text is not None]
    for name in _TEXTS:
        if name in columns:
            columns[name] = [None if text is None else len(text) for text in columns[name]]
    return columns, "".join(texts).encode(errors="replace"), len(batch)


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
        self._entries: list[EntryColumns] = []
        self._count = 0
        self._failure: FeedFailed | None = None

    @property
    def answer(self) -> Answer:
        """It, when it is complete."""
        if self._feed is None or self._failure is not None:
            return self._failure or FeedFailed("parse-crash")
        return replace(self._feed, entries=EntryColumns.joined(self._entries))

    def add(self, encoded: bytes, texts: bytes) -> bool:
        """Take the next frame. True: it was the last one.

        Raises:
          InvalidAnswer: it is not valid, or not in its place.
        """
        self.room -= len(encoded) + len(texts)
        if b"\0" in texts:
            raise InvalidAnswer("a text has NUL")
        try:
            return self._add(_decoded(encoded), texts)
        except InvalidRecord as error:
            raise InvalidAnswer(str(error)) from None

    def _add(self, frame: Any, texts: bytes) -> bool:
        match frame:
            case ["entries", int(count), columns] if self._feed and not self._failure:
                self._entries.append(_entries(count, columns, texts))
                self._count += count
                if self._entries_limit is not None and self._count > self._entries_limit:
                    raise InvalidAnswer("it has too many entries")
                return False
            case [_, self._request, *_] if not texts:
                pass
            case _:
                raise InvalidAnswer("a frame is no part of it")
        match frame:
            case ["feed", _, row] if not self._feed and not self._failure:
                self._feed = PARSED_FEED.from_row(row, entries=())
            case ["failed", _, str(reason), str(detail), feeds] if reason in _REASONS and not self._failure:
                self._failure = FeedFailed(reason, _printable(detail), feeds=_checked_feeds(feeds))
            case ["end", _, int(memory)] if 0 <= memory < 2**63 and (self._feed or self._failure):
                self.memory = memory
                return True
            case _:
                raise InvalidAnswer("a frame is no part of it")
        return False


def _checked_feeds(feeds: Any) -> list[str] | None:
    """The feeds of a page; None: it is none."""
    if feeds is None:
        return None
    if not isinstance(feeds, list) or len(feeds) > MOST_PAGE_FEEDS:
        raise InvalidAnswer("it names too many feeds")
    for url in feeds:
        if not isinstance(url, str) or len(url) > LONGEST_PAGE_FEED or problem_with(url) is not None:
            raise InvalidAnswer("a feed that it names has no URL")
    return feeds


def _entries(count: int, columns: Any, texts: bytes) -> EntryColumns:
    if type(columns) is dict:
        _put_texts(columns, texts)
    entries = EntryColumns.checked(count, columns)
    for name in _TEXTS:
        types = entries.values(f"{name}_type")
        found = zip(columns.get(name, ()), types, strict=False)
        if not are_safe(text for text, kind in found if text and kind != "text"):
            raise InvalidAnswer("its HTML has not been made safe")
    return entries


def _put_texts(columns: dict[str, Any], encoded: bytes) -> None:
    """Put the texts into the places where their lengths are: first those of one field, then of the other."""
    try:
        texts = str(encoded, "utf-8")
    except UnicodeDecodeError:
        raise InvalidAnswer("a text is not UTF-8") from None
    end = 0
    for name in _TEXTS:
        sizes = columns.get(name)
        if type(sizes) is list:
            known = [size for size in sizes if size is not None]
            if known and ({*map(type, known)} != {int} or min(known) < 0):
                raise InvalidAnswer("a text has no length")
            ends = list(accumulate(known, initial=end))
            found = iter([texts[start:end] for start, end in pairwise(ends)])
            columns[name] = [None if size is None else next(found) for size in sizes]
            end = ends[-1]
    if end != len(texts):
        raise InvalidAnswer(f"its texts are {'shorter' if end > len(texts) else 'longer'} than it says")


def _decoded(encoded: bytes) -> Any:
    if _parts(encoded) > _MOST_PARTS:
        raise InvalidAnswer("it has too many parts")
    if b"\\u" in encoded and _FORBIDDEN.search(encoded):
        raise InvalidAnswer("a text has what no text can have")
    try:
        return json.loads(str(encoded, "utf-8"))
    except INVALID:
        raise InvalidAnswer("it is not JSON") from None


def _parts(encoded: bytes) -> int:
    """At least as many as there are values in it."""
    return encoded.count(b",") + encoded.count(b"[") + encoded.count(b"{") + encoded.count(b":")


def _printable(detail: str) -> str:
    """On one line, without what a terminal would take for more than text."""
    line = " ".join(detail[:_MOST_DETAIL].split())
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in line)
