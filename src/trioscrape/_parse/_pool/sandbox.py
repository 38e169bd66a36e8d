"""What a worker gives up before its first document, so that a document which takes it over gets little.

Everywhere: memory without end, files that it writes, core dumps, more than a few open files. On Linux,
for x86-64 and ARM64, also:

- Landlock (kernel 5.13, landlock(7)): it reads no file but the code of Python and of the packages that are
  loaded, writes none, and looks at no other process, so neither at the environment of its parent.
- A filter of system calls (seccomp(2)): no new socket, no new process or program, no signal to others.

It is best effort: where the kernel or a container does not allow one of these, the worker does without it. No
library is needed for that, only `ctypes`; it takes 5 ms when a worker starts, and nothing afterwards.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

MEMORY: Final = 2**30
"""How many bytes of memory a worker may allocate. To parse a feed of 16 MiB takes a third of them."""
_FILES: Final = 64
"""Open files: codecs and time zones are files, and are opened when a document first has one."""

_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38


def confine(paths: Iterable[str]) -> None:
    """Give up what a parser does not need, for ever.

    Args:
      paths: folders with code, and files, which may be read.
    """
    _limit_resources()
    architecture = _ARCHITECTURES.get(os.uname().machine)
    if sys.platform != "linux" or architecture is None or sys.maxsize < 2**32:
        return
    _confine_by_kernel(ctypes.CDLL(None), paths, *architecture)


def _confine_by_kernel(libc: Any, paths: Iterable[str], column: int, architecture: int) -> None:
    # Both of the following need that: nothing started from here could get more rights again.
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        _restrict_files(libc, paths)
        _filter_system_calls(libc, column, architecture)


def _limit_resources() -> None:
    size = MEMORY
    with suppress(OSError), open("/proc/self/statm", encoding="ascii") as statm:
        size += int(statm.read().split()[0]) * resource.getpagesize()
    limits = {
        "RLIMIT_DATA": MEMORY,
        "RLIMIT_AS": size,  # what is shared does not count as data
        "RLIMIT_CORE": 0,  # strangers' bytes and ours, on the disk
        "RLIMIT_FSIZE": 0,
        "RLIMIT_NOFILE": _FILES,
        "RLIMIT_NPROC": 0,
    }
    for name, limit in limits.items():
        # What a system does not know, or has set lower.
        with suppress(AttributeError, OSError, ValueError):
            resource.setrlimit(getattr(resource, name), (limit, limit))


# Landlock: include/uapi/linux/landlock.h. The numbers of its calls are the same everywhere.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_GET_VERSION: Final = 1
_PATH_BENEATH: Final = 1
_READ_FILE, _READ_FOLDER = 0b0100, 0b1000
_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights to files there are, since which version."""
_NO_ABSTRACT_SOCKETS_AND_SIGNALS: Final = 0b11


def _restrict_files(libc: Any, paths: Iterable[str]) -> None:
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_GET_VERSION))
    if version < 1:
        return
    rights = 2 ** max(count for since, count in _RIGHTS.items() if since <= version) - 1
    scoped = _NO_ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0
    # Files; TCP, which needs a socket first; what goes to other processes.
    attributes = struct.pack("=QQQ", rights, 0, scoped)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    if ruleset < 0:
        return
    for path in paths:
        with suppress(OSError):
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
            may = _READ_FILE | _READ_FOLDER if os.path.isdir(path) else _READ_FILE
            rule = struct.pack("=Qi", may, opened)
            libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, ctypes.c_uint32(0))
            os.close(opened)
    libc.syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0))
    os.close(ruleset)


# The filter: a program of BPF, whose instructions are a code, two jumps, and a number; seccomp(2).
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _DENY = 0x7FFF0000, 0x00050000 | errno.EPERM
_X32: Final = 0x40000000
"""From there on x86-64 has the same calls once more, for another ABI."""
_ARCHITECTURES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Which of the numbers below are theirs, and what a filter calls them."""
# fmt: off
_DENIED: Final = {
    "socket": (41, 198), "socketpair": (53, 199), "io_uring_setup": (425, 425), "clone": (56, 220),
    "clone3": (435, 435), "fork": (57, None), "vfork": (58, None), "execve": (59, 221),
    "execveat": (322, 281), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "open_by_handle_at": (304, 265),
    "mount": (165, 40), "unshare": (272, 97), "setns": (308, 268), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218),
}
_DENIED_BUT_TO_ITSELF: Final = {
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "prlimit64": (302, 261),
}
# fmt: on


def _filter_system_calls(libc: Any, column: int, architecture: int) -> None:
    denied = [numbers[column] for numbers in _DENIED.values() if numbers[column] is not None]
    to_itself = [numbers[column] for numbers in _DENIED_BUT_TO_ITSELF.values()]
    # After the tests: allow; whom is it about?; deny; allow. Jumps count the instructions between.
    tests = len(denied) + len(to_itself)
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 0, tests + 6, architecture),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, tests + 4, 0, _X32),
        *((_EQUAL, tests + 3 - at, 0, number) for at, number in enumerate(denied)),
        *((_EQUAL, tests - at, 0, number) for at, number in enumerate(to_itself, len(denied))),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_EQUAL, 2, 0, 0),
        (_EQUAL, 1, 0, os.getpid()),
        (_RETURN, 0, 0, _DENY),
        (_RETURN, 0, 0, _ALLOW),
    ]
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    instructions = ctypes.create_string_buffer(packed, len(packed))
    whole = struct.pack("@HP", len(program), ctypes.addressof(instructions))
    libc.prctl(_PR_SET_SECCOMP, 2, whole, 0, 0)
