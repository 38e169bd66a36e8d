"""Feed lists as text: one URL per line, or a table with a header that has a column of URLs (CSV)."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO, Final

from .._errors import UsageError
from .._records import Feed
from .typed_urls import split_line, typed_url

_KEPT: Final = 2**16
"""How many characters of a line are read; the rest of it is ignored."""
LONGEST_LINE: Final = 2**20
"""Characters, or bytes, of a line in what can be a list at all."""
TOO_LONG: Final = f"it has a line of more than {LONGEST_LINE // 2**20} MiB; a feed list has a URL per line"
_HEAD: Final = 2**12
_NO_LETTERS: Final = str.maketrans("", "", " _-")
_DELIMITERS: Final = ",;\t|"
_URL_COLUMNS: Final = (
    "xmlurl",
    "feedurl",
    "rssurl",
    "atomurl",
    "feed",
    "rss",
    "url",
    "link",
    "uri",
    "address",
)
"""Names of the column with the URLs, best first: where there is ``xmlUrl``, ``url`` is that of the site."""
_TITLE_COLUMNS: Final = ("title", "name", "text", "label")

_Row = tuple[int, str]
"""A line's number and text."""


def read_text(name: str, file: IO[bytes]) -> Iterator[Feed]:
    """A feed for each line that is not a comment, or for each row of a table with a header.

    What has no URL stands for a feed as a whole, so that it is reported.

    Raises:
      UsageError: a line has a NUL byte, or is longer than any URL: this is no list. The message has `name`.
    """
    lines = _lines(name, file)
    first = next(((number, line) for number, line in lines if line.strip()), None)
    if first is None:
        return
    if header := _header(first[1]):
        yield from _read_table(lines, *header)
        return
    yield from _feeds_of_line(first)
    for line in lines:
        yield from _feeds_of_line(line)


def _feeds_of_line(row: _Row) -> Iterator[Feed]:
    number, line = row
    line = line.strip()
    if not line or line.startswith("#"):
        return
    typed, title = split_line(line)
    url = typed_url(typed)
    if url is None or ("://" not in typed and "://" in (title or "")):
        yield Feed(line, line=number)
    else:
        yield Feed(url, title=title, line=number)


def _lines(name: str, file: IO[bytes]) -> Iterator[_Row]:
    """Numbered lines with any line end, cut off at 64 KiB: something else may stand behind a URL."""
    encoding = _encoding(file.read(_HEAD))
    file.seek(0)
    # Latin-1 stands for the bytes themselves where each line is decoded on its own.
    text = io.TextIOWrapper(file, encoding or "latin-1", errors="replace", newline=None)
    try:
        number = 0
        while line := text.readline(_KEPT):
            number += 1
            rest, length = line, len(line)
            while rest and not rest.endswith("\n"):
                rest = text.readline(_KEPT)
                length += len(rest)
                if length > LONGEST_LINE:
                    raise UsageError(f"{name}: {TOO_LONG}")
            if "\0" in line:
                raise UsageError(
                    f"{name}, line {number}: it contains a NUL byte; a feed list is text or OPML"
                )
            yield number, line if encoding else _decoded(line.encode("latin-1"))
    finally:
        if not file.closed:  # as it is after a run that has left its list unread
            text.detach()


def _encoding(head: bytes) -> str | None:
    """UTF-16 by its byte order mark, or by the zeros that ASCII has in it; None for anything else."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding, zeros, others in ("utf-16-le", head[1::2], head[::2]), ("utf-16-be", head[::2], head[1::2]):
        if zeros.count(0) > len(zeros) // 2 and others.count(0) == 0:
            return encoding
    return None


def _decoded(raw: bytes) -> str:
    """The text of a line in UTF-8, or else in Windows-1252, as old lists have it."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _header(line: str) -> tuple[str, int, int | None] | None:
    """The delimiter of a table, and where it has URLs and titles; None when `line` is no header."""
    if typed_url(split_line(line)[0]) is not None:
        return None  # a URL whose title is "News | RSS"
    for delimiter in _DELIMITERS:
        names = [cell.lower().translate(_NO_LETTERS) for cell in _cells(line, delimiter)]
        for name in _URL_COLUMNS:
            if name in names:
                titles = (names.index(title) for title in _TITLE_COLUMNS if title in names)
                return delimiter, names.index(name), next(titles, None)
    return None


def _read_table(lines: Iterator[_Row], delimiter: str, urls: int, titles: int | None) -> Iterator[Feed]:
    for number, line in lines:
        cells = _cells(line, delimiter)
        if not any(cells):
            continue
        typed = cells[urls] if urls < len(cells) else ""
        title = cells[titles] if titles is not None and titles < len(cells) else ""
        url = typed_url(split_line(typed)[0]) if typed else None
        yield Feed(url, title=title or None, line=number) if url else Feed(line.strip(), line=number)


def _cells(line: str, delimiter: str) -> Sequence[str]:
    with suppress(csv.Error):
        return [
            cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), ())
        ]
    return ()
