"""Feed lists: files that name feeds, as `Feed` records.

A list is text (one URL per line, an optional title after it, ``#`` comments), a table (CSV) with a header,
or OPML; its beginning decides. It is read twice: once at the start, to report errors at
once and to count the feeds, and once lazily while the scrape goes on. So a list of a million lines
needs the memory of one line.
"""

from __future__ import annotations

import io
import re
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Final

from .._errors import UsageError
from .._records import Feed
from .._urls import problem_with, without_secrets
from .opml import read_opml
from .text_list import LONGEST_LINE, TOO_LONG, read_text
from .typed_urls import meant_url

_HEAD: Final = 2**16
_CHUNK: Final = 2**16
_LARGEST: Final = 2**30
"""Bytes of a list that is read from a pipe: ten million feeds. There are pipes that never end."""
_SHOWN: Final = 80
"""Characters of a line that are shown."""
_URL_IN_BRACKETS: Final = re.compile(rb"<(https?|feed):", re.IGNORECASE)
_BYTE_ORDER_MARKS: Final = b"\xef\xbb\xbf\xfe\xff"


class FeedList:
    """A list that has been read once without an error. Each iteration reads it again, lazily.

    One iteration at a time: they share the open file.
    """

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self._name = name
        self._file = file
        self._read = read_opml if _looks_like_xml(file) else read_text
        self.count = 0
        """Lines or outlines with a feed; a feed that is listed twice counts twice."""
        first, has_url = None, False
        for feed in self:
            self.count += 1
            first = first or feed
            has_url = has_url or problem_with(feed.url) is None
        if first is None:
            raise UsageError(f"{name}: it contains no feeds")
        if not has_url:
            found = f"line {first.line} is {first.redacted_url[:_SHOWN]!r}"
            raise UsageError(f"{name}: no line has the URL of a feed; {found}")

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
def open_feed_list(path: str, *, copied: bool = False) -> Iterator[FeedList]:
    """The list at `path`; ``-`` is standard input, and the URL of a feed is a list of one.

    Blocks: call it outside of the event loop. A pipe or a terminal, which can't be read twice, is
    copied to a temporary file first. With `copied` any list is, so that it may change while it is read.

    Raises:
      UsageError: it can't be read, is malformed or contains no feeds. The message names the list.
    """
    name = "standard input" if path == "-" else without_secrets(path)
    with ExitStack() as stack:
        try:
            is_url = ":" in path and meant_url(path) and not Path(path).exists()
            opened: AbstractContextManager[IO[bytes]]
            opened = (
                nullcontext(io.BytesIO(path.encode())) if is_url else _readable(name, path, copied=copied)
            )
            file = stack.enter_context(opened)
            feeds = FeedList(name, file)
        except FileNotFoundError as error:
            url = meant_url(path)
            hint = f"; for the feed at this address, give its URL: {without_secrets(url)}" if url else ""
            raise UsageError(f"{name}: {error.strerror}{hint}") from error
        except OSError as error:
            raise UsageError(f"{name}: {error.strerror or error}") from error
        yield feeds


@contextmanager
def _readable(name: str, path: str, *, copied: bool) -> Iterator[IO[bytes]]:
    """The list as a file that can be read twice."""
    with ExitStack() as stack:
        if path != "-":
            source: IO[bytes] = stack.enter_context(Path(path).open("rb"))
        elif sys.stdin is None:
            raise OSError("it is closed")
        else:
            source = sys.stdin.buffer
        if copied or path == "-" or not stat.S_ISREG(Path(path).stat().st_mode):
            spool = stack.enter_context(tempfile.TemporaryFile())
            _copy(name, source, spool)
            source = spool
        yield source


def _copy(name: str, source: IO[bytes], spool: IO[bytes]) -> None:
    """Copy a list that may have no end, as ``/dev/zero`` has none.

    Raises:
      UsageError: it is too large, or it has a line that no list has.
    """
    size = line = 0
    while chunk := source.read(_CHUNK):
        spool.write(chunk)
        size += len(chunk)
        _, line_end, begun = chunk.replace(b"\r", b"\n").rpartition(b"\n")
        line = len(begun) if line_end else line + len(chunk)
        if size > _LARGEST:
            raise UsageError(f"{name}: it is larger than {_LARGEST // 2**30} GiB")
        if line > LONGEST_LINE and not _looks_like_xml(spool):
            raise UsageError(f"{name}: {TOO_LONG}")
        spool.seek(0, io.SEEK_END)


def _looks_like_xml(file: IO[bytes]) -> bool:
    file.seek(0)
    # UTF-16 has a zero byte around each ASCII character.
    head = file.read(_HEAD).replace(b"\0", b"").lstrip(_BYTE_ORDER_MARKS + b" \t\r\n\xff")
    return head.startswith(b"<") and not _URL_IN_BRACKETS.match(head)
