"""``trioscrape replay``: take what ``--warc`` has kept through parser and store again, without a network."""

from __future__ import annotations

import argparse
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

import trio

from .._archive.reader import ArchiveReader
from .._config.config import Config
from .._errors import UsageError
from .._hosts.retry_after import utc_now
from .._run.replay import Replay, open_replay
from .._store import check_store_url
from .config_options import LANES, LIMITS, add_merge_option, add_numbers, config
from .driver_log import relay_driver_errors
from .help import Page
from .output import Output
from .parser import Parser
from .progress import Progress
from .report import Style, complete, count, feed_record, json_line, run_record, summary
from .shared_options import add_help_option, add_output_options, add_required_store_option, store_url
from .signals import Stages, until_signalled
from .subcommand import Command, ExitStatus
from .transfer import add_wait_option, writer

_PERIOD: Final = 5.0
"""Seconds from one line of progress to the next."""


def _add_options(parser: Parser) -> None:
    arguments = parser.section("Arguments")
    arguments.add("folder", metavar="DIR", text="the folder that was given to --warc")
    options = parser.section("Options")
    add_required_store_option(options)
    add_numbers(options, {name: LANES[name] for name in ("parse_width", "store_width")})
    add_numbers(options, {name: LIMITS[name] for name in ("body_limit", "entries_limit")})
    add_merge_option(options)
    add_wait_option(options)
    add_output_options(options)
    add_help_option(options)


def _run(given: argparse.Namespace) -> ExitStatus:
    check_store_url(store_url(given))
    settings = config(given)
    folder = Path(given.folder)
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; give the one that was given to --warc")
    with closing(ArchiveReader(folder, settings.body_limit)) as archive:
        return trio.run(_replay, given, settings, archive)


async def _replay(given: argparse.Namespace, settings: Config, archive: ArchiveReader) -> ExitStatus:
    progress = Progress(quiet=given.quiet)
    status = await until_signalled(partial(_replay_all, given, settings, archive, progress), Stages())
    if status is None:
        await progress.warn("interrupted; run it again to replay the rest")
        return ExitStatus.INCOMPLETE
    return status


async def _replay_all(
    given: argparse.Namespace,
    settings: Config,
    archive: ArchiveReader,
    progress: Progress,
    nursery: trio.Nursery,
) -> ExitStatus:
    nursery.start_soon(relay_driver_errors, progress.warn)
    output = Output()
    async with writer(store_url(given), settings, progress) as store:
        files = count(archive.files, "file")
        await progress.say(f"Replaying {files} of {given.folder} into {store.redacted_url}")
        async with open_replay(iter(archive), store, settings) as replay:
            nursery.start_soon(_show, replay, progress)
            async for result in replay:
                if given.json:
                    await output.write(json_line(feed_record(result, utc_now())))
        await _say_what_is_missing(replay, archive, progress)
        report = replay.report()
        if given.json:
            record = run_record(report, store.redacted_url, utc_now())
            more = {"left_out": replay.missing, "already_stored": replay.already_stored}
            await output.write(json_line({**record, "type": "replay", **more}))
        elif not given.quiet:
            await output.write(summary(report, store.redacted_url, Style()))
    whole = complete(report) and not (replay.missing or archive.damaged)
    return ExitStatus.COMPLETE if whole else ExitStatus.INCOMPLETE


async def _show(replay: Replay, progress: Progress) -> None:
    while True:
        await trio.sleep(_PERIOD)
        await progress.say(f"{count(replay.tally.finished, 'poll')} so far")


async def _say_what_is_missing(replay: Replay, archive: ArchiveReader, progress: Progress) -> None:
    for line in archive.damage:
        await progress.warn(line)
    if more := archive.damaged - len(archive.damage):
        await progress.warn(f"{more:,} more files and polls are damaged")
    for line in replay.left_out:
        await progress.warn(f"left out: {line}")
    if more := replay.missing - len(replay.left_out):
        await progress.warn(f"left out: {count(more, 'more poll')}")
    if replay.already_stored:
        await progress.say(f"{count(replay.already_stored, 'poll')} had been stored before")


COMMAND: Final = Command(
    name="replay",
    summary="parse and store again what 'run --warc' has kept, without a network",
    page=Page(
        usage=("trioscrape replay DIR [options]",),
        description=(
            "Parse and store every poll of an archive again, in the original order and at the original times."
            " Nothing is fetched. A new store ends up as the original store did: use this to reproduce a"
            " fault in what is stored.",
        ),
        examples=(
            "trioscrape feeds.txt --warc archive",
            "trioscrape replay archive --store sqlite:again.db",
        ),
        notes=(
            "Use a new store, or a copy of the original one from before the archive. Polls that the store"
            " already has are skipped; if it has later polls of a feed, earlier ones are left out.",
            "Exit status: 0 when every poll was replayed; 1 when polls were left out because the archive is"
            " damaged or lacks something, a feed was not stored, the replay was interrupted, or another run"
            " was using the store; 2 when the command line is wrong.",
        ),
    ),
    add_options=_add_options,
    run=_run,
)
