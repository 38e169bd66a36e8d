"""Answers from an archive in place of the network: what is read of them is read as it came from a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import httpcore
import trio

from ..._archive.exchange import Exchange
from ..._config.config import Config
from ..._errors import FeedFailed
from .connection import Connection
from .request import Request
from .stream import Backend, Stream
from .tls import SharedContext, client_context
from .transport import Answer, LaneTransport, Origin


class ReplayTransport(LaneTransport):
    """Sends nothing: each request has the next answer that was kept.

    Args:
      config: timeouts.
      next_answer: gives it for a request, with how the fetch failed if its body is not whole.
    """

    def __init__(
        self, config: Config, next_answer: Callable[[Request], tuple[Exchange, FeedFailed | None]]
    ) -> None:
        super().__init__(SharedContext(client_context), _connects_to_nothing, config, parked=0)
        self._next_answer = next_answer

    async def ready_for(self, url: object) -> None:
        """Nothing to do: TLS is undone in an archive."""

    async def send(self, request: Request) -> Answer:
        """See `LaneTransport.send`."""
        self._answer = self._next_answer(request)
        return await super().send(request)

    def _connection(self, request: Request, origin: Origin) -> Connection:  # noqa: ARG002
        scheme, host, port = origin
        core = httpcore.URL(scheme=scheme, host=host, port=port, target=b"/")
        return Connection(core.origin, _Backend(*self._answer), None, http2=False)


async def _connects_to_nothing(address: str, port: int) -> NoReturn:
    await trio.lowlevel.checkpoint()
    raise AssertionError(f"a replay connects to {address}:{port}")


class _Backend(Backend):
    """Has an archived answer ready for the first request."""

    def __init__(self, exchange: Exchange, failed: FeedFailed | None) -> None:
        super().__init__([exchange.address or ""], _connects_to_nothing)
        self._exchange, self._failed = exchange, failed

    async def connect(self, host: str, port: int, timeout: float) -> Stream:  # noqa: ARG002, ASYNC109
        """See `Backend.connect`."""
        await trio.lowlevel.checkpoint()
        self.address = self._exchange.address or ""
        answer = _Answer(self._exchange, self._failed)
        return Stream(answer, answer, trio.current_time() + timeout, self.head)


class _Answer(trio.abc.Stream):
    """The server's end of a connection: takes any request, and answers with what was kept."""

    def __init__(self, exchange: Exchange, failed: FeedFailed | None) -> None:
        self._left = memoryview(exchange.head + b"".join(exchange.body))
        exchange.body.clear()  # its poll refers to it until the end
        self._failed = failed if exchange.truncated else None

    async def send_all(self, data: object) -> None:  # noqa: ARG002
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        if not self._left and self._failed is not None:
            raise self._failed.with_traceback(None)
        data, self._left = self._left[:max_bytes], self._left[max_bytes or len(self._left) :]
        return bytes(data)

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
