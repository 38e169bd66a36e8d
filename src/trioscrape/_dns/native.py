"""Lookups without a thread: dnspython's stub resolver on trio. `queries` has the part that is dnspython's."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from .._threads import in_thread
from .caching import ResolvedAddresses

if TYPE_CHECKING:
    from .queries import Queries

RESOLV_CONF: Final = Path("/etc/resolv.conf")
HOSTS: Final = Path("/etc/hosts")

SHARE_OF_FILES: Final = 3
"""One in so many of the files that the process may open is a lookup's socket, at the most. Nothing but
time ends a lookup of a dead name, and a process without files left can't fetch anything."""
_SOCKETS: Final = 2
"""Of a lookup: one for each address family."""


class NativeResolver:
    """Queries name servers directly, without threads. A cancelled lookup ends at once.

    It reads /etc/hosts, and name servers, search list, ndots and timeout from /etc/resolv.conf, once, when
    the first name is looked up. It does not know nsswitch.conf, mDNS, or the per-network resolvers of macOS
    and VPNs; use `SystemResolver` there. IPv4 and IPv6 addresses are queried at the same time, answers are
    valid for their TTL, CNAMEs are followed, and truncated answers are fetched again over TCP.

    Each lookup opens two sockets with random ports. When they are a third of the files that the process may
    open, further lookups wait; the timeout does not run meanwhile.

    Args:
      timeout: seconds for one lookup with all its attempts.
      servers: address and port of each name server; none for those of /etc/resolv.conf.
      resolv_conf: instead of /etc/resolv.conf.
      hosts: instead of /etc/hosts.
    """

    def __init__(
        self,
        *,
        timeout: float,
        servers: Sequence[tuple[str, int]] = (),
        resolv_conf: Path = RESOLV_CONF,
        hosts: Path = HOSTS,
    ) -> None:
        self._timeout = timeout
        self._servers = tuple(servers)
        self._resolv_conf, self._hosts = resolv_conf, hosts
        self._lookups = trio.CapacityLimiter(_lookups_at_most())
        self._setting_up = trio.Lock()
        self._queries: Queries | None = None

    async def resolve(self, host: str) -> ResolvedAddresses:
        """See `Resolver.resolve`."""
        queries = self._queries or await self._set_up()
        if (listed := queries.listed(host)) is not None:
            await trio.lowlevel.checkpoint()
            return ResolvedAddresses(listed)
        name = queries.name(host)
        async with self._lookups:
            return await queries.addresses(name)

    async def _set_up(self) -> Queries:
        # Not on the loop: to import dnspython takes a fifth of a second, and a hosts file may be long.
        async with self._setting_up:
            if self._queries is None:
                limiter = trio.CapacityLimiter(1)
                self._queries = await in_thread(self._read_files, limiter=limiter, abandon_on_cancel=True)
            return self._queries

    def _read_files(self) -> Queries:
        from .queries import Queries  # noqa: PLC0415 - see above

        return Queries(self._timeout, self._servers, self._resolv_conf, self._hosts)


def _lookups_at_most() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = 2**20 if soft == resource.RLIM_INFINITY else soft
    return max(1, files // SHARE_OF_FILES // _SOCKETS)
