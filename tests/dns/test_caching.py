"""The dns lane: what is asked, how often, and on whose clock."""

import socket
import threading
from collections.abc import Callable, Sequence

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trioscrape import NativeResolver, ResolvedAddresses, Resolver, SystemResolver
from trioscrape._dns.caching import KEEP_ANSWER, KEEP_FAILURE, Names, without_lookup
from trioscrape._errors import FeedFailed
from trioscrape._lane import Lane, Timings
from trioscrape.testing import Internet, Site

from support.threads import no_thread


def names_of(internet: Internet, width: int = 32) -> Names:
    return Names(internet, Lane("dns", width))


async def outcome_of(names: Names, host: str) -> str:
    try:
        await names.addresses(host, Timings())
    except FeedFailed as failed:
        return failed.reason
    return "found"


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("127.0.0.1", ("127.0.0.1",)),
        ("::1", ("::1",)),
        ("2001:DB8::1", ("2001:db8::1",)),
        ("localhost", ("127.0.0.1", "::1")),
        ("a.b.localhost", ("127.0.0.1", "::1")),
        ("example.test", ()),
        ("2130706433", ()),  # to getaddrinfo it is 127.0.0.1: the policy sees what comes back
    ],
)
def test_literals_and_localhost_need_no_lookup(host: str, addresses: tuple[str, ...]) -> None:
    assert without_lookup(host) == addresses


async def test_one_lookup_a_host(autojump_clock: MockClock) -> None:
    """Twenty feeds of one host in two spellings ask once, and all wait for that one answer."""
    internet = Internet({"a.test": Site(lookup=2)})
    names, trips = names_of(internet), [Timings() for _ in range(20)]
    async with trio.open_nursery() as nursery:
        for number, timings in enumerate(trips):
            nursery.start_soon(names.addresses, "a.test" if number % 2 else "A.Test.", timings)

    assert internet.lookups == ["a.test"]
    assert sorted(timings.lanes["dns"].waited for timings in trips) == [0] + [2] * 19


@pytest.mark.parametrize(
    ("host", "outcome", "keep"),
    [("a.test", "found", KEEP_ANSWER), ("b.test", "name-not-found", KEEP_FAILURE)],
)
async def test_answers_and_failures_are_kept_for_a_while(
    autojump_clock: MockClock, host: str, outcome: str, keep: float
) -> None:
    internet = Internet({"a.test": Site()})
    names = names_of(internet)
    for pause in (0, keep - 1, 1):
        await trio.sleep(pause)
        assert await outcome_of(names, host) == outcome

    assert internet.lookups == [host, host]


async def test_reasons(autojump_clock: MockClock) -> None:
    internet = Internet({"slow.test": Site(lookup=6)}, lookup_timeout=5)
    names = names_of(internet)

    assert await outcome_of(names, "nowhere.test") == "name-not-found"
    assert await outcome_of(names, "slow.test") == "lookup-timeout"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no"), "name-not-found"),
        (socket.gaierror(socket.EAI_AGAIN, "later"), "lookup-failed"),
        (socket.gaierror(socket.EAI_FAIL, "broken"), "lookup-failed"),
        (OSError("odd"), "lookup-failed"),
        (UnicodeError("label too long"), "name-not-found"),
        ([], "name-not-found"),
    ],
)
async def test_what_the_c_library_says(
    monkeypatch: pytest.MonkeyPatch, answer: Exception | list[object], expected: str
) -> None:
    def getaddrinfo(*args: object, **kwargs: object) -> list[object]:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    names = Names(SystemResolver(width=2, abandoned=0, timeout=60), Lane("dns", 2))

    assert await outcome_of(names, "a.test") == expected


async def test_answers_with_a_zone_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """trio would hand such an address to getaddrinfo again when it connects."""
    found = [
        (socket.AF_INET6, 1, 6, "", (a, 0, 0, 2)) for a in ("fe80::1%eth0", "2001:db8::1", "2001:db8::1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)

    assert await SystemResolver(width=1, abandoned=0, timeout=60).resolve("a.test") == ResolvedAddresses(
        ("2001:db8::1",)
    )


class StuckLibrary:
    """A getaddrinfo that answers good names and hangs on dead ones until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.threads: set[int] = set()

    def __call__(self, host: str, *args: object, **kwargs: object) -> list[object]:
        self.threads.add(threading.get_ident())
        if host.startswith("dead"):
            self.let_go.wait()
        return [(socket.AF_INET, 1, 6, "", ("192.0.2.1", 0))]


async def outcomes_of(resolver: SystemResolver, hosts: Sequence[str], width: int) -> dict[str, str]:
    names, found = Names(resolver, Lane("dns", width)), {}

    async def one(host: str) -> None:
        found[host] = await outcome_of(names, host)

    async with trio.open_nursery() as nursery:
        for host in hosts:
            nursery.start_soon(one, host)
    return found


async def test_abandoned_lookups_take_no_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dead names keep their threads for as long as the C library likes; no healthy name pays."""
    library = StuckLibrary()
    monkeypatch.setattr(socket, "getaddrinfo", library)
    hosts = [f"dead{n}.test" for n in range(8)] + [f"good{n}.test" for n in range(40)]
    try:
        with trio.fail_after(30):
            found = await outcomes_of(SystemResolver(width=4, abandoned=8, timeout=0.2), hosts, width=4)
    finally:
        library.let_go.set()

    assert {host: what for host, what in found.items() if what != "found"} == {
        f"dead{n}.test": "lookup-timeout" for n in range(8)
    }


async def test_waiting_for_a_thread_is_not_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    """All threads are stuck: healthy lookups wait without a clock, and are right when one comes back."""
    library = StuckLibrary()
    monkeypatch.setattr(socket, "getaddrinfo", library)
    resolver = SystemResolver(width=1, abandoned=1, timeout=0.05)
    found: dict[str, str] = {}
    async with trio.open_nursery() as nursery:
        dead = await outcomes_of(resolver, ["dead0.test", "dead1.test"], width=1)
        assert set(dead.values()) == {"lookup-timeout"}

        async def late() -> None:
            found.update(await outcomes_of(resolver, ["good.test"], width=1))

        nursery.start_soon(late)
        with trio.move_on_after(0.2):  # four times its deadline
            await trio.sleep_forever()
        assert not found
        library.let_go.set()

    assert found == {"good.test": "found"}


async def test_a_cancelled_leader_is_succeeded(autojump_clock: MockClock) -> None:
    internet = Internet({"a.test": Site(lookup=2)})
    names = names_of(internet)
    found: list[tuple[str, ...]] = []

    async def follower() -> None:
        found.append(await names.addresses("a.test", Timings()))

    async with trio.open_nursery() as nursery:
        with trio.move_on_after(1):
            nursery.start_soon(_after_blocked, follower, nursery)
            await names.addresses("a.test", Timings())

    assert len(found) == 1
    assert internet.lookups == ["a.test", "a.test"]


async def _after_blocked(step: Callable[[], object], nursery: trio.Nursery) -> None:
    await wait_all_tasks_blocked()
    nursery.start_soon(step)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "resolver", [SystemResolver(width=1, abandoned=0, timeout=60), NativeResolver(timeout=60)]
)
async def test_a_thread_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch, resolver: Resolver) -> None:
    """A container may allow fewer threads than we do: those lookups fail, and the scrape goes on."""
    names = Names(resolver, Lane("dns", 1))
    with monkeypatch.context() as patch:
        no_thread(patch)

        assert await outcome_of(names, "a.test") == "lookup-failed"
        assert await outcome_of(names, "b.test") == "lookup-failed"
