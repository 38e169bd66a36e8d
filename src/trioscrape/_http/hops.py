"""The hops of one fetch: where it is, what the server there may be told, where it is redirected to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import httpx

from .._archive.exchange import KeptFetch
from .._errors import FeedFailed
from .._hosts.slots import HostSlot
from .._lane import Timings
from .._records import Feed, FeedState
from .._urls import problem_with, without_credentials
from .answer import Fields
from .byte_budget import Reservation
from .conditional import basic_auth
from .cookies import Cookies, Place
from .locations import absolute, listed
from .redirect_chain import RedirectChain
from .routes import Target
from .time_limits import Clock

NO_HTTPS: Final = {"connection-refused", "unreachable", "connect-timeout", "tls"}
"""Reasons for which there may be no https but http: a port that is closed, or filtered by a firewall (which
drops what comes, or says that the host can't be reached), no TLS behind it, or TLS for another name."""


_LONGEST_URL: Final = 500
"""Characters of the target of a redirect that are remembered."""


class NoHttps(FeedFailed):
    """There is no https where a URL without scheme leads: nothing has answered any request over TLS."""


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
    clock: Clock
    """How long the fetch may take; what is left of it, when the same feed has been fetched before."""
    over_http: bool = False
    """Whether to begin over http, because there is no https: see `NoHttps`."""
    start: Hop | None = None
    """Where to begin, if not at the feed's own URL: at a page that its document links to."""
    kept: KeptFetch | None = None
    """Where what is sent and received is kept; None: nowhere."""


@dataclass(slots=True)
class Hop:
    """Where a fetch is between two answers."""

    url: httpx.URL
    from_public: bool = False
    """Whether a server on the public internet has redirected us here."""
    cookie: str = ""
    """The header that the request has; a server that sets one may redirect to the same URL with it."""
    visited: frozenset[tuple[str, str]] = frozenset()
    """The URLs and cookies of the hops before."""

    @property
    def is_listed(self) -> bool:
        """Whether its URL is the one in the feed list: no redirect has led to it, now or in a run before."""
        return not (self.visited or self.from_public)

    @property
    def host(self) -> str:
        """As it goes over the wire: httpx's own `URL.host` decodes IDNA, and raises when it can't.

        ``a.test.`` is the same host as ``a.test``.
        """
        return self.url.raw_host.decode("ascii").lower().rstrip(".")

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
    redirects: RedirectChain = field(default_factory=RedirectChain)
    cookies: Cookies = field(default_factory=Cookies)

    def redirected(self, hop: Hop, status: int, fields: Fields, now: datetime) -> httpx.URL:
        """Where an answer redirects to; noted, as are its cookies.

        Raises:
          FeedFailed: ``bad-redirect``: nowhere.
        """
        target = _target(hop, fields.get("location", ""))
        self.redirects.add(status, hop.url.scheme, target.scheme)
        self.context.timings.redirects.append(f"{status} {without_credentials(str(target))}"[:_LONGEST_URL])
        self.cookies.take(_place(hop.url), fields.cookies, now)
        return target

    def cookie(self, url: httpx.URL) -> str:
        """The Cookie header of a request to `url`; empty: none."""
        return self.cookies.header(_place(url))

    def state_at(self, url: str) -> FeedState | None:
        """The state whose validators the server at the redacted `url` may be sent.

        To another URL they mean nothing.
        """
        state = self.context.state
        if state is None or (state.validators_url or without_credentials(str(self.start))) != url:
            return None
        return state

    def no_https(self, hop: Hop, failed: FeedFailed) -> NoHttps | None:
        """What a failed request means when it was the first one, and the list does not say https; or None."""
        if self.context.feed.without_scheme and hop.is_listed and failed.reason in NO_HTTPS:
            return NoHttps(failed.reason, failed.detail) if hop.url.scheme == "https" else None
        return None

    def got(self, chunk: bytes) -> None:
        """Keep a piece of a body, if bodies are kept."""
        if self.context.kept is not None:
            self.context.kept.exchanges[-1].body.append(chunk)

    def got_all(self) -> None:
        """Note that the body has come to its end."""
        if self.context.kept is not None:
            self.context.kept.exchanges[-1].truncated = None

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


def _place(url: httpx.URL) -> Place:
    return Place(
        url.scheme, url.raw_host.decode("ascii").rstrip("."), url.raw_path.decode("ascii").partition("?")[0]
    )


def _target(hop: Hop, location: str) -> httpx.URL:
    """Where a Location header leads; it has been decoded as latin-1."""
    if not location.strip():
        raise FeedFailed(
            "bad-redirect",
            "the server redirects without saying where to: it has no Location header; "
            "the feed may have a newer URL, which its site names",
        )
    try:
        target = absolute(location.encode("latin-1"), hop.url)
        problem = problem_with(target.replace(" ", "%20"))
        parsed = httpx.URL(target) if problem is None else hop.url
    except (httpx.InvalidURL, ValueError) as error:
        problem = str(error)
    if problem is not None:
        said = without_credentials(location.strip().encode("latin-1").decode("utf-8", "replace"))[:200]
        raise FeedFailed("bad-redirect", f"redirected to '{said}': {problem}")
    return parsed


def listed_url(url: str) -> httpx.URL:
    """The URL of a feed list; raises `FeedFailed`, ``not-a-url``, when it is none."""
    try:
        return listed(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise FeedFailed("not-a-url", f"{without_credentials(url)[:200]}: {error}") from error
