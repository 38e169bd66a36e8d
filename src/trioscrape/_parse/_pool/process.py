"""One worker process and the socket to it: start it, send it documents, end it. It runs `worker.py`."""

from __future__ import annotations

import pickle
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import trio

from ..._errors import FeedFailed
from ..._records import Entry, ParsedFeed
from ..protocol import FeedDocument
from .frames import HEADER, dumps

_PROGRAM: Final = str(Path(__file__).with_name("worker.py"))
_START_TIMEOUT: Final = 60.0
"""Seconds until a worker has imported everything; it takes a tenth of a second."""
_EXIT_GRACE: Final = 1.0
"""Seconds for a worker that has closed its socket to end by itself, so that its exit status says why."""


class Died(Exception):
    """The worker process has ended, or has closed its socket."""


class Worker:
    """One process and our end of its socket."""

    def __init__(self, process: subprocess.Popen[bytes], channel: trio.socket.SocketType) -> None:
        self.process = process
        self.idle = False
        """Whether it can take a document: it is ready, and has answered the one before."""
        self.hung_up = False
        """Whether it has closed its socket, and so has ended or is about to."""
        self.memory = 0
        """Bytes that it held after its last answer."""
        self._channel = channel
        self._started = False

    async def ready(self) -> None:
        """Wait until it has imported everything.

        Raises:
          Died: it has not, or is not there any more.
        """
        self.idle = False
        if not self._started or self.process.poll() is not None:
            with trio.move_on_after(_START_TIMEOUT) as clock:
                await self._frame()
            if clock.cancelled_caught:
                raise Died
        self._started = self.idle = True

    async def parse(self, document: FeedDocument) -> ParsedFeed | FeedFailed:
        """The worker's answer. Raises `Died` when it dies over it."""
        self.idle = False
        head = dumps(replace(document, body=b""))
        await self._send(head + HEADER.pack(len(document.body)))
        await self._send(document.body)
        answer: ParsedFeed | FeedFailed
        answer, batches = pickle.loads(await self._frame())  # noqa: S301  From our own worker.
        entries: list[Entry] = []
        for _ in range(batches):
            entries += pickle.loads(await self._frame())  # noqa: S301
        self.memory = pickle.loads(await self._frame())  # noqa: S301
        self.idle = True
        return replace(answer, entries=tuple(entries)) if isinstance(answer, ParsedFeed) else answer

    def end(self) -> None:
        """Kill it, unless it has closed its socket. It has nothing to save. `reap` must follow."""
        if not self.hung_up:
            self.process.kill()
        self._channel.close()

    def reap(self) -> None:
        """Wait until its process has gone. Blocks."""
        try:
            self.process.wait(_EXIT_GRACE if self.hung_up else None)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    async def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            with self._until_it_hangs_up():
                rest = rest[await self._channel.send(rest) :]

    async def _frame(self) -> bytearray:
        (size,) = HEADER.unpack(await self._exactly(HEADER.size))
        return await self._exactly(size)

    async def _exactly(self, size: int) -> bytearray:
        buffer = bytearray(size)
        rest = memoryview(buffer)
        while rest:
            with self._until_it_hangs_up():
                received = await self._channel.recv_into(rest)
                if not received:
                    raise ConnectionResetError
                rest = rest[received:]
        return buffer

    @contextmanager
    def _until_it_hangs_up(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.hung_up = True
            raise Died from error


def spawn(setup: bytes) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A new process and our end of its socket, on which `setup` is already under way. Blocks.

    Raises:
      OSError: no process, or no socket, is to be had.
    """
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
