"""What hosts allow: pauses that they ask for, and rates that are learned, without a scrape."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trioscrape import Feed
from trioscrape._errors import FeedFailed
from trioscrape._flow import Flow
from trioscrape._hosts.queue import KEPT, MARGIN, HostQueue
from trioscrape._hosts.retry_after import REFUSALS, Pauses, QueueAgain, duration, rate
from trioscrape._hosts.slots import HostSlot, HostSlots
from trioscrape._run.candidates import Candidate

START = datetime(2026, 3, 2, tzinfo=UTC)


def running() -> datetime:
    """A wall clock that goes as fast as trio's."""
    return START + timedelta(seconds=trio.current_time())


def refuse(pauses: Pauses, host: str = "a.test", after: str | None = "5", status: int = 429) -> None:
    pauses.refused(host, status, f"http-{status}", {} if after is None else {"retry-after": after})


class Host:
    """One host with feeds that wait for it, and a patience of ten minutes."""

    def __init__(self, feeds: int, now: Callable[[], datetime] = running) -> None:
        self.queue = HostQueue[Candidate](1)
        self.pauses = Pauses(self.queue, now, 600)
        for number in range(feeds):
            self.queue.put(Candidate(Feed(f"http://a.test/{number}"), f"{number:032x}", "a.test"))

    def start(self) -> Candidate | None:
        return self.queue.start(trio.current_time())

    async def fetch(self, after: str | None = None) -> str:
        """Fetch the next feed when it may start; its path. It is refused with this Retry-After."""
        while (candidate := self.start()) is None:  # noqa: ASYNC110 - nothing tells it, but the clock
            await trio.sleep_until(self.queue.next_time)
        if after is None:
            self.pauses.answered("a.test", 200)
        else:
            with pytest.raises(QueueAgain):
                refuse(self.pauses, after=after)
            self.queue.put_back(candidate)
        self.queue.release("a.test", trio.current_time())
        return candidate.feed.url.rpartition("/")[2]

    def put_off(self) -> list[tuple[str, str]]:
        """Those that the host leaves no time for, and why."""
        found = []
        while (taken := self.queue.put_off()) is not None:
            found.append((taken[0].feed.url.rpartition("/")[2], taken[1].detail))
        return found


async def test_limits_are_remembered_of_some_hosts_only(autojump_clock: MockClock) -> None:
    pauses = Pauses(HostQueue[Any](1), running)
    for number in range(KEPT + 1):
        with pytest.raises(FeedFailed) as caught:
            refuse(pauses, f"{number}.test", "3600", 503)

    assert caught.value.postponed_by == "10000.test"
    assert caught.value.not_before == running() + timedelta(hours=1)
    pauses.check("0.test")  # forgotten
    with pytest.raises(FeedFailed):
        pauses.check("1.test")
    await trio.sleep(3601)
    pauses.check("1.test")


@pytest.mark.parametrize(
    ("status", "headers"), [(503, {}), (500, {"retry-after": "60"}), (404, {"retry-after": "60"})]
)
async def test_other_answers_pause_nobody_else(status: int, headers: dict[str, str]) -> None:
    pauses = Pauses(HostQueue[Any](1))
    pause = pauses.refused("a.test", status, f"http-{status}", headers)

    pauses.check("a.test")
    assert (pause is not None) == bool(headers)


async def test_a_short_pause_is_waited_for_by_redirected_feeds_too(autojump_clock: MockClock) -> None:
    queue = HostQueue[Any](1)
    slot = HostSlot(HostSlots(queue, Flow()), None)
    with pytest.raises(QueueAgain):
        refuse(Pauses(queue), "b")

    await slot.switch("b")

    assert trio.current_time() >= 5


async def test_redirected_feeds_do_not_wait_for_what_a_host_does_not_allow(
    autojump_clock: MockClock,
) -> None:
    queue = HostQueue[Any](1)
    slots = HostSlots(queue, Flow())
    queue.acquire_nowait("b", trio.current_time(), datetime.max.replace(tzinfo=UTC))
    pauses = Pauses(queue, running, 100)
    pauses.answered("b", 200)
    with pytest.raises(QueueAgain):
        refuse(pauses, "b", "59")
    queue.release("b", trio.current_time())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(HostSlot(slots, None).switch, "b")
        await wait_all_tasks_blocked()
        with pytest.raises(FeedFailed, match=r"b allows about 1 request in 59 s") as caught:
            await HostSlot(slots, None).switch("b")
        assert trio.current_time() == 0

    assert caught.value.postponed_by == "b"
    assert trio.current_time() == pytest.approx(59.5)


class TestRates:
    @pytest.mark.parametrize(("allowed", "spacing"), [(1, 60), (4, 15), (60, 1)])
    async def test_of_a_window(self, autojump_clock: MockClock, allowed: int, spacing: float) -> None:
        """So many requests at once, then a pause until the minute is over."""
        host = Host(1000)
        for _ in range(allowed):
            await host.fetch()
        assert host.start() is not None
        host.queue.release("a.test", trio.current_time())
        with pytest.raises(QueueAgain):
            refuse(host.pauses, after="60")
        starts = []
        for _ in range(4):
            await host.fetch()
            starts.append(trio.current_time())

        assert starts == pytest.approx([60.5 + n * 60 / allowed for n in range(4)])
        assert starts[1] - starts[0] == pytest.approx(spacing, rel=0.001)

    async def test_its_feeds_are_spread_as_long_as_the_patience_lasts(
        self, autojump_clock: MockClock
    ) -> None:
        host = Host(100)
        assert [await host.fetch(), await host.fetch("60")] == ["0", "1"]

        fetched = [await host.fetch() for _ in range(10)]

        assert fetched == [str(number) for number in range(1, 11)], "the refused one goes first"
        assert trio.current_time() <= 600 + MARGIN
        assert host.start() is None
        put_off = host.put_off()
        assert [path for path, _ in put_off] == [str(number) for number in range(11, 100)]
        assert {why for _, why in put_off} == {
            "not fetched in this run: a.test allows about 1 request in 60 s"
        }
        assert host.pauses.remarks() == [
            "a.test allows about 1 request in 60 s; its 100 feeds take 1 h 40 min;"
            " 89 of them are left to the next runs"
        ]

    async def test_what_comes_later_is_put_off_too(self, autojump_clock: MockClock) -> None:
        host = Host(20)
        await host.fetch()
        await host.fetch("60")
        host.start()
        host.put_off()
        host.queue.put(Candidate(Feed("http://a.test/later"), "f" * 32, "a.test"))
        assert host.start() is None

        assert [path for path, _ in host.put_off()] == ["later"]

    async def test_a_slower_rate_is_learned_too(self, autojump_clock: MockClock) -> None:
        """Twenty at once for those who come for the first time, then one a minute."""
        host = Host(1000)
        for _ in range(20):
            await host.fetch()
        await host.fetch("30")
        assert host.pauses.remarks()[0].startswith("a.test allows about 1 request in 2 s;")
        await host.fetch()
        await host.fetch("60")

        assert host.pauses.remarks()[0].startswith("a.test allows about 1 request in 62 s;")

    async def test_one_that_never_keeps_its_word_is_left_alone(self, autojump_clock: MockClock) -> None:
        host = Host(5)
        for _ in range(REFUSALS - 1):
            await host.fetch("1")
        assert host.start() is not None or (await trio.sleep(2), host.start())[1] is not None
        with pytest.raises(FeedFailed, match=r"a.test asked for a pause until "):
            refuse(host.pauses, after="1")

    async def test_refusals_of_feeds_in_flight_count_once(self, autojump_clock: MockClock) -> None:
        host = Host(5)
        for _ in range(2 * REFUSALS):
            with pytest.raises(QueueAgain):
                refuse(host.pauses, after="10")


@pytest.mark.parametrize(
    ("seconds", "words"), [(59.6, "60 s"), (726, "12 min"), (3600, "1 h"), (60_000, "16 h 40 min")]
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_rates_in_words() -> None:
    assert [rate(60.2), rate(0.1)] == ["about 1 request in 60 s", "about 10 requests in 1 s"]
