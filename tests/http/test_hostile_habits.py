"""Servers that only ever got HTTP half right: where there is a feed in it, it is taken; beside curl."""

from __future__ import annotations

import itertools
import shutil
from contextlib import aclosing
from urllib.parse import quote

import pytest
import trio
from trio.testing import MockClock

from trioscrape import Config
from trioscrape.testing import Internet, Site

from support.fetching import Fetching, failure
from support.habits import COOKIES, LOCATIONS, REFUSED, STATUSES, TOLERATED
from support.hostile_servers import LONG, Handler
from support.servers import FEED, RawServer, answer, open_server, read_head

MORE_CAREFUL_THAN_CURL = {"206-the-end", "206-parts", "two-lengths"}
"""curl takes what comes as the whole, and of two lengths the last one."""

CONFIG = Config(read_timeout=300, fetch_timeout=600, body_limit=2**20)
LAST_HOP_IS_SOUND = (
    *(
        name
        for name in LOCATIONS
        if name not in ("location-twice", "location-empty-and-one", "two-locations")
    ),
)
"""What was odd there is the Location header's text, which says nothing about the connection."""


async def connections_of(handler: Handler) -> int:
    """Fetch the feed twice, and count the connections it took."""
    async with open_server(handler) as server:
        fetching = Fetching(CONFIG)
        async with aclosing(fetching.transport):
            for _ in range(2):
                fetched = await fetching.get(f"http://a.test:{server.port}/feed")
                assert fetched.body is not None
                assert fetched.body.endswith(FEED)
            return server.connections


@pytest.mark.parametrize("name", [*TOLERATED])
async def test_the_feed_is_taken_and_the_connection_is_not_used_again(name: str) -> None:
    connections = await connections_of(TOLERATED[name])

    if name not in LAST_HOP_IS_SOUND:
        assert connections >= 2, "an answer that was repaired is the last one of its connection"


@pytest.mark.parametrize("name", [*STATUSES])
async def test_unusual_but_sound(name: str) -> None:
    assert await connections_of(STATUSES[name]) == 1


@pytest.mark.parametrize("name", [*COOKIES])
async def test_cookie_walls(name: str) -> None:
    """Each fetch begins without cookies: what a server has set is forgotten with the fetch."""
    async with open_server(COOKIES[name]) as server:
        fetching = Fetching(CONFIG)
        async with aclosing(fetching.transport):
            for _ in range(2):
                assert (await fetching.get(f"http://a.test:{server.port}/feed")).body == FEED

    assert b"Cookie" not in server.heads[0]
    assert b"\r\nCookie: " in server.heads[-1]
    assert sum(b"Cookie" not in head for head in server.heads) == 2


@pytest.mark.parametrize("name", [*REFUSED])
async def test_what_is_refused_says_why(name: str) -> None:
    handler, reason, words = REFUSED[name]
    async with open_server(handler) as server:
        failed = await failure(f"http://a.test:{server.port}/feed", config=CONFIG)

    assert failed.reason == reason
    assert words in failed.detail
    assert failed.detail.isprintable()


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here")
@pytest.mark.parametrize("name", [*TOLERATED, *STATUSES, *COOKIES, *REFUSED])
async def test_beside_curl(name: str) -> None:
    """Where curl finds the whole feed, it is found here too; the long form has each of them."""
    if not LONG and name not in ("space-after-a-name", "gzip-no-trailer", "206-a-part"):
        pytest.skip("nox -s hostile")
    handlers = {**TOLERATED, **STATUSES, **COOKIES, **{name: REFUSED[name][0] for name in REFUSED}}
    async with open_server(handlers[name]) as server:
        url = f"http://a.test:{server.port}/feed"
        command = [
            "curl",
            "-sSL",
            "--compressed",
            "--noproxy",
            "*",
            "--max-time",
            "10",
            "--cookie",
            "none",
            "--max-filesize",
            "1M",
        ]
        command += ["--connect-to", "::127.0.0.1:", url]
        done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    curl_reads_it = done.returncode == 0 and done.stdout == FEED

    assert not curl_reads_it or name not in REFUSED or name in MORE_CAREFUL_THAN_CURL


# The bounds hold whatever was tolerated.


async def test_what_is_tolerated_does_not_come_again_and_again() -> None:
    """A cookie that changes with each answer: the number of redirects is the limit."""
    numbers = itertools.count()

    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        server.heads.append(await read_head(stream))
        cookie = f"Set-Cookie: n={next(numbers)}"
        await stream.send_all(answer("302 Found", b"", "Location: /feed", cookie))

    async with open_server(handler) as server:
        failed = await failure(f"http://a.test:{server.port}/feed", config=Config(redirects=4))

    assert failed.reason == "too-many-redirects"
    assert len(server.heads) == 5


@pytest.mark.parametrize("host", ["127.0.0.1", "%31%32%37.0.0.1", "１２７.0.0.1", "127。0。0。1", "[::1]"])
@pytest.mark.parametrize("form", ["http:///{}/f", "http:/{}/f", "http:\\\\{}\\f", "///{}/f", "\\\\{}/f"])
async def test_the_address_policy_sees_every_spelling(
    form: str, host: str, autojump_clock: MockClock
) -> None:
    """Decided without a socket: a scenario records what would have been connected to."""
    if form.startswith("http:/{"):  # only what looks like a host is one there
        host = host.replace("。", ".")
    location = form.format(quote(host, safe="%[]:"))
    site = Site(status=302, headers={"Location": location}, addresses=["93.184.215.14"])
    internet = Internet({"listed.test": site})
    fetching = Fetching(CONFIG, resolver=internet, connector=internet.connect)
    async with aclosing(fetching.transport):
        failed = await fetching.failure("http://listed.test/")

    assert failed.reason == "blocked-address"
    assert internet.connects == [("93.184.215.14", 80)]
    assert internet.lookups == ["listed.test"]
