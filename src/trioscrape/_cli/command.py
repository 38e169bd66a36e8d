"""The command ``trioscrape``: which commands there are, and how errors end them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Final

from .._config.version import VERSION
from .._errors import TrioscrapeError, UsageError
from .._printable import printable
from . import process
from .help import Page, short_usage
from .parser import Parser, did_you_mean
from .shared_options import JSON, QUIET, STORE
from .subcommand import Command, ExitStatus
from .unbuffered import Unbuffered

COMMANDS: Final = {
    "run": "run",
    "watch": "watch",
    "demo": "demo",
    "discover": "discover",
    "status": "status",
    "explain": "explain",
    "export": "export",
    "import": "import_",
    "copy": "copy",
    "forget": "forget",
    "replay": "replay",
}
"""The module of each command. It has a `Command`, and is imported when that is needed: `run` alone takes
longer to import than `--version` may take in all."""

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
        chosen, given = parse(sys.argv[1:] if argv is None else argv)
        process.imported()
        return chosen.run(given)
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
    if "_ARGCOMPLETE" in os.environ:
        _complete(_parsers(COMMANDS)[0])
    if not argv:
        Unbuffered(sys.stderr).write(short_usage(_OVERVIEW))
        raise SystemExit(ExitStatus.USAGE)
    argv = _with_command(argv)
    needed = {"-h": tuple(COMMANDS), "--help": tuple(COMMANDS), "--version": ()}.get(argv[0], argv[:1])
    parser, parsers = _parsers(needed)
    given, unknown = parser.parse_known_args(argv)
    if unknown:
        parsers[given.command].refuse(unknown)
    return command(given.command), given


def command(name: str) -> Command:
    """One of `COMMANDS`."""
    with process.without_unused():
        found: Command = import_module(f".{COMMANDS[name]}", __package__).COMMAND
    return found


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
    if argv[0] in (*COMMANDS, "-h", "--help", "--version"):
        return argv
    if "--demo" in argv:
        return ["demo", *(argument for argument in argv if argument != "--demo")]
    near = get_close_matches(argv[0], COMMANDS, n=1) if argv[0].isalpha() else []
    if near and not Path(argv[0]).exists():
        raise UsageError(f"there is no file and no command {argv[0]!r}{did_you_mean(near)}")
    return ["run", *argv]


def _parsers(names: Iterable[str]) -> tuple[Parser, dict[str, Parser]]:
    """The parser of everything, and those of the commands with these `names`."""
    parser = Parser(prog="trioscrape", page=_OVERVIEW)
    commands = parser.add_subparsers(dest="command", parser_class=Parser)
    parsers = {}
    overview = parser.section("Commands")
    for name in names:
        added = command(name)
        overview.tell(name, added.summary)
        parsers[name] = commands.add_parser(name, page=added.page)
        added.add_options(parsers[name])
    options = parser.section("Common options")
    for option, text in STORE, JSON, QUIET:
        options.tell(option, text)
    options.add_help("-h", "--help", text="show this page; after a command, the page of that command")
    options.add("--version", text="print the version", action="version", version=f"trioscrape {VERSION}")
    return parser, parsers
