"""Where a request goes: to the addresses of its host, or to a proxy."""

from __future__ import annotations

from dataclasses import dataclass

from .._config.config import Config
from .._config.proxies import Proxy, literal
from .._dns.address_policy import AddressRules, is_public
from .._dns.caching import Names
from .._errors import FeedFailed
from .._lane import Timings


@dataclass(frozen=True, slots=True)
class Route:
    """The addresses that may be connected to, and whose they are."""

    addresses: tuple[str, ...]
    proxy: Proxy | None = None
    """Whom the addresses belong to; None: to the host itself."""

    @property
    def place(self) -> str | None:
        """The address under which its feeds count, whatever order a lookup gives; None behind a proxy."""
        return min(self.addresses) if self.proxy is None else None

    @property
    def public(self) -> bool:
        """Whether the answer comes from the public internet, as far as anybody here can know."""
        return self.proxy is not None or any(map(is_public, self.addresses))


class Routes:
    """Looks up what a request needs, and asks the address policy.

    A proxy looks the names of its targets up itself. So for a URL that goes through one, the dns
    lane looks up the proxy's name alone, and the policy can only judge what is an address already;
    to refuse names that lead to private addresses is up to the proxy. Its own addresses may be any:
    it is the user who has named it.

    Args:
      names: the dns lane.
      config: policy and proxies.
    """

    def __init__(self, names: Names, config: Config) -> None:
        self._names, self._rules, self._proxies = names, AddressRules.of(config), config.proxies

    async def find(self, scheme: str, host: str, port: int, *, from_public: bool, timings: Timings) -> Route:
        """The way to `host`, ASCII as it comes in a URL.

        Args:
          scheme: ``http`` or ``https``.
          host: as httpx has it: IDNA-encoded, without brackets.
          port: of the URL; a proxy has its own.
          from_public: whether a server on the public internet sent us here.
          timings: whose times they are.

        Raises:
          FeedFailed: ``blocked-address`` or any reason of a lookup. A detail about the proxy names it.

        Cancellation: see `Names.addresses`.
        """
        host = host.lower().rstrip(".")
        if (proxy := self._proxies.proxy_for(scheme, host, port)) is None:
            found = await self._names.addresses(host, timings)
            return Route(self._checked(host, found, from_public=from_public))
        if (address := literal(host)) is not None:
            self._checked(host, (str(address),), from_public=from_public)
        try:
            return Route(await self._names.addresses(proxy.host, timings), proxy)
        except FeedFailed as failed:
            raise FeedFailed(failed.reason, f"proxy {proxy.redacted_url}: {failed.detail}") from failed

    def _checked(self, host: str, found: tuple[str, ...], *, from_public: bool) -> tuple[str, ...]:
        allowed = self._rules.permitted(found, from_public=from_public)
        if not allowed:
            raise FeedFailed("blocked-address", f"{host} is at {', '.join(found[:4])}")
        return allowed
