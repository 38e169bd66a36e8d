"""A parser in worker processes, because parsing holds the GIL, and some documents kill the process.

Why not a library for worker processes, or `multiprocessing`:

- trio-parallel and `trio.lowlevel.open_process` take tokens of trio's default thread limiter when
  they start and end a process. The applications around us fill that limiter, and then no worker starts.
- What starts its workers with `multiprocessing` imports the user's ``__main__`` again in each:
  scripts need a guard, and notebooks have nothing to import.

So a worker is a `subprocess.Popen` of `worker.py` with one end of a socket pair, and the other end
is an ordinary trio socket: no thread waits for an answer, a timeout is a cancel scope, and a cancelled
task only has to kill a process. Threads, on a limiter of the parser's own, start processes; on Linux a
descriptor tells their end (pidfd_open(2)), elsewhere threads wait for it.

A worker is not trusted, because it has read what strangers wrote: `answers` says what is accepted of what it
sends, and `sandbox` what it can't do. A document that takes it over costs that document's feed, and can
tell lies about those that the same worker reads afterwards.

Measured on two slow cores: two workers are on their way after 6 ms and ready after 80; a 150 KB document
there and an empty answer back take 0.2 ms; a worker has 26 MB, 32 after a document of 660 KB, which
takes it 90 ms; both have gone 3 ms after the end of the block.

Small documents are not parsed on the event loop: of real feeds up to 8 KiB, on a busy machine, one takes the
loop 0.6 ms by way of a worker and 1.1 ms without, and a document that kills its parser would kill the
application (``nox -s bench -- lag``).
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import trio

from ..._errors import FeedFailed, ResourceError
from ..._records import ParsedFeed
from ..._threads import in_thread
from ..protocol import FeedDocument
from .frames import InvalidAnswer
from .process import Died, GiveAgain, Worker, spawn

_PARSE_DOCUMENT: Final = b"ctrioscrape._parse.document\nparse_document\n."
"""`pickle.dumps` of that function, which a worker imports. Here it would take a fifth of a second."""
_DOCUMENTS: Final = 2
"""That a worker may have at once: one that it parses, and one that it finds in its socket after that."""
_ATTEMPTS: Final = 3
"""To start a worker for one document."""
_MOST_USELESS: Final = 100
"""Workers in a row that end before they are ready, after which none is expected to do better. Until then each
costs its document only: what kills processes where memory is short does not look for the guilty one."""
_WARM: Final = 1
"""Workers to start before the first document; the others start when there is work for them. Each takes 0.1 to
0.2 s of CPU time, and many a run has no new document at all."""
_GROWN: Final = 128 * 2**20
"""Bytes that a worker may hold after a document; a new one takes its place then. It holds 58 MiB after
100 real feeds, however often they come, and 82 after 16 MB of 10,000 entries."""
_REAP_TIMEOUT: Final = 30.0
"""Seconds for killed workers to go; they take milliseconds."""
_ORPHAN_GRACE: Final = 5.0
"""Seconds beyond the timeout after which a worker whose parent is gone ends itself."""


class ProcessParser:
    """A `Parser` in worker processes; `open_process_parser` makes it."""

    def __init__(
        self, width: int, timeout: float, parse: Callable[[FeedDocument], ParsedFeed] | None
    ) -> None:
        self._timeout = timeout
        # Absolute, because a worker leaves the current folder.
        path = [os.path.abspath(folder) for folder in sys.path]
        function = _PARSE_DOCUMENT if parse is None else pickle.dumps(parse)
        self._setup = pickle.dumps((timeout + _ORPHAN_GRACE, path)) + function
        self.width = width * _DOCUMENTS
        """How many documents it takes at once."""
        self._processes = width
        self._slots = trio.CapacityLimiter(self.width)
        self._changed = trio.lowlevel.ParkingLot()
        """Where documents wait that no worker can take just now."""
        self._starting = 0
        # Never trio's default one, which others may fill: see the module's docstring.
        self._threads = trio.CapacityLimiter(width)
        self._idle: list[Worker] = []
        self._workers: set[Worker] = set()
        self._closed = False
        self._has_worked = False
        self._useless = 0
        """Workers in a row that have ended before they were ready."""

    @property
    def processes(self) -> frozenset[int]:
        """The ids of the worker processes that are there now, idle ones too."""
        return frozenset(worker.process.pid for worker in self._workers)

    async def parse(self, document: FeedDocument) -> ParsedFeed:
        """What the document says.

        The timeout begins when a worker is ready, has answered what it was given before, and has the document
        on its way to it; waiting for a worker, and for a new one to start, is not charged.

        Raises:
          FeedFailed: ``not-a-feed`` or ``malformed``; ``parse-timeout`` or ``parse-crash`` when its
            worker had to be killed, died, or sent what is no answer, or when none could be started. A new
            one takes the place; no other document is touched.
          ResourceError: no worker process can be started, or none that lives until it is ready.

        Cancellation: if the worker is at this document, it is killed at once, and has gone when this raises
        `trio.Cancelled`. If it is at another one, it is ended after that.
        """
        async with self._slots:
            try:
                answer = await self._answer(document, alone=False)
            except GiveAgain:
                answer = await self._answer(document, alone=True)
        if answer is None:
            raise FeedFailed("parse-timeout", f"after {self._timeout:g} s")
        if isinstance(answer, FeedFailed):
            raise answer
        return answer

    async def _answer(self, document: FeedDocument, *, alone: bool) -> ParsedFeed | FeedFailed | None:
        died = False
        answer: ParsedFeed | FeedFailed | None = None
        async with self._lease(alone=alone) as worker:
            try:
                answer = await worker.parse(document, self._timeout)
            except Died:
                died = True
            except InvalidAnswer as error:
                answer = FeedFailed("parse-crash", f"the worker process sent no valid answer: {error}")
        if died:  # it is known how only when the process has gone
            answer = FeedFailed("parse-crash", _how_it_ended(worker.process.returncode))
        return answer

    async def warm_up(self, workers: int) -> None:
        """Start so many workers, and don't wait until they are ready."""
        for _ in range(workers):
            # Taken after those that are ready already.
            self._idle.insert(0, await self._start())
            self._changed.unpark_all()

    async def aclose(self) -> None:
        """Kill all workers and wait until they have gone, also when cancelled."""
        self._closed = True
        self._idle.clear()
        with trio.move_on_after(_REAP_TIMEOUT, shield=True):
            await self._end(*self._workers)

    @asynccontextmanager
    async def _lease(self, *, alone: bool) -> AsyncIterator[Worker]:
        """A worker that is ready.

        When its last document has left it, it is idle again if it has answered and has not grown too large.
        Else it is ended, and another one started for the next document.
        """
        worker = await self._take(alone=alone)
        try:
            yield worker
        finally:
            worker.retired = worker.retired or worker.memory > _GROWN
            if not worker.documents and not worker.ended:
                if worker.retired:
                    with trio.move_on_after(_REAP_TIMEOUT, shield=True):
                        await self._end(worker)
                else:
                    self._idle.append(worker)
                    self._relieve_the_slow()
            self._changed.unpark_all()
        if self._has_room and worker not in self._workers:
            # An answer is in hand: that there is no further process is for the next document to say.
            with suppress(ResourceError):
                await self.warm_up(1)

    def _relieve_the_slow(self) -> None:
        """Let a worker that is idle have what waits behind a document that takes long."""
        for worker in self._workers:
            if worker.documents > 1 and worker.is_slow:
                worker.drop_waiting()
                return

    @property
    def _has_room(self) -> bool:
        """Whether there may be one more process."""
        return len(self._workers) + self._starting < self._processes

    async def _take(self, *, alone: bool) -> Worker:
        """A worker that is ready: the idle one that has worked last, so that few are kept warm; or a new one.

        When there may be no more, it is one that is at another document, unless `alone`.
        """
        killed, attempts = False, _ATTEMPTS + len(self._idle)
        while attempts:
            if not self._idle and not self._has_room:
                if not alone and (busy := self._busy()) is not None:
                    return busy
                await self._changed.park()
                continue
            attempts -= 1
            worker = self._idle.pop() if self._idle else await self._start()
            try:
                with suppress(Died):
                    await worker.ready()
                    self._has_worked, self._useless = True, 0
                    self._changed.unpark_all()  # another document may wait behind this one
                    return worker
            finally:
                if not worker.is_ready:
                    with trio.move_on_after(_REAP_TIMEOUT, shield=True):
                        await self._end(worker)
                    self._changed.unpark_all()
            if not worker.started:
                self._useless += 1
                killed = worker.hung_up and (worker.process.returncode or 0) < 0
        # Whose program is broken ends by itself, and never works.
        if (killed or self._has_worked) and self._useless < _MOST_USELESS:
            raise FeedFailed("parse-crash", "the worker processes for it ended before they were ready")
        raise ResourceError("the parser's worker processes end before they are ready")

    def _busy(self) -> Worker | None:
        """One that can take a document more, and is at the one that it has had for the longest time."""
        found = [
            worker
            for worker in self._workers
            if 0 < worker.documents < _DOCUMENTS and not worker.retired and not worker.is_slow
        ]
        return min(found, key=lambda worker: worker.busy_since, default=None)

    async def _start(self) -> Worker:
        if self._closed:
            raise trio.ClosedResourceError("the parser is closed")
        self._starting += 1
        try:
            process, ours = await in_thread(spawn, self._setup, limiter=self._threads)
        # Where memory is short, `Popen` may end with "error return without exception set".
        except (OSError, MemoryError, SystemError) as error:
            why = str(error) or "not enough memory"
            raise ResourceError(f"the parser's worker process can't be started: {why}") from error
        finally:
            self._starting -= 1
            self._changed.unpark_all()
        worker = Worker(process, ours, self._idle)
        self._workers.add(worker)
        return worker

    async def _end(self, *workers: Worker) -> None:
        for worker in workers:
            worker.end()
        for worker in workers:
            try:
                await worker.gone()
            except OSError:
                await self._reap(worker)
            self._workers.discard(worker)

    async def _reap(self, worker: Worker) -> None:
        try:
            await in_thread(worker.reap, limiter=self._threads)
        except OSError:  # no thread is to be had; it takes milliseconds
            worker.reap()


@asynccontextmanager
async def open_process_parser(
    width: int, parse_timeout: float, parse: Callable[[FeedDocument], ParsedFeed] | None = None
) -> AsyncIterator[ProcessParser]:
    """A parser with `width` worker processes, for as long as the ``async with`` block runs.

    The first worker starts at once and imports feedparser while the block goes on; the others start with the
    first documents. They leave with the block, whatever ends it, and end by themselves should this
    process be killed. Ctrl-C does not reach them: they are in a session of their own.

    Every `ProcessParser.parse` must have returned before the block ends.

    Args:
      width: processes at most, 1 or more.
      parse_timeout: seconds that one document may take.
      parse: what the workers run instead of `parse_document`: a function that they can import, by the name
        of its module and its own. It is there for tests.

    Raises:
      ResourceError: no process can be started.
    """
    parser = ProcessParser(width, parse_timeout, parse)
    try:
        await parser.warm_up(min(width, _WARM))
        yield parser
    finally:
        await parser.aclose()


def _how_it_ended(status: int) -> str:
    how = f"by signal {-status}" if status < 0 else f"with exit status {status}"
    return f"the worker process ended {how}"
