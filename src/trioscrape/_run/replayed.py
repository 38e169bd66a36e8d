"""Stands in for the network and the clock when a poll of an archive is replayed."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import trio

from .._archive.exchange import Exchange, KeptFetch, KeptPoll
from .._config.config import Config
from .._config.proxies import Proxy
from .._errors import FeedFailed, ResourceError
from .._hosts.retry_after import Pauses
from .._http import FetchContext, Fetched, Fetcher, Routes
from .._http._transport import Request
from .._http._transport.replayed import ReplayTransport
from .._http.routes import Route, Target
from .._lane import Lane, Timings
from .._schedule.freshness import Pause, retry_after
from .._threads import off_loop
from .._urls import without_credentials
from .loop_lag import LoopLag

_CONDITIONAL: Final = {b"If-None-Match", b"If-Modified-Since"}
_NOBODY: Final = Proxy("proxy", 1)
"""Stands for the proxy that an answer came through."""


class NotArchived(Exception):
    """The archive has no answer to a request: this version fetches something else than the original did.

    Or the answer is a 304 to a document that the archive does not have.
    """


def archive_unreadable(error: OSError) -> ResourceError:
    """What ends a replay whose archive can't be read any more."""
    return ResourceError(f"the archive can't be read: {error.strerror or error}")


class Replayed:
    """The progress of the replay of one poll."""

    def __init__(self, poll: KeptPoll) -> None:
        self._ended, self._moment = poll.ended, poll.began
        again = [fetch for fetch in poll.fetches if not fetch.again]
        self._fetches = deque(fetch for fetch in again if not fetch.of_older_page)
        self._pages = deque(fetch for fetch in again if fetch.of_older_page)
        self._exchanges = deque[Exchange]()
        self._limiter = trio.CapacityLimiter(1)
        self.failed: FeedFailed | None = None
        """How the current fetch failed originally; None: it ended with a document."""

    def now(self) -> datetime:
        """The wall clock, at the original time."""
        return self._moment

    def begin(self, *, of_older_page: bool) -> None:
        """Go on with the next fetch, or with that of the next older page.

        Raises:
          NotArchived: there is none.
        """
        if of_older_page and not self._pages:
            raise NotArchived("the archive has no further older page of it")
        if not of_older_page and not self._fetches:
            raise NotArchived("the archive has no further fetch of it")
        fetch: KeptFetch = (self._pages if of_older_page else self._fetches).popleft()
        self._exchanges, self.failed = deque(fetch.exchanges), fetch.failed

    def end(self) -> None:
        """End the current fetch. After the last one of the feed, the clock shows when the poll ended."""
        if not self._fetches:
            self._moment = self._ended

    @property
    def has_more(self) -> bool:
        """Whether the feed was fetched again originally."""
        return bool(self._fetches)

    async def ready(self) -> str | None:
        """Read the body of the next answer. Returns where it comes from; None: through a proxy, or nowhere.

        Raises:
          ResourceError: the archive can't be read.

        Cancellation: waits until it is read.
        """
        if not self._exchanges:
            return None
        exchange = self._exchanges[0]
        if exchange.read_body is not None and not exchange.body:
            try:
                exchange.body.append(await off_loop(exchange.read_body, limiter=self._limiter))
            except OSError as error:
                raise archive_unreadable(error) from error
        return exchange.address

    def answer(self, request: Request) -> tuple[Exchange, FeedFailed | None]:
        """The next answer, and how the fetch failed originally, if it did.

        Raises:
          FeedFailed: there was none then either.
          NotArchived: the request is another one than that of then.
        """
        if not self._exchanges:
            if self.failed is not None:
                raise self.failed.with_traceback(None)
            raise NotArchived("the archive has no further answer to it")
        exchange = self._exchanges.popleft()
        if (url := without_credentials(str(request.url))) != exchange.url:
            raise NotArchived(f"{url} was not fetched at this point in the original run, but {exchange.url}")
        if exchange.status == 304 and not any(name in _CONDITIONAL for name, _ in request.headers):
            raise NotArchived(
                "the server answered 304 Not Modified, and the document from before is not archived"
            )
        self._moment = exchange.at
        return exchange, self.failed


class ReplayedFetcher(Fetcher):
    """A fetcher whose answers come from one poll of an archive."""

    def __init__(self, replayed: Replayed, lane: Lane, config: Config) -> None:
        transport = ReplayTransport(config, replayed.answer)
        super().__init__(_Routes(replayed), lane, transport, config, _Pauses(replayed))
        self._replayed = replayed

    async def fetch(self, context: FetchContext) -> Fetched:
        """See `Fetcher.fetch`.

        Raises:
          NotArchived: see there.
        """
        self._replayed.begin(of_older_page=context.start is not None)
        try:
            return await super().fetch(context)
        finally:
            self._replayed.end()


class ReplayedLag(LoopLag):
    """A fetch that was repeated after a pause of the process is repeated again."""

    def __init__(self, replayed: Replayed) -> None:
        super().__init__()
        self._replayed = replayed

    def paused_since(self, moment: float) -> bool:  # noqa: ARG002
        """See `LoopLag.paused_since`."""
        return self._replayed.has_more


class _Routes(Routes):
    """Routes to the original addresses."""

    def __init__(self, replayed: Replayed) -> None:
        self._replayed = replayed

    async def place(self, target: Target, timings: Timings) -> str:  # noqa: ARG002
        """See `Routes.place`."""
        return target.host

    def forget_failed_lookups(self) -> None:
        """Nothing to do."""

    async def find(self, target: Target, timings: Timings) -> Route:  # noqa: ARG002
        """See `Routes.find`."""
        address = await self._replayed.ready()
        return Route((), _NOBODY) if address is None else Route((address,))


class _Pauses(Pauses):
    """Pauses as hosts originally asked for them; nothing waits for them."""

    def __init__(self, replayed: Replayed) -> None:
        self._replayed, self.now = replayed, replayed.now

    def check(self, place: str) -> None:
        """Nothing to do."""

    def answered(self, place: str, status: int) -> None:
        """Nothing to do."""

    def refused(
        self,
        host: str,  # noqa: ARG002
        status: int,  # noqa: ARG002
        reason: str,  # noqa: ARG002
        headers: Mapping[str, str],
        place: str | None = None,  # noqa: ARG002
    ) -> Pause | None:
        """See `Pauses.refused`."""
        if (failed := self._replayed.failed) is not None and failed.postponed_by is not None:
            raise failed.with_traceback(None)
        return retry_after(headers.get("retry-after"), self.now())
