"""The demo's world, over a real socket."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections import Counter

import feedparser
import h11
import pytest
import trio

from trioscrape import ResolvedAddresses
from trioscrape._demo import open_demo
from trioscrape._demo.sites import Site, sites


def site_that(**wanted: object) -> Site:
    return next(s for s in sites() if all(getattr(s, name) == value for name, value in wanted.items()))


class Client:
    """One connection to the demo's server, as a browser of `host`."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.http = h11.Connection(h11.CLIENT)

    async def get(self, url: str, **headers: str) -> tuple[h11.Response, bytes]:
        host, _, path = url.removeprefix("http://").partition("/")
        fields = {"Host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.http.our_state is h11.DONE:
            self.http.start_next_cycle()
        request = h11.Request(method="GET", target=f"/{path}", headers=list(fields.items()))
        await self.stream.send_all(self.http.send(request) + self.http.send(h11.EndOfMessage()))
        response, body = None, b""
        while not isinstance(event := self.http.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                self.http.receive_data(await self.stream.receive_some())
            elif isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                body += event.data
        return response, body


@pytest.fixture
async def demo():
    with trio.fail_after(30):
        async with open_demo() as demo:
            yield demo


@pytest.fixture
async def client(demo):
    async with await demo.connector("192.0.2.1", 80) as stream:
        yield Client(stream)


def header(response: h11.Response, name: str) -> str | None:
    return dict(response.headers).get(name.encode(), b"").decode() or None


class TestSites:
    def test_there_are_500_with_a_name_and_an_address_each(self):
        assert len({site.host for site in sites()}) == len({site.address for site in sites()}) == 500

    def test_the_three_kinds_and_all_behaviours_are_there(self):
        assert {site.kind for site in sites()} == {"rss", "atom", "rdf"}
        assert Counter(site.behaviour for site in sites()) == {
            "plain": 428, "slow": 30, "404": 7, "moved": 6, "no-name": 5, "truncated": 5,
            "410": 4, "500": 4, "html": 4, "reset": 4, "loop": 3,
        }  # fmt: skip

    def test_sizes_are_from_2_to_300_kilobytes_and_cheap_to_parse_in_all(self):
        sizes = [len(site.body()) for site in sites() if site.behaviour not in ("html", "truncated")]

        assert 2_000 <= min(sizes) < 4_000
        assert 200_000 < max(sizes) <= 300_000
        assert sum(sizes) < 8_000_000

    def test_another_process_makes_the_same_documents(self):
        code = (
            "import hashlib; from trioscrape._demo.sites import sites;"
            "print(hashlib.sha256(b''.join(s.body() for s in sites())).hexdigest())"
        )
        digests = {subprocess.check_output([sys.executable, "-c", code]) for _ in range(2)}

        assert len(digests) == 1

    @pytest.mark.parametrize("kind", ["rss", "atom", "rdf"])
    def test_documents_say_what_they_should_to_the_reference_parser(self, kind):
        site = site_that(kind=kind, behaviour="plain")

        parsed = feedparser.parse(site.body())

        assert not parsed.bozo
        assert len(parsed.entries) == site.entries
        assert parsed.feed.title == site.name.replace("-", " ").title()
        assert len({entry.link for entry in parsed.entries}) == site.entries
        for entry in parsed.entries:
            assert entry.title
            assert entry.author
            assert entry.tags
            # feedparser takes the dc:date of RSS 1.0 for the date of the last change.
            assert entry["updated_parsed" if kind == "rdf" else "published_parsed"].tm_year in (2025, 2026)
            assert "<p>" in (entry.content[0].value if "content" in entry else entry.summary)

    def test_truncated_documents_can_be_repaired(self):
        for site in sites():
            if site.behaviour == "truncated":
                parsed = feedparser.parse(site.body())
                assert parsed.bozo
                assert parsed.entries


class TestServer:
    async def test_a_feed_and_then_not_modified_on_the_same_connection(self, demo, client):
        site = site_that(behaviour="plain", validators=frozenset({"etag", "date"}))
        url = f"http://{site.host}/feed.xml"

        response, body = await client.get(url)
        again, nothing = await client.get(url, If_None_Match=header(response, "etag"))
        since, _ = await client.get(url, If_Modified_Since=header(response, "last-modified"))
        other, _ = await client.get(
            url, If_None_Match='"other"', If_Modified_Since=header(response, "last-modified")
        )

        assert (response.status_code, body) == (200, site.body())
        assert (again.status_code, nothing) == (304, b"")
        assert (since.status_code, other.status_code) == (304, 200)

    async def test_without_validators(self, client):
        response, _ = await client.get(
            f"http://{site_that(behaviour='plain', validators=frozenset()).host}/feed.xml"
        )

        assert header(response, "etag") is header(response, "last-modified") is None

    @pytest.mark.parametrize("behaviour", ["404", "410", "500"])
    async def test_statuses(self, client, behaviour):
        response, _ = await client.get(f"http://{site_that(behaviour=behaviour).host}/feed.xml")

        assert response.status_code == int(behaviour)

    async def test_a_chain_of_redirects_over_another_host(self, client):
        site = site_that(behaviour="moved")

        first, _ = await client.get(f"http://{site.host}/feed.xml")
        second, _ = await client.get(header(first, "location"))
        last, body = await client.get(f"http://www.{site.host}{header(second, 'location')}")

        assert [first.status_code, second.status_code, last.status_code] == [301, 302, 200]
        assert body == site.body()

    async def test_a_redirect_to_itself(self, client):
        url = f"http://{site_that(behaviour='loop').host}/feed.xml"

        response, _ = await client.get(url)

        assert header(response, "location") == url

    async def test_a_connection_that_breaks_in_the_middle(self, client):
        with pytest.raises((trio.BrokenResourceError, h11.RemoteProtocolError)):
            await client.get(f"http://{site_that(behaviour='reset').host}/feed.xml")

    @pytest.mark.parametrize("request_", [b"\x16\x03\x01\x02", b"GET / HTTP/1.0\r\n\r\n", b"GET /"])
    async def test_a_bad_client_harms_nobody_else(self, demo, client, request_):
        async with await demo.connector("192.0.2.1", 80) as bad:
            await bad.send_all(request_)
            await bad.send_eof()
            async for _ in bad:
                pass

        response, _ = await client.get(demo.feeds[0].url)
        assert response.status_code < 500


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
