"""What a program and everything that it starts need: seconds, CPU time, memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = Path(__file__).with_name("loopback.py")
PAUSE = 0.05
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Used:
    """By one run of a program."""

    wall: float
    cpu: float
    """User and system, of the whole tree."""
    peak: int
    """The largest sum of the resident memory of all processes of the tree, in bytes.

    What several of them share is counted for each. 0 where there is no ``/proc``.
    """
    output: str
    """What it has written to stdout."""


def run(arguments: Sequence[str], folder: Path, source: Path | None = None) -> Used:
    """Run a module or a program, see `loopback.py`; it fails when that one does.

    Args:
      folder: where its output is kept meanwhile.
      source: where trioscrape is imported from, instead of where it is installed.
    """
    command = [sys.executable, "-P", str(LOOPBACK), *arguments]
    env = os.environ | {"PYTHONPATH": str(source or "")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # else a checkout would be compiled again by every run
    with (folder / "stdout").open("w+") as out, (folder / "stderr").open("w+") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=errors, env=env)
        with watched(process.pid) as peak:
            _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode:
            sys.exit(f"{' '.join(arguments)}: exit status {process.returncode}\n{errors.read()}")
        return Used(wall, used.ru_utime + used.ru_stime, peak.bytes, out.read())


@contextmanager
def watched(pid: int) -> Iterator[Peak]:
    """The peak of a process that runs meanwhile."""
    ended, peak = threading.Event(), Peak(pid)
    thread = threading.Thread(target=peak.watch, args=[ended])
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


class Peak:
    """The largest sum of the resident memory of a process and its descendants."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.bytes = 0

    def watch(self, ended: threading.Event) -> None:
        while not ended.wait(PAUSE):
            self.bytes = max(self.bytes, sum(map(resident, tree(self._pid))))


def tree(pid: int) -> Iterator[int]:
    """A process and its descendants."""
    yield pid
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = path.read_text().split()
        except OSError:  # it has ended
            continue
        for child in children:
            yield from tree(int(child))


def resident(pid: int) -> int:
    """Bytes."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
