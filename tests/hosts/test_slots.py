"""The slots of hosts that feeds under way move to, and where feeds queue by address; in virtual time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trioscrape import Config, Feed, HostGrouping, Outcome
from trioscrape._dns.caching import ResolvedAddresses
from trioscrape._hosts.queue import HostQueue
from trioscrape._hosts.retry_after import Holds
from trioscrape._hosts.slots import HostSlots
from trioscrape._run.candidates import Candidate
from trioscrape.testing import Internet, Site

from support.scenarios import open_virtual, rss, run_virtual


def waiting(queue: HostQueue[Candidate], *hosts: str) -> None:
    for number, host in enumerate(hosts):
        queue.put(Candidate(Feed(f"http://{host}/{number}"), f"{number:032x}", host))


class TestSlots:
    def setup_method(self) -> None:
        self.queue = HostQueue[Candidate](1, delay=0)
        self.freed = 0
        self.slots = HostSlots(self.queue, self._free)

    def _free(self) -> None:
        self.freed += 1

    def start(self) -> str | None:
        candidate = self.queue.start(trio.current_time())
        return candidate and candidate.feed.url

    async def test_two_hosts_that_redirect_to_each_other(self) -> None:
        waiting(self.queue, "a", "b")
        self.start(), self.start()
        one, other = self.slots.held("a"), self.slots.held("b")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(one.move, "b")
            nursery.start_soon(other.move, "a")

        assert (one.host, other.host) == ("b", "a")

    async def test_who_is_under_way_goes_before_who_waits(self, autojump_clock: MockClock) -> None:
        waiting(self.queue, "a", "b", "b")
        self.start(), self.start()
        own, visitor = self.slots.held("b"), self.slots.held("a")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(visitor.move, "b")
            await wait_all_tasks_blocked()
            assert visitor.host is None
            own.release()
            assert self.start() is None
        assert visitor.host == "b"
        assert self.start() is None

        visitor.release()

        assert self.start() == "http://b/2"

    async def test_first_come_first_served(self, autojump_clock: MockClock) -> None:
        waiting(self.queue, *"abcde")
        slots = [self.slots.held(str(self.start())[7]) for _ in range(5)]
        order = []

        async def visit(number: int) -> None:
            await slots[number].move("a")
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
        first, second, third = (self.slots.held(str(self.start())[7]) for _ in range(3))
        given_up = trio.CancelScope()

        async def give_up() -> None:
            with given_up:
                await second.move("a")

        with trio.fail_after(1000):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(give_up)
                await wait_all_tasks_blocked()
                nursery.start_soon(third.move, "a")
                await wait_all_tasks_blocked()
                given_up.cancel()
                first.release()

        assert (second.host, third.host) == (None, "a")

    async def test_a_host_that_is_to_be_left_alone_is(self, autojump_clock: MockClock) -> None:
        waiting(self.queue, "a")
        self.start()
        self.queue.hold("b", trio.current_time() + 20)
        slot = self.slots.held("a")

        await slot.move("b")

        assert trio.current_time() == pytest.approx(20)

    async def test_nothing_is_remembered_of_hosts_that_nobody_is_at(self) -> None:
        waiting(self.queue, "a")
        self.start()
        slot = self.slots.held("a")
        await slot.move("b")
        slot.release()

        assert not self.queue._hosts
        assert not self.slots._lots


class Counting(Internet):
    """Knows how many connections there were to each address at once, at the most."""

    async def connect(self, address: str, port: int) -> trio.abc.Stream:
        stream = await super().connect(address, port)
        self.now[address] += 1
        self.most[address] = max(self.most[address], self.now[address])
        return Counted(stream, self, address)

    def count(self) -> Counting:
        self.now, self.most = Counter[str](), Counter[str]()
        return self


class Counted(trio.abc.Stream):
    def __init__(self, inner: trio.abc.Stream, internet: Counting, address: str) -> None:
        self.inner, self.internet, self.address = inner, internet, address

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self.inner.receive_some(max_bytes)

    async def aclose(self) -> None:
        if self.address:
            self.internet.now[self.address] -= 1
            self.address = ""
        await self.inner.aclose()


async def outcomes(feeds: Iterable[str], internet: Internet, **settings: object) -> Counter[Outcome]:
    results, _ = await run_virtual(feeds, internet, config=Config(**settings))  # type: ignore[arg-type]
    return Counter(result.outcome for result in results)


async def test_redirects_wait_for_the_host_that_they_lead_to(autojump_clock: MockClock) -> None:
    """Fifty hosts redirect to one: it is asked for one feed at a time all the same."""
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
    async with open_virtual(feeds, internet, config=Config(in_flight=20)) as scrape:  # type: ignore[attr-defined]
        async for result in scrape:
            if result.feed.url.startswith("http://fine"):
                done = trio.current_time() - began

    assert done < 10
    assert trio.current_time() - began >= 100


async def test_a_short_pause_of_the_other_host_is_waited_for(autojump_clock: MockClock) -> None:
    queue = HostQueue[Candidate](1)
    slots = HostSlots(queue, lambda: None)
    waiting(queue, "a")
    queue.start(trio.current_time())
    holds = Holds(wait=queue.hold)
    holds.refused("b", 429, "rate-limited", {"retry-after": "5"})
    slot = slots.held("a")

    await slot.move("b")

    assert trio.current_time() >= 5


async def test_a_drain_ends_while_feeds_wait_for_a_host(autojump_clock: MockClock) -> None:
    sites = {f"f{n}.test": Site(status=302, headers={"Location": f"http://one.test/{n}"}) for n in range(10)}
    internet = Internet(sites | {"one.test": Site(body=rss("a"), first_byte=4)})
    async with open_virtual([f"http://{host}/" for host in sites], internet) as scrape:  # type: ignore[attr-defined]
        await anext(scrape)
        scrape.drain()
        assert len([result async for result in scrape]) == 9


class TestPerAddress:
    def hosted(self, hosts: int, elsewhere: int = 0) -> Counting:
        """So many names at one address, and others at one each."""
        kept = Site(body=rss("a"), first_byte=1, addresses=["198.51.100.1"], headers={"Connection": "close"})
        alone = {
            f"alone{n}.test": Site(body=rss("a"), first_byte=1, addresses=[f"203.0.113.{n}"])
            for n in range(elsewhere)
        }
        return Counting({f"f{n}.test": kept for n in range(hosts)} | alone).count()

    async def test_all_names_at_one_address_are_one_host(self, autojump_clock: MockClock) -> None:
        internet = self.hosted(20)
        began = trio.current_time()

        found = await outcomes(
            [f"http://{host}/" for host in internet.sites], internet, group_hosts_by=HostGrouping.ADDRESS
        )

        assert found == {Outcome.NEW: 20}
        assert internet.most["198.51.100.1"] == 1
        assert trio.current_time() - began >= 20

    async def test_they_are_not_by_default(self, autojump_clock: MockClock) -> None:
        internet = self.hosted(20)

        await outcomes([f"http://{host}/" for host in internet.sites], internet)

        assert internet.most["198.51.100.1"] > 10

    async def test_more_than_may_be_in_flight_hold_up_nobody(self, autojump_clock: MockClock) -> None:
        internet = self.hosted(300, elsewhere=50)
        began, alone_done = trio.current_time(), 0.0
        feeds = [f"http://{host}/" for host in internet.sites]
        config = Config(group_hosts_by=HostGrouping.ADDRESS, in_flight=20)

        async with open_virtual(feeds, internet, config=config) as scrape:  # type: ignore[attr-defined]
            count = 0
            async for result in scrape:
                count += 1
                if result.feed.url.startswith("http://alone"):
                    alone_done = trio.current_time() - began

        assert count == 350
        assert scrape.report().outcomes[Outcome.NEW] == 350
        assert alone_done < 60
        assert trio.current_time() - began >= 300

    async def test_in_whatever_order_a_lookup_gives_them(self, autojump_clock: MockClock) -> None:
        class Turning(Counting):
            async def resolve(self, host: str) -> ResolvedAddresses:
                answer = await super().resolve(host)
                turned = sorted(answer.addresses, reverse=hash(host) % 2 == 0)
                return ResolvedAddresses(turned)

        kept = Site(body=rss("a"), first_byte=1, addresses=["198.51.100.1", "198.51.100.2"])
        internet = Turning({f"f{n}.test": kept for n in range(10)}).count()
        began = trio.current_time()

        await outcomes(
            [f"http://{host}/" for host in internet.sites], internet, group_hosts_by=HostGrouping.ADDRESS
        )

        assert trio.current_time() - began >= 10

    async def test_names_that_lead_nowhere_have_their_reason(self, autojump_clock: MockClock) -> None:
        internet = Internet({"unknown.test": Site(exists=False), "fine.test": Site(body=rss("a"))})

        results, _ = await run_virtual(
            [f"http://{host}/" for host in internet.sites],
            internet,
            config=Config(group_hosts_by=HostGrouping.ADDRESS),
        )

        assert {result.reason for result in results} == {"name-not-found", None}
