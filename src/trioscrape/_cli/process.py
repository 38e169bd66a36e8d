"""The process of the command, before and after its work: imported first, so it imports next to nothing."""

from __future__ import annotations

import os
import signal
import sys
from typing import Final

_STANDARD_FILES: Final = 3


def is_command() -> bool:
    """Whether this process runs the command: ``python -m trioscrape``, or the installed ``trioscrape``.

    True from the first import of the package on. An application that imports trioscrape is not the
    command, and nothing in its process is changed.
    """
    program: str = getattr(sys, "argv", [""])[0]
    if program == "-m":  # Python is still looking for the module to run, and imports its package
        return "trioscrape" in sys.orig_argv
    return os.path.basename(program) == "trioscrape"


def begin() -> None:
    """Make Ctrl-C one line instead of a traceback, also during imports; and have three standard files.

    While a scrape or a transfer is going on, signals have another meaning: see `signals`.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as by nohup
        signal.signal(signal.SIGINT, _interrupted)
    _open_standard_files()


def end() -> None:
    """Nothing is left to interrupt: the interpreter only tidies up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _interrupted(*_: object) -> None:
    # A stopped terminal may block the message: then Ctrl-C once more ends the process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        os.write(2, b"trioscrape: interrupted\n")
    finally:
        os._exit(1)


def _open_standard_files() -> None:
    """Open the null device in place of each standard file that is closed (``>&-``).

    Otherwise the next file to be opened, the database say, would be standard output to somebody.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) < _STANDARD_FILES:
        pass
    os.close(opened)
