"""The demo's web server, over a real socket."""

from __future__ import annotations

import h11
import pytest
import trio

from support.demo import site_that


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
async def client(demo):
    async with await demo.connector("192.0.2.1", 80) as stream:
        yield Client(stream)


def header(response: h11.Response, name: str) -> str | None:
    return dict(response.headers).get(name.encode(), b"").decode() or None


async def test_a_feed_and_then_not_modified_on_the_same_connection(demo, client):
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


async def test_without_validators(client):
    response, _ = await client.get(
        f"http://{site_that(behaviour='plain', validators=frozenset()).host}/feed.xml"
    )

    assert header(response, "etag") is header(response, "last-modified") is None


@pytest.mark.parametrize("behaviour", ["404", "410", "500"])
async def test_statuses(client, behaviour):
    response, _ = await client.get(f"http://{site_that(behaviour=behaviour).host}/feed.xml")

    assert response.status_code == int(behaviour)


async def test_a_chain_of_redirects_over_another_host(client):
    site = site_that(behaviour="moved")

    first, _ = await client.get(f"http://{site.host}/feed.xml")
    second, _ = await client.get(header(first, "location"))
    last, body = await client.get(f"http://www.{site.host}{header(second, 'location')}")

    assert [first.status_code, second.status_code, last.status_code] == [301, 302, 200]
    assert body == site.body()


async def test_a_redirect_to_itself(client):
    url = f"http://{site_that(behaviour='loop').host}/feed.xml"

    response, _ = await client.get(url)

    assert header(response, "location") == url


async def test_a_connection_that_breaks_in_the_middle(client):
    with pytest.raises((trio.BrokenResourceError, h11.RemoteProtocolError)):
        await client.get(f"http://{site_that(behaviour='reset').host}/feed.xml")


@pytest.mark.parametrize("request_", [b"\x16\x03\x01\x02", b"GET / HTTP/1.0\r\n\r\n", b"GET /"])
async def test_a_bad_client_harms_nobody_else(demo, client, request_):
    async with await demo.connector("192.0.2.1", 80) as bad:
        await bad.send_all(request_)
        await bad.send_eof()
        async for _ in bad:
            pass

    response, _ = await client.get(demo.feeds[0].url)
    assert response.status_code < 500
