"""The settings of a scrape, validated once; the command line makes its options from the same table."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from enum import StrEnum
from importlib.metadata import version
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any, Final

from .._errors import UsageError
from .name_servers import name_servers
from .proxies import Proxies
from .public_suffixes import PACKAGE, available

MEBIBYTE: Final = 2**20

IPNetwork = IPv4Network | IPv6Network


class AddressPolicy(StrEnum):
    """Which addresses may be connected to."""

    LISTED = "listed"
    """A feed of the list may be anywhere; a redirect may not lead from a public address to another kind."""
    PUBLIC = "public"
    """Public addresses only, for listed feeds too."""
    ANY = "any"
    """No limit."""


class HostGrouping(StrEnum):
    """Which names count as one host, for `Config.per_host` and `Config.host_delay`."""

    HOST = "host"
    """Each name is a host of its own."""
    DOMAIN = "domain"
    """All names below one registrable domain, ``example.co.uk``; needs the extra ``domains``."""
    ADDRESS = "address"
    """All names at one address, which is what a hosting service has for many. A proxy's does not count."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a number means and which values it may have; the metadata of a `Config` field."""

    group: str
    help: str
    low: float
    high: float
    unit: str = ""


def _number(default: Any, group: str, text: str, low: float, high: float, unit: str = "") -> Any:
    return field(default=default, metadata={"setting": Setting(group, text, low, high, unit)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """How wide the lanes are, how long things may take, how large they may be.

    Raises:
      UsageError: a value is out of its range; the message names the range.
    """

    dns_width: int = _number(32, "lanes", "lookups at once", 1, 1000)
    # 1,000 threads that are stuck in getaddrinfo are 25 MB of memory and took 0.8 s to start. Of
    # 1,000 dead names among 1,000 healthy ones of 100 ms, fewer threads would hold up the healthy ones
    # for 11 s (500), 41 s (200) or 101 s (64); with none dead they take 3.2 s, with these 1.7 s.
    dns_abandoned: int = _number(
        1000, "lanes", "lookups that are stuck, beside those; a thread each while they are", 0, 10_000
    )
    http_width: int = _number(500, "lanes", "fetches at once", 1, 10_000)
    parse_width: int = _number(os.cpu_count() or 1, "lanes", "parser processes", 1, 256)
    store_width: int = _number(4, "lanes", "writes at once (SQLite: always 1)", 1, 100)
    in_flight: int = _number(1000, "lanes", "feeds under way at once, stuck lookups not counted", 1, 100_000)

    per_host: int = _number(1, "politeness", "feeds under way at once of one host", 1, 1000)
    # With one feed at a time a host is never asked for more than it can just answer, and the hosts
    # with many feeds are services made for that, which say 429 when they mind. A second between them
    # would let 500 channels of one such service take nine minutes.
    host_delay: float = _number(
        0.0, "politeness", "between a host's feeds, at least; up to half as much more", 0, 3600, "s"
    )
    group_hosts_by: HostGrouping = HostGrouping.HOST

    lookup_timeout: float = _number(10.0, "timeouts", "for one lookup", 0.01, 600, "s")
    connect_timeout: float = _number(
        10.0, "timeouts", "for TCP, a proxy's tunnel and TLS together", 0.01, 600, "s"
    )
    read_timeout: float = _number(15.0, "timeouts", "without a byte from the server", 0.01, 600, "s")
    fetch_timeout: float = _number(
        30.0, "timeouts", "for a whole fetch, redirects included, queues not", 0.01, 3600, "s"
    )
    parse_timeout: float = _number(10.0, "timeouts", "for parsing one document", 0.01, 600, "s")
    store_connect_timeout: float = _number(
        10.0, "timeouts", "for the store to answer at first", 0.01, 600, "s"
    )
    store_timeout: float = _number(
        10.0,
        "timeouts",
        "for one write, and for the write in hand when the scrape is cancelled",
        0.01,
        3600,
        "s",
    )
    outage_timeout: float = _number(
        300.0, "timeouts", "for a store that takes nothing to come back; 0: none", 0, 7 * 86400, "s"
    )

    interval: float = _number(0.0, "schedule", "between two fetches of a feed, at least", 0, 365 * 86400, "s")

    body_limit: int = _number(
        16 * MEBIBYTE, "limits", "of one document, on the wire and decoded", 1, 2**31, "bytes"
    )
    bytes_in_flight: int = _number(
        256 * MEBIBYTE, "limits", "of all documents that are held at once", 1, 2**40, "bytes"
    )
    minimum_rate: float = _number(
        100.0, "limits", "at which a body has to come after 10 s of reading", 0, 2**30, "bytes/s"
    )
    # feedparser takes 1.4 s for 10,000 small ones, nh3 as long again where they are large.
    entries_limit: int = _number(
        10_000, "limits", "entries of one document that are taken, the first ones", 1, 1_000_000
    )
    redirects: int = _number(10, "limits", "redirects to follow", 0, 100)
    look_ahead: int = _number(
        20_000, "limits", "feeds read ahead of their turn, so that no host holds up another", 1, 10_000_000
    )

    address_policy: AddressPolicy = AddressPolicy.LISTED
    allow_networks: tuple[str, ...] = ()
    """Networks (``10.0.0.0/8``, ``fd00::/8``, single addresses) open to every feed, also by a redirect."""
    deny_networks: tuple[str, ...] = ()
    """Networks closed to every feed, whatever `address_policy` and `allow_networks` say."""
    ignore_schedule: bool = False
    """Ask every feed now, also one that is fresh, fails again and again, or is gone."""
    resolver: str = "system"
    """Who looks names up: ``system``; ``dns``, the name servers of /etc/resolv.conf without the system's
    help (see `NativeResolver`); ``dns:SERVER[:PORT][,…]``, others."""
    http2: bool = False
    ca_file: str | None = None
    """Certificate authorities to trust, a PEM file; None: the system's."""
    http_proxy: str | None = field(default=None, repr=False)
    """The HTTP proxy for ``http://`` feeds, ``http://user:password@proxy.example:3128``; None: none.

    It looks their names up: the dns lane and `address_policy` then see the proxy's name alone.
    """
    https_proxy: str | None = field(default=None, repr=False)
    """The one for ``https://`` feeds, which go through it in a tunnel."""
    no_proxy: tuple[str, ...] = ()
    """Hosts that are reached directly: ``example.org`` and all below it, ``192.0.2.0/24``, ``*``."""
    user_agent: str = f"trioscrape/{version('trioscrape')}"

    def __post_init__(self) -> None:
        for name, setting in settings().items():
            check(name, getattr(self, name), setting)
        agent = self.user_agent
        if not agent.isascii() or not agent.isprintable() or agent != agent.strip() or not agent:
            raise UsageError("user_agent must be printable ASCII (RFC 9110 §10.1.5)")
        _choice(self, "address_policy", AddressPolicy)
        _choice(self, "group_hosts_by", HostGrouping)
        if self.group_hosts_by is HostGrouping.DOMAIN and not available():
            raise UsageError(
                f"grouping hosts by domain needs {PACKAGE}: python -m pip install 'trioscrape[domains]'"
            )
        for name in "allow_networks", "deny_networks":
            for text in getattr(self, name):
                network(name, text)
        _check_resolver(self.resolver)
        _ = self.proxies

    @property
    def proxies(self) -> Proxies:
        """Which URL goes through which proxy."""
        return Proxies(self.http_proxy, self.https_proxy, self.no_proxy)


def _choice(config: Config, name: str, choices: type[StrEnum]) -> None:
    """Let a plain string be one of `choices` too."""
    value = getattr(config, name)
    try:
        object.__setattr__(config, name, choices(value))
    except ValueError:
        raise UsageError(f"{name} must be one of {', '.join(choices)}, not {value!r}") from None


def network(name: str, text: str) -> IPNetwork:
    """The network that `text` names, one of the list `name`; a mapped IPv4 one (``::ffff:…``) as IPv4.

    Raises:
      UsageError: it names none; bits to the right of the prefix are likelier a slip than meant.
    """
    try:
        net = ip_network(text)
    except ValueError as error:
        raise UsageError(f"{name} must be networks like 10.0.0.0/8 or fd00::/8: {error}") from None
    first = net.network_address
    if isinstance(first, IPv6Address) and first.ipv4_mapped is not None and net.prefixlen >= 96:
        return IPv4Network((first.ipv4_mapped, net.prefixlen - 96))
    return net


def _check_resolver(text: str) -> None:
    try:
        name_servers(text)
    except ValueError:
        example = "dns:SERVER[:PORT] with an IP address for SERVER, or several with commas between"
        raise UsageError(f"resolver must be system, dns or {example}; not {text!r}") from None


def settings() -> dict[str, Setting]:
    """The numbers of `Config` by field name, in the order they are declared."""
    return {f.name: f.metadata["setting"] for f in fields(Config) if "setting" in f.metadata}


def check(name: str, value: float, setting: Setting) -> None:
    """Raise `UsageError` with the range in the message when `value` is outside of it (NaN is)."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not setting.low <= value <= setting.high:
        unit = f" {setting.unit}" if setting.unit else ""
        raise UsageError(f"{name} must be from {setting.low:g} to {setting.high:g}{unit}, not {value!r}")
