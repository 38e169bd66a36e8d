"""``trioscrape export``: print what is stored, or write it to a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Final

import trio

from .._config.config import Config
from .._errors import ResourceError, UsageError
from .._printable import printable
from .._records import FeedState
from .._store import check_store_url
from .chosen import Chosen, chosen_entries, chosen_feeds, with_histories
from .config_options import config
from .durations import with_units
from .formats import BOTH, ENTRIES, FEEDS, Format
from .help import Page
from .jsonl import Record
from .output import Output, new_file
from .parser import Parser, did_you_mean
from .progress import Progress
from .restore import Transferred
from .shared_options import add_help_option, add_output_options, add_store_option, store_url
from .subcommand import Command, ExitStatus
from .transfer import add_transfer_settings, attended, reader

_BUFFER: Final = 2**16
"""Bytes that are written at once."""


def _add_options(parser: Parser) -> None:
    options = parser.section("Options")
    options.add(
        "--format",
        metavar="FORMAT",
        default="jsonl",
        text="jsonl (one JSON object per line), json, csv (for Excel), csv-data (CSV for programs), parquet"
        " (needs trioscrape[parquet]), or opml with --feeds (default: jsonl)",
    )
    options.add("--feeds", text="feeds instead of entries")
    options.add("--all", text="feeds and entries, for 'trioscrape import'")
    options.add("--feed", metavar="URL", action="append", text="only this feed; may be repeated")
    options.add(
        "--since",
        metavar="WHEN",
        text="only entries that were stored or changed since then: an age (90m, 24h, 7d), a date"
        " (2026-02-28) or a time (2026-02-28T12:00+01:00; UTC without an offset)",
    )
    options.add("--limit", metavar="N", text="only N records: the latest entries, latest first")
    options.add("-o", "--output", metavar="FILE", text="write to FILE, not to standard output")
    add_store_option(options)
    add_transfer_settings(options, writes=False)
    add_output_options(options, json=False)
    add_help_option(options)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to export, and how."""

    entries: bool
    feeds: bool
    chosen: Chosen
    format: Callable[[], Format]


def _run(given: argparse.Namespace) -> ExitStatus:
    check_store_url(store_url(given))
    wanted, settings = _wanted(given), config(given)
    document = wanted.format()  # raises before anything is opened
    if given.output in (None, "-"):
        if sys.stdout is None:
            raise ResourceError("standard output is closed; name a file with --output")
        is_terminal = sys.stdout.isatty()
        if is_terminal and given.format == "parquet":
            raise UsageError("a terminal can't show Parquet; name a file with --output")
        buffer = _Buffer(document, Output(), is_terminal=is_terminal)
        return trio.run(_Export(given, wanted, settings, buffer).run)
    with new_file(given.output) as file:
        status = trio.run(_Export(given, wanted, settings, _Buffer(document, Output(file.descriptor))).run)
        if status is ExitStatus.COMPLETE:
            file.keep()
    return status


def _wanted(given: argparse.Namespace) -> _Wanted:
    if given.feeds and given.all:
        raise UsageError("--feeds and --all exclude each other")
    since = None if given.since is None else moment(given.since)
    limit = None if given.limit is None else _number(given.limit)
    if given.all and not (since is None and limit is None):
        # With the state of a feed, but not all of its entries, the others would never be fetched.
        raise UsageError("--all can't be combined with --since or --limit")
    if given.feeds and since is not None:
        raise UsageError("--since is about entries; it can't be combined with --feeds")
    if given.all:
        made = _format(given.format, BOTH, " with --all")
    elif given.feeds:
        made = _format(given.format, FEEDS, " with --feeds")
    else:
        made = _format(given.format, ENTRIES, "")
    urls = tuple(given.feed or ())
    return _Wanted(not given.feeds, given.feeds or given.all, Chosen(urls, since, limit), made)


def _format(name: str, formats: Mapping[str, Callable[[], Format]], condition: str) -> Callable[[], Format]:
    if name in formats:
        return formats[name]
    *others, last = formats
    names = f"{', '.join(others)} or {last}" if others else last
    meant = did_you_mean(get_close_matches(name, formats, n=1))
    if name in FEEDS and name not in ENTRIES and not condition:
        meant = " (which is for --feeds)"
    raise UsageError(f"--format must be {names}{condition}, not {name!r}{meant}")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise UsageError(f"--limit must be a whole number, not {text!r}")
    return int(text)


def moment(text: str) -> datetime:
    """The moment of ``--since``: ``2026-02-28``, ``2026-02-28T12:00+01:00``, or ``24h`` ago.

    Raises:
      UsageError: it is none of these.
    """
    try:
        with suppress(ValueError):
            return datetime.now(UTC) - timedelta(seconds=with_units(text))
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"--since must be an age like 24h or 7d, a date like 2026-02-28 or a time like"
            f" 2026-02-28T12:00, not {text!r}"
        ) from None


class _Export:
    """One export, from opening the store to the last byte."""

    def __init__(self, given: argparse.Namespace, wanted: _Wanted, settings: Config, out: _Buffer) -> None:
        self._store_url, self._wanted, self._settings, self._out = store_url(given), wanted, settings, out
        self._counts, self._progress = Transferred(), Progress(quiet=given.quiet)

    async def run(self) -> ExitStatus:
        return await attended(self._write, self._counts, self._progress)

    async def _write(self) -> ExitStatus:
        chosen = self._wanted.chosen
        async with reader(self._store_url, self._settings, self._progress) as source:
            await self._out.begin()
            if self._wanted.feeds:
                # Before the entries: a state that is newer than them would say that all of them have been
                # seen.
                feeds = chosen_feeds(source, chosen)
                async for record in with_histories(source, feeds) if self._wanted.entries else feeds:
                    self._counts.feeds += isinstance(record, FeedState)
                    await self._out.add(record)
            if self._wanted.entries:
                async for stored in chosen_entries(source, chosen):
                    self._counts.entries += 1
                    await self._out.add(stored)
            await self._out.end()
            await self._progress.say(f"exported {self._counts} from {source.redacted_url}")
        return ExitStatus.COMPLETE


class _Buffer:
    """A document on its way to the output, in larger pieces.

    What strangers have written in it must not command a terminal. In a file it stays as it is.
    """

    def __init__(self, document: Format, output: Output, *, is_terminal: bool = False) -> None:
        self._document, self._output, self._is_terminal = document, output, is_terminal
        self._data = bytearray()

    async def begin(self) -> None:
        self._data += self._document.begin()

    async def add(self, record: Record) -> None:
        self._data += self._document.add(record)
        if len(self._data) > _BUFFER:
            await self._flush()

    async def end(self) -> None:
        self._data += self._document.end()
        await self._flush()

    async def _flush(self) -> None:
        data, self._data = bytes(self._data), bytearray()
        if self._is_terminal:
            data = printable(data.decode().replace("\r\n", "\n"), keep="\n\t").encode()
        await self._output.write_bytes(data)


COMMAND: Final = Command(
    name="export",
    summary="print stored entries or feeds: JSON, CSV, Parquet, OPML",
    page=Page(
        usage=("trioscrape export [options]",),
        description=("Print the stored entries, oldest first, or the feeds, or both for 'import'.",),
        examples=(
            "trioscrape export --all > backup.jsonl",
            "trioscrape export --format csv --since 24h -o today.csv",
            "trioscrape export --feeds --format opml > feeds.opml",
        ),
    ),
    add_options=_add_options,
    run=_run,
)
