"""What this process holds of the system: descriptors, threads, processes, tasks, memory. Linux only."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path

import trio


@dataclass(frozen=True)
class Holdings:
    """What is open, by kind; each has a name that says what it is."""

    descriptors: tuple[str, ...]
    threads: tuple[str, ...]
    processes: tuple[str, ...]
    tasks: tuple[str, ...]

    def more_than(self, before: Holdings) -> list[str]:
        """What is new, of the kinds of which there are more than there were."""
        pairs = zip(astuple(self), astuple(before), strict=True)
        return [name for now, then in pairs if len(now) > len(then) for name in {*now} - {*then} or now]


def held() -> Holdings:
    """What there is at this moment, without those of trio's threads that wait for work for ten seconds."""
    descriptors = []
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # that of the folder itself
            descriptors.append(str(path.readlink()))
    names = (thread.name for thread in threading.enumerate())
    return Holdings(
        tuple(descriptors),
        tuple(name for name in names if not name.startswith("Trio thread")),
        tuple(children().values()),
        tuple(_tasks()),
    )


def _tasks() -> Iterator[str]:
    """All of trio's tasks, its own too."""
    left = [trio.lowlevel.current_root_task()]
    while left:
        task = left.pop()
        if task is not None:
            yield task.name
            left += [child for nursery in task.child_nurseries for child in nursery.child_tasks]


def children() -> dict[int, str]:
    """Processes that this one has started and not reaped, with their command lines."""
    # By thread: a worker is a child of the thread that has started it. Threads and processes end meanwhile.
    found = {}
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            for pid in path.read_text().split():
                found[int(pid)] = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return found


def workers() -> list[int]:
    """Those of them that parse."""
    return [pid for pid, command in children().items() if "_pool/worker.py" in command]


def kill_a_worker() -> int:
    """Kill one of them; 1, or 0 when there is none."""
    for pid in workers()[:1]:
        os.kill(pid, signal.SIGKILL)
        return 1
    return 0


def objects() -> int:
    """Python objects that are known to the collector, after it has run."""
    gc.collect()
    return len(gc.get_objects())


def resident() -> int:
    """Bytes of resident memory, without what the allocator keeps for later."""
    gc.collect()
    with suppress(AttributeError, OSError):  # glibc has it
        ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
