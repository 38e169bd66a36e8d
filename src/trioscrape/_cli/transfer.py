"""The commands that fetch nothing: ``--export``, ``--import`` and ``--copy-store``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

import trio
from trio_util import periodic

from .._config.config import Config
from .._errors import UsageError
from .._store import Reader, Store, check_store_url, open_reader, open_store
from .csv import header, row_of
from .input import Input, Line, open_input
from .jsonl import LONGEST_LINE, BadLine, Record, line_of, record_of
from .output import Output
from .progress import Progress
from .report import count
from .restore import Moved, restoring
from .signals import until_signalled

COMPLETE: Final = 0
INCOMPLETE: Final = 1

FORMATS: Final = ("jsonl", "csv")

_PERIOD: Final = 5.0
"""Seconds from one sign of life to the next."""
_BUFFER: Final = 2**16
"""Characters that are written at once."""
_BAD_LINES_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Export:
    """Everything in a store, or what came in since, to standard output."""

    store: str = field(repr=False)
    format: str
    """One of `FORMATS`."""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Import:
    """Lines of JSON into a store."""

    store: str = field(repr=False)
    path: str
    """``-``: standard input."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A store into another one."""

    source: str = field(repr=False)
    target: str = field(repr=False)


def move(command: Export | Import | Copy, config: Config) -> int:
    """Carry the command out, in a trio run of its own; the exit status.

    Raises:
      UsageError: a store URL can't be understood, or the file to import not be opened.
      StoreError: a store is not there, or has failed.
      TrioscrapeError: the file can't be read to its end.
      OSError: standard output can't be written to.
    """
    if isinstance(command, Copy):
        check_store_url(command.source)
        check_store_url(command.target)
        if command.source == command.target:
            raise UsageError("the two stores of --copy-store are the same")
        return trio.run(_Move(config).copy, command)
    check_store_url(command.store)
    if isinstance(command, Export):
        return trio.run(_Move(config).export, command)
    with open_input(command.path, LONGEST_LINE) as lines:
        return trio.run(_Move(config).import_, command, lines)


class _Move:
    """One such command, its progress, and the signals that end it."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._moved = Moved()
        self._bad = 0
        self._progress = Progress()

    async def export(self, command: Export) -> int:
        return await self._attended(partial(self._export, command))

    async def import_(self, command: Import, lines: Input) -> int:
        return await self._attended(partial(self._import, command, lines))

    async def copy(self, command: Copy) -> int:
        return await self._attended(partial(self._copy, command))

    async def _attended(self, work: Callable[[], Awaitable[None]]) -> int:
        async def to_its_end() -> bool:
            await work()
            return True

        if await until_signalled(to_its_end, self._tell) is None:
            await self._progress.say(f"interrupted after {self._moved}")
            return INCOMPLETE
        return INCOMPLETE if self._bad else COMPLETE

    async def _tell(self) -> None:
        async for elapsed, _ in periodic(_PERIOD):
            if elapsed:
                await self._progress.say(str(self._moved))

    async def _export(self, command: Export) -> None:
        out = _Buffer()
        async with self._reader(command.store) as reader:
            if command.format == "csv":
                await out.add(header())
            elif command.since is None:
                # Of a part of its entries, a feed's state would say too much. Feeds are read first: one
                # that is newer than the entries here would say that all of them have been seen.
                async for state in reader.read_feeds():
                    self._moved.feeds += 1
                    await out.add(line_of(state))
            line = row_of if command.format == "csv" else line_of
            async for stored in reader.read_entries(since=command.since, oldest_first=True):
                self._moved.entries += 1
                await out.add(line(stored))
            await out.flush()
            await self._progress.say(f"{self._moved} from {reader.redacted_url}")

    async def _import(self, command: Import, lines: Input) -> None:
        async with self._store(command.store) as store:
            with restoring(store, self._moved) as target:
                while some := await lines.some(_decoded):
                    for number, record in some:
                        if isinstance(record, BadLine):
                            await self._complain(number, record)
                        else:
                            await target.add(record)
                await target.finish(whole=not self._bad)
            bad = f"; {count(self._bad, 'line')} can't be understood" if self._bad else ""
            await Output().write(
                f"{self._moved} read, {self._moved.written} written into {store.redacted_url}{bad}\n"
            )

    async def _complain(self, number: int, error: BadLine) -> None:
        self._bad += 1
        if self._bad <= _BAD_LINES_SHOWN:
            await self._progress.say(f"line {number}: {error}")

    async def _copy(self, command: Copy) -> None:
        async with self._reader(command.source) as source, self._store(command.target) as store:
            with restoring(store, self._moved) as target:
                async for state in source.read_feeds():
                    await target.add(state)
                async for stored in source.read_entries(oldest_first=True):
                    await target.add(stored)
                await target.finish()
            await Output().write(
                f"{self._moved} in {source.redacted_url},"
                f" {self._moved.written} written into {store.redacted_url}\n"
            )

    def _reader(self, url: str) -> AbstractAsyncContextManager[Reader]:
        config = self._config
        return open_reader(
            url, connect_timeout=config.store_connect_timeout, call_timeout=config.store_timeout
        )

    def _store(self, url: str) -> AbstractAsyncContextManager[Store]:
        config = self._config
        return open_store(
            url,
            width=config.store_width,
            connect_timeout=config.store_connect_timeout,
            call_timeout=config.store_timeout,
        )


class _Buffer:
    """Standard output, some at a time."""

    def __init__(self) -> None:
        self._output = Output()
        self._texts: list[str] = []
        self._size = 0

    async def add(self, text: str) -> None:
        self._texts.append(text)
        self._size += len(text)
        if self._size > _BUFFER:
            await self.flush()

    async def flush(self) -> None:
        data = "".join(self._texts).encode()
        self._texts, self._size = [], 0
        await self._output.write_bytes(data)


def _decoded(line: Line) -> tuple[int, Record | BadLine]:
    number, data = line
    try:
        return number, record_of(data)
    except BadLine as error:
        return number, error
