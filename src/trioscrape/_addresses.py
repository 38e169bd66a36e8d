"""The address policy: which resolved addresses may be connected to.

It is asked about the very addresses that the connection then goes to, for every hop of every
fetch, so a name that answers differently the second time (DNS rebinding) gains nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from ._config import AddressPolicy

# The IANA special-purpose registries (RFC 6890 and successors), spelled out: what
# `ipaddress.is_global` answers differs between patch releases of one Python, and it calls
# multicast, NAT64 of 127.0.0.1 and 6to4 of it global.
_NOT_PUBLIC_V4 = tuple(
    ip_network(net)
    for net in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, RFC 6598
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local and the clouds' metadata services
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks, RFC 2544
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# IANA gives out global unicast from 2000::/3 alone (RFC 4291 §2.4); all else is refused unless it
# is a wrapper of IPv4 that real networks use. Teredo (inside 2001::/23) and 6to4 are retired
# (RFC 7526) and can hide any IPv4 address: refused whole.
_GLOBAL_V6 = ip_network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    ip_network(net)
    for net in (
        "2001::/23",  # protocol assignments, Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation, RFC 9637
    )
)
# Hosts without IPv4 reach all of IPv4 through this prefix (RFC 6052), so it has to stay open.
_NAT64 = ip_network("64:ff9b::/96")


@lru_cache(maxsize=4096)
def is_public(address: str) -> bool:
    """Whether a packet to `address` can only reach the public internet.

    IPv4 inside of IPv6 (mapped, NAT64) is judged as the IPv4 address it leads to.
    """
    ip: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(ip, IPv6Address):
        if ip.scope_id is not None:
            return False
        inner = ip.ipv4_mapped or (IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        if inner is None:
            return ip in _GLOBAL_V6 and not any(ip in net for net in _NOT_PUBLIC_V6)
        ip = inner
    return not any(ip in net for net in _NOT_PUBLIC_V4)


def permitted(addresses: Sequence[str], policy: AddressPolicy, *, from_public: bool) -> tuple[str, ...]:
    """Those of `addresses` that may be connected to, in their order.

    Args:
      addresses: what the name resolved to.
      policy: see `AddressPolicy`.
      from_public: whether a server at a public address sent us here by a redirect.
    """
    if policy is AddressPolicy.ANY or (policy is AddressPolicy.LISTED and not from_public):
        return tuple(addresses)
    return tuple(address for address in addresses if is_public(address))
