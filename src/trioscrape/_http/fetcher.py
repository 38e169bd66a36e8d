"""A conditional GET: redirects hop by hop through dns and policy, one timeout, one body limit."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import httpx
import trio

from .._archive.exchange import Exchange, answer_head, request_head
from .._config.config import Config
from .._errors import FeedFailed, ResourceError, http_status_reason
from .._hosts.retry_after import Pauses
from .._lane import Lane, Phases, Timings
from .._records import Feed, FeedState
from .._schedule.freshness import age, max_age
from .._schedule.permanent_redirects import has_moved, start_url
from .._urls import without_credentials
from ._decode import Body
from ._transport import Answer, BodyStream, LaneTransport, Request
from .answer import Fields, check_for_challenge, check_is_whole, may_have_document, words_of
from .conditional import Validators, is_conditional, request_headers, validators
from .hops import FetchContext, Hop, Visit, listed_url
from .routes import Route, Routes
from .time_limits import Pace

FILE_PAUSES: Final = (0.1, 0.2, 0.4, 0.8, *(1.0,) * 60)
"""Seconds between attempts to open a socket when this process has opened as many files as it may."""
JOINED: Final = 4096
"""Bytes of a body that are decoded together, if they come in smaller pieces."""
JOINED_CHUNKS: Final = 100
"""Chunks after which others have their turn, and what has come is decoded, however small they are."""

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
    """What people should know about the way there, for the detail of the result."""
    failed_with_validators: bool = False
    """Whether the same fetch had failed before, and only because it was conditional."""
    status: int | None = None
    from_public: bool = False
    """Whether a server on the public internet has sent it, or a redirect to it: the address policy treats
    what it links to as it treats a redirect."""


class Fetcher:
    """Fetches feeds through the dns lane and the http lane.

    Args:
      routes: the dns lane, the proxies and the address policy.
      lane: the http lane; each hop takes a slot of it once.
      transport: sends the requests.
      config: timeouts, limits, user agent.
      pauses: the hosts that nothing is fetched from for now.
    """

    def __init__(
        self, routes: Routes, lane: Lane, transport: LaneTransport, config: Config, pauses: Pauses
    ) -> None:
        self._routes, self._lane, self._transport, self._config = routes, lane, transport, config
        self._pauses = pauses

    async def place(self, feed: Feed, state: FeedState | None, timings: Timings) -> str:
        """Under which name a fetch of the feed has to queue: `Routes.place` of its first hop.

        Raises:
          FeedFailed: ``not-a-url``.

        Cancellation: see `Names.addresses`.
        """
        return await self._routes.place(_first_hop(feed, state).target, timings)

    def forget_failed_lookups(self) -> None:
        """Look the hosts up again whose lookup has failed lately, see `Names.forget_failures`."""
        self._routes.forget_failed_lookups()

    async def fetch(self, context: FetchContext) -> Fetched:
        """The feed's document, unless the server says that the known state still holds.

        Starts at the URL of the list, or where the feed has permanently moved to; or at `FetchContext.start`.
        The host's slot in `context` is exchanged along with redirects.

        Raises:
          FeedFailed: with any reason of the dns and http lanes.
          NoHttps: the same of a URL without scheme, where http is to be tried.
          QueueAgain: a host has refused it, and will take it later in this run.
          ResourceError: for a minute this process could not open a socket.

        Cancellation: closes the connection; the feed may have no slot of a host then.
        """
        hop = context.start or _first_hop(context.feed, context.state, over_http=context.over_http)
        context.timings.redirects.clear()
        visit, pauses = Visit(context, listed_url(context.feed.url)), iter(FILE_PAUSES)
        while True:
            target = hop.target
            await context.slot.switch(await self._routes.place(target, context.timings))
            self._pauses.check(context.slot.host or target.host)
            route = await self._routes.find(target, context.timings)
            await self._transport.ready_for(hop.url)
            try:
                async with self._lane.slot(context.timings):
                    context.timings.begun = True
                    with context.clock.running():
                        answer = await self._get(hop, route, visit)
            except ResourceError:  # no file is left for a socket, until others have done with theirs
                if (pause := next(pauses, None)) is None:
                    raise
                await self._transport.aclose()  # what is parked
                await trio.sleep(pause)
                continue
            if isinstance(answer, Fetched):
                return answer
            hop = self._next_hop(hop, answer, route, visit)

    def _next_hop(self, hop: Hop, location: httpx.URL, route: Route, visit: Visit) -> Hop:
        visited = hop.visited | {(str(hop.url), hop.cookie)}
        cookie = visit.cookie(location)
        if (str(location), cookie) in visited:
            back = without_credentials(str(location))
            raise FeedFailed(
                "redirect-loop", f"back to {back}; a browser shows where the feed is, if anywhere"
            )
        if len(visited) > self._config.redirects:
            host = location.raw_host.decode("ascii")
            raise FeedFailed(
                "too-many-redirects", f"more than {self._config.redirects}; the next one leads to {host}"
            )
        return Hop(location, hop.from_public or route.public, cookie, visited)

    async def _get(self, hop: Hop, route: Route, visit: Visit) -> Fetched | httpx.URL:
        """One answer: the document, or where it has moved."""
        url = hop.redacted_url
        state = visit.state_at(url)
        request = self._request(hop, route, visit, state)
        try:
            answer = await self._transport.send(request)
        except FeedFailed as failed:
            raise visit.no_https(hop, failed) or failed from failed.__cause__
        timings = visit.context.timings
        timings.status = answer.status
        self._pauses.answered(visit.context.slot.host or hop.host, answer.status)
        fields, stream, now = Fields(answer.headers), answer.stream, self._pauses.now()
        if visit.context.kept is not None:
            visit.context.kept.exchanges.append(_exchange(url, request, answer, now))
        try:
            check_for_challenge(answer, fields)
            if fields.repeated:
                stream.distrust()
            if answer.status in _REDIRECTS:
                return visit.redirected(hop, answer.status, fields, now)
            began = trio.current_time()
            body = await self._document(answer.status, fields, stream, visit)
            timings.phases.body = trio.current_time() - began
            if body is None:
                if answer.status != 304 or not is_conditional(state):
                    raise self._refused(hop, answer, fields, visit)
                await _end(stream)
                visit.got_all()
        finally:
            await stream.aclose()  # noqa: ASYNC102 - is shielded inside
        return Fetched(
            url,
            body,
            validators(fields, state, answer.status),
            fields.get("content-type"),
            max_age=max_age(fields, now),
            age=age(fields),
            moved_to=visit.redirects.moved_to(url, public=route.public),
            remark=visit.redirects.remark,
            status=answer.status,
            from_public=hop.from_public or route.public,
        )

    async def _document(self, status: int, fields: Fields, stream: BodyStream, visit: Visit) -> bytes | None:
        """The body of a success, or None: of the less usual ones only if there is something in it."""
        if not may_have_document(status):
            return None
        if status == 206:  # nobody has asked for a range
            stream.distrust()
            check_is_whole(fields)
        body = await self._read(stream, fields.get("content-encoding"), visit)
        return body if body or status in (200, 203) else None

    def _refused(self, hop: Hop, answer: Answer, fields: Fields, visit: Visit) -> FeedFailed:
        """What an answer without a document means for the feed and for its host."""
        reason = http_status_reason(answer.status)
        place = visit.context.slot.host
        pause = self._pauses.refused(hop.host, answer.status, reason, fields, place)
        if pause is None:
            return FeedFailed(reason, words_of(answer))
        return FeedFailed(reason, f"{hop.host} asked for {pause.words}", not_before=pause.until)

    def _request(self, hop: Hop, route: Route, visit: Visit, state: FeedState | None) -> Request:
        headers = [(b"Host", hop.url.netloc), *request_headers(state, self._config.user_agent)]
        headers += visit.credentials(hop.url)
        if hop.cookie:
            headers.append((b"Cookie", hop.cookie.encode("latin-1")))
        phases = visit.context.timings.phases = Phases()
        return Request(hop.url, headers, route.addresses, phases, route.proxy)

    async def _read(self, stream: BodyStream, encoding: str | None, visit: Visit) -> bytes:
        body = Body(encoding, self._config.body_limit)
        pace, reservation = Pace(self._config.minimum_rate), visit.context.reservation
        # Taking a byte costs as much as taking thousands, and a read may hold thousands of chunks.
        joined, chunks = bytearray(), 0
        async for chunk in stream:
            pace.came(len(chunk))
            visit.got(chunk)
            joined += chunk
            chunks += 1
            if len(joined) >= JOINED or chunks % JOINED_CHUNKS == 0:
                await self._take(bytes(joined), body, visit)
                joined.clear()
            pace.resume()
        await self._take(bytes(joined), body, visit)
        visit.got_all()
        reservation.shrink(body.windows)
        reservation.complete()
        document = body.finish()
        if not body.sound:
            stream.distrust()
        return document

    @staticmethod
    async def _take(data: bytes, body: Body, visit: Visit) -> None:
        kept = 0 if visit.context.kept is None else len(data)  # as it came, beside what it stands for
        for size in body.feed(data):
            if size + kept:
                with visit.context.clock.paused():
                    await visit.context.reservation.grow(size + kept)
                kept = 0
            await trio.lowlevel.checkpoint()  # it may be long to decode


def _first_hop(feed: Feed, state: FeedState | None, *, over_http: bool = False) -> Hop:
    url = listed_url(start_url(feed, state))
    # Where a redirect led on another day is as little to be trusted as where one leads today.
    return Hop(url.copy_with(scheme="http") if over_http else url, from_public=has_moved(feed, state))


def _exchange(url: str, request: Request, answer: Answer, now: datetime) -> Exchange:
    """What is kept of a request and the head of its answer."""
    return Exchange(
        url,
        request_head(request.url.raw_path, request.headers),
        now,
        answer_head(answer.head, answer.status, answer.reason_phrase, answer.headers),
        answer.address if request.proxy is None else None,
        is_http2=not answer.head,
    )


async def _end(stream: AsyncIterable[bytes]) -> None:
    """Read the end of an answer without content, so that its connection is free for the next one."""
    async for _ in stream:
        return
