"""HTTP proxies (RFC 9110 §3.7): absolute-form for http, a tunnel for https.

httpcore has a proxy client of its own, but only as a pool, and its clock for CONNECT is the one for
reading: a target that the proxy can't reach would be a read-timeout. Here the tunnel is a part of
connecting, and what is sent through it is a connection like any other, parked and used again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import httpcore
import trio

from ..._config.proxies import Proxy
from ..._errors import FeedFailed, http_status_reason
from ..conditional import basic_auth
from ..happy_eyeballs import Connector
from .errors import translated
from .request import Request
from .stream import Backend, Stream


def forwarded(request: Request, proxy: Proxy, timeouts: Mapping[str, float]) -> httpcore.Request:
    """`request` as the proxy takes it: the whole URL for a target (RFC 9112 §3.2.2)."""
    url = request.url
    target = b"%b://%b%b" % (url.raw_scheme, url.netloc, url.raw_path)
    return httpcore.Request(
        "GET",
        httpcore.URL(scheme="http", host=proxy.host, port=proxy.port, target=target),
        headers=[*request.headers, *_authorization(proxy)],
        extensions={"timeout": timeouts},
    )


class ProxyBackend(Backend):
    """Connects to a proxy. What goes wrong there has the proxy's name in its detail.

    Args:
      proxy: whose the addresses are.
      addresses: where it is.
      connector: opens TCP connections.
      tunnel: have the proxy connect to the target, for TLS with it (RFC 9110 §9.3.6).
    """

    def __init__(
        self, proxy: Proxy, addresses: Sequence[str], connector: Connector, *, tunnel: bool = False
    ) -> None:
        super().__init__(addresses, connector)
        self._proxy, self._tunnel = proxy, tunnel

    async def connect(self, host: str, port: int, timeout: float) -> Stream:  # noqa: ASYNC109
        """A connection to the proxy, or through it to `host`; `timeout` is for both together.

        Raises:
          FeedFailed: as without a proxy; ``http-NNN`` when it answers CONNECT with that status, as
            it would a plain request.

        Cancellation: closes the connection.
        """
        with _naming(self._proxy):
            with trio.CancelScope(deadline=trio.current_time() + timeout):
                stream = await super().connect(self._proxy.host, self._proxy.port, timeout)
                if self._tunnel:
                    await self._open_tunnel(stream, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
                return stream
            raise FeedFailed("connect-timeout", f"the proxy opened no tunnel within {timeout:g} s")

    async def _open_tunnel(self, stream: Stream, target: str) -> None:
        url = httpcore.URL(scheme="http", host=self._proxy.host, port=self._proxy.port, target=target)
        headers = [(b"Host", target.encode("ascii")), *_authorization(self._proxy)]
        # It closes the stream when it fails or is cancelled.
        connection = httpcore.AsyncHTTP11Connection(origin=url.origin, stream=stream)
        answer = await connection.handle_async_request(httpcore.Request("CONNECT", url, headers=headers))
        if not 200 <= answer.status < 300:
            await stream.aclose()
            words = answer.extensions["reason_phrase"].decode("latin-1")
            raise FeedFailed(http_status_reason(answer.status), f"CONNECT {target}: {words}")


@contextmanager
def _naming(proxy: Proxy) -> Iterator[None]:
    try:
        with translated():
            yield
    except FeedFailed as failed:
        raise FeedFailed(failed.reason, f"proxy {proxy.redacted_url}: {failed.detail}") from failed


def _authorization(proxy: Proxy) -> list[tuple[bytes, bytes]]:
    return [(b"Proxy-Authorization", basic_auth(proxy.userinfo))] if proxy.userinfo else []
