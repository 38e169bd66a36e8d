"""Hosts that do not answer, without a scrape."""

from __future__ import annotations

import pytest

from trioscrape import Feed, FeedState
from trioscrape._errors import FeedFailed
from trioscrape._hosts.queue import HostQueue
from trioscrape._hosts.silence import IN_A_ROW, Silence
from trioscrape._run.candidates import Candidate


def waiting(feeds: int = 3) -> HostQueue[Candidate]:
    queue = HostQueue[Candidate](1)
    for number in range(feeds):
        queue.put(Candidate(Feed(f"http://a.test/{number}"), f"{number:032x}", "a.test"))
    return queue


def failed(reason: str = "connect-timeout", failures: int = 1) -> FeedState:
    return FeedState("f" * 32, "http://a.test/", failure=reason, failures=failures)


@pytest.mark.parametrize(
    ("reason", "silent"),
    [
        ("connect-timeout", True),
        ("read-timeout", True),
        ("fetch-timeout", True),
        ("connection-refused", True),
        ("unreachable", True),
        ("name-not-found", False),
        ("http-500", False),
        ("too-slow", False),
        ("tls", False),
    ],
)
def test_what_counts(reason: str, silent: bool) -> None:
    queue = waiting()
    silence = Silence(queue)
    for _ in range(IN_A_ROW):
        assert silence.remarks() == []
        silence.failed("a.test", FeedFailed(reason))

    assert (queue.start(0) is None) == silent
    assert (queue.put_off() is not None) == silent


def test_an_answer_in_between_ends_the_row() -> None:
    queue = waiting()
    silence = Silence(queue)
    for _ in range(2 * IN_A_ROW):
        silence.failed("a.test", FeedFailed("read-timeout"))
        queue.record("a.test").heard("a.test")

    assert queue.start(0) is not None


@pytest.mark.parametrize(
    ("states", "tries"),
    [
        ([], 3),
        ([failed()], 2),
        ([failed()] * 2, 1),
        ([failed()] * 9, 1),
        ([failed("http-404")] * 9, 3),
        ([failed(failures=0)] * 9, 3),
    ],
    ids=str,
)
def test_earlier_runs_are_remembered(states: list[FeedState], tries: int) -> None:
    queue = waiting()
    silence = Silence(queue)
    for state in states:
        silence.remember("a.test", state)
        silence.remember("other.test", state)

    assert not queue.knows("other.test")
    for _ in range(tries):
        assert queue.put_off() is None
        silence.failed("a.test", FeedFailed("read-timeout"))
        queue.start(0)
    assert queue.put_off() is not None


def test_it_is_said() -> None:
    queue = waiting(1000)
    silence = Silence(queue)
    for _ in range(IN_A_ROW):
        silence.failed("a.test", FeedFailed("read-timeout"))
    queue.start(0)

    assert silence.remarks() == [
        "a.test does not answer (read-timeout); 1,000 of its feeds are left to the next run"
    ]
