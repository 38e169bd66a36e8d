"""Where a program spends its CPU time: dumps of the stacks of its threads, one for each `PERIOD` of CPU time.

``python sampler.py FOLDER PROGRAM ARGUMENT...`` runs a script, and each thread of it leaves a file in the
folder: ``main-PID-THREAD``, or ``worker-…`` for the parser processes that it starts, which are sampled too.

Each thread has a timer on its own CPU clock (timer_create(2), Linux), whose signal comes to that very thread,
and faulthandler writes the stack from the signal handler itself. A handler written in Python would not do: it
runs in the main thread only, when that has got the GIL, and so it would see each thread where it gives up the
GIL, not where it works.

It stands alone: a parser process has an empty import path when it begins.
"""

from __future__ import annotations

import ctypes
import faulthandler
import itertools
import os
import resource
import runpy
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

PERIOD: Final = 0.004
"""Seconds of CPU time. Linux looks at these timers 100 to 1,000 times a second."""

_SIGNALS: Final = (signal.SIGPROF, *range(signal.SIGRTMIN, signal.SIGRTMAX + 1))
_CLOCK_THREAD_CPUTIME_ID: Final = 3
_SIGEV_THREAD_ID: Final = 4
_libc: Final = ctypes.CDLL(None, use_errno=True)


class Sampler:
    """Samples the threads of this process: the one that makes it, and all that are started later."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder, self._kind = folder, kind
        self._threads = itertools.count()
        for (
            number
        ) in _SIGNALS:  # which is what they mean again at the end, where faulthandler no longer works
            signal.signal(number, signal.SIG_IGN)
        threading.setprofile(self._begin)
        self._sample()

    def _begin(self, *_: object) -> None:
        """The first event of a thread."""
        sys.setprofile(None)
        self._sample()

    def _sample(self) -> None:
        """Sample the thread that calls this."""
        thread = threading.get_native_id()
        path = Path(self._folder, f"{self._kind}-{os.getpid()}-{thread}")
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        # More threads than that share a signal and a file, and their dumps get mixed up now and then.
        number = _SIGNALS[next(self._threads) % len(_SIGNALS)]
        faulthandler.register(number, file, all_threads=False)
        event = ctypes.create_string_buffer(struct.pack("=qiii44x", 0, number, _SIGEV_THREAD_ID, thread))
        timer = ctypes.c_void_p()
        if _libc.timer_create(_CLOCK_THREAD_CPUTIME_ID, event, ctypes.byref(timer)):
            raise OSError(ctypes.get_errno(), "timer_create")
        nanoseconds = int(PERIOD * 1e9)
        period = struct.pack("@llll", 0, nanoseconds, 0, nanoseconds)
        if _libc.timer_settime(timer, 0, ctypes.create_string_buffer(period), None):
            raise OSError(ctypes.get_errno(), "timer_settime")


def sample_workers(folder: Path) -> None:
    """Have the parser processes that this one starts sampled, too."""
    start = subprocess.Popen.__init__

    def sampled(self: Any, command: list[str], *args: Any, **kwargs: Any) -> None:
        at = next((n for n, word in enumerate(command) if word.endswith("worker.py")), len(command))
        own = [__file__, str(folder), "--worker"]
        start(self, [*command[:at], *own, *command[at:]], *args, **kwargs)

    subprocess.Popen.__init__ = sampled  # type: ignore[assignment]


def allow_files() -> None:
    """Have a worker, which gives up to write files, keep that: its samples are one."""
    limit = resource.setrlimit

    def spared(which: int, limits: tuple[int, int]) -> None:
        if which != resource.RLIMIT_FSIZE:
            limit(which, limits)

    resource.setrlimit = spared


def main() -> None:
    """Run the script of the command line."""
    folder = Path(sys.argv[1])
    is_worker = sys.argv[2] == "--worker"
    sys.argv[:] = sys.argv[3:] if is_worker else sys.argv[2:]
    if is_worker:
        allow_files()
    else:
        sample_workers(folder)
    Sampler(folder, "worker" if is_worker else "main")
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
