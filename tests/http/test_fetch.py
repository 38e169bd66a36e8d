"""A conditional GET against real sockets on loopback."""

import errno
import gzip
from contextlib import aclosing
from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock

from trioscrape import AddressPolicy, Config, FeedState
from trioscrape._errors import FeedFailed
from trioscrape.testing import Internet, Site

from support.fetching import Fetching, failure, fetch
from support.servers import FEED, RawServer, answer, open_raw, open_server, read_head

STATE = FeedState("0" * 32, "http://a.test/", etag='W/"\xe4 b"', last_modified="yesterday, about noon")
PUBLIC = "93.184.215.14"


async def test_a_plain_get() -> None:
    async with open_raw(answer("200 OK", FEED, "Content-Type: text/xml", 'ETag: "x"')) as server:
        fetched = await fetch(f"http://a.test:{server.port}/feed?x=1#top")

    assert fetched.body == FEED
    assert fetched.content_type == "text/xml"
    assert (fetched.validators.etag, fetched.validators.last_modified) == ('"x"', None)
    head = server.heads[0].decode()
    assert head.startswith("GET /feed?x=1 HTTP/1.1\r\n")
    assert f"\r\nHost: a.test:{server.port}\r\n" in head
    assert "\r\nUser-Agent: trioscrape/" in head
    assert "\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" in head
    for header in "If-", "Cookie", "Referer", "Authorization":
        assert header not in head


async def test_validators_go_out_byte_for_byte_and_a_304_keeps_them() -> None:
    """RFC 9110 §8.8: opaque, whatever is in them."""
    async with open_raw(b"HTTP/1.1 304 Not Modified\r\n\r\n") as server:
        url = f"http://a.test:{server.port}/"
        fetched = await fetch(url, replace(STATE, url=url))

    assert fetched.body is None
    assert (fetched.validators.etag, fetched.validators.last_modified) == (STATE.etag, STATE.last_modified)
    assert b'\r\nIf-None-Match: W/"\xe4 b"\r\n' in server.heads[0]
    assert b"\r\nIf-Modified-Since: yesterday, about noon\r\n" in server.heads[0]


async def test_validators_go_to_the_url_that_they_came_from_and_to_no_other() -> None:
    """A 304 of another server would be taken for that one's (RFC 9110 §13.1)."""
    async with open_raw(b"HTTP/1.1 304 Not Modified\r\n\r\n") as other:
        validators_url = f"http://a.test:{other.port}/feed"
        async with open_raw(answer("302 Found", b"", f"Location: {validators_url}")) as server:
            url = f"http://a.test:{server.port}/"
            fetched = await fetch(url, replace(STATE, url=url, validators_url=validators_url))
            failed = await failure(url, replace(STATE, url=url, validators_url=url))

    assert fetched.body is None
    assert failed.reason == "http-304"
    assert [b"If-None-Match" in head for head in server.heads] == [False, True]
    assert [b"If-None-Match" in head for head in other.heads] == [True, False]


async def test_an_etag_in_utf_8_goes_back_as_it_came() -> None:
    async with open_raw(answer("200 OK", FEED, 'ETag: "@"').replace(b"@", "日本".encode())) as server:
        url = f"http://a.test:{server.port}/"
        first = await fetch(url)
        await fetch(url, FeedState("0" * 32, url, etag=first.validators.etag))

    assert '\r\nIf-None-Match: "日本"\r\n'.encode() in server.heads[1]


@pytest.mark.parametrize("host", ["xn--", "xn--a"])
async def test_a_redirect_to_a_name_that_is_no_name(host: str) -> None:
    async with open_raw(answer("302 Found", b"", f"Location: http://{host}/")) as server:
        for redirects in 0, 5:
            failed = await failure(f"http://a.test:{server.port}/", config=Config(redirects=redirects))
            assert isinstance(failed, FeedFailed)


@pytest.mark.parametrize(
    ("host", "ascii"),
    [
        ("xn--ls8h.test", "xn--ls8h.test"),
        ("XN--LS8H.test", "xn--ls8h.test"),
        ("💩.test", "xn--ls8h.test"),
        ("i❤.test", "xn--i-7iq.test"),
        ("bücher.test", "xn--bcher-kva.test"),
        ("a_b.test", "a_b.test"),
        ("-a-.test", "-a-.test"),
        ("xn--a.test", "xn--a.test"),
        ("a.test.", "a.test"),
    ],
)
async def test_a_host_goes_to_dns_as_it_goes_over_the_wire(host: str, ascii: str) -> None:  # noqa: A002
    """Whether IDNA allows it is nobody's business here: such names are registered, and browsers open them."""
    internet = Internet({ascii: Site(addresses=["127.0.0.1"])})
    async with open_raw(answer("200 OK", FEED)) as server:
        await fetch(f"http://{host}:{server.port}/a", resolver=internet)
        location = f"http://{host}:{server.port}/b".encode()
        async with open_raw(answer("302 Found", b"", "Location: @").replace(b"@", location)) as first:
            await fetch(f"http://{host}:{first.port}/a", resolver=internet)

    assert set(internet.lookups) == {ascii}
    for head in server.heads:
        assert head.split(b"\r\n")[1].split(b":")[1].strip().rstrip(b".") == ascii.encode()


async def test_a_304_that_nobody_asked_for_is_a_failure() -> None:
    async with open_raw(b"HTTP/1.1 304 Not Modified\r\n\r\n") as server:
        url = f"http://a.test:{server.port}/"
        for state in None, replace(STATE, url=url, etag=None, last_modified=None):
            assert (await failure(url, state)).reason == "http-304"


async def test_compressed() -> None:
    async with open_raw(answer("200 OK", gzip.compress(FEED), "Content-Encoding: gzip")) as server:
        assert (await fetch(f"http://a.test:{server.port}/")).body == FEED


@pytest.mark.parametrize("status", ["301 x", "302 x", "303 x", "307 x", "308 x"])
async def test_redirects_are_followed_hop_by_hop(status: str) -> None:
    async with open_raw(answer(status, b"", "Location: ../b?q=\xe4"), answer("200 OK", FEED)) as server:
        fetched = await fetch(f"http://a.test:{server.port}/x/a")

    assert fetched.url == f"http://a.test:{server.port}/b?q=%E4"
    assert server.heads[1].startswith(b"GET /b?q=%E4 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("Location: /feed", "redirect-loop"),
        ("Location: file:///etc/passwd", "bad-redirect"),
        ("Location: data:text/xml,<rss/>", "bad-redirect"),
        ("Location: http://a.test:99999/", "bad-redirect"),
        ("X-Nothing: here", "bad-redirect"),
    ],
)
async def test_redirects_that_lead_nowhere(location: str, reason: str) -> None:
    async with open_raw(answer("302 Found", b"", location)) as server:
        assert (await failure(f"http://a.test:{server.port}/feed")).reason == reason


async def test_too_many_redirects() -> None:
    async def forever(stream: trio.SocketStream, server: RawServer) -> None:
        server.heads.append(await read_head(stream))
        await stream.send_all(answer("302 Found", b"", f"Location: /{len(server.heads)}"))

    async with open_server(forever) as server:
        failed = await failure(f"http://a.test:{server.port}/", config=Config(redirects=3))

    assert failed.reason == "too-many-redirects"
    assert len(server.heads) == 4


async def test_credentials_go_to_their_own_server_only() -> None:
    """RFC 7617; a redirect within the server keeps them, one to another host does not."""
    async with open_raw(answer("200 OK", FEED)) as other:
        moved = answer("302 Found", b"", "Location: /b")
        away = answer("302 Found", b"", f"Location: http://user:stolen@b.test:{other.port}/c")
        async with open_raw(moved, away) as server:
            fetched = await fetch(f"http://me:p%40ss@a.test:{server.port}/a")

    assert b"\r\nAuthorization: Basic bWU6cEBzcw==\r\n" in server.heads[0]
    assert b"\r\nAuthorization: Basic bWU6cEBzcw==\r\n" in server.heads[1]
    assert b"Authorization" not in other.heads[0]
    assert "stolen" not in fetched.url


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (answer("404 Not Found"), "http-404"),
        (answer("410 Gone"), "http-410"),
        (answer("503 Busy"), "http-503"),
        (answer("429 Too Many Requests", b"", "Retry-After: 90"), "rate-limited"),
        (answer("403 Forbidden", b"", "cf-mitigated: challenge"), "challenge"),
        (answer("200 OK", FEED, "CF-Mitigated: challenge"), "challenge"),
        (answer("204 No Content"), "http-204"),
        (answer("200 OK", b"x" * 5000), "too-large"),
        (answer("200 OK", gzip.compress(bytes(10**6)), "Content-Encoding: gzip"), "too-large"),
        (answer("200 OK", b"x", "Content-Encoding: compress"), "bad-encoding"),
        (answer("200 OK", b"x", "Content-Encoding: gzip"), "bad-encoding"),
        (b"", "connection-lost"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "connection-lost"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello", "connection-lost"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n", "protocol-error"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "protocol-error"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "protocol-error"),
    ],
)
async def test_what_servers_send(data: bytes, reason: str) -> None:
    async with open_raw(data) as server:
        assert (
            await failure(f"http://a.test:{server.port}/", config=Config(body_limit=4000))
        ).reason == reason


async def test_refused() -> None:
    async with open_raw(b"") as server:
        pass  # its port is free again
    assert (await failure(f"http://a.test:{server.port}/")).reason == "connection-refused"


async def test_no_lookup_for_literals() -> None:
    async with open_raw(answer("200 OK", FEED)) as server:
        internet = Internet({})
        await fetch(f"http://127.0.0.1:{server.port}/", resolver=internet)
        await fetch(f"http://localhost:{server.port}/", resolver=internet)

    assert internet.lookups == []


async def test_a_parked_connection_is_used_again() -> None:
    async with open_raw(answer("200 OK", FEED), keep_open=True) as server:
        fetching = Fetching()
        async with aclosing(fetching.transport):
            for _ in range(3):
                await fetching.get(f"http://a.test:{server.port}/")

    assert server.connections == 1


async def test_a_parked_connection_that_the_server_has_closed_is_nobodys_fault() -> None:
    """The server closes at the moment of the second request: that one goes to a new connection."""

    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        server.heads.append(await read_head(stream))
        await stream.send_all(answer("200 OK", FEED))
        server.heads.append(await read_head(stream))

    async with open_server(handler) as server:
        fetching = Fetching()
        async with aclosing(fetching.transport):
            await fetching.get(f"http://a.test:{server.port}/")
            fetched = await fetching.get(f"http://a.test:{server.port}/")

    assert fetched.body == FEED
    assert server.connections == 2


async def test_a_parked_connection_leads_where_the_name_leads_now() -> None:
    """A name that has moved is not reached through the old connection."""
    internet = Internet({"a.test": Site(addresses=["127.0.0.1"])})
    async with open_raw(answer("200 OK", FEED), keep_open=True) as server:
        fetching = Fetching(resolver=internet)
        async with aclosing(fetching.transport):
            await fetching.get(f"http://a.test:{server.port}/")
            internet.sites["a.test"].addresses = ["127.0.0.2"]
            fetching.names._answers.clear()
            failed = await fetching.failure(f"http://a.test:{server.port}/")

    assert failed.reason == "connection-refused"


# The rest is decided without a socket: a scenario records what would have been connected to.


async def refused(site: Site, policy: AddressPolicy) -> tuple[str, list[tuple[str, int]]]:
    """The reason, and where connections went; the site of the list redirects to inner.test."""
    inner = Site(body=FEED, addresses=["169.254.169.254"])
    internet = Internet({"listed.test": site, "inner.test": inner})
    fetching = Fetching(Config(address_policy=policy), resolver=internet, connector=internet.connect)
    try:
        await fetching.get("http://listed.test/")
    except FeedFailed as failed:
        return failed.reason, internet.connects
    finally:
        await fetching.transport.aclose()
    return "fetched", internet.connects


def redirecting(address: str) -> Site:
    return Site(status=302, headers={"Location": "http://inner.test/"}, addresses=[address])


@pytest.mark.parametrize(
    ("policy", "address", "outcome"),
    [
        (AddressPolicy.LISTED, PUBLIC, "blocked-address"),
        (AddressPolicy.LISTED, "10.0.0.1", "fetched"),
        (AddressPolicy.PUBLIC, PUBLIC, "blocked-address"),
        (AddressPolicy.PUBLIC, "10.0.0.1", "blocked-address"),
        (AddressPolicy.ANY, PUBLIC, "fetched"),
    ],
)
async def test_policy_on_every_hop(
    autojump_clock: MockClock, policy: AddressPolicy, address: str, outcome: str
) -> None:
    found, connects = await refused(redirecting(address), policy)

    assert found == outcome
    assert (("169.254.169.254", 80) in connects) == (outcome == "fetched")
    assert ((address, 80) in connects) == (policy is not AddressPolicy.PUBLIC or address == PUBLIC)


async def test_deadlines_measure_the_server(autojump_clock: MockClock) -> None:
    """Each has its own name."""
    config = Config(connect_timeout=2, read_timeout=3, fetch_timeout=20, lookup_timeout=5)
    slow = {
        "lookup-timeout": Site(lookup=9),
        "connect-timeout": Site(connect=9),
        "read-timeout": Site(first_byte=9),
        "too-slow": Site(body=bytes(100), chunk=1, per_chunk=2),
        "fetch-timeout": Site(body=bytes(100_000), chunk=1000, per_chunk=2),
    }
    internet = Internet({f"{name}.test": site for name, site in slow.items()})
    for name in slow:
        fetching = Fetching(config, resolver=internet, connector=internet.connect)
        failed = await fetching.failure(f"http://{name}.test/")
        assert failed.reason == name
    assert internet.open == 0


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.ECONNRESET])
async def test_a_connector_that_fails(number: int) -> None:
    async def connector(address: str, port: int) -> trio.abc.Stream:
        raise OSError(number, "it broke")

    failed = await failure("http://a.test/", connector=connector)

    assert failed.reason == {errno.ENETUNREACH: "unreachable", errno.ECONNRESET: "connection-lost"}[number]
    assert failed.detail == "it broke (127.0.0.1)"
