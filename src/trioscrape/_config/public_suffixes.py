"""Registrable domains, for counting all hosts of a domain as one."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import Final

from .proxies import literal

PACKAGE: Final = "publicsuffixlist"


def available() -> bool:
    """Whether the list of public suffixes is installed (the extra ``trioscrape[domains]``)."""
    return find_spec(PACKAGE) is not None


@lru_cache(maxsize=1)
def registrable_domains() -> Callable[[str], str]:
    """A function from a host name to its registrable domain, or to itself when it has none.

    Loads the list of the package `PACKAGE`, which takes 50 ms the first time; nothing is downloaded. Only the
    ICANN part of the list counts. The private part separates the blogs of a hosting service, as browsers need
    it, but here they are one: the servers of one company answer for all of them.
    """
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415 - an extra

    private_suffix = PublicSuffixList(only_icann=True).privatesuffix

    @lru_cache(maxsize=10_000)
    def domain(host: str) -> str:
        host = host.rstrip(".")
        return host if literal(host) is not None else private_suffix(host) or host

    return domain
