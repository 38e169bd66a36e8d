"""The formats of ``trioscrape export``: what becomes of one stored record after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol
from xml.sax.saxutils import quoteattr

from .._records import FeedState
from . import csv
from .jsonl import Record, line_of
from .parquet import Parquet


class Format(Protocol):
    """A document that is made of records. Each method returns the next bytes of it, which may be none."""

    def begin(self) -> bytes:
        """What comes before the records."""

    def add(self, record: Record) -> bytes:
        """A record."""

    def end(self) -> bytes:
        """What comes after them."""


class JsonLines:
    """A JSON object per line."""

    def begin(self) -> bytes:
        return b""

    def add(self, record: Record) -> bytes:
        return line_of(record).encode()

    def end(self) -> bytes:
        return b""


class Json:
    """One JSON array of the same objects."""

    def __init__(self) -> None:
        self._between = b"[\n"

    def begin(self) -> bytes:
        return b""

    def add(self, record: Record) -> bytes:
        between, self._between = self._between, b",\n"
        return between + line_of(record).rstrip("\n").encode()

    def end(self) -> bytes:
        return b"[]\n" if self._between == b"[\n" else b"\n]\n"


class Csv:
    """A header and a row for each record, see `csv`."""

    def __init__(self, *, feeds: bool) -> None:
        self._header = csv.feed_header if feeds else csv.header

    def begin(self) -> bytes:
        return self._header().encode()

    def add(self, record: Record) -> bytes:
        row = csv.row_of_feed(record) if isinstance(record, FeedState) else csv.row_of(record)
        return row.encode()

    def end(self) -> bytes:
        return b""


class Opml:
    """An OPML 2.0 feed list."""

    def begin(self) -> bytes:
        return b'<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0">\n<head/>\n<body>\n'

    def add(self, record: Record) -> bytes:
        if not isinstance(record, FeedState):
            raise TypeError(record)
        title = record.title or record.url
        attributes = {"type": "rss", "text": title, "title": title, "xmlUrl": record.url}
        if record.link:
            attributes["htmlUrl"] = record.link
        written = (f"{name}={quoteattr(_without_controls(value))}" for name, value in attributes.items())
        return f"<outline {' '.join(written)}/>\n".encode()

    def end(self) -> bytes:
        return b"</body>\n</opml>\n"


def _without_controls(text: str) -> str:
    """XML 1.0 has no way to write them."""
    return "".join(character for character in text if character.isprintable())


ENTRIES: Final[Mapping[str, Callable[[], Format]]] = {
    "jsonl": JsonLines,
    "json": Json,
    "csv": lambda: Csv(feeds=False),
    "parquet": lambda: Parquet(feeds=False),
}
FEEDS: Final[Mapping[str, Callable[[], Format]]] = {
    "jsonl": JsonLines,
    "json": Json,
    "csv": lambda: Csv(feeds=True),
    "parquet": lambda: Parquet(feeds=True),
    "opml": Opml,
}
BOTH: Final[Mapping[str, Callable[[], Format]]] = {"jsonl": JsonLines}
"""What can hold records of both kinds: what ``trioscrape import`` reads."""
