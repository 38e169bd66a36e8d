"""The program of a worker process and the frames on its socket, in this process."""

from __future__ import annotations

import io
import pickle
import resource
import sys
from pathlib import Path

import pytest

from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument
from trioscrape._parse._pool import frames, worker
from trioscrape._parse._pool.frames import answer_frames, dumps, framed, read_frame
from trioscrape._records import Entry, ParsedFeed

from support.worker_processes import (
    NEVER,
    URL,
)


def test_the_program_of_a_worker_answers_frame_for_frame() -> None:
    """In this process, because coverage does not see into workers."""
    feed = ParsedFeed("t", None, tuple(Entry(str(number), "") for number in range(frames.BATCH + 1)))

    def parse(document: FeedDocument) -> ParsedFeed:
        if document.body == b"bad":
            raise FeedFailed("not-a-feed", document.url)
        return feed

    class Stream(io.BytesIO):
        answers = b""

        def write(self, data: object) -> int:
            self.answers += bytes(data)  # type: ignore[call-overload]
            return 0

    head = dumps(FeedDocument(b"", URL))
    stream = Stream(b"".join([head, framed(b"good"), head, framed(b"bad")]))
    worker.serve(stream, parse, NEVER)  # type: ignore[arg-type]

    answers = io.BytesIO(stream.answers)
    answered = []
    while (frame := read_frame(answers)) is not None:
        answered.append(frame)
    assert answered[0] == frames.READY
    assert pickle.loads(answered[1]) == (ParsedFeed("t", None, ()), 2)
    assert pickle.loads(answered[2]) + pickle.loads(answered[3]) == feed.entries
    failure, batches = pickle.loads(answered[5])
    assert (failure.args, batches) == (("not-a-feed", URL), 0)
    assert [pickle.loads(answered[number]) > 2**20 for number in (4, 6)] == [True, True]
    assert len(answered) == 7


def test_memory_is_the_peak_where_the_system_does_not_say_more(monkeypatch: pytest.MonkeyPatch) -> None:
    now = worker.memory()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def missing(*args: object, **kwargs: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    # The kernel adds up both of them in steps of its own.
    assert worker.memory() == peak * 1024 > 0.9 * now
    monkeypatch.setattr(sys, "platform", "darwin")
    assert worker.memory() == peak


def test_a_stream_cut_in_the_middle_of_a_frame_is_at_its_end() -> None:
    whole = b"".join(answer_frames(ParsedFeed(None, None, ())))

    assert read_frame(io.BytesIO(whole[:4])) is None
    assert read_frame(io.BytesIO(whole[:-1])) is None
    assert read_frame(io.BytesIO(whole)) is not None
