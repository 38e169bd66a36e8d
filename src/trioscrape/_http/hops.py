"""The hops of one fetch: where it stands, what may be told to the server there, where it is sent next."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from .._byte_budget import Held
from .._errors import FeedFailed
from .._hosts.slots import HostSlot
from .._records import FeedState
from .._urls import problem_with, without_credentials
from .conditional import basic_auth
from .limits import Clock
from .redirects import RedirectChain


@dataclass(slots=True)
class Hop:
    """Where a fetch stands between two answers."""

    url: httpx.URL
    from_public: bool = False
    visited: frozenset[str] = frozenset()

    @property
    def host(self) -> str:
        """As it goes over the wire: httpx's own `URL.host` decodes IDNA, and raises when it can't."""
        return self.url.raw_host.decode("ascii").lower()

    @property
    def redacted_url(self) -> str:
        """Without credentials."""
        return without_credentials(str(self.url))


@dataclass(frozen=True, slots=True)
class Visit:
    """What stays the same over all hops of one fetch."""

    start: httpx.URL
    state: FeedState | None
    clock: Clock
    held: Held
    slot: HostSlot
    way: RedirectChain = field(default_factory=RedirectChain)

    def state_at(self, hop: Hop) -> FeedState | None:
        """What a server there may be told that we have: validators mean nothing to another URL."""
        if (
            self.state is None
            or (self.state.validators_url or without_credentials(str(self.start))) != hop.redacted_url
        ):
            return None
        return self.state

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


def moved_to(hop: Hop, response: httpx.Response, way: RedirectChain) -> httpx.URL:
    """Where a redirect leads; noted in `way`. Raises `FeedFailed` when that is nowhere."""
    location = response.headers.get("location")
    if not location:
        raise FeedFailed("bad-redirect", "no Location header")
    # A header is latin-1 to httpx; servers that put more than ASCII there mean UTF-8.
    location = location.encode("latin-1", "replace").decode("utf-8", "replace").strip()
    target = parsed_url(location, "bad-redirect", hop.url)
    if problem := problem_with(str(target)):
        raise FeedFailed("bad-redirect", f"to {without_credentials(location)[:200]}: {problem}")
    way.redirected(response.status_code, hop.url.scheme, target.scheme)
    return target.copy_with(fragment=None)


def parsed_url(url: str, reason: str, base: httpx.URL | None = None) -> httpx.URL:
    """`url`, joined to `base`; `FeedFailed` with `reason` when it is none."""
    try:
        parsed = httpx.URL(url) if base is None else base.join(url)
        return parsed.copy_with(host=parsed.host)  # decodes IDNA now: later, httpx raises where it likes
    except (httpx.InvalidURL, ValueError) as error:
        raise FeedFailed(reason, f"{without_credentials(url)[:200]}: {error}") from error
