"""What a command is: its name, its help page, its options, and the work it does."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from .help import Page
from .parser import Parser


class ExitStatus(IntEnum):
    """What a command tells the shell."""

    COMPLETE = 0
    """Everything was done. Feeds that fail are part of the result."""
    INCOMPLETE = 1
    """Something was not stored or not read, the command was interrupted, or another run uses the store."""
    USAGE = 2
    """The arguments, the feed list or a store URL can't be understood. Nothing was done."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command of ``trioscrape``."""

    name: str
    summary: str
    """A line of the overview."""
    page: Page
    add_options: Callable[[Parser], None]
    run: Callable[[argparse.Namespace], ExitStatus]
    """Does the work.

    Raises:
      UsageError, TrioscrapeError, OSError: see `trioscrape._cli.command.main`.
    """
