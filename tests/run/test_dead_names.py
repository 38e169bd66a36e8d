"""Dead names among healthy ones, with real threads and real sockets: the healthy have their turn.

How long it takes is tested in virtual time, in ``tests/dns/test_dns_lane.py``. Here no lookup of a dead name
ends: the healthy ones would wait for ever if those kept their places.
"""

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

HANGS = 120
"""Seconds after which it is certain that the healthy have to wait; it takes them two."""


def dead_and_healthy(count: int) -> list[str]:
    """So many of each, by turns."""
    return [f"{kind}{number}.test" for number in range(count) for kind in ("dead", "f")]


async def wait_for_healthy(resolver: Resolver, hosts: Sequence[str], *, width: int, spare: int) -> None:
    """Wait until the healthy among `hosts` have their addresses; the dead are cancelled then."""
    lane = Lane("dns", width, spare=spare)
    known = Names(resolver, lane)
    left = sum(not host.startswith("dead") for host in hosts)

    async def one(host: str) -> None:
        nonlocal left
        await known.addresses(host, Timings())
        left -= 1
        if left == 0:
            nursery.cancel_scope.cancel()

    with trio.fail_after(HANGS):
        async with trio.open_nursery() as nursery:
            for host in hosts:
                nursery.start_soon(one, host)
    assert left == 0


async def test_with_the_system_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """400 threads are stuck in the C library in the end, and the healthy have not noticed."""
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
    resolver = SystemResolver(width=width, abandoned=spare, timeout=math.inf)
    try:
        await wait_for_healthy(resolver, dead_and_healthy(400), width=width, spare=spare)
    finally:
        let_go.set()

    assert stuck > 200


async def test_with_the_native_resolver() -> None:
    hosts = dead_and_healthy(60)
    healthy = Zone(a=("192.0.2.1",), delay=0.1)
    zones = {name: DEAD if name.startswith("dead") else healthy for name in hosts}
    async with open_dns(zones) as server:
        resolver = NativeResolver(timeout=math.inf, servers=[server.address])
        await wait_for_healthy(resolver, hosts, width=8, spare=60)

    assert len({name for name, _, _ in server.asked if name.startswith("dead")}) > 30
