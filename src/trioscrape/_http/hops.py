"""The hops of one fetch: where it is, what the server there may be told, where it is redirected to."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from .._byte_budget import Reservation
from .._errors import FeedFailed
from .._hosts.slots import HostSlot
from .._lane import Timings
from .._records import Feed, FeedState
from .._urls import problem_with, without_credentials
from .conditional import basic_auth
from .redirect_chain import RedirectChain
from .routes import Target
from .time_limits import Clock


@dataclass(frozen=True, slots=True)
class FetchContext:
    """What a fetch needs to know of its feed."""

    feed: Feed
    state: FeedState | None
    """With the validators to send."""
    timings: Timings
    """What the feed spends in the lanes is added here."""
    reservation: Reservation
    """For the bytes of its document."""
    slot: HostSlot
    """Of the host where the fetch begins."""


@dataclass(slots=True)
class Hop:
    """Where a fetch is between two answers."""

    url: httpx.URL
    from_public: bool = False
    """Whether a server on the public internet has redirected us here."""
    visited: frozenset[str] = frozenset()

    @property
    def host(self) -> str:
        """As it goes over the wire: httpx's own `URL.host` decodes IDNA, and raises when it can't."""
        return self.url.raw_host.decode("ascii").lower()

    @property
    def target(self) -> Target:
        """What has to be found out of the network before a request."""
        scheme = self.url.scheme
        port = self.url.port or (443 if scheme == "https" else 80)
        return Target(scheme, self.host, port, from_public=self.from_public)

    @property
    def redacted_url(self) -> str:
        """Without credentials."""
        return without_credentials(str(self.url))


@dataclass(frozen=True, slots=True)
class Visit:
    """What stays the same over all hops of one fetch."""

    context: FetchContext
    start: httpx.URL
    """As the list has it."""
    clock: Clock
    redirects: RedirectChain = field(default_factory=RedirectChain)

    def state_at(self, hop: Hop) -> FeedState | None:
        """The state whose validators the server there may be sent: to another URL they mean nothing."""
        state = self.context.state
        if (
            state is None
            or (state.validators_url or without_credentials(str(self.start))) != hop.redacted_url
        ):
            return None
        return state

    def credentials(self, url: httpx.URL) -> list[tuple[bytes, bytes]]:
        """For the server that the list names, never for one that it redirects to."""
        same_server = (url.scheme, url.raw_host, url.port) == (
            self.start.scheme,
            self.start.raw_host,
            self.start.port,
        )
        if not self.start.userinfo or not same_server:
            return []
        return [(b"Authorization", basic_auth(self.start.userinfo))]


def moved_to(hop: Hop, response: httpx.Response, redirects: RedirectChain) -> httpx.URL:
    """Where a redirect leads; noted in `redirects`. Raises `FeedFailed` when that is nowhere."""
    location = response.headers.get("location")
    if not location:
        raise FeedFailed("bad-redirect", "the redirect has no Location header")
    # A header is latin-1 to httpx; servers that put more than ASCII there mean UTF-8.
    location = location.encode("latin-1", "replace").decode("utf-8", "replace").strip()
    target = parsed_url(location, "bad-redirect", hop.url)
    if problem := problem_with(str(target)):
        raise FeedFailed("bad-redirect", f"redirected to {without_credentials(location)[:200]!r}: {problem}")
    redirects.add(response.status_code, hop.url.scheme, target.scheme)
    return target.copy_with(fragment=None)


def parsed_url(url: str, reason: str, base: httpx.URL | None = None) -> httpx.URL:
    """`url`, joined to `base`; raises `FeedFailed` with `reason` when it is none."""
    try:
        parsed = httpx.URL(url) if base is None else base.join(url)
        return parsed.copy_with(host=parsed.host)  # decodes IDNA now: later, httpx raises where it likes
    except (httpx.InvalidURL, ValueError) as error:
        raise FeedFailed(reason, f"{without_credentials(url)[:200]}: {error}") from error
