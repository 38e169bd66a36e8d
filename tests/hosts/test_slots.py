"""The slots of hosts that feeds are redirected to, and where feeds queue by address; in virtual time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trioscrape import Config, Feed, Outcome
from trioscrape._flow import Flow
from trioscrape._hosts.queue import YIELD, HostQueue
from trioscrape._hosts.slots import HostSlots
from trioscrape._run.candidates import Candidate
from trioscrape.testing import Internet, Site

from support.counting import Counting
from support.scenarios import open_virtual, rss, run_virtual


def waiting(queue: HostQueue[Candidate], *hosts: str) -> None:
    for number, host in enumerate(hosts):
        queue.put(Candidate(Feed(f"http://{host}/{number}"), f"{number:032x}", host))


class TestSlots:
    def setup_method(self) -> None:
        self.queue = HostQueue[Candidate](1, delay=0)
        self.flow = Flow()
        self.slots = HostSlots(self.queue, self.flow)

    def start(self) -> str | None:
        candidate = self.queue.start(trio.current_time())
        return candidate and candidate.feed.url

    async def test_two_hosts_that_redirect_to_each_other(self) -> None:
        waiting(self.queue, "a", "b")
        self.start(), self.start()
        one, other = self.slots.started("a"), self.slots.started("b")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(one.switch, "b")
            nursery.start_soon(other.switch, "a")

        assert (one.host, other.host) == ("b", "a")

    async def test_who_is_under_way_goes_before_who_waits(self, autojump_clock: MockClock) -> None:
        waiting(self.queue, "a", "b", "b")
        self.start(), self.start()
        own, visitor = self.slots.started("b"), self.slots.started("a")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(visitor.switch, "b")
            await wait_all_tasks_blocked()
            assert visitor.host is None
            own.release()
            assert self.start() is None
        assert visitor.host == "b"
        assert self.start() is None

        visitor.release()

        assert self.start() == "http://b/2"

    @pytest.mark.parametrize("can_start", [True, False])
    async def test_at_a_host_in_turns_the_one_goes_first_that_has_waited_longest(
        self, autojump_clock: MockClock, can_start: bool
    ) -> None:
        """But what is in flight does not wait for a feed that can't start, as in a drain."""
        waiting(self.queue, "a", "b", "b")  # never fetched, so they have waited longest
        self.start(), self.start()
        own, visitor = self.slots.started("b"), self.slots.started("a", datetime(2026, 3, 2, tzinfo=UTC))
        self.queue.take_turns("b")
        with trio.fail_after(1000):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(visitor.switch, "b")
                await wait_all_tasks_blocked()
                own.release()
                if can_start:
                    assert self.start() == "http://b/2"
                    await trio.sleep(9)
                    assert visitor.host is None
                    self.slots.started("b").release()

        assert visitor.host == "b"
        assert trio.current_time() == pytest.approx(9 if can_start else YIELD)

    async def test_first_come_first_served(self, autojump_clock: MockClock) -> None:
        waiting(self.queue, *"abcde")
        slots = [self.slots.started(str(self.start())[7]) for _ in range(5)]
        order = []

        async def visit(number: int) -> None:
            await slots[number].switch("a")
            order.append(number)
            slots[number].release()

        async with trio.open_nursery() as nursery:
            for number in range(1, 5):
                nursery.start_soon(visit, number)
                await wait_all_tasks_blocked()
            slots[0].release()

        assert order == [1, 2, 3, 4]

    async def test_one_who_gives_up_wakes_the_next(self, autojump_clock: MockClock) -> None:
        waiting(self.queue, *"abc")
        first, second, third = (self.slots.started(str(self.start())[7]) for _ in range(3))
        given_up = trio.CancelScope()

        async def give_up() -> None:
            with given_up:
                await second.switch("a")

        with trio.fail_after(1000):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(give_up)
                await wait_all_tasks_blocked()
                nursery.start_soon(third.switch, "a")
                await wait_all_tasks_blocked()
                given_up.cancel()
                first.release()

        assert (second.host, third.host) == (None, "a")

    async def test_a_pause_is_waited_for(self, autojump_clock: MockClock) -> None:
        waiting(self.queue, "a")
        self.start()
        self.queue.pause("b", trio.current_time() + 20)
        slot = self.slots.started("a")

        await slot.switch("b")

        assert trio.current_time() == pytest.approx(20)

    async def test_nothing_is_remembered_of_hosts_that_nobody_is_at(self) -> None:
        waiting(self.queue, "a")
        self.start()
        slot = self.slots.started("a")
        await slot.switch("b")
        slot.release()

        assert not self.queue._hosts
        assert not self.slots._lots


async def outcomes(feeds: Iterable[str], internet: Internet, **settings: object) -> Counter[Outcome]:
    results, _ = await run_virtual(feeds, internet, config=Config(**settings))  # type: ignore[arg-type]
    return Counter(result.outcome for result in results)


async def test_redirects_wait_for_the_host_that_they_lead_to(autojump_clock: MockClock) -> None:
    """Fifty hosts redirect to one: one feed at a time is fetched from it all the same."""
    sites = {
        f"f{n}.test": Site(
            status=302, headers={"Location": f"http://one.test/{n}"}, addresses=[f"192.0.2.{n}"]
        )
        for n in range(50)
    }
    one = Site(body=rss("a"), first_byte=1, addresses=["198.51.100.1"], headers={"Connection": "close"})
    internet = Counting(sites | {"one.test": one}).count()
    began = trio.current_time()

    found = await outcomes([f"http://{host}/" for host in sites], internet, address_policy="any")

    assert found == {Outcome.NEW: 50}
    assert internet.most["198.51.100.1"] == 1
    assert trio.current_time() - began >= 50


async def test_waiting_for_a_host_is_not_charged_to_the_fetch(autojump_clock: MockClock) -> None:
    sites = {f"f{n}.test": Site(status=302, headers={"Location": f"http://one.test/{n}"}) for n in range(10)}
    internet = Internet(sites | {"one.test": Site(body=rss("a"), first_byte=4)})

    assert await outcomes([f"http://{host}/" for host in sites], internet, fetch_timeout=5) == {
        Outcome.NEW: 10
    }


async def test_feeds_that_wait_for_another_host_hold_up_nobody(autojump_clock: MockClock) -> None:
    """They are more than may be in flight, and all lead to one slow host."""
    away = Site(status=302, headers={"Location": "http://one.test/"})
    fine = Site(body=rss("a"), first_byte=0.1)
    sites = dict.fromkeys((f"away{n}.test" for n in range(100)), away)
    others = dict.fromkeys((f"fine{n}.test" for n in range(50)), fine)
    internet = Internet(sites | others | {"one.test": Site(body=rss("a"), first_byte=1)})
    began, done = trio.current_time(), 0.0
    feeds = [f"http://{host}/" for host in (*sites, *others)]
    async with open_virtual(feeds, internet, config=Config(in_flight=20)) as scrape:
        async for result in scrape:
            if result.feed.url.startswith("http://fine"):
                done = trio.current_time() - began

    assert done < 10
    assert trio.current_time() - began >= 100


async def test_a_drain_ends_while_feeds_wait_for_a_host(autojump_clock: MockClock) -> None:
    sites = {f"f{n}.test": Site(status=302, headers={"Location": f"http://one.test/{n}"}) for n in range(10)}
    internet = Internet(sites | {"one.test": Site(body=rss("a"), first_byte=4)})
    async with open_virtual([f"http://{host}/" for host in sites], internet) as scrape:
        await anext(scrape)
        scrape.drain()
        assert len([result async for result in scrape]) == 9


class Moment(datetime):
    """Counts how often moments are compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Moment.compared += 1
        return super().__eq__(other)

    def __lt__(self, other: datetime) -> bool:
        Moment.compared += 1
        return super().__lt__(other)

    __hash__ = datetime.__hash__


async def test_the_work_for_a_visitor_does_not_grow_with_their_number(autojump_clock: MockClock) -> None:
    """A thousand feeds that are redirected to one host: each is not compared with each."""
    slots = HostSlots(HostQueue[Candidate](1), Flow())

    async def visit(number: int) -> None:
        await slots.acquire("a", Moment(2026, 3, 2, number // 60, number % 60, tzinfo=UTC))
        await trio.sleep(1)
        slots.release("a")

    async with trio.open_nursery() as nursery:
        for number in range(1000):
            nursery.start_soon(visit, number)
    assert Moment.compared < 1000 * 150
