"""The demo's resolver, and its end."""

from __future__ import annotations

import socket

import pytest

from trioscrape import ResolvedAddresses
from trioscrape._demo import open_demo

from support.demo import site_that


class TestResolver:
    async def test_each_site_has_its_address_also_with_www(self, demo):
        site = site_that(behaviour="moved")

        assert await demo.resolver.resolve(site.host) == ResolvedAddresses([site.address])
        assert await demo.resolver.resolve(f"www.{site.host}") == ResolvedAddresses([site.address])

    @pytest.mark.parametrize("host", ["example.org", site_that(behaviour="no-name").host])
    async def test_names_that_do_not_exist(self, demo, host):
        with pytest.raises(socket.gaierror) as caught:
            await demo.resolver.resolve(host)
        assert caught.value.errno == socket.EAI_NONAME


class TestEnd:
    async def test_the_port_is_closed_afterwards(self):
        async with open_demo() as demo:
            open_still = await demo.connector("192.0.2.1", 80)

        assert await open_still.receive_some() == b""
        with pytest.raises(OSError, match="all attempts to connect"):
            await demo.connector("192.0.2.1", 80)
        await open_still.aclose()

    async def test_the_callers_own_exception_comes_out_as_itself(self):
        error = KeyError("mine")

        with pytest.raises(KeyError) as caught:
            async with open_demo():
                raise error
        assert caught.value is error
