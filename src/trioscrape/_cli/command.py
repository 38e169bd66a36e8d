"""The command ``trioscrape``: which commands there are, and how errors end them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import Final

from .._errors import TrioscrapeError, UsageError
from .._printable import printable
from . import copy, demo, export, forget, import_, run, watch
from .help import Page, short_usage
from .output import Unbuffered
from .parser import Parser, did_you_mean
from .shared_options import JSON, QUIET, STORE
from .subcommand import Command, ExitStatus

COMMANDS: Final[Sequence[Command]] = (
    run.COMMAND,
    watch.COMMAND,
    demo.COMMAND,
    export.COMMAND,
    import_.COMMAND,
    copy.COMMAND,
    forget.COMMAND,
)

_OVERVIEW: Final = Page(
    usage=("trioscrape FEEDS [options]", "trioscrape COMMAND [options]"),
    description=("Fetch RSS, Atom and JSON feeds and store their entries in SQLite or MongoDB.",),
    examples=(
        "trioscrape feeds.txt",
        "trioscrape feeds.opml --store mongodb://localhost/news",
        "trioscrape export --format csv --since 24h > today.csv",
    ),
    notes=(
        "FEEDS is a text file with one URL per line, a CSV or OPML file, - for standard input, or the URL of"
        " a feed. If the file has the name of a command, write ./NAME.",
        "Read on: 'trioscrape COMMAND --help', 'trioscrape run --help-all' for timeouts and limits, and"
        " the README for results, what is stored, and use from Python.",
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the arguments `argv`, or with those of the process.

    Returns an `ExitStatus`. Every error is one line on standard error.

    Raises:
      SystemExit: ``--help`` or ``--version`` has been printed; or there are no arguments, and a short usage
        has been printed.
    """
    try:
        command, given = parse(sys.argv[1:] if argv is None else argv)
        return command.run(given)
    except UsageError as error:
        return _fail(str(error), ExitStatus.USAGE)
    except TrioscrapeError as error:
        return _fail(str(error), ExitStatus.INCOMPLETE)
    except KeyboardInterrupt:
        return _fail("interrupted", ExitStatus.INCOMPLETE)
    except BrokenPipeError:
        # The reader of our output has seen enough (| head). What is stored is stored.
        return ExitStatus.INCOMPLETE
    except OSError as error:
        return _fail(f"standard output: {error.strerror or error}", ExitStatus.INCOMPLETE)


def _fail(message: str, status: ExitStatus) -> ExitStatus:
    # A stopped terminal may block this for ever, until Ctrl-C.
    with suppress(OSError, KeyboardInterrupt):
        Unbuffered(sys.stderr).write(f"trioscrape: {printable(' '.join(message.split()))}\n")
    return status


def parse(argv: Sequence[str]) -> tuple[Command, argparse.Namespace]:
    """The command in `argv` and its options.

    Raises:
      UsageError: an option or argument is unknown, is missing, or lacks its value.
      SystemExit: a help page, the version or a short usage has been printed.
    """
    parser, parsers = _parsers()
    if "_ARGCOMPLETE" in os.environ:
        _complete(parser)
    if not argv:
        Unbuffered(sys.stderr).write(short_usage(_OVERVIEW))
        raise SystemExit(ExitStatus.USAGE)
    given, unknown = parser.parse_known_args(_with_command(argv))
    if unknown:
        parsers[given.command].refuse(unknown)
    return next(command for command in COMMANDS if command.name == given.command), given


def _complete(parser: Parser) -> None:
    """Answer the shell's question how a line may go on (see argcomplete's documentation), and exit."""
    with suppress(ImportError):  # the extra ``completion``
        import argcomplete  # noqa: PLC0415

        argcomplete.autocomplete(parser)


def _with_command(argv: Sequence[str]) -> Sequence[str]:
    """`argv` with the command that may be left out: ``demo`` for ``--demo``, else ``run``.

    Raises:
      UsageError: a command is misspelt.
    """
    names = [command.name for command in COMMANDS]
    if argv[0] in (*names, "-h", "--help", "--version"):
        return argv
    if "--demo" in argv:
        return ["demo", *(argument for argument in argv if argument != "--demo")]
    near = get_close_matches(argv[0], names, n=1) if argv[0].isalpha() else []
    if near and not Path(argv[0]).exists():
        raise UsageError(f"there is no file and no command {argv[0]!r}{did_you_mean(near)}")
    return ["run", *argv]


def _parsers() -> tuple[Parser, dict[str, Parser]]:
    """The parser of everything, and those of the commands by name."""
    parser = Parser(prog="trioscrape", page=_OVERVIEW)
    commands = parser.add_subparsers(dest="command", parser_class=Parser)
    parsers = {}
    overview = parser.section("Commands")
    for command in COMMANDS:
        overview.tell(command.name, command.summary)
        parsers[command.name] = commands.add_parser(command.name, page=command.page)
        command.add_options(parsers[command.name])
    options = parser.section("Common options")
    for names, text in STORE, JSON, QUIET:
        options.tell(names, text)
    options.add_help("-h", "--help", text="show this page; after a command, the page of that command")
    options.add(
        "--version", text="print the version", action="version", version=f"trioscrape {version('trioscrape')}"
    )
    return parser, parsers
