"""A conditional GET: redirects hop by hop through dns and policy, one timeout, one body limit."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Final

import httpx
import trio

from .._byte_budget import Held
from .._config.config import Config, HostGrouping
from .._dns.caching import Names
from .._errors import FeedFailed, http_status_reason
from .._hosts.retry_after import Holds
from .._hosts.slots import HostSlot
from .._lane import Lane, Timings
from .._records import Feed, FeedState
from .._schedule.freshness import age, max_age
from .._schedule.permanent_redirects import has_moved, start_url
from .._urls import without_credentials
from ._decode import Body
from ._transport import ADDRESSES, PROXY
from .conditional import Validators, is_conditional, request_headers, validators
from .hops import Hop, Visit, moved_to, parsed_url
from .limits import Clock, Pace
from .routes import Route, Routes

_REDIRECTS: Final = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a feed's server answered at last."""

    url: str
    """Where the answer came from, after all redirects, without credentials."""
    body: bytes | None
    """Decoded; None when it has not been modified (304)."""
    validators: Validators
    content_type: str | None
    max_age: int | None = None
    """Seconds that it stays fresh from its beginning; None when it does not say."""
    age: int = 0
    """Seconds that it had spent in caches on its way."""
    moved_to: str | None = None
    """`url`, when nothing but permanent redirects that can be trusted led there."""
    remark: str | None = None
    """What people should know of the way there."""


class Fetcher:
    """Fetches feeds through the dns lane and the http lane.

    Args:
      names: the dns lane.
      lane: the http lane; each hop is one turn in it.
      transport: sends a request to the addresses in its `ADDRESSES` extension, its `PROXY`'s if it has one.
      config: deadlines, limits, policy, user agent.
      holds: the hosts that want to be left alone.
    """

    def __init__(
        self, names: Names, lane: Lane, transport: httpx.AsyncBaseTransport, config: Config, holds: Holds
    ) -> None:
        self._lane, self._transport, self._config = lane, transport, config
        self._holds = holds
        self._routes = Routes(names, config)
        self._timeouts = httpx.Timeout(
            connect=config.connect_timeout, read=config.read_timeout, write=config.read_timeout, pool=None
        ).as_dict()

    async def fetch(
        self, feed: Feed, state: FeedState | None, timings: Timings, held: Held, slot: HostSlot
    ) -> Fetched:
        """The feed's document, unless the server says that `state` is still true.

        Starts where the list says, or where `state` says that the feed has moved for good. `slot` is
        that of the host where it starts; it moves along with redirects.

        Raises:
          FeedFailed: any reason of the dns and http lanes.

        Cancellation: closes the connection; `slot` may be nobody's then.
        """
        hop = _first_hop(feed, state)
        visit = Visit(parsed_url(feed.url, "not-a-url"), state, Clock(self._config.fetch_timeout), held, slot)
        while True:
            if self._config.group_hosts_by is not HostGrouping.ADDRESS:
                await slot.move(hop.host)
                self._holds.check(hop.host)
            route = await self._route(hop, timings)
            if self._config.group_hosts_by is HostGrouping.ADDRESS:
                await slot.move(route.place or hop.host)
                self._holds.check(hop.host)
            async with self._lane.slot(timings):
                with visit.clock.running():
                    answer = await self._get(hop, route, visit)
            if isinstance(answer, Fetched):
                return answer
            hop = self._next_hop(hop, answer, route)

    async def address(self, feed: Feed, state: FeedState | None, timings: Timings) -> str | None:
        """Under which a fetch of the feed counts; None when it fails before, or goes through a proxy."""
        try:
            return (await self._route(_first_hop(feed, state), timings)).place
        except FeedFailed:
            return None  # `fetch` asks again, and has the same answer from the cache

    async def _route(self, hop: Hop, timings: Timings) -> Route:
        url = hop.url
        return await self._routes.find(
            url.scheme,
            hop.host,
            url.port or (443 if url.scheme == "https" else 80),
            from_public=hop.from_public,
            timings=timings,
        )

    def _next_hop(self, hop: Hop, location: httpx.URL, route: Route) -> Hop:
        visited = hop.visited | {str(hop.url)}
        if str(location) in visited:
            raise FeedFailed("redirect-loop", f"back to {without_credentials(str(location))}")
        if len(visited) > self._config.redirects:
            raise FeedFailed(
                "too-many-redirects",
                f"the one after {self._config.redirects} led to {location.raw_host.decode('ascii')}",
            )
        return Hop(location, hop.from_public or route.public, visited)

    async def _get(self, hop: Hop, route: Route, visit: Visit) -> Fetched | httpx.URL:
        """One answer: the document, or where it has moved."""
        state = visit.state_at(hop)
        response = await self._transport.handle_async_request(self._request(hop, route, visit, state))
        try:
            _turn_away(response)
            if response.status_code in _REDIRECTS:
                return moved_to(hop, response, visit.way)
            body = None
            if response.status_code in (200, 203):
                body = await self._read(response, visit)
            elif response.status_code != 304 or not is_conditional(state):
                raise self._refused(hop, response, visit.slot)
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
            max_age=max_age(response.headers, self._holds.now()),
            age=age(response.headers),
            moved_to=visit.way.moved_to(hop.redacted_url, public=route.public),
            remark=visit.way.remark,
        )

    def _refused(self, hop: Hop, response: httpx.Response, slot: HostSlot) -> FeedFailed:
        """What an answer without a document means for the feed and for its host."""
        reason = http_status_reason(response.status_code)
        pause = self._holds.refused(hop.host, response.status_code, reason, response.headers, slot.host)
        if pause is None:
            return FeedFailed(reason, response.reason_phrase)
        return FeedFailed(reason, f"{hop.host} wants {pause.words}", not_before=pause.until)

    def _request(self, hop: Hop, route: Route, visit: Visit, state: FeedState | None) -> httpx.Request:
        headers = request_headers(state, self._config.user_agent) + visit.credentials(hop.url)
        extensions = {"timeout": self._timeouts, ADDRESSES: route.addresses, PROXY: route.proxy}
        return httpx.Request("GET", hop.url, headers=headers, extensions=extensions)

    async def _read(self, response: httpx.Response, visit: Visit) -> bytes:
        body = Body(response.headers.get("content-encoding"), self._config.body_limit)
        pace = Pace(self._config.minimum_rate)
        async for chunk in response.stream:  # type: ignore[union-attr]
            pace.came(len(chunk))
            for size in body.feed(chunk):
                if size:
                    with visit.clock.paused():
                        await visit.held.grow(size)
                # A chunk may be long to decode, and a read may hold thousands of small ones.
                await trio.lowlevel.checkpoint()
            pace.resume()
        visit.held.give_back(body.windows)
        visit.held.complete()
        return body.finish()


def _first_hop(feed: Feed, state: FeedState | None) -> Hop:
    # Where a redirect once led is as little to be trusted as where one leads today.
    return Hop(parsed_url(start_url(feed, state), "not-a-url"), from_public=has_moved(feed, state))


async def _end(stream: AsyncIterable[bytes]) -> None:
    """Read the end of an answer without content, so that its connection is free for the next one."""
    async for _ in stream:
        return


def _turn_away(response: httpx.Response) -> None:
    """Raise when it is no answer to us but a puzzle for a browser; Cloudflare says so, by any status."""
    if response.headers.get("cf-mitigated") == "challenge":
        raise FeedFailed("challenge", f"{response.status_code} {response.reason_phrase}".rstrip())
