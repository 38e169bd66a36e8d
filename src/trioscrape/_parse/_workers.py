"""feedparser in worker processes: it holds the GIL for as long as it parses, and some documents kill it.

Why not a library for worker processes, or `multiprocessing`:

- trio-parallel and `trio.lowlevel.open_process` take tokens of trio's default thread limiter when
  they start and end a process. The applications around us fill that limiter, and then no worker starts.
- What starts its workers with `multiprocessing` imports the user's ``__main__`` again in each:
  scripts need a guard, and notebooks have nothing to import.

So a worker is a `subprocess.Popen` of `_worker.py` with one end of a socket pair, and the other end
is an ordinary trio socket: no thread waits for an answer, a deadline is a cancel scope, and a cancelled
task only has to kill a process. Threads, on a limiter of the parser's own, start processes
and reap them.

Measured on two slow cores: two workers are on their way after 6 ms and ready after 80; a 150 KB document
there and an empty answer back take 0.2 ms; a worker has 26 MB, 32 after a document of 660 KB, which
takes it 90 ms; both have gone 3 ms after the end of the block.
"""

from __future__ import annotations

import pickle
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import trio

from .._errors import FeedFailed, TrioscrapeError
from .._types import Entry, ParsedFeed
from ._feedparser import parse_document
from ._frames import HEADER, dumps
from ._protocol import Document

_PROGRAM: Final = str(Path(__file__).with_name("_worker.py"))
_START_DEADLINE: Final = 60.0
"""Seconds until a worker has imported everything. Only a machine in trouble needs one of them."""
_ATTEMPTS: Final = 3
"""To start a worker, before the parser gives up."""
_WARM: Final = 8
"""Workers to start before the first document; the others start when there is work for them."""
_EXIT_GRACE: Final = 1.0
"""Seconds for a worker that has hung up to end by itself, so that its exit status says why."""
_ORPHAN_GRACE: Final = 5.0
"""Seconds beyond the deadline until a worker whose parent is gone ends itself."""


class _Died(Exception):
    """The worker process has ended, or has ended the conversation."""


class _Worker:
    """One process and our end of its socket."""

    def __init__(self, process: subprocess.Popen[bytes], channel: trio.socket.SocketType) -> None:
        self.process = process
        self._channel = channel
        self._ready = False

    async def ready(self) -> None:
        """Wait until it has imported everything.

        Raises:
          _Died: it has not, or is not there any more.
        """
        if self._ready and self.process.poll() is None:
            return
        with trio.move_on_after(_START_DEADLINE):
            await self._frame()
            self._ready = True
            return
        raise _Died

    async def ask(self, document: Document) -> ParsedFeed | FeedFailed:
        """The worker's answer. Raises `_Died` when it dies over it."""
        head = dumps((document.url, document.content_type))
        try:
            await self._send(head + HEADER.pack(len(document.body)))
            await self._send(document.body)
        except OSError as error:
            raise _Died from error
        answer: ParsedFeed | FeedFailed
        answer, batches = pickle.loads(await self._frame())  # noqa: S301  From our own worker.
        entries: list[Entry] = []
        for _ in range(batches):
            entries += pickle.loads(await self._frame())  # noqa: S301
        return replace(answer, entries=tuple(entries)) if isinstance(answer, ParsedFeed) else answer

    def hang_up(self, *, kill: bool) -> None:
        """End the conversation, and the process if asked for: it has nothing to save. Reap it afterwards."""
        if kill:
            self.process.kill()
        self._channel.close()

    async def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[await self._channel.send(rest) :]

    async def _frame(self) -> bytes:
        (size,) = HEADER.unpack(await self._exactly(HEADER.size))
        return bytes(await self._exactly(size))

    async def _exactly(self, size: int) -> bytearray:
        buffer = bytearray(size)
        rest = memoryview(buffer)
        while rest:
            try:
                received = await self._channel.recv_into(rest)
            except OSError as error:
                raise _Died from error
            if not received:
                raise _Died
            rest = rest[received:]
        return buffer


class ProcessParser:
    """A `Parser` in worker processes; `open_process_parser` makes it."""

    def __init__(self, width: int, deadline: float, parse: Callable[[Document], ParsedFeed]) -> None:
        self._deadline = deadline
        self._setup = pickle.dumps((deadline + _ORPHAN_GRACE, sys.path)) + pickle.dumps(parse)
        self._slots = trio.CapacityLimiter(width)
        # Never trio's default one, which others may fill: see the module's docstring.
        self._threads = trio.CapacityLimiter(width)
        self._idle: list[_Worker] = []
        self._workers: set[_Worker] = set()
        self._closed = False

    @property
    def processes(self) -> frozenset[int]:
        """The ids of the worker processes that are there now, idle ones too."""
        return frozenset(worker.process.pid for worker in self._workers)

    async def parse(self, document: Document) -> ParsedFeed:
        """What the document says.

        The deadline begins when a worker is ready and the document is on its way to it; waiting
        for a worker, and for a new one to start, is not charged.

        Raises:
          FeedFailed: ``not-a-feed``; ``parse-timeout`` or ``parse-crash`` when its worker had to be
            killed or died. A new one takes the place; no other document is touched.
          TrioscrapeError: no worker process can be started.

        Cancellation: the worker is killed at once, and has gone when this raises `trio.Cancelled`.
        """
        async with self._slots:
            worker = await self._take()
            answer: ParsedFeed | FeedFailed = FeedFailed("parse-timeout", f"after {self._deadline:g} s")
            try:
                with trio.move_on_after(self._deadline) as clock:
                    answer = await worker.ask(document)
            except _Died:
                await self._end([worker], grace=_EXIT_GRACE)
                raise FeedFailed("parse-crash", _how_it_ended(worker.process.returncode)) from None
            except BaseException:
                await self._end([worker])
                raise
            if clock.cancelled_caught:
                await self._end([worker])
            else:
                self._idle.append(worker)
        if isinstance(answer, FeedFailed):
            raise answer
        return answer

    async def warm_up(self, workers: int) -> None:
        """Start so many workers, and don't wait until they are ready."""
        for _ in range(workers):
            self._idle.append(await self._start())

    async def aclose(self) -> None:
        """Kill all workers and wait until they have gone, also when cancelled."""
        self._closed = True
        self._idle.clear()
        await self._end(list(self._workers))

    async def _take(self) -> _Worker:
        """A worker that is ready: the one that has worked last, or a new one."""
        for _ in range(_ATTEMPTS + len(self._idle)):
            worker = self._idle.pop() if self._idle else await self._start()
            try:
                await worker.ready()
            except _Died:
                await self._end([worker])
            except BaseException:
                await self._end([worker])
                raise
            else:
                return worker
        raise TrioscrapeError("the parser's worker processes end before they are ready")

    async def _start(self) -> _Worker:
        if self._closed:
            raise trio.ClosedResourceError("the parser is closed")
        try:
            process, channel = await trio.to_thread.run_sync(_spawn, self._setup, limiter=self._threads)
        except OSError as error:
            raise TrioscrapeError(f"the parser's worker process can't be started: {error}") from error
        worker = _Worker(process, trio.socket.from_stdlib_socket(channel))
        self._workers.add(worker)
        return worker

    async def _end(self, workers: list[_Worker], grace: float = 0.0) -> None:
        # Shielded without a deadline of its own: a killed process goes within milliseconds, and the
        # thread that waits for it could not be abandoned anyhow.
        for worker in workers:
            worker.hang_up(kill=not grace)
        with trio.CancelScope(shield=True):
            if workers:
                await trio.to_thread.run_sync(_reap, workers, grace, limiter=self._threads)
        self._workers.difference_update(workers)


@asynccontextmanager
async def open_process_parser(
    width: int, deadline: float, parse: Callable[[Document], ParsedFeed] = parse_document
) -> AsyncIterator[ProcessParser]:
    """A parser with `width` worker processes, for as long as the ``async with`` block runs.

    The workers start at once and import feedparser while the block goes on; the first documents
    wait for them. They leave with the block, whatever ends it, and end by themselves should this
    process be killed. Ctrl-C does not reach them: they are in a session of their own.

    Every `ProcessParser.parse` must have returned before the block ends.

    Args:
      width: processes at most, 1 or more.
      deadline: seconds that one document may take.
      parse: what the workers run: a function that they can import, by the name of its module
        and its own. It is there for tests.

    Raises:
      TrioscrapeError: no process can be started.
    """
    parser = ProcessParser(width, deadline, parse)
    try:
        await parser.warm_up(min(width, _WARM))
        yield parser
    finally:
        await parser.aclose()


def _spawn(setup: bytes) -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            # Before the worker is there, so that it can't break the pipe: some kilobytes, which fit.
            ours.setblocking(False)  # noqa: FBT003
            ours.sendall(setup)
            # -I -S: nothing from the environment, the current folder or .pth files; the worker gets
            # our import path. A session of its own: Ctrl-C in a terminal goes to a whole group of
            # processes, and only the parent decides what it means.
            process = subprocess.Popen(  # noqa: S603  Our own interpreter and program.
                [sys.executable, "-I", "-S", _PROGRAM, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
    return process, ours


def _reap(workers: Iterable[_Worker], grace: float) -> None:
    for worker in workers:
        try:
            worker.process.wait(grace or None)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()


def _how_it_ended(status: int) -> str:
    how = f"by signal {-status}" if status < 0 else f"with exit status {status}"
    return f"the worker process ended {how}"
