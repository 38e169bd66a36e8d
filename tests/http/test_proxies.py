"""What is sent to a proxy, and what becomes of what it answers."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio
import trustme
from trio.testing import MockClock

from trioscrape import AddressPolicy, Config
from trioscrape._cli.command import main
from trioscrape.testing import Internet, MemoryStore, Site

from support.fetching import Fetching, failure, fetch
from support.scenarios import run_virtual
from support.servers import FEED, RawServer, Scope, answer, open_https, open_raw, open_server, read_head


@dataclass
class LittleProxy:
    """Sends every request to 127.0.0.1, whatever the name."""

    url: str = ""
    heads: list[bytes] = field(default_factory=list)
    connections: int = 0


@asynccontextmanager
async def open_proxy() -> AsyncIterator[LittleProxy]:
    little = LittleProxy()

    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        little.connections += 1
        while head := await read_head(stream):
            little.heads.append(head)
            method, target = head.split()[:2]
            port = int(target.removeprefix(b"http://").partition(b"/")[0].rpartition(b":")[2])
            async with await trio.open_tcp_stream("127.0.0.1", port) as onward:
                if method == b"CONNECT":
                    await stream.send_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    await both_ways(stream, onward)
                    return
                await onward.send_all(head)
                await stream.send_all(await onward.receive_some())

    async with open_server(handler) as server:
        little.url = f"http://127.0.0.1:{server.port}"
        yield little


async def both_ways(one: trio.SocketStream, other: trio.SocketStream) -> None:
    async def copy(source: trio.SocketStream, sink: trio.SocketStream) -> None:
        async for data in source:
            await sink.send_all(data)
        nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(copy, one, other)
        nursery.start_soon(copy, other, one)


def through(url: str, **more: object) -> Config:
    return Config(http_proxy=url, https_proxy=url, **more)  # type: ignore[arg-type]


async def test_http_goes_to_the_proxy_in_absolute_form() -> None:
    internet = Internet({"proxy.test": Site(addresses=["127.0.0.1"])})
    async with open_raw(answer("200 OK", FEED)) as server, open_proxy() as little:
        url = little.url.replace("http://127.0.0.1", "http://me:p%40ss@proxy.test")
        fetched = await fetch(
            f"http://u:v@a.test:{server.port}/x?y=1", config=through(url), resolver=internet
        )

    assert fetched.body == FEED
    assert internet.lookups == ["proxy.test"], "the target's name is the proxy's to look up"
    head = little.heads[0]
    assert head.startswith(f"GET http://a.test:{server.port}/x?y=1 HTTP/1.1\r\n".encode())
    assert f"\r\nHost: a.test:{server.port}\r\n".encode() in head
    assert b"\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n" in head
    assert b"\r\nAuthorization: Basic dTp2\r\n" in head


@pytest.mark.parametrize(("http2", "version"), [(False, "1.1"), (True, "2")])
async def test_https_goes_through_a_tunnel(tmp_path: Path, http2: bool, version: str) -> None:
    """The proxy sees the target's name and nothing else; TLS is with the target, ALPN as always."""
    authority, seen = trustme.CA(), list[Scope]()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    names = ["a.test"]
    async with open_https(authority, tmp_path, names=names, seen=seen) as port, open_proxy() as little:
        config = through(little.url.replace("//", "//me:s3cret@"), http2=http2)
        fetching = Fetching(config, context=context, resolver=Internet({}))
        async with aclosing(fetching.transport):
            for _ in range(2):
                assert (await fetching.get(f"https://a.test:{port}/")).body == FEED

    (head,) = little.heads
    assert head.startswith(f"CONNECT a.test:{port} HTTP/1.1\r\nHost: a.test:{port}\r\n".encode())
    assert b"\r\nProxy-Authorization: Basic bWU6czNjcmV0\r\n" in head
    assert [scope["http_version"] for scope in seen] == [version] * 2
    assert b"proxy-authorization" not in dict(seen[0]["headers"])  # type: ignore[call-overload]


@pytest.mark.parametrize("junk", [b"Proxy agent: x", b"Via : x", b": x", b"no header", b"X-\xe9: x"])
async def test_junk_in_what_a_proxy_says(tmp_path: Path, junk: bytes) -> None:
    """To CONNECT, and in the answer to a plain request; neither connection is used again."""
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)

    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        while head := await read_head(stream):
            server.heads.append(head)
            if not head.startswith(b"CONNECT"):
                await stream.send_all(answer("200 OK", FEED).replace(b"\r\n", b"\r\n" + junk + b"\r\n", 1))
                continue
            async with await trio.open_tcp_stream("127.0.0.1", port) as onward:
                await stream.send_all(b"HTTP/1.1 200 OK\r\n" + junk + b"\r\n\r\n")
                await both_ways(stream, onward)
                return

    async with (
        open_https(authority, tmp_path, names=["a.test"], seen=[]) as port,
        open_server(handler) as proxy,
    ):
        fetching = Fetching(through(f"http://127.0.0.1:{proxy.port}"), context=context)
        async with aclosing(fetching.transport):
            for number, scheme in enumerate(("https", "https", "http", "http"), 1):
                assert (await fetching.get(f"{scheme}://a.test:{port}/")).body == FEED
                assert proxy.connections == number


async def test_the_certificate_is_still_the_targets(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    names = ["b.test"]
    async with open_https(authority, tmp_path, names=names, seen=[]) as port, open_proxy() as little:
        failed = await failure(f"https://a.test:{port}/", config=through(little.url), context=context)

    assert failed.reason == "tls"
    assert "Hostname mismatch" in failed.detail


async def test_connections_to_a_proxy_are_used_again_by_other_hosts() -> None:
    async with open_raw(answer("200 OK", FEED)) as server, open_proxy() as little:
        fetching = Fetching(through(little.url))
        async with aclosing(fetching.transport):
            for host in "abc":
                await fetching.get(f"http://{host}.test:{server.port}/")

    assert (little.connections, len(little.heads)) == (1, 3)


async def test_what_is_reached_directly_is() -> None:
    """And a proxy's password goes to no other server."""
    async with open_raw(answer("200 OK", FEED)) as server, open_proxy() as little:
        config = through(little.url.replace("//", "//me:s3cret@"), no_proxy=("a.test",))
        await fetch(f"http://a.test:{server.port}/", config=config)
        await fetch(f"http://localhost:{server.port}/", config=config)

    assert little.heads == []
    assert b"Proxy-Authorization" not in server.heads[0]


# What goes wrong.


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_not_there(scheme: str) -> None:
    async with open_proxy() as little:
        pass  # its port is free again
    config = through(little.url.replace("//", "//me:s3cret@"))

    failed = await failure(f"{scheme}://a.test/", config=config)

    assert failed.reason == "connection-refused"
    assert failed.detail.startswith(f"proxy {little.url}: ")


async def test_a_proxy_whose_name_does_not_exist() -> None:
    failed = await failure("http://a.test/", config=through("http://proxy.test:1"), resolver=Internet({}))

    assert failed.reason == "name-not-found"
    assert failed.detail.startswith("proxy http://proxy.test:1: proxy.test: ")


@pytest.mark.parametrize(
    ("data", "reason", "detail"),
    [
        (answer("502 Bad Gateway"), "http-502", "CONNECT a.test:443: Bad Gateway"),
        (answer("407 Who are you"), "http-407", "CONNECT a.test:443: Who are you"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "protocol-error", "illegal status line"),
        (b"", "connection-lost", "Server disconnected without sending a response."),
        (b"HTTP/1.1 200 OK\r\n\r\nno TLS at all, sorry", "tls", ""),
    ],
)
async def test_what_a_proxy_says_to_connect(data: bytes, reason: str, detail: str) -> None:
    async with open_raw(data) as server:
        shown = f"http://127.0.0.1:{server.port}"
        config = through(shown.replace("//", "//me:s3cret@"))
        failed = await failure("https://a.test/", config=config, context=ssl.create_default_context())

    assert failed.reason == reason
    if detail:
        assert failed.detail.startswith(f"proxy {shown}: {detail}")


async def test_what_a_proxy_says_itself_to_a_plain_request() -> None:
    """The same reason as for CONNECT."""
    async with open_raw(answer("502 Bad Gateway")) as server:
        failed = await failure("http://a.test/", config=through(f"http://127.0.0.1:{server.port}"))

    assert failed.reason == "http-502"


@pytest.mark.parametrize("how", ["deadline", "cancelled"])
async def test_a_tunnel_that_never_opens(how: str) -> None:
    """It is a part of connecting; its connection is closed at once."""
    asked, gone = trio.Event(), trio.Event()

    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        await read_head(stream)
        asked.set()
        await stream.receive_some()
        gone.set()

    async with open_server(handler) as server:
        url = f"http://127.0.0.1:{server.port}"
        fetching = Fetching(through(url, connect_timeout=0.05 if how == "deadline" else 60))
        if how == "deadline":
            failed = await fetching.failure("https://a.test/")
            assert (failed.reason, failed.detail[: 7 + len(url)]) == ("connect-timeout", f"proxy {url}:")
        else:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fetching.failure, "https://a.test/")
                await asked.wait()
                nursery.cancel_scope.cancel()
        await gone.wait()


# The address policy: decided without a socket, a scenario records what would have been connected to.


@pytest.mark.parametrize(
    ("url", "policy", "fetched"),
    [
        ("http://a.test/", AddressPolicy.PUBLIC, True),
        ("http://10.9.9.9/", AddressPolicy.PUBLIC, False),
        ("http://10.9.9.9/", AddressPolicy.LISTED, True),
        ("http://0x0a090909/", AddressPolicy.PUBLIC, False),
        ("http://93.184.215.14/", AddressPolicy.PUBLIC, True),
        ("http://192.0.2.1/", AddressPolicy.ANY, False),
    ],
)
async def test_policy_with_a_proxy(
    autojump_clock: MockClock, url: str, policy: AddressPolicy, fetched: bool
) -> None:
    """The proxy itself may be anywhere; of its targets only addresses can be judged."""
    config = through(
        "http://proxy.test:3128", address_policy=policy, deny_networks=("192.0.2.0/24", "10.1.1.1")
    )
    internet = Internet({"proxy.test": Site(body=FEED, addresses=["10.1.1.1"])})
    fetching = Fetching(config, resolver=internet, connector=internet.connect)
    async with aclosing(fetching.transport):
        if fetched:
            await fetching.get(url)
        else:
            assert (await fetching.failure(url)).reason == "blocked-address"

    assert internet.connects == [("10.1.1.1", 3128)] * fetched


@pytest.mark.parametrize("location", ["http://169.254.169.254/", "http://2852039166/", "http://127.0.0.1/"])
async def test_no_redirect_through_a_proxy_leads_to_a_private_address(
    autojump_clock: MockClock, location: str
) -> None:
    """Loopback would be reached directly, all else through the proxy: neither is."""
    moved = Site(status=302, headers={"Location": location}, addresses=["10.1.1.1"])
    internet = Internet({"proxy.test": moved})
    config = through("http://proxy.test:3128")
    fetching = Fetching(config, resolver=internet, connector=internet.connect)
    async with aclosing(fetching.transport):
        assert (await fetching.failure("http://a.test/")).reason == "blocked-address"

    assert internet.connects == [("10.1.1.1", 3128)]


# Whose business the environment is.


async def test_the_library_does_not_ask_the_environment(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "http_proxy", "HTTP_PROXY", "ALL_PROXY":
        monkeypatch.setenv(name, "http://proxy.test:3128")
    internet = Internet({"a.test": Site(body=FEED)})

    await run_virtual(["http://a.test/"], internet, MemoryStore())

    assert internet.lookups == ["a.test"]


def test_the_command_asks_it_and_says_so(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password is neither shown nor stored."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    monkeypatch.setenv("HTTP_PROXY", f"http://me:s3cret@127.0.0.1:{port}")
    monkeypatch.delenv("http_proxy", raising=False)
    (tmp_path / "feeds.txt").write_text("http://a.test/")

    assert main([str(tmp_path / "feeds.txt"), "--store", f"sqlite:{tmp_path / 'x.db'}"]) == 0

    shown = capfd.readouterr()
    assert f"through the proxy http://127.0.0.1:{port}, which also resolves host names" in shown.err
    assert "refused" in shown.out
    assert "s3cret" not in shown.out + shown.err
    assert b"s3cret" not in (tmp_path / "x.db").read_bytes()
