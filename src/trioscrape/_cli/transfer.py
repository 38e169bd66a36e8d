"""What the commands ``export``, ``import`` and ``copy`` have in common. None of them fetches anything."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Final

import trio
from trio_util import periodic

from .._config.config import Config
from .._store import Reader, Store, check_store_url, open_reader, open_store
from .._store.lease import reserved
from .config_options import LANES, TIMEOUTS, add_numbers
from .driver_log import relay_driver_errors
from .output import Output
from .parser import OptionSection
from .progress import Progress
from .report import count, json_line
from .restore import Transferred
from .signals import Stages, until_signalled
from .subcommand import ExitStatus
from .waiting import in_turn

PERIOD: Final = 5.0
"""Seconds from one line of progress to the next."""


def add_transfer_settings(section: OptionSection, *, writes: bool) -> None:
    """The settings of `Config` that matter when a store is read, or also written."""
    if writes:
        add_numbers(section, {"store_width": LANES["store_width"]})
        add_wait_option(section)
    names = ("store_connect_timeout", "store_timeout")
    add_numbers(section, {name: TIMEOUTS[name] for name in names})


def add_wait_option(section: OptionSection) -> None:
    """``--wait-for-store``."""
    add_numbers(section, {"wait_for_store": TIMEOUTS["wait_for_store"]})


def add_trusted_option(section: OptionSection) -> None:
    """``--trusted``."""
    section.add(
        "--trusted",
        text="store records as they are, without sanitising HTML and checking links again",
    )


async def attended(
    work: Callable[[], Awaitable[ExitStatus]], counts: Transferred, progress: Progress
) -> ExitStatus:
    """Do `work`, and write its progress. The first signal cancels it.

    Raises:
      Exception: what `work` raises.
    """

    async def with_progress(nursery: trio.Nursery) -> ExitStatus:
        nursery.start_soon(_report, counts, progress)
        nursery.start_soon(relay_driver_errors, progress.warn)
        return await work()

    status = await until_signalled(with_progress, Stages())
    if status is None:
        await progress.warn(f"interrupted after reading {counts}")
        return ExitStatus.INCOMPLETE
    return status


async def _report(counts: Transferred, progress: Progress) -> None:
    async with aclosing(periodic(PERIOD)) as ticks:
        async for elapsed, _ in ticks:
            if elapsed:
                await progress.say(f"{counts} read so far")


async def print_counts(
    kind: str, counts: Transferred, text: str, given: argparse.Namespace, progress: Progress
) -> None:
    """Say what the store has rejected. Print the last line: `text`, or a JSON object, or nothing if quiet."""
    for example in counts.rejected_examples:
        await progress.warn(f"not stored: {example}")
    if counts.rejected:
        text += f"; the store rejected {count(counts.rejected, 'record')}"
    if given.json:
        read = {"entries": counts.entries, "feeds": counts.feeds}
        written = {"entries": counts.entries_written, "feeds": counts.feeds_written}
        record = {"type": kind, "read": read, "written": written, "bad_lines": counts.bad_lines}
        record["rejected"] = counts.rejected
        await Output().write(json_line(record))
    elif not given.quiet:
        await Output().write(f"{text}\n")


@asynccontextmanager
async def reader(url: str, config: Config, progress: Progress) -> AsyncIterator[Reader]:
    """`open_reader` with the settings in `config`; what is waited for is said at once."""
    await progress.connecting(check_store_url(url))
    async with open_reader(
        url, connect_timeout=config.store_connect_timeout, call_timeout=config.store_timeout
    ) as source:
        yield source


@asynccontextmanager
async def writer(url: str, config: Config, progress: Progress) -> AsyncIterator[Store]:
    """`open_store` with the settings in `config`, while no run uses it; what is waited for is said at once.

    Raises:
      StoreInUse: see `reserved`.
    """
    await progress.connecting(check_store_url(url))
    opened = open_store(
        url,
        width=config.store_width,
        connect_timeout=config.store_connect_timeout,
        call_timeout=config.store_timeout,
    )
    async with opened as store, in_turn(partial(reserved, store), config.wait_for_store, progress):
        yield store
