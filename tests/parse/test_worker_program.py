"""The program of a worker process and the frames on its socket, in this process."""

from __future__ import annotations

import io
import resource
import sys

import pytest

from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument
from trioscrape._parse._pool import answers, frames, sandbox, worker
from trioscrape._parse._pool.answers import Reading
from trioscrape._parse._pool.frames import dumps, framed, read_frame
from trioscrape._records import Entry, ParsedFeed

from support.worker_processes import (
    NEVER,
    URL,
)


def test_the_program_of_a_worker_answers_frame_for_frame() -> None:
    """In this process, because coverage does not see into workers."""
    feed = ParsedFeed(
        "t", None, tuple(Entry(str(number), "-", content="x" * number) for number in range(answers.BATCH + 1))
    )

    def parse(document: FeedDocument) -> ParsedFeed:
        if document.body == b"bad":
            raise FeedFailed("not-a-feed", document.url)
        if document.body == b"large":
            raise MemoryError
        return feed

    class Stream(io.BytesIO):
        answers = b""

        def write(self, data: object) -> int:
            self.answers += bytes(data)  # type: ignore[call-overload]
            return 0

    head = dumps(("r", (URL,)))
    stream = Stream(b"".join(head + framed(body) for body in (b"good", b"bad", b"large", b"good")))
    worker.serve(stream, parse, NEVER)  # type: ignore[arg-type]

    read, answered = answers_in(stream.answers)
    assert read[0] == (frames.READY, b"")
    assert [answer if isinstance(answer, ParsedFeed) else answer.args for answer, _ in answered] == [
        feed,
        ("not-a-feed", URL),
        ("parse-crash", "not enough memory"),
        feed,
    ]
    assert [memory > 2**20 for _, memory in answered] == [True] * 4
    assert [memory == sandbox.MEMORY for _, memory in answered] == [False, False, True, False]
    assert len(read) == 1 + 4 + 2 + 2 + 4


def answers_in(said: bytes) -> tuple[list[tuple[bytes, bytes]], list[tuple[ParsedFeed | FeedFailed, int]]]:
    """All frames, and the answers in them with the memory of the worker."""
    stream, read, answered = io.BytesIO(said), [], []
    reading = Reading("r", 0, None)
    while header := stream.read(frames.ANSWER_HEADER.size):
        json, texts = frames.sizes(header, 2**20)
        read.append((stream.read(json), stream.read(texts)))
        if len(read) > 1 and reading.add(*read[-1]):
            answered.append((reading.answer, reading.memory))
            reading = Reading("r", 0, None)
    return read, answered


def test_memory_is_the_peak_where_the_system_does_not_say_more(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/proc/self/statm") as statm:
        now = worker.memory(statm.fileno())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    # The kernel adds up both of them in steps of its own.
    assert worker.memory(None) == peak * 1024 > 0.9 * now
    monkeypatch.setattr(sys, "platform", "darwin")
    assert worker.memory(None) == peak


def test_a_stream_cut_in_the_middle_of_a_frame_is_at_its_end() -> None:
    whole = dumps(("r", (URL,)))

    assert read_frame(io.BytesIO(whole[:4])) is None
    assert read_frame(io.BytesIO(whole[:-1])) is None
    assert read_frame(io.BytesIO(whole)) is not None
