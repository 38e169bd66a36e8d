"""Where a request goes: to the addresses of its host, or to a proxy. And under which name it queues."""

from __future__ import annotations

from dataclasses import dataclass

from .._config.config import Config, HostGrouping
from .._config.proxies import Proxy, literal
from .._dns.address_policy import AddressRules, is_public
from .._dns.caching import Names
from .._errors import FeedFailed
from .._lane import Timings


@dataclass(frozen=True, slots=True)
class Target:
    """What a request goes to."""

    scheme: str
    """``http`` or ``https``."""
    host: str
    """As httpx has it: IDNA-encoded, without brackets."""
    port: int
    """Of the URL; a proxy has its own."""
    from_public: bool
    """Whether a server on the public internet has redirected us here."""


@dataclass(frozen=True, slots=True)
class Route:
    """The addresses that may be connected to, and whose they are."""

    addresses: tuple[str, ...]
    proxy: Proxy | None = None
    """Whose addresses they are; None: the host's own."""

    @property
    def public(self) -> bool:
        """Whether the answer comes from the public internet, as far as anybody here can know."""
        return self.proxy is not None or any(map(is_public, self.addresses))


class Routes:
    """Decides where a request goes: looks up the host or its proxy, and applies the address policy.

    A proxy looks the names of its targets up itself. So for a URL that goes through one, the dns
    lane looks up the proxy's name alone, and the policy can only judge what is an address already;
    refusing names that lead to private addresses is up to the proxy. Its own addresses may be any:
    the user has named it.

    Args:
      names: the dns lane.
      config: policy, proxies, and how hosts are grouped.
    """

    def __init__(self, names: Names, config: Config) -> None:
        self._names, self._rules, self._proxies = names, AddressRules.of(config), config.proxies
        self._by_address = config.group_hosts_by is HostGrouping.ADDRESS

    async def place(self, target: Target, timings: Timings) -> str:
        """Under which name a request queues: its host's, or by `HostGrouping.ADDRESS` its address.

        Of several addresses it is always the same one, whatever order a lookup gives them in. A host that
        can't be looked up, or is reached through a proxy, keeps its name.

        Cancellation: see `Names.addresses`.
        """
        if self._by_address:
            try:
                route = await self.find(target, timings)
            except FeedFailed:
                return target.host  # `find` will fail in the same way again
            if route.proxy is None:
                return min(route.addresses)
        return target.host

    def forget_failed_lookups(self) -> None:
        """See `Names.forget_failures`."""
        self._names.forget_failures()

    async def find(self, target: Target, timings: Timings) -> Route:
        """The way to `target`; what it takes in the dns lane is added to `timings`.

        Raises:
          FeedFailed: ``blocked-address``, or any reason of a lookup. A detail about the proxy names it.

        Cancellation: see `Names.addresses`.
        """
        host = target.host.lower().rstrip(".")
        if (proxy := self._proxies.proxy_for(target.scheme, host, target.port)) is None:
            found = await self._names.addresses(host, timings)
            return Route(self._checked(host, found, from_public=target.from_public))
        if (address := literal(host)) is not None:
            self._checked(host, (str(address),), from_public=target.from_public)
        try:
            return Route(await self._names.addresses(proxy.host, timings), proxy)
        except FeedFailed as failed:
            raise FeedFailed(failed.reason, f"proxy {proxy.redacted_url}: {failed.detail}") from failed

    def _checked(self, host: str, found: tuple[str, ...], *, from_public: bool) -> tuple[str, ...]:
        allowed = self._rules.permitted(found, from_public=from_public)
        if not allowed:
            addresses = "" if found == (host,) else f" ({', '.join(found[:4])})"
            raise FeedFailed("blocked-address", f"{host}{addresses} is not allowed")
        return allowed
