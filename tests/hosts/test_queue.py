"""Which feed goes next, and when. Times are numbers here, no clock runs."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from trioscrape import Feed, FeedState
from trioscrape._hosts.queue import JITTER, HostQueue
from trioscrape._hosts.record import NEVER, Limit
from trioscrape._run.candidates import Candidate


def candidate(host: str, number: int = 0) -> Candidate:
    return Candidate(Feed(f"http://{host}/{number}"), f"{number:032x}", host)


def started(queue: HostQueue[Candidate], now: float = 0.0) -> list[str]:
    found = []
    while (taken := queue.start(now)) is not None:
        found.append(taken.feed.url.removeprefix("http://"))
    return found


def exact(per_host: int = 1, delay: float = 10.0) -> HostQueue[Candidate]:
    """Without jitter."""
    return HostQueue(per_host, delay=delay, jitter=lambda: 0.0)


def test_hosts_take_turns() -> None:
    queue = HostQueue(2)
    for host in "aaabbc":
        queue.put(candidate(host))

    assert [url[0] for url in started(queue)] == ["a", "b", "c", "a", "b"]
    assert len(queue) == 1


def waiting(number: int, state: FeedState | None) -> Candidate:
    return replace(candidate("a", number), state=state)


def test_of_one_hosts_feeds_the_longest_waiting_goes_first() -> None:
    """Those that were never fetched, those that were put off or due at some time, those that always are."""

    def due(minutes: int, **more: object) -> FeedState:
        since = datetime(2026, 3, 2, 12, minutes, tzinfo=UTC)
        values = {"body_hash": "b", "next_fetch": since, **more}
        return FeedState("f", "http://a/", **values)  # type: ignore[arg-type]

    put_off = due(9, postponed=datetime(2026, 3, 2, 12, 2, tzinfo=UTC))
    states = [due(0, next_fetch=None), due(5), put_off, due(1), None]
    states.append(FeedState("f", "http://a/", postponed=datetime(2026, 3, 2, 13, tzinfo=UTC)))
    states.append(due(3, body_hash=None, failures=4))
    queue = HostQueue[Candidate](99)
    for number, state in enumerate(states):
        queue.put(waiting(number, state))

    states.append(due(59, last_turn=datetime(2026, 3, 2, 12, 4, tzinfo=UTC)))
    queue.put(waiting(7, states[-1]))

    assert started(queue) == ["a/4", "a/5", "a/3", "a/2", "a/6", "a/7", "a/1", "a/0"]


def test_what_is_put_back_goes_before_those_that_have_waited_as_long() -> None:
    queue = HostQueue[Candidate](1)
    for number in range(3):
        queue.put(candidate("a", number))
    first = queue.start(0)
    assert first is not None
    queue.put_back(first)
    queue.release("a", 0)

    assert started(queue) == ["a/0"]
    assert queue.record("a").feeds == 3


def test_a_busy_host_is_passed_over_until_it_has_a_slot() -> None:
    queue = HostQueue(1)
    for number in range(3):
        queue.put(candidate("big", number))
    assert started(queue) == ["big/0"]
    queue.put(candidate("small"))
    assert started(queue) == ["small/0"]

    queue.release("big", 0)
    assert started(queue) == ["big/1"]
    queue.release("small", 0)
    assert started(queue) == []
    queue.release("big", 0)
    assert started(queue) == ["big/2"]
    queue.release("big", 0)
    queue.put(candidate("big", 9))
    assert started(queue) == ["big/9"]
    assert queue.next_time == math.inf


def test_a_delay_is_from_the_end_of_one_to_the_start_of_the_next() -> None:
    queue = exact()
    for number in range(3):
        queue.put(candidate("a", number))
    queue.put(candidate("b"))

    assert started(queue, now=0) == ["a/0", "b/0"]
    queue.release("a", 5)
    assert (queue.next_time, started(queue, now=14.9)) == (15, [])
    assert started(queue, now=15) == ["a/1"]
    assert queue.next_time == math.inf, "what it waits for now is the end of that one"


def test_a_delay_also_parts_the_starts_of_siblings() -> None:
    """With several slots they neither begin in step nor as soon as another one ends."""
    queue = exact(per_host=3)
    for number in range(4):
        queue.put(candidate("a", number))

    assert [started(queue, now) for now in (0, 9, 10, 20, 99)] == [["a/0"], [], ["a/1"], ["a/2"], []]
    queue.release("a", 100)
    assert [started(queue, now) for now in (100, 110)] == [[], ["a/3"]]


def test_a_delay_counts_for_feeds_that_come_later() -> None:
    queue = exact()
    queue.put(candidate("a", 0))
    started(queue)
    queue.release("a", 1)
    queue.put(candidate("a", 1))

    assert [started(queue, now) for now in (2, 11)] == [[], ["a/1"]]


def test_jitter_makes_a_delay_longer_only() -> None:
    waits = set()
    for _ in range(50):
        queue = HostQueue(1, delay=10)
        queue.put(candidate("a", 0))
        queue.put(candidate("a", 1))
        queue.start(0)
        queue.release("a", 0)
        waits.add(queue.next_time)

    assert len(waits) > 40
    assert 10 <= min(waits) < max(waits) <= 10 * (1 + JITTER)


def test_a_host_in_a_pause() -> None:
    """Retry-After: for the whole host, whatever state it is in."""
    queue = HostQueue(1)
    for number in range(3):
        queue.put(candidate("a", number))
    queue.pause("b", 50)
    assert started(queue) == ["a/0"]
    queue.pause("a", 100)
    queue.release("a", 1)
    queue.put(candidate("b"))
    assert started(queue, now=49) == []
    assert started(queue, now=50) == ["b/0"]
    assert (queue.next_time, started(queue, now=100)) == (100, ["a/1"])


def test_the_longer_pause_wins() -> None:
    queue = HostQueue(1)
    queue.put(candidate("a"))
    queue.pause("a", 100)
    queue.pause("a", 50)
    queue.pause("a", 200)

    assert [started(queue, now) for now in (50, 100, 199, 200)] == [[], [], [], ["a/0"]]


def test_a_pause_is_remembered_while_nothing_of_the_host_waits() -> None:
    queue = HostQueue(1)
    queue.pause("a", 100)
    queue.pause("a", 200)
    started(queue, now=150)
    queue.put(candidate("a"))

    assert [started(queue, now) for now in (150, 200)] == [[], ["a/0"]]


@pytest.mark.parametrize("patience", [NEVER, 30.0])
def test_a_new_round_keeps_the_limit_of_a_host_until_its_pause_is_over(patience: float) -> None:
    queue = HostQueue[Candidate](2)
    queue.record("a").paused_until = 100.0
    queue.pause("a", 100.0)
    queue.limit("a", Limit("a", "rate-limited", "", patience))

    queue.begin_round(50.0)
    queue.put(candidate("a"))
    assert started(queue, 50.0) == []
    assert queue.put_off() is not None, "it does not wait here for the end of the pause"

    queue.begin_round(100.0)
    queue.put(candidate("a"))
    assert started(queue, 100.0) == ["a/0"]


def test_hosts_may_be_counted_together() -> None:
    queue = HostQueue(1, group=lambda host: host.partition(".")[2])
    for host in "x.a", "y.a", "x.b":
        queue.put(candidate(host))
    queue.pause("z.b", 5)

    assert started(queue) == ["x.a/0"]
    queue.release("x.a", 0)
    assert started(queue) == ["y.a/0"]
    assert started(queue, now=5) == ["x.b/0"]


class Model:
    """The plain meaning of the rules: every host is looked at, every time."""

    def __init__(self, per_host: int, delay: float) -> None:
        self.per_host, self.delay = per_host, delay
        self.put: dict[str, int] = defaultdict(int)
        self.started: dict[str, int] = defaultdict(int)
        self.ended: dict[str, int] = defaultdict(int)
        self.not_before: dict[str, float] = defaultdict(lambda: -math.inf)

    def pause(self, host: str, until: float) -> None:
        self.not_before[host] = max(self.not_before[host], until)

    def under_way(self, host: str) -> int:
        return self.started[host] - self.ended[host]

    def may_start(self, now: float) -> set[str]:
        return {
            host
            for host, number in self.put.items()
            if number > self.started[host]
            and self.under_way(host) < self.per_host
            and self.not_before[host] <= now
        }

    @property
    def waiting(self) -> int:
        return sum(self.put.values()) - sum(self.started.values())


@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_events(seed: int) -> None:
    chance = random.Random(seed)
    model = Model(chance.choice([1, 2, 3]), chance.choice([0.0, 1.0]))
    queue = exact(model.per_host, model.delay)
    events = ["put"] * 2 + ["finish"] * 2 + ["start"] * 3 + ["pause", "later"]
    now = 0.0
    for _ in range(3000):
        host, event = chance.choice("abcdefgh"), chance.choice(events)
        if event == "put":
            queue.put(candidate(host, model.put[host]))
            model.put[host] += 1
        elif event == "finish" and model.under_way(host):
            queue.release(host, now)
            model.ended[host] += 1
            model.pause(host, now + model.delay if model.delay else -math.inf)
        elif event == "pause":
            until = now + chance.uniform(-1, 3)
            queue.pause(host, until)
            model.pause(host, until)
        elif event == "later":
            now = min(queue.next_time, now + chance.uniform(0, 2))
        elif event == "start":
            free, taken = model.may_start(now), queue.start(now)
            assert (taken is not None) == bool(free)
            if taken is not None:
                assert taken.host in free
                assert taken.feed.url == f"http://{taken.host}/{model.started[taken.host]}"
                model.started[taken.host] += 1
                model.pause(taken.host, now + model.delay if model.delay else -math.inf)
        assert len(queue) == model.waiting


def test_what_is_over_is_forgotten() -> None:
    """A million hosts leave nothing behind, also when each had a delay."""
    queue = exact(delay=1.0)
    for number in range(1000):
        queue.put(candidate(f"h{number}", 0))
        assert queue.start(number) is not None
        queue.release(f"h{number}", number)
    assert len(queue._hosts) <= 2

    assert started(queue, now=2000) == []
    assert (queue._hosts, queue._calendar, list(queue._ring)) == ({}, [], [])


class Named(str):
    """The name of a host that counts how often it is looked for."""

    __slots__ = ()
    looked_at = 0

    def __hash__(self) -> int:
        Named.looked_at += 1
        return super().__hash__()

    __eq__ = str.__eq__


def test_the_work_for_a_feed_does_not_grow_with_the_backlog() -> None:
    """10,000 hosts in a pause are not looked at for each feed of another one."""
    queue = HostQueue[Candidate](1, group=lambda host: host)
    for number in range(10_000):
        queue.put(candidate(Named(f"h{number}")))
        queue.pause(Named(f"h{number}"), 1000.0)
    for number in range(1000):
        queue.put(candidate("free", number))
    Named.looked_at = 0
    for _ in range(1000):
        assert queue.start(0) is not None
        queue.release("free", 0)

    assert queue.start(1) is None
    assert 10_000 <= Named.looked_at <= 20_000, "once each"


class Looked:
    """What waits, and counts how often it is looked at."""

    waits_since = datetime(2026, 3, 2, tzinfo=UTC)
    count = 0

    @property
    def host(self) -> str:
        """One that limits what it allows."""
        Looked.count += 1
        return "limited"


def test_feeds_that_join_the_queue_of_a_limited_host_do_not_have_the_others_looked_at() -> None:
    queue = HostQueue[Looked](1)
    queue.put(Looked())
    assert queue.start(0) is not None
    queue.limit("limited", Limit("limited", "rate-limited", "", patience=1e6, spacing=0.001))
    for _ in range(1000):
        Looked.count = 0
        queue.put(Looked())
        assert queue.start(0) is None, "its only slot is taken"
        assert Looked.count <= 3
