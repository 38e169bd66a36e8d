"""A worker process that is asked without an event loop: for thousands of documents, one at a time."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument, parse_document
from trioscrape._parse._pool.answers import Reading
from trioscrape._parse._pool.frames import ANSWER_HEADER, READY, sizes
from trioscrape._parse._pool.process import head_of, spawn
from trioscrape._records import ParsedFeed

TIMEOUT = 30.0
"""Seconds for a document of some kilobytes, on a machine that has other things to do."""

Parsing = Callable[[FeedDocument], ParsedFeed | FeedFailed]


class WorkerDied(Exception):
    """A document has killed the worker, or has kept it busy beyond the timeout."""


class _Worker:
    """One process, started when it is needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stream: Any = None

    def parse(self, document: FeedDocument) -> ParsedFeed | FeedFailed:
        if self._process is None:
            self._start()
        self._stream.write(head_of("request", document) + document.body)
        self._stream.flush()
        reading = Reading("request", len(document.body), document.entries_limit)
        while not reading.add(*self._frame(reading.room)):
            pass
        return reading.answer

    def _start(self) -> None:
        setup = pickle.dumps((TIMEOUT, sys.path)) + pickle.dumps(parse_document)
        self._process, self._channel = spawn(setup)
        self._channel.setblocking(True)
        self._stream = self._channel.makefile("rwb")
        assert self._frame(len(READY)) == (READY, b"")

    def _frame(self, room: int) -> tuple[bytes, bytes]:
        json, texts = sizes(self._exactly(ANSWER_HEADER.size), room)
        return self._exactly(json), self._exactly(texts)

    def _exactly(self, size: int) -> bytes:
        data: bytes = self._stream.read(size)
        if len(data) < size:
            raise WorkerDied(f"with status {self.end()}")
        return data

    def end(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        self._stream.close()
        self._channel.close()
        return process.wait()


@contextmanager
def open_blocking_parser() -> Iterator[Parsing]:
    """A function that parses as a worker does; a worker that a document kills is replaced.

    It raises `WorkerDied` for what `ProcessParser` makes ``parse-timeout`` or ``parse-crash`` of.
    """
    worker = _Worker()
    try:
        yield worker.parse
    finally:
        worker.end()
