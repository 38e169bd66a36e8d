"""What every resolver does, whoever it asks. A new one is a function and a line in `RESOLVERS`."""

import gc
import math
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trioscrape import NativeResolver, Resolver, SystemResolver
from trioscrape.testing import Internet, Site

from support.dns_server import DEAD, Zone, open_dns
from support.limiters import default_limiter_filled

FOUR, SIX = ("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")
ADDRESSES = {"both.test": (*SIX, *FOUR), "four.test": FOUR, "six.test": SIX}
"""Beside these there is dead.test, whose name server is silent. All other names do not exist."""

World = Callable[[float], AbstractAsyncContextManager[Resolver]]


@asynccontextmanager
async def system(lookup_timeout: float) -> AsyncIterator[Resolver]:
    let_go, real = threading.Event(), socket.getaddrinfo

    def getaddrinfo(host: str, *args: object, **kwargs: object) -> list[object]:
        if host == "dead.test":
            let_go.wait()
        if host not in ADDRESSES:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET6 if ":" in a else socket.AF_INET, 1, 6, "", (a, 0)) for a in ADDRESSES[host]]

    socket.getaddrinfo = getaddrinfo  # type: ignore[assignment]
    try:
        yield SystemResolver(width=2, abandoned=2, timeout=lookup_timeout)
    finally:
        socket.getaddrinfo = real
        let_go.set()


@asynccontextmanager
async def native(lookup_timeout: float) -> AsyncIterator[Resolver]:
    zones = {
        name: Zone(a=tuple(a for a in every if ":" not in a), aaaa=tuple(a for a in every if ":" in a))
        for name, every in ADDRESSES.items()
    }
    async with open_dns({**zones, "dead.test": DEAD}) as server:
        yield NativeResolver(timeout=lookup_timeout, servers=[server.address])


@asynccontextmanager
async def internet(lookup_timeout: float) -> AsyncIterator[Resolver]:
    sites = {name: Site(addresses=every) for name, every in ADDRESSES.items()}
    yield Internet({**sites, "dead.test": Site(lookup=math.inf)}, lookup_timeout=lookup_timeout)


RESOLVERS = [system, native, internet]


@pytest.fixture(params=RESOLVERS, ids=lambda world: world.__name__)
def world(request: pytest.FixtureRequest) -> World:
    return request.param  # type: ignore[no-any-return]


@pytest.mark.parametrize("host", ADDRESSES)
async def test_all_addresses_of_both_families(world: World, host: str) -> None:
    async with world(60) as resolver:
        answer = await resolver.resolve(host)

    assert sorted(answer.addresses) == sorted(ADDRESSES[host])
    assert answer.ttl == 300


async def test_a_name_that_does_not_exist(world: World) -> None:
    async with world(60) as resolver:
        with pytest.raises(socket.gaierror) as caught:
            await resolver.resolve("nowhere.test")

    assert caught.value.errno == socket.EAI_NONAME
    assert caught.value.strerror


async def test_a_label_that_is_too_long_does_not_exist_either(world: World) -> None:
    async with world(60) as resolver:
        with pytest.raises(socket.gaierror) as caught:
            await resolver.resolve("a" * 64 + ".test")

    assert caught.value.errno == socket.EAI_NONAME


async def test_silence_is_a_timeout(world: World) -> None:
    async with world(0.1) as resolver:
        with pytest.raises(TimeoutError, match=r"0\.1 s"):
            await resolver.resolve("dead.test")


async def test_cancelled_it_returns_at_once_and_leaves_no_socket(world: World) -> None:
    async with world(math.inf) as resolver:
        await resolver.resolve("both.test")
        before = len(os.listdir("/dev/fd"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(resolver.resolve, "dead.test")
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        assert len(os.listdir("/dev/fd")) == before
        gc.collect()  # a socket that is closed only now is an error


async def test_no_token_of_the_default_limiter_is_needed(world: World) -> None:
    async with world(60) as resolver:
        with default_limiter_filled(), trio.fail_after(30):
            answer = await resolver.resolve("both.test")

    assert answer.addresses
