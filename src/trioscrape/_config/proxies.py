"""Which URL goes through which proxy. The variables of the environment are read by the command line only."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from .._errors import UsageError
from .._urls import ascii_host


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy (RFC 9110 §3.7), spoken to without TLS."""

    host: str
    port: int
    userinfo: bytes = field(default=b"", repr=False)
    """``user:password`` as in the URL, percent-encoded. Empty: there is none."""

    @property
    def redacted_url(self) -> str:
        """Its URL without credentials."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


def proxy(name: str, url: str) -> Proxy:
    """The proxy at `url`, which is the value of the setting `name`. A scheme of http may be left out.

    Raises:
      UsageError: it is not the URL of an HTTP proxy. The message repeats it unless it may contain a password.
    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host = ascii_host(parts.hostname or "")
        port = 80 if parts.port is None else parts.port
    except ValueError:  # UnicodeError is one
        host, port = "", 0
    host = host if max(map(len, host.split("."))) <= 63 else ""  # RFC 1035 §2.3.4
    nothing_else = host and parts.path in ("", "/") and not parts.query and not parts.fragment
    if not nothing_else or parts.scheme != "http" or port == 0 or not url.isprintable() or " " in url:
        given = "the one given" if "@" in url else repr(url)
        raise UsageError(f"{name} must be an HTTP proxy like http://proxy.example:3128, not {given}")
    return Proxy(host, port, parts.netloc.rpartition("@")[0].encode())


class Proxies:
    """The proxy for each URL, or none.

    ``localhost`` and loopback addresses never go through a proxy: they would mean the proxy's machine.

    Args:
      http: the URL of the proxy for ``http://`` URLs.
      https: the URL of the proxy for ``https://`` URLs.
      direct: hosts that are contacted directly. ``example.org`` and ``.example.org`` both stand for that
        name and its subdomains, ``192.0.2.0/24`` for URLs with such an address in place of a name (no name
        is looked up), and ``*`` for all. ``example.org:8080`` stands for that port only.

    Raises:
      UsageError: see `proxy`.
    """

    def __init__(self, http: str | None, https: str | None, direct: Sequence[str] = ()) -> None:
        self._by_scheme = {
            "http": None if http is None else proxy("http_proxy", http),
            "https": None if https is None else proxy("https_proxy", https),
        }
        entries = [entry.strip().lower() for entry in direct]
        self._all_direct = "*" in entries
        self._networks = [net for entry in entries if (net := _network(entry)) is not None]
        self._names = [_name_and_port(entry) for entry in entries if entry and _network(entry) is None]

    @property
    def redacted_urls(self) -> tuple[str, ...]:
        """The URLs of the proxies that are used, without credentials, each once."""
        used = () if self._all_direct else self._by_scheme.values()
        return tuple(dict.fromkeys(each.redacted_url for each in used if each is not None))

    def proxy_for(self, scheme: str, host: str, port: int) -> Proxy | None:
        """The proxy that a URL of `scheme` at `host` and `port` goes through; None: it goes directly."""
        host = host.lower().rstrip(".")
        return None if self._goes_directly(host, port) else self._by_scheme[scheme]

    def _goes_directly(self, host: str, port: int) -> bool:
        address = literal(host)
        if self._all_direct or _is_localhost(host) or (address is not None and address.is_loopback):
            return True
        if address is not None and any(address in net for net in self._networks):
            return True
        return any(
            (host == name or host.endswith(f".{name}")) and only in (None, port) for name, only in self._names
        )


def literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that `host` stands for, old spellings (``127.1``, ``0x7f000001``, ``2130706433``) included.

    `socket.getaddrinfo` accepts these, and so may a proxy.
    """
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):  # UnicodeError is a ValueError
        return None


def _is_localhost(host: str) -> bool:
    """RFC 6761 §6.3."""
    return host == "localhost" or host.endswith(".localhost")


def _network(entry: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return None


def _name_and_port(entry: str) -> tuple[str, int | None]:
    name, colon, port = entry.rpartition(":")
    only = int(port) if colon and port.isdecimal() else None
    name = (entry if only is None else name).strip("[]").removeprefix("*").strip(".")
    with suppress(ValueError):  # then it matches no host
        name = ascii_host(name)
    return name, only
