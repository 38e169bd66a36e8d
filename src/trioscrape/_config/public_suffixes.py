"""What belongs together on other people's servers: which hosts count as one."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import Final

from .proxies import literal

PACKAGE: Final = "publicsuffixlist"


def available() -> bool:
    """Whether there is a list of public suffixes here: it is an extra, ``trioscrape[domains]``."""
    return find_spec(PACKAGE) is not None


def registrable_domains() -> Callable[[str], str]:
    """The function from a host name to its registrable domain, or to itself when it has none.

    Loads the list, which takes 50 ms. It comes with the package `PACKAGE`; nothing is fetched. Of its
    two parts only ICANN's counts: to a browser the blogs of one hosting service are strangers to each
    other, but it is one company's servers that answer for all of them.
    """
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415 - an extra

    private_suffix = PublicSuffixList(only_icann=True).privatesuffix

    @lru_cache(maxsize=10_000)
    def domain(host: str) -> str:
        host = host.rstrip(".")
        return host if literal(host) is not None else private_suffix(host) or host

    return domain
