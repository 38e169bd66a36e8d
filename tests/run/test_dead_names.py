"""Dead names among healthy ones, with real threads and real sockets: who waits for whom."""

import itertools
import math
import socket
import threading
from collections.abc import Sequence

import pytest
import trio

from trioscrape import Config, NativeResolver, Resolver, SystemResolver
from trioscrape._dns.caching import Names
from trioscrape._lane import Lane, Timings

from support.dns_server import DEAD, Zone, open_dns

pytestmark = pytest.mark.alone


def names(count: int) -> tuple[list[str], list[str]]:
    """So many healthy ones; as many, with a dead one before each."""
    healthy = [f"f{n}.test" for n in range(count)]
    dead = [f"dead{n}.test" for n in range(count)]
    return healthy, list(itertools.chain.from_iterable(zip(dead, healthy, strict=True)))


async def healthy_done(resolver: Resolver, hosts: Sequence[str], *, width: int, spare: int) -> float:
    """Seconds until the healthy among `hosts` have their addresses; the dead are left alone then."""
    lane = Lane("dns", width, spare=spare)
    known = Names(resolver, lane)
    left = sum(not host.startswith("dead") for host in hosts)

    async def one(host: str) -> None:
        nonlocal left
        await known.addresses(host, Timings())
        left -= 1
        if left == 0:
            nursery.cancel_scope.cancel()

    began = trio.current_time()
    with trio.fail_after(120):
        async with trio.open_nursery() as nursery:
            for host in hosts:
                nursery.start_soon(one, host)
    assert left == 0
    return trio.current_time() - began


async def test_with_the_system_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """1,000 threads are stuck in the C library in the end, and the healthy have not noticed."""
    let_go, never, stuck = threading.Event(), threading.Event(), 0

    def getaddrinfo(host: str, *args: object, **kwargs: object) -> list[object]:
        nonlocal stuck
        if host.startswith("dead"):
            stuck += 1
            let_go.wait()
        else:
            never.wait(0.1)  # this is how long a lookup takes here
        return [(socket.AF_INET, 1, 6, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    config = Config()
    width, spare = config.dns_width, config.dns_abandoned
    healthy, among = names(1000)

    def resolver() -> SystemResolver:
        return SystemResolver(width=width, abandoned=spare, timeout=math.inf)

    try:
        alone = await healthy_done(resolver(), healthy, width=width, spare=spare)
        together = await healthy_done(resolver(), among, width=width, spare=spare)
    finally:
        let_go.set()

    assert stuck > 500
    assert together < 2 * alone


async def test_with_the_native_resolver() -> None:
    healthy, among = names(150)
    zones = dict.fromkeys(among, DEAD) | {name: Zone(a=("192.0.2.1",), delay=0.1) for name in healthy}
    async with open_dns(zones) as server:

        def resolver() -> NativeResolver:
            return NativeResolver(timeout=math.inf, servers=[server.address])

        alone = await healthy_done(resolver(), healthy, width=8, spare=150)
        together = await healthy_done(resolver(), among, width=8, spare=150)

    assert sum(name.startswith("dead") for name, _, _ in server.asked) > 150
    assert together < 2 * alone
