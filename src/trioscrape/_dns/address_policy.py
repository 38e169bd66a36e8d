"""The address policy: which resolved addresses may be connected to.

It is applied to the very addresses that the connection then goes to, for every hop of every fetch, so a
name that resolves to another address the second time (DNS rebinding) gains nothing.

There are three rules, and the first that applies decides: a denied network is refused, an allowed network
is accepted, and the policy decides about the rest. An IPv6 address that contains IPv4 addresses (mapped,
NAT64, 6to4, …) is denied if it or one of them is, and allowed if it or all of them are.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from .._config.config import AddressPolicy, Config, IPNetwork, network

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
        "168.63.129.16/32",  # Azure's service for its own machines: in public space, yet no public server
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
# Ways to write IPv4 inside of IPv6, and how far to the right its 32 bits have to be moved.
_EMBEDDINGS = tuple(
    (ip_network(net), shift)
    for net, shift in (
        ("::ffff:0:0/96", 0),  # mapped, RFC 4291 §2.5.5.2: the kernel sends IPv4 packets for it
        ("::/96", 0),  # compatible, RFC 4291 §2.5.5.1
        ("::ffff:0:0:0/96", 0),  # translated, RFC 2765
        ("64:ff9b::/96", 0),  # NAT64, RFC 6052
        ("64:ff9b:1::/48", 0),  # NAT64 for local use, RFC 8215, as nearly everybody lays it out
        ("2002::/16", 80),  # 6to4, RFC 3056
        ("2001::/32", 64),  # Teredo, RFC 4380: the server …
    )
)
_TEREDO = ip_network("2001::/32")  # … and the client, bit by bit inverted
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


_Address = IPv4Address | IPv6Address


def embedded(ip: _Address) -> tuple[IPv4Address, ...]:
    """Every IPv4 address that a packet to the IPv6 address `ip` may end up at."""
    if isinstance(ip, IPv4Address) or int(ip) <= 1:  # "::" and "::1" hold none, RFC 4291 §2.5.5.1
        return ()
    found = [IPv4Address(int(ip) >> shift & 0xFFFFFFFF) for net, shift in _EMBEDDINGS if ip in net]
    if ip in _TEREDO:
        found.append(IPv4Address(~int(ip) & 0xFFFFFFFF))
    return tuple(found)


@lru_cache(maxsize=4096)
def is_public(address: str) -> bool:
    """Whether a packet to `address` can only reach the public internet.

    IPv4 inside of IPv6 (mapped, NAT64) is judged as the IPv4 address it leads to.
    """
    ip: _Address = ip_address(address)
    if isinstance(ip, IPv6Address):
        if ip.scope_id is not None:
            return False
        inner = ip.ipv4_mapped or (embedded(ip)[0] if ip in _NAT64 else None)
        if inner is None:
            return ip in _GLOBAL_V6 and not any(ip in net for net in _NOT_PUBLIC_V6)
        ip = inner
    return not any(ip in net for net in _NOT_PUBLIC_V4)


class AddressRules:
    """The policy with the networks that are denied and allowed whatever it says.

    Args:
      policy: see `AddressPolicy`.
      allow: networks (CIDR) that may be connected to, also by a redirect.
      deny: networks that may not; stronger than `allow` and than `AddressPolicy.ANY`.

    Raises:
      UsageError: what should be a network is none.
    """

    def __init__(self, policy: AddressPolicy, allow: Sequence[str] = (), deny: Sequence[str] = ()) -> None:
        self._policy = policy
        self._allow = tuple(network("allow", text) for text in allow)
        self._deny = tuple(network("deny", text) for text in deny)

    @classmethod
    def of(cls, config: Config) -> AddressRules:
        """The rules that `config` asks for."""
        return cls(config.address_policy, config.allow_networks, config.deny_networks)

    def permitted(self, addresses: Sequence[str], *, from_public: bool) -> tuple[str, ...]:
        """Those of `addresses` that may be connected to, in their order.

        Args:
          addresses: what the name resolved to.
          from_public: whether a server at a public address sent us here by a redirect.
        """
        return tuple(address for address in addresses if self._permits(address, from_public=from_public))

    def _permits(self, address: str, *, from_public: bool) -> bool:
        if self._allow or self._deny:
            ip = ip_address(address)
            inside = embedded(ip)
            if any(_within(each, self._deny) for each in (ip, *inside)):
                return False
            if _within(ip, self._allow) or (inside and all(_within(each, self._allow) for each in inside)):
                return True
        if self._policy is AddressPolicy.ANY or (self._policy is AddressPolicy.LISTED and not from_public):
            return True
        return is_public(address)


def _within(ip: _Address, networks: Sequence[IPNetwork]) -> bool:
    return any(ip in net for net in networks)
