"""Feed lists: files that name feeds, as `Feed` records.

A list is text (one URL per line, an optional title after it, ``#`` comments) or OPML; the first
character that is not white space decides. It is read twice: once at the start, to report errors at
once and to count the feeds, and once lazily while the scrape goes on. So a list of a million lines
needs the memory of one line.
"""

from __future__ import annotations

import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final
from xml.parsers import expat

from .._errors import UsageError
from .._records import Feed
from .._urls import problem_with, without_secrets

_CHUNK: Final = 2**16
_TOO_SHORT: Final = expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]
_LONGEST_LINE: Final = 2**16
_BYTE_ORDER_MARKS: Final = b"\xef\xbb\xbf\xfe\xff"


class FeedList:
    """A list that has been read once without an error. Each iteration reads it again, lazily.

    One iteration at a time: they share the open file.
    """

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self._name = name
        self._file = file
        self._read = _read_opml if _looks_like_xml(file) else _read_text
        self.count = sum(1 for _ in self)
        """Lines or outlines with a feed; a feed that is listed twice counts twice."""
        if not self.count:
            raise UsageError(f"{name}: it contains no feeds")

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Feed]:
        """A feed for each line that is not a comment. If it has no URL, the whole line stands for one.

        Raises:
          UsageError: the list is malformed, because it was changed after the first reading.
        """
        self._file.seek(0)
        return self._read(self._name, self._file)


@contextmanager
def open_feed_list(path: str) -> Iterator[FeedList]:
    """The list at `path`; ``-`` is standard input.

    Blocks: call it outside of the event loop. A pipe or a terminal, which can't be read twice, is
    copied to a temporary file first.

    Raises:
      UsageError: it can't be read, is malformed or contains no feeds. The message names the list.
    """
    name = "standard input" if path == "-" else without_secrets(path)
    if problem_with(path) is None:
        raise UsageError(f"{name} is a URL, but FEEDS is a file of URLs; try: echo '{name}' | trioscrape -")
    with ExitStack() as stack:
        try:
            file = stack.enter_context(_open_twice_readable(path))
            feeds = FeedList(name, file)
        except OSError as error:
            raise UsageError(f"{name}: {error.strerror or error}") from error
        yield feeds


@contextmanager
def _open_twice_readable(path: str) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        if path != "-":
            source: IO[bytes] = stack.enter_context(Path(path).open("rb"))
        elif sys.stdin is None:
            raise OSError("it is closed")
        else:
            source = sys.stdin.buffer
        if path == "-" or not stat.S_ISREG(Path(path).stat().st_mode):
            spool = stack.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(source, spool)
            source = spool
        yield source


def _looks_like_xml(file: IO[bytes]) -> bool:
    file.seek(0)
    # UTF-16 has a zero byte around each ASCII character.
    head = file.read(_CHUNK).replace(b"\0", b"").lstrip(_BYTE_ORDER_MARKS + b" \t\r\n\xff")
    return head.startswith(b"<")


def _read_text(name: str, file: IO[bytes]) -> Iterator[Feed]:
    for number, raw in enumerate(_lines(file), start=1):
        if b"\0" in raw:
            raise UsageError(
                f"{name}, line {number}: it contains a NUL byte; a feed list is UTF-8 text or OPML"
            )
        line = _decoded(raw).strip()
        if line and not line.startswith("#"):
            yield _feed_of_line(line, number)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Lines, cut off at 64 KiB: a file that is not a list may be one huge line."""
    while raw := file.readline(_LONGEST_LINE):
        rest = raw
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(_LONGEST_LINE)
        yield raw


def _decoded(raw: bytes) -> str:
    """The text of a line in UTF-8, or else in Windows-1252, as old lists have it."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _feed_of_line(line: str, number: int) -> Feed:
    url, *title = line.split(maxsplit=1)
    if problem_with(url):
        return Feed(line, line=number)
    return Feed(url, title=title[0] if title else None, line=number)


def _read_opml(name: str, file: IO[bytes]) -> Iterator[Feed]:
    outlines = _Outlines(name)
    try:
        while chunk := file.read(_CHUNK):
            outlines.parser.Parse(chunk, False)  # noqa: FBT003 - expat takes it by position
            yield from outlines.taken()
        outlines.parser.Parse(b"", True)  # noqa: FBT003
    except expat.ExpatError as error:
        text = expat.ErrorString(error.code)
        if error.code == _TOO_SHORT:
            text = "it ends too early"
        raise UsageError(f"{name}, line {error.lineno}: malformed OPML: {text}") from error
    yield from outlines.taken()


class _Outlines:
    """Collects the ``outline`` elements with an ``xmlUrl``, at any depth.

    Entity declarations are an error: feed lists don't need them, and they let a small document expand
    into a huge one ("billion laughs").
    """

    def __init__(self, name: str) -> None:
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start_element
        self.parser.EntityDeclHandler = self._entity_declaration
        self._name = name
        self._root: str | None = None
        self._feeds: list[Feed] = []

    def taken(self) -> list[Feed]:
        """The feeds found since the last call."""
        feeds, self._feeds = self._feeds, []
        return feeds

    def _start_element(self, tag: str, attributes: dict[str, str]) -> None:
        if self._root is None:
            self._root = tag
            if tag.lower() != "opml":
                raise UsageError(f"{self._name}: it is XML, but not OPML: its root element is <{tag}>")
        if tag.lower() != "outline":
            return
        # Programs disagree on the case of xmlUrl.
        outline = {key.lower(): value.strip() for key, value in attributes.items()}
        if url := outline.get("xmlurl"):
            title = outline.get("title") or outline.get("text") or None
            self._feeds.append(Feed(url, title=title, line=self.parser.CurrentLineNumber))

    def _entity_declaration(self, *_: object) -> None:
        line = self.parser.CurrentLineNumber
        raise UsageError(
            f"{self._name}, line {line}: it declares an XML entity, which is not allowed in a feed list"
        )
