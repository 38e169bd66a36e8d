"""What a name server is asked, and the files that say which one: all that is dnspython's of a lookup."""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
import trio

from .caching import ResolvedAddresses
from .sockets import Sockets

OTHER_FAMILY: Final = 1.0
"""Seconds to wait for the second family once the first has addresses. RFC 8305 §3 has 50 ms, but
lets a late answer join in; ours is kept as it is. Some servers never answer for AAAA at all."""

_ADDRESS_TYPES: Final = (dns.rdatatype.AAAA, dns.rdatatype.A)
_NOT_IN_THE_DNS: Final = {"local", "onion", "invalid"}
"""Names that are never queried: RFC 6762 §22.1, RFC 7686 §2, RFC 6761 §6.4."""


class Queries:
    """Looks names up in a hosts file and at name servers. Made in a thread: it reads files.

    Args:
      timeout, servers, resolv_conf, hosts: see `NativeResolver`.
    """

    def __init__(
        self, timeout: float, servers: Sequence[tuple[str, int]], resolv_conf: Path, hosts: Path
    ) -> None:
        self._timeout = timeout
        self._resolver = resolver = _configured(resolv_conf)
        if servers:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(*server) for server in servers]
        resolver.use_search_by_default = True
        # The deadline is trio's matter: dnspython goes by the wall clock, which may be set.
        resolver.lifetime = 2 * timeout
        self._listed = _read_hosts(hosts)

    def listed(self, host: str) -> tuple[str, ...] | None:
        """The addresses that the hosts file has for `host`; None: it has not got it."""
        return self._listed.get(host.lower())

    @staticmethod
    def name(host: str) -> dns.name.Name:
        """`host` as a name of the DNS.

        Raises:
          socket.gaierror: it can't be one.
        """
        last = host.rpartition(".")[2]
        # A last label of digits is the end of an address in an old notation, 127.1 say. The C library
        # takes it for one; a name server would be asked for a domain that can't exist.
        if last in _NOT_IN_THE_DNS or last.isdigit():
            raise socket.gaierror(socket.EAI_NONAME, f"there are no names under .{last} in the DNS")
        try:
            return dns.name.from_text(host, None)
        except dns.exception.DNSException as error:
            raise socket.gaierror(socket.EAI_NONAME, f"not a name of the DNS: {error}") from error

    async def addresses(self, name: dns.name.Name) -> ResolvedAddresses:
        """See `Resolver.resolve`."""
        families = [_Family(rdtype) for rdtype in _ADDRESS_TYPES]
        with trio.move_on_after(self._timeout):
            async with trio.open_nursery() as nursery:
                for family in families:
                    nursery.start_soon(family.ask, self._resolver, name, nursery.cancel_scope)
        addresses = [address for family in families for address in family.addresses]
        if addresses:
            return ResolvedAddresses(addresses, min(family.ttl for family in families if family.addresses))
        for family in families:
            if family.error is not None:
                raise family.error
        if all(family.answered for family in families):
            raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        raise TimeoutError(f"no answer within {self._timeout:g} s")


class _Family:
    """What is found out about the addresses of one family."""

    def __init__(self, rdtype: dns.rdatatype.RdataType) -> None:
        self._rdtype = rdtype
        self.answered = False
        self.addresses: tuple[str, ...] = ()
        self.ttl = 0.0
        self.error: OSError | None = None

    async def ask(
        self, resolver: dns.asyncresolver.Resolver, name: dns.name.Name, both: trio.CancelScope
    ) -> None:
        """Query one family; see `OTHER_FAMILY` for how long the other one is waited for."""
        try:
            found = await resolver.resolve(name, self._rdtype, backend=_SOCKETS, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:  # for no type at all (RFC 8020 §2)
            self.error = socket.gaierror(socket.EAI_NONAME, "the name does not exist")
            both.cancel(reason="the name does not exist")
        except dns.exception.Timeout:
            pass
        except dns.exception.DNSException as error:
            self.error = socket.gaierror(socket.EAI_AGAIN, _in_words(error))
        else:
            self.answered = True
            self.addresses = tuple(record.to_text() for record in found.rrset or ())
            self.ttl = found.chaining_result.minimum_ttl
            if self.addresses:
                both.deadline = min(both.deadline, trio.current_time() + OTHER_FAMILY)


_SOCKETS: Final = Sockets()


def _in_words(error: dns.exception.DNSException) -> str:
    """What the last name server that was asked had to say, if there is one."""
    said = error.kwargs.get("errors") if isinstance(error, dns.resolver.NoNameservers) else None
    return f"the name server {said[-1][0]} answered {said[-1][3]}" if said else str(error)


def _configured(resolv_conf: Path) -> dns.asyncresolver.Resolver:
    """As the file says; without one, or with one that makes no sense, the name server of this machine."""
    try:
        return dns.asyncresolver.Resolver(str(resolv_conf))
    except (dns.exception.DNSException, OSError, ValueError):
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        return resolver


def _read_hosts(path: Path) -> Mapping[str, tuple[str, ...]]:
    """The addresses of each name, in the order of the file (hosts(5)); none without a file."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        try:
            shown = str(ip_address(address))
        except ValueError:
            continue
        for name in names:
            found[name.lower()].append(shown)
    return {name: tuple(dict.fromkeys(addresses)) for name, addresses in found.items()}
