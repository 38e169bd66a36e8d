"""The process of the command, before and after its work: imported first, so it imports next to nothing."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final

from .._errors import OUT_OF_MEMORY, is_out_of_memory

LAST_MOMENT: Final = 1.0
"""Seconds that a process which is to end at once is given to tidy up."""
_STANDARD_FILES: Final = 3
_UNUSED: Final = ("h2", "anyio", "socksio", "click")
"""What httpx and httpcore import if it is there: for HTTP/2, for asyncio, for SOCKS, for a command line."""
_SHOW_CURSOR: Final = b"\x1b[?25h"


def is_command() -> bool:
    """Whether this process runs the command: ``python -m trioscrape``, or the installed ``trioscrape``.

    True from the first import of the package on. An application that imports trioscrape is not the
    command, and nothing in its process is changed.
    """
    program: str = getattr(sys, "argv", [""])[0]
    if program == "-m":  # Python is still looking for the module to run, and imports its package
        return _module() == "trioscrape"
    return os.path.basename(program) == "trioscrape"


def _module() -> str:
    """What follows ``-m`` on the command line of Python, which may stand with other options: ``-Im``."""
    options = sys.orig_argv[1:]
    for option, following in zip(options, [*options[1:], ""], strict=True):
        if option.startswith("-") and "m" in option and not option.startswith(("-X", "-W", "--")):
            return option.partition("m")[2] or following
    return ""


def begin() -> None:
    """Make Ctrl-C one line instead of a traceback, also during imports; and have three standard files.

    While a scrape or a transfer is going on, signals have another meaning: see `signals`.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as by nohup
        signal.signal(signal.SIGINT, _interrupted)
    _open_standard_files()
    _install_hooks()
    gc.disable()  # what is imported is no garbage: to look for some takes 7 % of the time
    _begun.append(True)


_begun: Final[list[bool]] = []


def imported() -> None:
    """What has been imported stays, so that nobody need look at it again."""
    if _begun:
        gc.freeze()
        gc.enable()


@contextmanager
def without_unused() -> Iterator[None]:
    """Hide what httpx and httpcore would import for nothing. HTTP/2 is imported when it is first spoken.

    In the process of the command only: an application may need what is hidden here.
    """
    hidden = [name for name in _UNUSED if _begun and name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None: there is no such module
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def _install_hooks() -> None:
    """Have a lack of memory be one line wherever it is noticed: during imports, in a library's thread."""
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable


def _uncaught(
    kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None
) -> None:
    if is_out_of_memory(error):
        _tell_out_of_memory()
        _end_now()  # the interpreter's own end needs memory too
    elif error is not None:
        sys.__excepthook__(kind, error, traceback)


def _uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    if is_out_of_memory(arguments.exc_value):
        _tell_out_of_memory()
    else:
        threading.__excepthook__(arguments)


def _unraisable(arguments: sys.UnraisableHookArgs) -> None:
    if is_out_of_memory(arguments.exc_value):
        _tell_out_of_memory()
    else:
        sys.__unraisablehook__(arguments)


def _tell_out_of_memory() -> None:
    """Once: where one thing lacks memory, others do."""
    if not _told:
        _told.append(True)
        with suppress(OSError):
            os.write(2, f"trioscrape: {OUT_OF_MEMORY}\n".encode())


_told: Final[list[bool]] = []


def end(status: int) -> None:
    """Nothing is left to interrupt: the interpreter only tidies up.

    Ctrl-C does not change what it ends with, but ends a wait for a thread that goes on.
    """
    if signal.getsignal(signal.SIGALRM) is _end_now:
        os._exit(status)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: os._exit(status))


def end_soon() -> None:
    """End the process if it has not ended in a moment, and at once with the next signal.

    Whatever the event loop, the interpreter or a thread is waiting for then.
    """
    signal.signal(signal.SIGALRM, _end_now)
    signal.setitimer(signal.ITIMER_REAL, LAST_MOMENT)
    for number in signal.SIGINT, signal.SIGTERM:
        signal.signal(number, signal.SIG_DFL)


def _end_now(*_: object) -> None:
    try:
        _show_cursor()
    finally:
        os._exit(1)


def _show_cursor() -> None:
    """Undo what the live view has done to a terminal, unless that takes nothing."""
    with suppress(OSError):  # it is no terminal, or one that is stopped
        terminal = os.open(os.ttyname(2), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        os.write(terminal, _SHOW_CURSOR)


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
