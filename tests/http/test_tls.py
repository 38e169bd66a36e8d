"""HTTPS and HTTP/2 against Hypercorn, with certificates made for the test."""

import functools
import ssl
from contextlib import aclosing
from pathlib import Path

import pytest
import trio
import trustme

from trioscrape import Config, UsageError, scrape
from trioscrape._cli.command import main
from trioscrape._http._transport import client_context
from trioscrape.testing import MemoryStore

from support.fetching import Fetching, failure, fetch
from support.servers import FEED, RawServer, Scope, answer, open_https, open_server, read_head


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize(("http2", "version"), [(False, "1.1"), (True, "2")])
async def test_https(
    authority: trustme.CA, context: ssl.SSLContext, tmp_path: Path, http2: bool, version: str
) -> None:
    """The connection goes to the resolved address; Host and SNI are the name's."""
    seen: list[Scope] = []
    async with open_https(authority, tmp_path, names=["a.test"], seen=seen) as port:
        config = Config(http2=http2)
        fetched = await fetch(f"https://a.test:{port}/feed", config=config, context=context)

    assert fetched.body == FEED
    assert seen[0]["http_version"] == version
    headers = dict(seen[0]["headers"])  # type: ignore[call-overload]
    assert headers.get(b"host", headers.get(b":authority")) == f"a.test:{port}".encode()


async def test_http2_is_off_unless_asked_for(
    authority: trustme.CA, context: ssl.SSLContext, tmp_path: Path
) -> None:
    seen: list[Scope] = []
    async with open_https(authority, tmp_path, names=["a.test"], seen=seen, alpn=["h2"]) as port:
        await fetch(f"https://a.test:{port}/", context=context)

    assert seen[0]["http_version"] == "1.1"


@pytest.mark.parametrize("http2", [False, True])
async def test_a_parked_tls_connection_is_used_again(
    authority: trustme.CA, context: ssl.SSLContext, tmp_path: Path, http2: bool
) -> None:
    seen: list[Scope] = []
    async with open_https(authority, tmp_path, names=["a.test"], seen=seen) as port:
        fetching = Fetching(Config(http2=http2), context=context)
        async with aclosing(fetching.transport):
            for _ in range(3):
                await fetching.get(f"https://a.test:{port}/")

    assert len({tuple(scope["client"]) for scope in seen}) == 1  # type: ignore[arg-type]
    assert len(seen) == 3


async def test_the_certificate_of_another_name(
    authority: trustme.CA, context: ssl.SSLContext, tmp_path: Path
) -> None:
    async with open_https(authority, tmp_path, names=["b.test"], seen=[]) as port:
        failed = await failure(f"https://a.test:{port}/", context=context)

    assert failed.reason == "tls"
    assert "Hostname mismatch" in failed.detail


@pytest.mark.parametrize("host", ["a.test.", "A.Test.", "xn--bcher-kva.test."])
async def test_a_trailing_dot_is_no_part_of_a_name_in_tls(
    authority: trustme.CA, context: ssl.SSLContext, host: str
) -> None:
    """Neither in SNI (RFC 6066 §3) nor in the certificate."""
    asked_for: list[str | None] = []
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(host.lower().rstrip(".")).configure_cert(server_side)
    server_side.sni_callback = lambda _socket, name, _context: asked_for.append(name)

    async def handler(tcp: trio.SocketStream, server: RawServer) -> None:
        tls = trio.SSLStream(tcp, server_side, server_side=True, https_compatible=True)
        await read_head(tls)
        await tls.send_all(answer("200 OK", FEED))

    async with open_server(handler) as server:
        fetched = await fetch(f"https://{host}:{server.port}/", context=context)

    assert fetched.body == FEED
    assert asked_for == [host.lower().rstrip(".")]


async def test_an_authority_that_nobody_knows(authority: trustme.CA, tmp_path: Path) -> None:
    async with open_https(authority, tmp_path, names=["a.test"], seen=[]) as port:
        failed = await failure(f"https://a.test:{port}/", context=ssl.create_default_context())

    assert failed.reason == "tls"
    assert "unable to get local issuer certificate" in failed.detail


async def test_plain_http_on_a_tls_port() -> None:
    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with open_server(handler) as server:
        failed = await failure(f"https://a.test:{server.port}/", context=ssl.create_default_context())

    assert failed.reason == "tls"


@pytest.mark.parametrize("how", ["deadline", "cancelled"])
async def test_a_handshake_that_never_ends(how: str) -> None:
    """The connection is closed at once: the server sees the end of it."""
    hello, gone = trio.Event(), trio.Event()

    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        await stream.receive_some()
        hello.set()
        while await stream.receive_some():
            pass
        gone.set()

    async with open_server(handler) as server:
        fetching = Fetching(
            Config(connect_timeout=0.05 if how == "deadline" else 60), context=ssl.create_default_context()
        )
        url = f"https://a.test:{server.port}/"
        if how == "deadline":
            assert (await fetching.failure(url)).reason == "connect-timeout"
        else:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fetching.failure, url)
                await hello.wait()
                nursery.cancel_scope.cancel()
        await gone.wait()


async def test_authorities_from_a_file(authority: trustme.CA, tmp_path: Path) -> None:
    """They are trusted instead of the system's."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    async with open_https(authority, tmp_path, names=["a.test"], seen=[]) as port:
        context = client_context(str(tmp_path / "ca.pem"))
        fetched = await fetch(f"https://a.test:{port}/feed", context=context)

    assert fetched.body == FEED
    assert len(context.get_ca_certs()) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "can't be read: No such file or directory"),
        ("", "must be a PEM file"),
        ("nothing\n", "must be a PEM file"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "must be a PEM file"),
    ],
)
def test_a_bad_file_of_authorities_is_a_usage_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: str | None, words: str
) -> None:
    """One line, before the store is opened, and as itself out of the library too."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    (tmp_path / "feeds.txt").write_text("http://a.test/")

    assert main([str(tmp_path / "feeds.txt"), "--store", f"sqlite:{tmp_path}/x.db", f"--ca-file={path}"]) == 2

    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("trioscrape: --ca-file ")
    assert words in line
    assert str(path) in line
    assert not (tmp_path / "x.db").exists()
    with pytest.raises(UsageError, match=words):
        trio.run(
            functools.partial(
                scrape, ["http://a.test/"], store=MemoryStore(), config=Config(ca_file=str(path))
            )
        )


class Corked(trio.abc.HalfCloseableStream):
    """Keeps what is sent until it is told to let go: several TLS records then arrive as one."""

    def __init__(self, inner: trio.SocketStream) -> None:
        self.inner, self.kept, self.corked = inner, b"", False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self.kept += data
        if not self.corked:
            kept, self.kept = self.kept, b""
            await self.inner.send_all(kept)

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self.inner.receive_some(max_bytes)

    async def wait_send_all_might_not_block(self) -> None:
        await self.inner.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        await self.inner.send_eof()

    async def aclose(self) -> None:
        await self.inner.aclose()


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("a.test").configure_cert(context)
    return context


async def test_leftovers_in_another_record_are_never_the_next_answer(
    authority: trustme.CA, context: ssl.SSLContext
) -> None:
    """They have left the socket, and wait inside of TLS where nobody has decrypted them yet."""

    async def handler(tcp: trio.SocketStream, server: RawServer) -> None:
        corked = Corked(tcp)
        tls = trio.SSLStream(corked, server_context(authority), server_side=True, https_compatible=True)
        while await read_head(tls):
            corked.corked = True
            await tls.send_all(answer("200 OK", FEED))
            corked.corked = False
            await tls.send_all(answer("200 OK", b"<rss>not yours</rss>"))

    async with open_server(handler) as server:
        fetching = Fetching(context=context)
        async with aclosing(fetching.transport):
            for number in range(1, 4):
                assert (await fetching.get(f"https://a.test:{server.port}/")).body == FEED
                assert server.connections == number


async def test_an_early_end_of_tls_is_an_early_end(authority: trustme.CA, context: ssl.SSLContext) -> None:
    """Without a goodbye (RFC 8446 §6.1), in the middle of the answer."""

    async def handler(tcp: trio.SocketStream, server: RawServer) -> None:
        tls = trio.SSLStream(tcp, server_context(authority), server_side=True, https_compatible=True)
        await read_head(tls)
        await tls.send_all(answer("200 OK", FEED)[:-1])

    async with open_server(handler) as server:
        assert (await failure(f"https://a.test:{server.port}/", context=context)).reason == "connection-lost"
