"""How a scrape gets by with the files that its process may open: each connection and each lookup is one."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from dataclasses import dataclass

from .._config.config import Config
from .._dns.caching import Resolver
from .._dns.native import SHARE_OF_FILES, NativeResolver
from .._http._transport import PARKED


@dataclass(frozen=True, slots=True)
class OpenFiles:
    """How many files each kind of work may have open."""

    limit: int
    """Of the process."""
    http_width: int
    parked: int
    """Idle connections."""
    dns_width: int
    dns_abandoned: int

    def remark(self, config: Config) -> str | None:
        """What people should know, if fewer requests than they want are made at once."""
        if self.http_width == config.http_width:
            return None
        return (
            f"only {self.limit:,} files may be open (ulimit -n), so {self.http_width:,} requests are made at "
            f"once, not {config.http_width:,}"
        )


def shared_out(config: Config, resolver: Resolver) -> OpenFiles:
    """What `config` says, as far as the files suffice that this process may open and has not opened yet.

    The limit is left as it is: it belongs to the application. An eighth of the files is for the rest of it,
    for worker processes that start, and for second addresses that are tried beside the first.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = 2**20 if soft == resource.RLIM_INFINITY else soft
    free = max(1, limit - len(os.listdir("/dev/fd")))
    lookups = limit // SHARE_OF_FILES if isinstance(resolver, NativeResolver) else free // 8
    rest = max(1, free - lookups)
    return OpenFiles(
        limit=limit,
        http_width=min(config.http_width, max(1, rest * 3 // 4)),
        parked=min(PARKED, rest // 8),
        dns_width=min(config.dns_width, max(1, lookups)),
        dns_abandoned=min(config.dns_abandoned, limit // 4),
    )


def allow_open_files(settings: Config) -> None:
    """Raise the soft limit on open files as far as the hard limit allows: macOS starts with 256."""
    # NativeResolver needs two files for each lookup, or three when it queries several servers.
    wanted = 4 * settings.http_width + 6 * (settings.dns_width + settings.dns_abandoned) + 256
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with suppress(OSError, ValueError):  # then it stays as it is
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
