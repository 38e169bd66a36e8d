"""One worker process and the socket to it: start it, send it documents, end it. It runs `worker.py`."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Final

import trio

from ..._errors import FeedFailed
from ..._records import ParsedFeed
from ..protocol import FeedDocument
from .answers import Reading
from .frames import ANSWER_HEADER, READY, REQUEST_HEADER, InvalidAnswer, dumps, sizes

_without_body: Final = attrgetter(*(field.name for field in fields(FeedDocument) if field.name != "body"))
_PROGRAM: Final = str(Path(__file__).with_name("worker.py"))
_START_TIMEOUT: Final = 60.0
"""Seconds until a worker has imported everything; it takes a tenth of a second."""
_EXIT_GRACE: Final = 1.0
"""Seconds for a worker that has closed its socket to end by itself, so that its exit status says why."""


_AHEAD: Final = 2**17
"""Bytes that are received at once at the most."""
_LIBRARIES: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Where some Pythons find their own library."""


class Died(Exception):
    """The worker process has ended, or has closed its socket."""


class Worker:
    """One process and our end of its socket."""

    def __init__(self, process: subprocess.Popen[bytes], ours: socket.socket) -> None:
        self.process = process
        self.idle = False
        """Whether it can take a document: it is ready, and has answered the one before."""
        self.hung_up = False
        """Whether it has closed its socket, and so has ended or is about to."""
        self.memory = 0
        """Bytes that it held after its last answer."""
        self._socket = ours
        self._channel = trio.socket.from_stdlib_socket(ours)
        self._ahead = memoryview(b"")
        self.started = False
        """Whether it has ever been ready."""

    async def ready(self) -> None:
        """Wait until it has imported everything.

        Raises:
          Died: it has not, or is not there any more, or says what nobody has asked for.
        """
        self.idle = False
        if self.started and self._unread() is not None:
            raise Died
        if not self.started:
            with trio.move_on_after(_START_TIMEOUT), suppress(InvalidAnswer):
                said, _ = await self._frame(len(READY))
                self.started = bytes(said) == READY
            if not self.started:
                raise Died
        self.idle = True

    async def parse(self, document: FeedDocument) -> ParsedFeed | FeedFailed:
        """The worker's answer.

        Raises:
          Died: it dies over it.
          InvalidAnswer: its answer is none. Neither is what else it may say worth anything then.
        """
        self.idle = False
        request = secrets.token_hex(8)
        head = dumps((request, _without_body(document)))
        await self._send(head + REQUEST_HEADER.pack(len(document.body)))
        await self._send(document.body)
        reading = Reading(request, len(document.body), document.entries_limit)
        while not reading.add(*await self._frame(reading.room)):
            pass
        unread = self._unread()
        if unread:
            raise InvalidAnswer("there is more after its end")
        self.memory = reading.memory
        self.idle = unread is None
        return reading.answer

    def end(self) -> None:
        """Kill it, unless it has closed its socket. It has nothing to save. `reap` must follow."""
        if not self.hung_up:
            self.process.kill()
        self._channel.close()

    async def gone(self) -> None:
        """Wait until its process has gone, without a thread.

        Raises:
          OSError: not on this system, or no descriptor is to be had; then `reap` must follow.
        """
        if self.process.returncode is not None:
            return
        if sys.platform != "linux":
            raise OSError
        descriptor = os.pidfd_open(self.process.pid)
        try:
            if self.hung_up:
                with trio.move_on_after(_EXIT_GRACE):
                    await trio.lowlevel.wait_readable(descriptor)
                self.process.kill()
            await trio.lowlevel.wait_readable(descriptor)
        finally:
            os.close(descriptor)
        self.process.wait()

    def reap(self) -> None:
        """Wait until its process has gone. Blocks."""
        try:
            self.process.wait(_EXIT_GRACE if self.hung_up else None)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    async def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[await self._channel.send(rest) :]
        except OSError as error:
            self.hung_up = True
            raise Died from error

    async def _frame(self, room: int) -> tuple[bytes | bytearray, bytes | bytearray]:
        """The JSON and the texts of the next frame, if they have no more than `room` bytes."""
        json, texts = sizes(await self._exactly(ANSWER_HEADER.size), room)
        return await self._exactly(json), await self._exactly(texts)

    def _unread(self) -> bytes | None:
        """What it has said that nobody has read; None: nothing. Empty: it has closed its socket."""
        if self._ahead:
            return bytes(self._ahead)
        try:
            return self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    async def _exactly(self, size: int) -> bytes | bytearray:
        if size <= len(self._ahead):
            return self._taken(size)
        buffer = bytearray(self._taken(len(self._ahead)))
        while len(buffer) < size:
            # Each call of `recv` passes through the event loop, which takes longer than most frames.
            self._ahead = await self._received()
            buffer += self._taken(min(len(self._ahead), size - len(buffer)))
        return buffer

    def _taken(self, size: int) -> bytes:
        taken, self._ahead = self._ahead[:size], self._ahead[size:]
        return bytes(taken)

    async def _received(self) -> memoryview:
        try:
            if received := await self._channel.recv(_AHEAD):
                return memoryview(received)
        except OSError as error:
            self.hung_up = True
            raise Died from error
        self.hung_up = True
        raise Died


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
            # our import path. An empty environment: the URL of a store and the password of a proxy may be
            # in ours. A session of its own: Ctrl-C in a terminal goes to a whole group of processes, and
            # only the parent decides what it means.
            process = subprocess.Popen(  # noqa: S603  Our own interpreter and program.
                [sys.executable, "-I", "-S", "-X", "utf8", _PROGRAM, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={name: os.environ[name] for name in _LIBRARIES if name in os.environ},
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
    return process, ours
