"""The demo's web server: all 500 sites on one port of 127.0.0.1, chosen by the Host header."""

from __future__ import annotations

import hashlib
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Final

import h11
import trio

from .documents import LAST_PUBLISHED
from .sites import DOMAIN, Site

_LAST_MODIFIED: Final = format_datetime(LAST_PUBLISHED, usegmt=True)
_STATUSES: Final = {"404": 404, "410": 410, "500": 500}
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close sends RST


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    cut: bool = False
    """Whether the connection is reset in the middle of the body."""


class Server:
    """Answers requests for `sites`, which are given by name."""

    def __init__(self, sites: Mapping[str, Site]) -> None:
        self._sites = sites

    async def serve_connection(self, stream: trio.SocketStream) -> None:
        """Serve an HTTP/1.1 connection, one request after the other, until either side closes it.

        A client's protocol error ends its connection, and nothing else.
        """
        http = h11.Connection(h11.SERVER)
        async with stream:
            try:
                while await self._serve_request(stream, http):
                    http.start_next_cycle()
            except (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError):
                pass  # the client is gone, or does not speak HTTP

    async def _serve_request(self, stream: trio.SocketStream, http: h11.Connection) -> bool:
        """Answer one request. Whether the connection can serve another one."""
        request = await _next_request(stream, http)
        if request is None:
            return False
        headers = {name.decode(): value.decode("latin-1") for name, value in request.headers}
        host = headers.get("host", "").partition(":")[0].removesuffix(DOMAIN)
        site = self._sites.get(host.removeprefix("www."))
        if site is None:
            answer = _Answer(404)
        else:
            await trio.sleep(site.answer_seconds)
            answer = _answer(site, host, request.target.decode(), headers)
        await _send(stream, http, answer)
        return not answer.cut and http.our_state is h11.DONE and http.their_state is h11.DONE


async def _next_request(stream: trio.SocketStream, http: h11.Connection) -> h11.Request | None:
    """The next request, with its body read. None: the client has closed the connection."""
    request = None
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(await stream.receive_some())
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.EndOfMessage):
            return request
        elif isinstance(event, h11.ConnectionClosed):
            return None


async def _send(stream: trio.SocketStream, http: h11.Connection, answer: _Answer) -> None:
    headers = [*answer.headers]
    if answer.status != 304:
        headers.append(("Content-Length", str(len(answer.body))))
    head = http.send(h11.Response(status_code=answer.status, headers=headers))
    if answer.cut:
        await stream.send_all((head or b"") + answer.body[: len(answer.body) // 2])
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        return
    body = http.send(h11.Data(data=answer.body)) if answer.body else b""
    end = http.send(h11.EndOfMessage())
    await stream.send_all((head or b"") + (body or b"") + (end or b""))


def _answer(site: Site, host: str, path: str, request: Mapping[str, str]) -> _Answer:
    """The answer of `site` under the name `host`, which may begin with ``www.``."""
    if path not in ("/feed.xml", "/current.xml"):
        return _Answer(404)
    if site.behaviour in _STATUSES:
        return _Answer(_STATUSES[site.behaviour], body=b"Nothing here.\n")
    if site.behaviour == "loop":
        return _redirect(f"http://{site.host}/feed.xml", 302)
    if site.behaviour == "moved" and host == site.name:
        return _redirect(f"http://www.{site.host}/feed.xml", 301)
    if site.behaviour == "moved" and path == "/feed.xml":
        return _redirect("/current.xml", 302)
    return _document(site, request)


def _redirect(location: str, status: int) -> _Answer:
    return _Answer(status, (("Location", location),))


def _document(site: Site, request: Mapping[str, str]) -> _Answer:
    etag = f'"{hashlib.blake2b(site.name.encode(), digest_size=6).hexdigest()}"'
    validators: list[tuple[str, str]] = []
    if "etag" in site.validators:
        validators.append(("ETag", etag))
    if "date" in site.validators:
        validators.append(("Last-Modified", _LAST_MODIFIED))
    if _is_current(request, dict(validators)):
        return _Answer(304, tuple(validators))
    media_type = "text/html" if site.behaviour == "html" else "application/xml"
    return _Answer(
        200,
        (*validators, ("Content-Type", f"{media_type}; charset=utf-8")),
        site.body(),
        cut=site.behaviour == "reset",
    )


def _is_current(request: Mapping[str, str], validators: Mapping[str, str]) -> bool:
    """Whether the client has the current version; If-None-Match takes precedence (RFC 9110 §13.2.2)."""
    if "if-none-match" in request:
        return request["if-none-match"] == validators.get("ETag")
    return "if-modified-since" in request and request["if-modified-since"] == validators.get("Last-Modified")
