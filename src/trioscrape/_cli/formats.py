"""The formats of ``trioscrape export``: what becomes of one stored record after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol
from xml.sax.saxutils import quoteattr

from .._records import FeedHistory, FeedState
from . import csv
from .jsonl import Record, line_of
from .parquet import Parquet
from .typed_urls import written_url


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

    def __init__(self, dialect: csv.Dialect, *, feeds: bool) -> None:
        self._dialect, self._header = dialect, csv.feed_header if feeds else csv.header

    def begin(self) -> bytes:
        return self._header(self._dialect).encode()

    def add(self, record: Record) -> bytes:
        if isinstance(record, FeedState):
            return csv.row_of_feed(record, self._dialect).encode()
        if isinstance(record, FeedHistory):
            raise TypeError(record)
        return csv.row_of(record, self._dialect).encode()

    def end(self) -> bytes:
        return b""


@dataclass(slots=True)
class _Folder:
    feeds: list[str] = field(default_factory=list)
    folders: dict[str, _Folder] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        yield from sorted(self.feeds)
        for name, folder in sorted(self.folders.items()):
            yield f"<outline {_attributes(text=name, title=name)}>"
            yield from folder.lines()
            yield "</outline>"


class Opml:
    """An OPML 2.0 feed list, with the folders and titles of the list that the feeds came from."""

    def __init__(self) -> None:
        self._root = _Folder()

    def begin(self) -> bytes:
        return b'<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0">\n<head/>\n<body>\n'

    def add(self, record: Record) -> bytes:
        if not isinstance(record, FeedState):
            raise TypeError(record)
        folder = self._root
        for tag in record.tags:
            folder = folder.folders.setdefault(tag, _Folder())
        # What can't be read again as it stands is escaped in a URL, and left out of a title.
        title = record.listed_title or record.title or record.url
        outline = _attributes(
            type="rss", text=title, title=title, xmlUrl=written_url(record.url), htmlUrl=record.link
        )
        folder.feeds.append(f"<outline {outline}/>")
        return b""

    def end(self) -> bytes:
        return "\n".join([*self._root.lines(), "</body>", "</opml>", ""]).encode()


def _attributes(**values: str | None) -> str:
    return " ".join(
        f"{name}={quoteattr(_without_controls(value))}" for name, value in values.items() if value
    )


def _without_controls(text: str) -> str:
    """XML 1.0 has no way to write them."""
    return "".join(character for character in text if character.isprintable())


ENTRIES: Final[Mapping[str, Callable[[], Format]]] = {
    "jsonl": JsonLines,
    "json": Json,
    "csv": lambda: Csv(csv.EXCEL, feeds=False),
    "csv-data": lambda: Csv(csv.DATA, feeds=False),
    "parquet": lambda: Parquet(feeds=False),
}
FEEDS: Final[Mapping[str, Callable[[], Format]]] = {
    "jsonl": JsonLines,
    "json": Json,
    "csv": lambda: Csv(csv.EXCEL, feeds=True),
    "csv-data": lambda: Csv(csv.DATA, feeds=True),
    "parquet": lambda: Parquet(feeds=True),
    "opml": Opml,
}
BOTH: Final[Mapping[str, Callable[[], Format]]] = {"jsonl": JsonLines}
"""What can hold records of both kinds: what ``trioscrape import`` reads."""
