"""The program of a worker process: reads documents from a socket and answers with what they say.

`process.spawn` runs it as a script. Its argument is the file descriptor of its end of the socket.

The import of trioscrape brings trio, httpx and more, which a worker never uses: four times the start
time (270 ms for 67), and 8 MB a process. So the packages above this file are put into
`sys.modules` empty; the few modules below them that a worker needs are imported by their usual
names.
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
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..._records import ParsedFeed
    from ..protocol import FeedDocument

    Parse = Callable[[FeedDocument], ParsedFeed]


def serve(stream: BinaryIO, parse: Parse, timeout: float, statm: int | None = None) -> None:
    """Answer document after document until the other side closes the stream.

    An exception other than `FeedFailed` ends the process: the other side sees its feed crash, and
    starts a new worker.

    After each answer it says how much memory the process holds then: whether that is too much is for the
    other side to say. When there was not enough, it says that it holds all that it may.

    After `timeout` seconds with one document the process ends itself. The other side is meant to kill it
    before; this is for a worker whose parent was killed in the meantime.

    Args:
      stream: from and to the other side.
      parse: what is done with each document.
      timeout: in seconds.
      statm: see `memory`.
    """
    from trioscrape._parse._pool.answers import end_frame  # noqa: PLC0415  See the module's docstring.
    from trioscrape._parse._pool.frames import READY, answer_frame, read_frame  # noqa: PLC0415
    from trioscrape._parse._pool.sandbox import MEMORY  # noqa: PLC0415
    from trioscrape._parse.protocol import FeedDocument  # noqa: PLC0415

    stream.write(answer_frame(READY))
    stream.flush()
    while (head := read_frame(stream)) is not None and (body := read_frame(stream)) is not None:
        request, others = pickle.loads(head)  # noqa: S301  From our own parent.
        signal.setitimer(signal.ITIMER_REAL, timeout)
        enough = _answer(stream, request, parse, FeedDocument(body, *others))
        # Before the next document comes nothing of this one is needed any more.
        del body
        stream.write(end_frame(request, memory(statm) if enough else MEMORY))
        stream.flush()
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(stream: BinaryIO, request: str, parse: Parse, document: FeedDocument) -> bool:
    """Write the answer but for its end, and say whether there was memory enough for it."""
    from trioscrape._errors import FeedFailed  # noqa: PLC0415
    from trioscrape._parse._pool.answers import answer_frames, most_bytes  # noqa: PLC0415

    room = most_bytes(len(document.body))
    try:
        try:
            answer: Any = parse(document)
        except FeedFailed as failure:
            answer = failure
        for frame in answer_frames(request, answer, room):
            stream.write(frame)
    except MemoryError:
        enough = False
    else:
        return True
    # Not before here, where nothing holds what the memory was needed for.
    for frame in answer_frames(request, FeedFailed("parse-crash", "not enough memory"), room):
        stream.write(frame)
    return enough


def memory(statm: int | None) -> int:
    """Bytes that this process holds; where no system says so, the most that it has ever held.

    Args:
      statm: the descriptor of Linux' /proc/self/statm, which is open because nothing can be opened later.
    """
    if statm is not None:
        return int(os.pread(statm, 100, 0).split()[1]) * resource.getpagesize()
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
    parse = pickle.load(stream)  # noqa: S301  A function, by its name; this imports its module.
    warnings.simplefilter("ignore")
    os.chdir("/")
    # From here on nothing that a document provokes may write on the user's terminal.
    os.dup2(1, 2)
    statm = None
    with suppress(OSError):
        statm = os.open("/proc/self/statm", os.O_RDONLY)
    # With the modules that `serve` needs, which can't be read later.
    import trioscrape._parse._pool.answers  # noqa: F401, PLC0415
    from trioscrape._parse._pool.sandbox import confine  # noqa: PLC0415

    confine(_code())
    serve(stream, parse, timeout, statm)


def _code() -> set[str]:
    """Where codecs and time zones are, which are read when a document first has one, and all other code."""
    from zoneinfo import TZPATH  # noqa: PLC0415

    files = [getattr(module, "__file__", None) for module in sys.modules.values()]
    folders = {str(Path(file).parent) for file in files if file}
    archives = {path for path in sys.path if Path(path).is_file()}
    return folders | archives | {str(Path(folder, "tzdata")) for folder in sys.path} | set(TZPATH)


if __name__ == "__main__":
    main()
