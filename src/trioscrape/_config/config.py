"""The settings of a scrape, checked when they are made."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any, Final

from .._errors import UsageError
from .name_servers import name_servers
from .proxies import Proxies
from .public_suffixes import PACKAGE, available
from .version import VERSION

MEBIBYTE: Final = 2**20

IPNetwork = IPv4Network | IPv6Network


class AddressPolicy(StrEnum):
    """Which addresses may be connected to."""

    LISTED = "listed"
    """A feed of the list may be at any address, but no redirect may lead from a public address to a
    private one."""
    PUBLIC = "public"
    """Public addresses only, for listed feeds too."""
    ANY = "any"
    """All addresses."""


class HostGrouping(StrEnum):
    """What counts as one host, for `Config.per_host` and `Config.host_delay`."""

    HOST = "host"
    """Each host name is a host of its own."""
    DOMAIN = "domain"
    """All names under one registrable domain (``example.co.uk``) are one host. Needs the extra
    ``trioscrape[domains]``."""
    ADDRESS = "address"
    """All names at one IP address are one host, as with hosting services. Names behind a proxy are not
    grouped."""


@dataclass(frozen=True, slots=True)
class Range:
    """The values that a number may have; the metadata of a `Config` field."""

    low: float
    high: float
    unit: str = ""
    """``s``, ``bytes``, ``bytes/s``, or empty for a count."""


def _number(default: Any, low: float, high: float, unit: str = "") -> Any:
    return field(default=default, metadata={"range": Range(low, high, unit)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of a scrape: lane widths, timeouts, limits, politeness, and how to reach servers.

    All durations are seconds.

    Raises:
      UsageError: a value is out of its range. The message names the setting and the range.
    """

    # Lanes

    dns_width: int = _number(32, 1, 1000)
    """Host names that are looked up at the same time."""
    # 1,000 threads that are stuck in getaddrinfo are 25 MB of memory and took 0.8 s to start. Of
    # 1,000 dead names among 1,000 healthy ones of 100 ms, fewer threads would hold up the healthy ones
    # for 11 s (500), 41 s (200) or 101 s (64); with none dead they take 3.2 s, with these 1.7 s.
    dns_abandoned: int = _number(1000, 0, 10_000)
    """Threads that may be stuck in lookups which have timed out, in addition to the `dns_width` that work.

    The C library can't be told to give up a lookup. When this many threads are stuck, new lookups wait.
    """
    http_width: int = _number(500, 1, 10_000)
    """Requests that are made at the same time."""
    parse_width: int = _number(os.cpu_count() or 1, 1, 256)
    """Worker processes that parse documents. The default is the number of CPUs."""
    store_width: int = _number(4, 1, 100)
    """Writes to the store at the same time. SQLite always has one."""
    in_flight: int = _number(1000, 1, 100_000)
    """Feeds that are processed at the same time, in all lanes together."""

    # Politeness

    per_host: int = _number(1, 1, 1000)
    """Feeds of one host that are fetched at the same time."""
    # With one feed at a time a host never gets more requests than it can just answer, and the hosts
    # with many feeds are services made for that, which say 429 when they mind. A second between them
    # would let 500 channels of one such service take nine minutes.
    host_delay: float = _number(0.0, 0, 3600, "s")
    """Pause between two feeds of the same host. Each pause is made longer by up to half, at random."""
    # Twelve feeds of a host that allows a request a minute; and a run from cron every quarter of an hour
    # ends before the next one begins.
    host_patience: float = _number(720.0, 0, 7 * 86400, "s")
    """How long a run waits for a host that allows only so many requests in a time (429, or 503 with
    Retry-After). Its feeds are spread over the time that it gives; those for which it gives none are left to
    the next run, in which they go first."""
    group_hosts_by: HostGrouping = HostGrouping.HOST
    """What counts as one host."""

    # Timeouts; what a feed waits for a lane is never charged to them

    lookup_timeout: float = _number(10.0, 0.01, 600, "s")
    """For one DNS lookup."""
    connect_timeout: float = _number(10.0, 0.01, 600, "s")
    """For connecting to a server: TCP, the tunnel through a proxy, and TLS together."""
    read_timeout: float = _number(15.0, 0.01, 600, "s")
    """For a server to send the next bytes."""
    fetch_timeout: float = _number(30.0, 0.01, 3600, "s")
    """For a whole fetch, from the first lookup to the end of the body, redirects included."""
    parse_timeout: float = _number(10.0, 0.01, 600, "s")
    """For parsing one document. The worker process is killed afterwards."""
    store_connect_timeout: float = _number(10.0, 0.01, 600, "s")
    """For connecting to the store."""
    store_timeout: float = _number(10.0, 0.01, 3600, "s")
    """For one write or read of the store. A write that has begun when the scrape is cancelled is still
    given this time."""
    outage_timeout: float = _number(300.0, 0, 7 * 86400, "s")
    """How long to wait for a store that accepts no writes before the scrape fails. 0: not at all."""
    wait_for_store: float = _number(0.0, 0, 7 * 86400, "s")
    """How long to wait for the end of another run that uses the store. 0: not at all."""
    # Docker and podman kill a container 10 s after SIGTERM, Kubernetes after 30.
    drain_timeout: float = _number(8.0, 0, 86400, "s")
    """For the feeds in flight to finish when the command gets SIGTERM or SIGHUP; what is left is cancelled.
    Ctrl-C waits for all of them. `Scrape.drain` has an argument of its own."""

    # Schedule

    interval: float = _number(0.0, 0, 365 * 86400, "s")
    """The least time between two fetches of a feed. A feed or its server may ask for more."""
    merge_duplicates: bool = False
    """Store the entries of a feed once, under the first of its URLs in the list that was fetched. The others,
    once they were shown to be the same feed (see `Result.same_as`), are fetched once a day to see whether
    they still are. What was stored of them before stays. A feed that leads to another one by redirects, or
    names it as its own URL (``rel=self``), is the duplicate of that one, whichever was fetched first."""
    ignore_schedule: bool = False
    """Fetch every feed now, also one that is fresh, backing off after failures, or gone."""

    # Limits

    body_limit: int = _number(16 * MEBIBYTE, 1, 2**31, "bytes")
    """The largest document that is accepted, compressed as well as decompressed."""
    bytes_in_flight: int = _number(256 * MEBIBYTE, 1, 2**40, "bytes")
    """The memory that all documents in flight may take together. Further fetches wait until some is free."""
    minimum_rate: float = _number(100.0, 0, 2**30, "bytes/s")
    """The average rate at which a body has to arrive. It is checked after 10 seconds of reading."""
    # feedparser takes 1.4 s for 10,000 small ones, nh3 as long again where they are large.
    entries_limit: int = _number(10_000, 1, 1_000_000)
    """How many entries of one document are stored: the first ones."""
    redirects: int = _number(10, 0, 100)
    """Redirects that are followed in one fetch."""
    look_ahead: int = _number(20_000, 1, 10_000_000)
    """How many feeds to read ahead in the list. When a host has many feeds in a row, this finds other hosts
    behind them."""

    # Archive

    warc: str | None = None
    """A folder in which everything that servers send is kept, in WARC files; None: it is not kept. The folder
    is made if need be, what it has already stays, and one process at a time writes to it."""

    # Requests

    address_policy: AddressPolicy = AddressPolicy.LISTED
    """Which addresses may be connected to."""
    allow_networks: tuple[str, ...] = ()
    """Networks (``10.0.0.0/8``, ``fd00::/8``) or single addresses that any feed may connect to, whatever
    `address_policy` says; a redirect may lead there too."""
    deny_networks: tuple[str, ...] = ()
    """Networks or single addresses that are never connected to, whatever the other two settings say."""
    resolver: str = "system"
    """Which resolver looks up host names.

    ``system`` is the C library's ``getaddrinfo``, in threads. ``dns`` queries the name servers of
    ``/etc/resolv.conf`` directly, without threads (see `NativeResolver`); ``dns:SERVER[:PORT][,…]``
    queries others, given by IP address.
    """
    http2: bool = False
    """Offer HTTP/2 to servers. It costs about 1 ms of CPU time for each new host."""
    ca_file: str | None = None
    """A PEM file of the certificate authorities to trust. None: those of the system."""
    http_proxy: str | None = field(default=None, repr=False)
    """The HTTP proxy for ``http://`` feeds, such as ``http://user:password@proxy.example:3128``. None:
    servers are contacted directly.

    A proxy resolves the host names of feeds, so only the proxy's own name is looked up here, and
    `address_policy` can judge only those feed URLs that have an IP address in place of a name.
    """
    https_proxy: str | None = field(default=None, repr=False)
    """The HTTP proxy for ``https://`` feeds, which are tunnelled through it."""
    no_proxy: tuple[str, ...] = ()
    """Hosts that are contacted directly: ``example.org`` (with its subdomains), ``192.0.2.0/24``, or ``*``
    for all."""
    user_agent: str = f"trioscrape/{VERSION}"
    """The User-Agent header (RFC 9110 §10.1.5), printable ASCII."""

    def __post_init__(self) -> None:
        for name, allowed in ranges().items():
            check(name, getattr(self, name), allowed)
        agent = self.user_agent
        if not agent.isascii() or not agent.isprintable() or agent != agent.strip() or not agent:
            raise UsageError("user_agent must be printable ASCII, not empty, without spaces at its ends")
        _choice(self, "address_policy", AddressPolicy)
        _choice(self, "group_hosts_by", HostGrouping)
        if self.group_hosts_by is HostGrouping.DOMAIN and not available():
            raise UsageError(
                f"group_hosts_by domain needs {PACKAGE}: python -m pip install 'trioscrape[domains]'"
            )
        for name in "allow_networks", "deny_networks":
            for text in getattr(self, name):
                network(name, text)
        _check_resolver(self.resolver)
        if self.warc == "":
            raise UsageError("warc must be the name of a folder, not empty")
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
    """The network that `text` stands for, an IPv4-mapped one (``::ffff:…``) as IPv4.

    Args:
      name: of the setting, for the message.
      text: ``10.0.0.0/8``, ``fd00::/8``, or an address.

    Raises:
      UsageError: it is not a network. Bits after the prefix are more likely a slip than meant.
    """
    try:
        net = ip_network(text)
    except ValueError:
        raise UsageError(
            f"{name} takes networks like 10.0.0.0/8 or fd00::/8, not {text!r}{_meant(text)}"
        ) from None
    first = net.network_address
    if isinstance(first, IPv6Address) and first.ipv4_mapped is not None and net.prefixlen >= 96:
        return IPv4Network((first.ipv4_mapped, net.prefixlen - 96))
    return net


def _meant(text: str) -> str:
    """A network with bits after its prefix, as it is written without them."""
    try:
        return f" (did you mean {ip_network(text, strict=False)}?)"
    except ValueError:
        return ""


def _check_resolver(text: str) -> None:
    try:
        name_servers(text)
    except ValueError:
        raise UsageError(
            "resolver must be system, dns, or dns:SERVER[:PORT] with the server's IP address"
            f" (several are separated by commas), not {text!r}"
        ) from None


def ranges() -> dict[str, Range]:
    """The numbers of `Config` by field name, in the order they are declared."""
    return {each.name: each.metadata["range"] for each in fields(Config) if "range" in each.metadata}


def check(name: str, value: float, allowed: Range) -> None:
    """Raise `UsageError` with the range in the message when `value` is outside of it (NaN is)."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not allowed.low <= value <= allowed.high:
        unit = f" {allowed.unit}" if allowed.unit else ""
        raise UsageError(f"{name} must be from {allowed.low:g} to {allowed.high:g}{unit}, not {value!r}")
