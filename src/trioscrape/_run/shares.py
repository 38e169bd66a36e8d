"""How a list is divided between processes: all feeds of a host, or of a domain, go to the same one.

Then one process alone sees to it that a host gets one request at a time, and that it gets no more of them
than it allows. A stable hash of the host decides, which is the same in every process, run and version.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from .._config.config import HostGrouping
from .._config.public_suffixes import registrable_domains
from .._errors import UsageError
from .._records import Feed
from .._urls import DEFAULT_PORTS, normalised, problem_with
from .candidates import host_of

# The usual forms of a URL, which can be normalised without `urlsplit`, in a tenth of the time. All others are
# left to `normalised`: those with a user name, an IPv6 address, a host in Unicode or with a dot at its end, a
# port above 59999 or with zeros before it, or an empty query. The characters that are excluded from path,
# query and fragment are those that `problem_with` objects to.
_USUAL: Final = re.compile(
    r"""([Hh][Tt][Tt][Pp][Ss]?)://
    ([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)
    (:(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}))?
    (/[^\x00-\x20\x7f\ud800-\udfff?\#]*)?
    (\?[^\x00-\x20\x7f\ud800-\udfff\#]+)?
    (?:\#[^\x00-\x20\x7f\ud800-\udfff]*)?""",
    re.VERBOSE,
)


class Place(NamedTuple):
    """Where a feed of a list belongs."""

    group: str
    """Its host or domain; empty: it has none, because it is no URL of a feed."""
    key: str
    """Its normalised URL: two lines with the same one are the same feed; empty: it is no URL of a feed."""


def place(feed: Feed, group: Callable[[str], str]) -> Place:
    """Where `feed` belongs when hosts are grouped by `group`, see `grouping`."""
    url = feed.url
    if usual := _USUAL.fullmatch(url):
        scheme, host, port, path, query = usual.groups("")
        scheme, host = scheme.lower(), host.lower()
        port = "" if port == f":{DEFAULT_PORTS[scheme]}" else port
        return Place(group(host), f"{scheme}://{host}{port}{path or '/'}{query}")
    if problem_with(url):
        return Place("", "")
    key = normalised(url)
    return Place(group(host_of(key)), key)


def grouping(by: HostGrouping, what: str) -> Callable[[str], str]:
    """A function from a host to what its feeds are grouped by.

    Args:
      by: what counts as one host.
      what: the option that divides the list, for the message.

    Raises:
      UsageError: hosts would have to be grouped by address.
    """
    if by is HostGrouping.ADDRESS:
        raise UsageError(
            f"{what} divides the list by host or by domain, and can't be combined with grouping by address: "
            "the addresses are not known before the lookups"
        )
    return registrable_domains() if by is HostGrouping.DOMAIN else str


def number_of(text: str, numbers: int) -> int:
    """A number from 0 to ``numbers - 1`` that depends on `text` alone."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % numbers
