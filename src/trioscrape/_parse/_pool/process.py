"""One worker process and the socket to it: start it, send it documents, end it. It runs `worker.py`."""

from __future__ import annotations

import math
import os
import secrets
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Final

import trio

from ..._errors import FeedFailed
from ..._records import ParsedFeed
from ..protocol import FeedDocument
from .frames import ANSWER_HEADER, READY, REQUEST_HEADER, InvalidAnswer, dumps, sizes

_without_body: Final = attrgetter(*(field.name for field in fields(FeedDocument) if field.name != "body"))
_PROGRAM: Final = str(Path(__file__).with_name("worker.py"))
_START_TIMEOUT: Final = 60.0
"""Seconds until a worker has imported everything; it takes a tenth of a second."""
_EXIT_GRACE: Final = 1.0
"""Seconds for a worker that has closed its socket to end by itself, so that its exit status says why."""


SLOW: Final = 1.0
"""Seconds with one document after which no other waits behind it while another worker has none."""
_AHEAD: Final = 2**17
"""Bytes that are received at once at the most."""
_LIBRARIES: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Where some Pythons find their own library."""


class Died(Exception):
    """The worker process has ended, or has closed its socket."""


class GiveAgain(Exception):
    """A document was sent behind another one, and another worker can have it. Nothing is wrong with it."""


class _Turn:
    """A document that a worker has been given, until it has answered."""

    def __init__(self, timeout: float, *, behind: bool) -> None:
        self.timeout = timeout
        self.behind = behind
        """Whether the worker was at another one then."""
        self.begun = trio.Event()
        self.since = math.inf
        self.scope = trio.CancelScope()
        self.dropped = self.answered = False

    def begin(self) -> None:
        self.begun.set()
        self.since = trio.current_time()
        self.scope.deadline = self.since + self.timeout

    def drop(self) -> None:
        self.dropped = True
        self.scope.cancel()


class Worker:
    """One process and our end of its socket.

    It may be given a document while it is at another one, and has it at hand when it has answered, however
    busy the event loop is. What ends it over the first one costs the first one only: the other is given to
    another worker. A document is not blamed for its worker's death or nonsense if there was one before it.

    Args:
      process: the process.
      ours: our end of the socket.
      idle: the workers that have no document at the moment.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], ours: socket.socket, idle: Sequence[Worker] = ()
    ) -> None:
        self.process = process
        self._idle = idle
        self.is_ready = False
        """Whether it was ready, and alive, when that was last looked at."""
        self.retired = False
        """Whether it must be ended when its last document has left it."""
        self.ended = False
        """Whether `end` was called."""
        self.hung_up = False
        """Whether it has closed its socket, and so has ended or is about to."""
        self.memory = 0
        """Bytes that it held after its last answer."""
        self._socket = ours
        self._channel = trio.socket.from_stdlib_socket(ours)
        self._ahead = memoryview(b"")
        self._turns: deque[_Turn] = deque()
        self._sending = trio.Lock()
        self.started = False
        """Whether it has ever been ready."""

    @property
    def documents(self) -> int:
        """How many it has been given and has not answered."""
        return len(self._turns)

    @property
    def busy_since(self) -> float:
        """When it began with the document that it is at."""
        return self._turns[0].since

    @property
    def is_slow(self) -> bool:
        """Whether it has been at one document for so long that no other should wait behind that."""
        return trio.current_time() - self.busy_since > SLOW

    async def ready(self) -> None:
        """Wait until it has imported everything. It has no document.

        Raises:
          Died: it has not, or is not there any more, or says what nobody has asked for.
        """
        self.is_ready = False
        if self.started and self._unread() is not None:
            raise Died
        if not self.started:
            with trio.move_on_after(_START_TIMEOUT), suppress(InvalidAnswer):
                said, _ = await self._frame(len(READY))
                self.started = bytes(said) == READY
            if not self.started:
                raise Died
        self.is_ready = True

    async def parse(self, document: FeedDocument, timeout: float) -> ParsedFeed | FeedFailed | None:  # noqa: ASYNC109
        """The worker's answer; None when there is none in time.

        Args:
          document: what to parse.
          timeout: seconds that it may take, from when the worker has answered those that it has already.

        Raises:
          Died: it dies over it.
          InvalidAnswer: its answer is none. Neither is what else it may say worth anything then.
          GiveAgain: another worker is to have the document.

        Cancellation: the worker is of no use any more, see `retired`.
        """
        turn, answer = _Turn(timeout, behind=bool(self._turns)), None
        self._turns.append(turn)
        try:
            with turn.scope:
                answer = await self._answer(document, turn)
                turn.answered = True
        except (Died, InvalidAnswer):
            if not turn.behind:
                raise
            turn.dropped = True
        finally:
            self._left(turn)
        if turn.dropped and answer is None:
            raise GiveAgain
        return answer

    def drop_waiting(self) -> None:
        """Let other workers have the documents that it has not begun with."""
        for turn in list(self._turns)[1:]:
            turn.drop()

    async def _answer(self, document: FeedDocument, turn: _Turn) -> ParsedFeed | FeedFailed:
        # With it comes all that checks HTML: while the first documents are fetched, not before.
        from .answers import Reading  # noqa: PLC0415

        if not turn.behind:
            turn.begin()
        request = secrets.token_hex(8)
        async with self._sending:
            await self._send(head_of(request, document))
            await self._send(document.body)
        if not turn.begun.is_set():
            with trio.move_on_at(self.busy_since + SLOW):
                await turn.begun.wait()
            if self._idle and not turn.begun.is_set():
                turn.drop()
            await turn.begun.wait()
        reading = Reading(request, len(document.body), document.entries_limit)
        while not reading.add(*await self._frame(reading.room)):
            pass
        self.memory = reading.memory
        # One that is retired may have begun with a document whose task has left it.
        if not self.retired and len(self._turns) == 1 and (unread := self._unread()) is not None:
            if unread:
                raise InvalidAnswer("there is more after its end")
            self.retired = True
        return reading.answer

    def _left(self, turn: _Turn) -> None:
        """Let the next document begin; or none, if the worker was left in the middle of this one."""
        if turn not in self._turns:  # dropped
            return
        first = self._turns[0] is turn
        self._turns.remove(turn)
        if not turn.answered:
            self.retired = True
            if first:
                for other in self._turns:
                    other.drop()
                self._turns.clear()
        elif self._turns:
            self._turns[0].begin()

    def end(self) -> None:
        """Kill it, unless it has closed its socket. It has nothing to save. `reap` must follow."""
        self.ended = True
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

    async def _frame(self, room: int) -> tuple[bytes, bytes]:
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

    async def _exactly(self, size: int) -> bytes:
        if size <= len(self._ahead):
            return self._taken(size)
        parts = [self._taken(len(self._ahead))]
        missing = size - len(parts[0])
        while missing:
            # Each call of `recv` passes through the event loop, which takes longer than most frames.
            self._ahead = await self._received()
            parts.append(self._taken(min(len(self._ahead), missing)))
            missing -= len(parts[-1])
        return b"".join(parts)

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


def head_of(request: str, document: FeedDocument) -> bytes:
    """What goes to a worker before the body of a document. `request` comes back with the answer."""
    return dumps((request, _without_body(document))) + REQUEST_HEADER.pack(len(document.body))


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
