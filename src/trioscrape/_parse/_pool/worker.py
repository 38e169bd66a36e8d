"""The program of a worker process: reads documents from a socket and answers with what they say.

`process.spawn` runs it as a script. Its argument is the file descriptor of its end of the socket.

The import of trioscrape brings trio, httpx and more, which a worker never uses: four times the start
time (270 ms for 67), and 8 MB a process. So the two packages above this file are put into
`sys.modules` empty; the few modules below them that a worker needs are imported by their usual
names, under which records are pickled.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import socket
import sys
import types
import warnings
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..._records import ParsedFeed
    from ..protocol import FeedDocument

    Parse = Callable[[FeedDocument], ParsedFeed]


_MEMORY = 2**30
"""Bytes of a worker. 16 MiB of feed take a third of it."""


def serve(stream: BinaryIO, parse: Parse, timeout: float) -> None:
    """Answer document after document until the other side closes the stream.

    An exception other than `FeedFailed` ends the process: the other side sees its feed crash, and
    starts a new worker.

    After each answer it says how much memory the process holds then: whether that is too much is for the
    other side to say.

    After `timeout` seconds with one document the process ends itself. The other side is meant to kill it
    before; this is for a worker whose parent was killed in the meantime.
    """
    from trioscrape._errors import FeedFailed  # noqa: PLC0415  See the module's docstring.
    from trioscrape._parse._pool.frames import READY, answer_frames, dumps, framed, read_frame  # noqa: PLC0415

    stream.write(framed(READY))
    stream.flush()
    while (head := read_frame(stream)) is not None and (body := read_frame(stream)) is not None:
        document = replace(pickle.loads(head), body=body)  # noqa: S301  From our own parent.
        signal.setitimer(signal.ITIMER_REAL, timeout)
        try:
            answer: Any = parse(document)
        except FeedFailed as failure:
            # Its cause and frames stay here: they may hold what can't be pickled.
            answer = FeedFailed(failure.reason, failure.detail)
        for frame in answer_frames(answer):
            stream.write(frame)
        # Before the next document comes nothing of this one is needed any more.
        del document, body, answer
        stream.write(dumps(memory()))
        stream.flush()
        signal.setitimer(signal.ITIMER_REAL, 0)


def memory() -> int:
    """Bytes that this process holds; where no system says so, the most that it has ever held."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Take over the parent's import path, import the parser, and serve."""
    stream: Any = socket.socket(fileno=int(sys.argv[1])).makefile("rwb")
    here = Path(__file__).resolve().parent
    timeout, sys.path[:] = pickle.load(stream)  # noqa: S301  From our own parent.
    for name, path in (
        ("trioscrape", here.parent.parent),
        ("trioscrape._parse", here.parent),
        ("trioscrape._parse._pool", here),
    ):
        package = types.ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules[name] = package
    # The one public class that the parent pickles, under its public name.
    from trioscrape._parse.protocol import FeedDocument  # noqa: PLC0415

    sys.modules["trioscrape"].FeedDocument = FeedDocument  # type: ignore[attr-defined]
    parse = pickle.load(stream)  # noqa: S301  A function, by its name; this imports its module.
    warnings.simplefilter("ignore")
    # A document may stand for far more than its size; this then costs its worker, not the machine.
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    # From here on nothing that a document provokes may write on the user's terminal.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    serve(stream, parse, timeout)


if __name__ == "__main__":
    main()
