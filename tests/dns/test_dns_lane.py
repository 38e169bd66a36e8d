"""The dns lane when name servers are dead or slow: who gets stuck, who gets by, what old answers do."""

import itertools
import math
import random
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
import trio
from trio.testing import MockClock

from trioscrape import Config, Outcome, ResolvedAddresses
from trioscrape._dns.adaptive_timeout import ENOUGH, INITIAL, AdaptiveTimeout
from trioscrape._dns.caching import KEEP_AT_LEAST, KEEP_AT_MOST, KEEP_FAILURE, KEEP_STALE, Names
from trioscrape._errors import FeedFailed
from trioscrape._lane import Lane, Timings
from trioscrape.testing import Internet, Site

from support.scenarios import open_virtual, rss


def socket_error(name: str) -> socket.gaierror:
    return socket.gaierror(getattr(socket, name), name)


HEALTHY = [f"f{n}.test" for n in range(1000)]
DEAD = [f"dead{n}.test" for n in range(1000)]
AMONG = list(itertools.chain.from_iterable(zip(DEAD, HEALTHY, strict=True)))
DEFAULT = Config()


@dataclass
class LockedInternet(Internet):
    """One lookup at a time in the whole world, first come, first served."""

    lock: trio.StrictFIFOLock = field(default_factory=trio.StrictFIFOLock)

    async def resolve(self, host: str) -> ResolvedAddresses:
        async with self.lock:
            return await super().resolve(host)


async def lookups(internet: Internet, hosts: Sequence[str], spare: int = DEFAULT.dns_abandoned) -> "Lookups":
    """Ask for all `hosts` at once, through a lane as wide as it is by default."""
    lane = Lane("dns", DEFAULT.dns_width, spare=spare)
    names, run = Names(internet, lane), Lookups(lane)
    began = trio.current_time()

    async def one(host: str) -> None:
        try:
            await names.addresses(host, Timings())
        except FeedFailed as failed:
            run.failed[host] = failed.reason
        if not host.startswith("dead"):
            run.healthy_done = trio.current_time() - began

    async with trio.open_nursery() as nursery:
        for host in hosts:
            nursery.start_soon(one, host)
    return run


class Lookups:
    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.failed: dict[str, str] = {}
        self.healthy_done = 0.0


def durations(kind: str) -> dict[str, float]:
    if kind == "all of 50 ms":
        return dict.fromkeys(HEALTHY, 0.05)
    draw = random.Random(7)
    return {host: draw.lognormvariate(math.log(0.06), 0.7) for host in HEALTHY}


@pytest.mark.parametrize("kind", ["all of 50 ms", "log-normal"])
async def test_dead_names_do_not_stop_the_lane(autojump_clock: MockClock, kind: str) -> None:
    """1,000 dead among 1,000 healthy: these are done in less than twice their time alone."""
    sites = {host: Site(lookup=seconds) for host, seconds in durations(kind).items()}
    sites |= {host: Site(lookup=math.inf) for host in DEAD}
    internet = Internet(sites, lookup_timeout=DEFAULT.lookup_timeout)

    alone = await lookups(internet, HEALTHY)
    among = await lookups(internet, AMONG)

    assert among.failed == dict.fromkeys(DEAD, "lookup-timeout")
    assert among.healthy_done < 2 * alone.healthy_done
    assert among.lane.statistics().overdue >= len(DEAD)


@pytest.mark.heavy
async def test_nor_do_they_stop_a_scrape(autojump_clock: MockClock) -> None:
    """Admission does not count them either: 1,000 dead ones would be all that may be in flight."""
    site = Site(lookup=0.05, first_byte=0.1, body=rss("a"))
    sites = dict.fromkeys(HEALTHY, site) | {host: Site(lookup=math.inf) for host in DEAD}

    async def healthy_done(hosts: Sequence[str]) -> float:
        internet = Internet(sites, lookup_timeout=DEFAULT.lookup_timeout)
        began, done, found = trio.current_time(), 0.0, 0
        async with open_virtual([f"http://{host}/" for host in hosts], internet) as scrape:
            async for result in scrape:
                if result.outcome is Outcome.NEW:
                    done, found = trio.current_time() - began, found + 1
        assert found == len(HEALTHY)
        return done

    assert await healthy_done(AMONG) < 2 * await healthy_done(HEALTHY)


async def test_without_spare_slots_they_do(autojump_clock: MockClock) -> None:
    """The control: a lane that never gets wider is at a stand for the timeout of every 32 dead names."""
    sites = {host: Site(lookup=0.05) for host in HEALTHY} | {host: Site(lookup=math.inf) for host in DEAD}
    internet = Internet(sites, lookup_timeout=DEFAULT.lookup_timeout)

    alone = await lookups(internet, HEALTHY)
    among = await lookups(internet, AMONG, spare=0)

    assert among.healthy_done > 50 * alone.healthy_done


async def test_spare_slots_are_the_bound(autojump_clock: MockClock) -> None:
    internet = Internet({host: Site(lookup=math.inf) for host in DEAD})
    under_way, most = 0, 0

    class Counting:
        async def resolve(self, host: str) -> object:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            try:
                return await internet.resolve(host)
            finally:
                under_way -= 1

    await lookups(Counting(), DEAD, spare=100)  # type: ignore[arg-type]

    assert most == DEFAULT.dns_width + 100


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("seconds", "regular"),
    [(0.001, True), (0.01, True), (0.1, True), (0.25, True), (0.001, False), (0.01, False), (0.1, False)],
)
async def test_a_lock_around_all_lookups_makes_none_overdue(
    autojump_clock: MockClock, seconds: float, regular: bool
) -> None:
    """Each lookup is slow because the others are. More at once would make all of them slower."""
    draw = random.Random(7)
    sites = {h: Site(lookup=seconds * (1 if regular else draw.expovariate(1))) for h in HEALTHY[:500]}

    run = await lookups(LockedInternet(sites, lookup_timeout=600), list(sites))

    assert run.failed == {}
    assert run.lane.statistics().overdue == 0
    assert run.healthy_done == pytest.approx(sum(site.lookup for site in sites.values()))


async def test_the_lane_is_as_wide_as_before_when_they_have_ended(autojump_clock: MockClock) -> None:
    internet = Internet({host: Site(lookup=math.inf) for host in DEAD[:50]})

    run = await lookups(internet, DEAD[:50])

    assert run.lane._slots.total_tokens == DEFAULT.dns_width
    assert run.lane.statistics().busy == 0


class TestAdaptiveTimeout:
    def test_a_second_at_first(self) -> None:
        assert AdaptiveTimeout().until(began=5) == 5 + INITIAL

    def test_late_is_what_takes_longer_than_the_others_and_was_overtaken(self) -> None:
        timeout = AdaptiveTimeout()
        timeout.answered(10.0, 10.1)

        assert timeout.until(began=9.9) == pytest.approx(9.9 + 0.3)  # 0.1 + 4 × 0.05: RFC 6298 §2.2
        # Nothing that began later has been answered, and the last answer came at 10.1.
        assert timeout.until(began=10.0) == 10.1 + INITIAL

    def test_when_nothing_moves_any_more(self) -> None:
        """What was not overtaken is stuck when nobody has had an answer for as long as one takes."""
        timeout = AdaptiveTimeout()
        for began in range(ENOUGH):
            timeout.answered(began, began + 0.2)

        assert timeout.until(began=100) == pytest.approx(100.4)

    def test_slow_answers_teach_timeout(self) -> None:
        timeout = AdaptiveTimeout()
        for began in range(100):
            timeout.answered(began, began + 4.0)

        assert timeout.until(began=98) >= 98 + 8

    def test_regular_answers_leave_room_for_a_hiccup(self) -> None:
        timeout = AdaptiveTimeout()
        for began in range(100):
            timeout.answered(began, began + 0.2)

        assert timeout.until(began=98) == pytest.approx(98.4)


# How long an answer is kept.


async def lookups_after(internet: Internet, *pauses: float) -> list[int]:
    """How often a.test has been looked up after each pause."""
    names, counts = Names(internet, Lane("dns", 1)), []
    for pause in pauses:
        await trio.sleep(pause)
        await names.addresses("a.test", Timings())
        counts.append(len(internet.lookups))
    return counts


@pytest.mark.parametrize(
    ("ttl", "kept"), [(60, 60), (0, KEEP_AT_LEAST), (-1, KEEP_AT_LEAST), (86_400, KEEP_AT_MOST)]
)
async def test_answers_are_valid_for_their_ttl_within_reason(
    autojump_clock: MockClock, ttl: float, kept: float
) -> None:
    assert await lookups_after(Internet({"a.test": Site(ttl=ttl)}), 0, kept - 0.5, 0.5) == [1, 1, 2]


class Failing:
    """A resolver that gives an answer once, and fails from then on."""

    def __init__(self, error: OSError) -> None:
        self.error, self.lookups = error, 0
        self._internet = Internet({"a.test": Site(ttl=60, addresses=["192.0.2.1"])})

    async def resolve(self, host: str) -> object:
        self.lookups += 1
        if self.lookups > 1:
            raise self.error
        return await self._internet.resolve(host)


async def found(names: Names) -> str:
    try:
        return ", ".join(await names.addresses("a.test", Timings()))
    except FeedFailed as failed:
        return failed.reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [(TimeoutError("no answer"), "lookup-timeout"), (socket_error("EAI_AGAIN"), "lookup-failed")],
)
async def test_an_old_answer_is_better_than_none(
    autojump_clock: MockClock, error: OSError, reason: str
) -> None:
    """RFC 8767: for an hour, and meanwhile another lookup is tried every half a minute."""
    resolver = Failing(error)
    names = Names(resolver, Lane("dns", 1))  # type: ignore[arg-type]
    assert await found(names) == "192.0.2.1"
    await trio.sleep(60)
    assert await found(names) == "192.0.2.1"
    assert resolver.lookups == 2
    await trio.sleep(KEEP_FAILURE - 1)
    assert await found(names) == "192.0.2.1"
    assert resolver.lookups == 2
    await trio.sleep(KEEP_STALE - KEEP_FAILURE)
    assert await found(names) == "192.0.2.1"
    assert resolver.lookups == 3
    await trio.sleep(KEEP_FAILURE)

    assert await found(names) == reason


async def test_a_name_that_is_gone_is_gone(autojump_clock: MockClock) -> None:
    names = Names(Failing(socket_error("EAI_NONAME")), Lane("dns", 1))  # type: ignore[arg-type]
    assert await found(names) == "192.0.2.1"
    await trio.sleep(60)

    assert await found(names) == "name-not-found"


async def test_an_old_failure_stands_in_for_nothing(autojump_clock: MockClock) -> None:
    """The clock of this test begins at 0, which must not be taken for the time at which a failure expired."""
    errors = iter([socket_error("EAI_NONAME"), TimeoutError("no answer")])

    class Varied:
        async def resolve(self, host: str) -> object:
            raise next(errors)

    names = Names(Varied(), Lane("dns", 1))  # type: ignore[arg-type]
    assert await found(names) == "name-not-found"
    await trio.sleep(KEEP_FAILURE)

    assert await found(names) == "lookup-timeout"


async def test_what_is_wrong_with_a_resolver_comes_out_as_itself(autojump_clock: MockClock) -> None:
    class Buggy:
        async def resolve(self, host: str) -> object:
            raise KeyError(host)

    with pytest.raises(KeyError):
        await Names(Buggy(), Lane("dns", 1)).addresses("a.test", Timings())  # type: ignore[arg-type]
