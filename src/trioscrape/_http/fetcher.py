"""A conditional GET: redirects hop by hop through dns and policy, one timeout, one body limit."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Final

import httpx
import trio

from .._config.config import Config
from .._errors import FeedFailed, http_status_reason
from .._hosts.retry_after import Pauses
from .._lane import Lane, Timings
from .._records import Feed, FeedState
from .._schedule.freshness import age, max_age
from .._schedule.permanent_redirects import has_moved, start_url
from .._urls import without_credentials
from ._decode import Body
from ._transport import ADDRESSES, PROXY
from .conditional import Validators, is_conditional, request_headers, validators
from .hops import FetchContext, Hop, Visit, moved_to, parsed_url
from .routes import Route, Routes
from .time_limits import Clock, Pace

_REDIRECTS: Final = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a feed's server answered in the end."""

    url: str
    """Where the answer came from, after all redirects, without credentials."""
    body: bytes | None
    """Decoded; None when it has not been modified (304)."""
    validators: Validators
    content_type: str | None
    max_age: int | None = None
    """Seconds that it stays fresh, counted from when it was made; None when it does not say."""
    age: int = 0
    """Seconds that it had spent in caches on its way."""
    moved_to: str | None = None
    """`url`, when only permanent redirects that can be trusted led there."""
    remark: str | None = None
    """A remark about the redirects, for the detail of the result."""
    status: int | None = None


class Fetcher:
    """Fetches feeds through the dns lane and the http lane.

    Args:
      routes: the dns lane, the proxies and the address policy.
      lane: the http lane; each hop takes a slot of it once.
      transport: sends a request to the addresses in its `ADDRESSES` extension, its `PROXY`'s if it has one.
      config: timeouts, limits, user agent.
      pauses: the hosts that nothing is fetched from for now.
    """

    def __init__(
        self, routes: Routes, lane: Lane, transport: httpx.AsyncBaseTransport, config: Config, pauses: Pauses
    ) -> None:
        self._routes, self._lane, self._transport, self._config = routes, lane, transport, config
        self._pauses = pauses
        self._timeouts = httpx.Timeout(
            connect=config.connect_timeout, read=config.read_timeout, write=config.read_timeout, pool=None
        ).as_dict()

    async def place(self, feed: Feed, state: FeedState | None, timings: Timings) -> str:
        """Under which name a fetch of the feed has to queue: `Routes.place` of its first hop.

        Raises:
          FeedFailed: ``not-a-url``.

        Cancellation: see `Names.addresses`.
        """
        return await self._routes.place(_first_hop(feed, state).target, timings)

    async def fetch(self, context: FetchContext) -> Fetched:
        """The feed's document, unless the server says that the known state still holds.

        Starts at the URL of the list, or where the feed has permanently moved to. The host's slot in
        `context` is exchanged along with redirects.

        Raises:
          FeedFailed: with any reason of the dns and http lanes.

        Cancellation: closes the connection; the feed may have no slot of a host then.
        """
        hop = _first_hop(context.feed, context.state)
        visit = Visit(context, parsed_url(context.feed.url, "not-a-url"), Clock(self._config.fetch_timeout))
        while True:
            await context.slot.switch(await self._routes.place(hop.target, context.timings))
            self._pauses.check(hop.host)
            route = await self._routes.find(hop.target, context.timings)
            async with self._lane.slot(context.timings):
                with visit.clock.running():
                    answer = await self._get(hop, route, visit)
            if isinstance(answer, Fetched):
                return answer
            hop = self._next_hop(hop, answer, route)

    def _next_hop(self, hop: Hop, location: httpx.URL, route: Route) -> Hop:
        visited = hop.visited | {str(hop.url)}
        if str(location) in visited:
            raise FeedFailed("redirect-loop", f"back to {without_credentials(str(location))}")
        if len(visited) > self._config.redirects:
            host = location.raw_host.decode("ascii")
            raise FeedFailed(
                "too-many-redirects", f"more than {self._config.redirects}; the next one leads to {host}"
            )
        return Hop(location, hop.from_public or route.public, visited)

    async def _get(self, hop: Hop, route: Route, visit: Visit) -> Fetched | httpx.URL:
        """One answer: the document, or where it has moved."""
        state = visit.state_at(hop)
        response = await self._transport.handle_async_request(self._request(hop, route, visit, state))
        try:
            _check_for_challenge(response)
            if response.status_code in _REDIRECTS:
                return moved_to(hop, response, visit.redirects)
            body = None
            if response.status_code in (200, 203):
                body = await self._read(response, visit)
            elif response.status_code != 304 or not is_conditional(state):
                raise self._refused(hop, response, visit)
            else:
                await _end(response.stream)  # type: ignore[arg-type]
        finally:
            await response.stream.aclose()  # type: ignore[union-attr] # noqa: ASYNC102 - is shielded inside
        known = validators(response.headers, state, response.status_code)
        return Fetched(
            hop.redacted_url,
            body,
            known,
            response.headers.get("content-type"),
            max_age=max_age(response.headers, self._pauses.now()),
            age=age(response.headers),
            moved_to=visit.redirects.moved_to(hop.redacted_url, public=route.public),
            remark=visit.redirects.remark,
            status=response.status_code,
        )

    def _refused(self, hop: Hop, response: httpx.Response, visit: Visit) -> FeedFailed:
        """What an answer without a document means for the feed and for its host."""
        reason = http_status_reason(response.status_code)
        place = visit.context.slot.host
        pause = self._pauses.refused(hop.host, response.status_code, reason, response.headers, place)
        if pause is None:
            return FeedFailed(reason, response.reason_phrase)
        return FeedFailed(reason, f"{hop.host} asked for {pause.words}", not_before=pause.until)

    def _request(self, hop: Hop, route: Route, visit: Visit, state: FeedState | None) -> httpx.Request:
        headers = request_headers(state, self._config.user_agent) + visit.credentials(hop.url)
        extensions = {"timeout": self._timeouts, ADDRESSES: route.addresses, PROXY: route.proxy}
        return httpx.Request("GET", hop.url, headers=headers, extensions=extensions)

    async def _read(self, response: httpx.Response, visit: Visit) -> bytes:
        body = Body(response.headers.get("content-encoding"), self._config.body_limit)
        pace, reservation = Pace(self._config.minimum_rate), visit.context.reservation
        async for chunk in response.stream:  # type: ignore[union-attr]
            pace.came(len(chunk))
            for size in body.feed(chunk):
                if size:
                    with visit.clock.paused():
                        await reservation.grow(size)
                # A chunk may be long to decode, and a read may hold thousands of small ones.
                await trio.lowlevel.checkpoint()
            pace.resume()
        reservation.shrink(body.windows)
        reservation.complete()
        return body.finish()


def _first_hop(feed: Feed, state: FeedState | None) -> Hop:
    # Where a redirect led on another day is as little to be trusted as where one leads today.
    return Hop(parsed_url(start_url(feed, state), "not-a-url"), from_public=has_moved(feed, state))


async def _end(stream: AsyncIterable[bytes]) -> None:
    """Read the end of an answer without content, so that its connection is free for the next one."""
    async for _ in stream:
        return


def _check_for_challenge(response: httpx.Response) -> None:
    """Raise when this is a puzzle for a browser; Cloudflare sends one with any status."""
    if response.headers.get("cf-mitigated") == "challenge":
        raise FeedFailed("challenge", f"{response.status_code} {response.reason_phrase}".rstrip())
