"""The command-line options for the settings in `Config`: names, help texts, and how values are read."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, Final

from .._config.config import Config, Range, check, ranges
from .._config.proxies import proxy
from .._errors import UsageError
from .durations import seconds
from .parser import OptionSection, Parser

Texts = Mapping[str, tuple[str, str]]
"""By setting: what stands for the value, and what the help page says."""

SCHEDULE: Final[Texts] = {
    "interval": ("TIME", "fetch each feed at most once in this time, such as 15m or 2h"),
    "host_delay": ("TIME", "pause between two feeds of the same host"),
}
LANES: Final[Texts] = {
    "dns_width": ("N", "look up N host names at once"),
    "dns_abandoned": ("N", "allow N more threads for lookups that have timed out and are stuck"),
    "http_width": ("N", "make N requests at once"),
    "parse_width": ("N", "parse documents in N processes"),
    "store_width": ("N", "make N writes at once; SQLite always makes one"),
    "in_flight": ("N", "process N feeds at once, in all lanes together"),
    "per_host": ("N", "fetch N feeds of the same host at once"),
    "host_patience": ("TIME", "wait this long in a run for a host that limits the rate of requests"),
}
TIMEOUTS: Final[Texts] = {
    "lookup_timeout": ("TIME", "for one DNS lookup"),
    "connect_timeout": ("TIME", "for connecting to a server: TCP, proxy tunnel and TLS"),
    "read_timeout": ("TIME", "for a server to send the next bytes"),
    "fetch_timeout": ("TIME", "for a whole fetch, redirects included"),
    "parse_timeout": ("TIME", "for parsing one document"),
    "store_connect_timeout": ("TIME", "for connecting to the store"),
    "store_timeout": ("TIME", "for one write or read of the store"),
    "outage_timeout": ("TIME", "how long to wait for a store that accepts no writes; 0 means not at all"),
    "wait_for_store": ("TIME", "how long to wait for another run on the same store to end"),
    "drain_timeout": ("TIME", "for the feeds in flight to finish after SIGTERM or SIGHUP"),
}
LIMITS: Final[Texts] = {
    "body_limit": ("SIZE", "largest document to accept, compressed or decompressed"),
    "bytes_in_flight": ("SIZE", "memory for all documents in flight together"),
    "minimum_rate": (
        "BYTES",
        "give up a download that averages fewer bytes per second, judged after 10 seconds",
    ),
    "entries_limit": ("N", "store the first N entries of a document"),
    "redirects": ("N", "follow up to N redirects in one fetch"),
    "look_ahead": ("N", "read N feeds ahead in the list, to find hosts that are not busy"),
}
_MULTIPLES: Final = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_SIZE: Final = re.compile(r"(\d+)\s*([a-z]*)", re.IGNORECASE | re.ASCII)
_KINDS: Final = {
    "": "a whole number",
    "s": "a number of seconds, or a duration such as 15m,",
    "bytes": "a size",
    "bytes/s": "a number of bytes per second",
}
"""What a value is, by its unit."""
_OTHER_NAMES: Final = {"allow_networks": "--allow-network", "deny_networks": "--deny-network"}
"""Options whose names differ from their setting's."""


def add_numbers(section: OptionSection, texts: Texts) -> None:
    """An option for each setting that is a number."""
    for name, (metavar, text) in texts.items():
        section.add(_option(name), metavar=metavar, text=f"{text} (default: {_shown_default(name)})")


def add_rare_options(parser: Parser) -> None:
    """The options of a scrape that few people need, in sections that only ``--help-all`` shows."""
    add_numbers(parser.section("Concurrency", rare=True), LANES)
    timeouts = parser.section(
        "Timeouts (such as 30, 500ms or 2m; waiting for a lane is not counted)", rare=True
    )
    add_numbers(timeouts, TIMEOUTS)
    add_numbers(parser.section("Limits", rare=True), LIMITS)
    parser.section("Archive", rare=True).add(
        "--warc",
        metavar="DIR",
        text="keep everything that servers send in WARC files in this folder, for 'trioscrape replay'",
    )
    add_merge_option(parser.section("Duplicates", rare=True))
    network = parser.section("Network", rare=True)
    network.add(
        "--group-hosts-by",
        metavar="WHAT",
        text="what counts as one host: host (each name), domain (all names under one registrable domain,"
        " such as example.co.uk; needs trioscrape[domains]) or address (all names at one IP address)"
        f" (default: {_default('group_hosts_by')})",
    )
    network.add(
        "--address-policy",
        metavar="WHICH",
        text="addresses to connect to: public (public ones only), listed (feeds may be anywhere, but no"
        " redirect may lead from a public address to a private one) or any"
        f" (default: {_default('address_policy')})",
    )
    network.add(
        "--allow-network",
        metavar="NETWORK",
        action="append",
        text="always allow this network, such as 10.0.0.0/8; may be repeated",
    )
    network.add(
        "--deny-network",
        metavar="NETWORK",
        action="append",
        text="never connect to this network; may be repeated",
    )
    network.add(
        "--resolver",
        metavar="WHICH",
        text="system (the C library, in threads), dns (query the name servers of /etc/resolv.conf) or"
        f" dns:SERVER[:PORT] (query this one) (default: {_default('resolver')})",
    )
    network.add("--http2", text="offer HTTP/2 to servers")
    network.add(
        "--ca-file",
        metavar="FILE",
        text="PEM file of trusted certificate authorities (default: the system's)",
    )


def add_proxy_option(section: OptionSection) -> None:
    """``--proxy``."""
    section.add(
        "--proxy",
        metavar="URL",
        text="HTTP proxy, or none; it resolves host names too (default: $HTTP_PROXY, $HTTPS_PROXY,"
        " $ALL_PROXY; hosts in $NO_PROXY are contacted directly)",
    )


def add_schedule_options(section: OptionSection) -> None:
    """The everyday options of a scrape."""
    section.add("--all", text="fetch every feed now, even one that is not due")
    add_numbers(section, SCHEDULE)
    add_user_agent_option(section)


def add_merge_option(section: OptionSection) -> None:
    """``--merge-duplicates``."""
    section.add(
        "--merge-duplicates",
        text="if several URLs of the list are the same feed, store its entries only under the URL that was"
        " fetched first, and fetch the others once a day",
    )


def add_user_agent_option(section: OptionSection) -> None:
    """``--user-agent``."""
    section.add(
        "--user-agent",
        metavar="TEXT",
        text=f"how to identify yourself to servers (default: {_default('user_agent')})",
    )


def config(given: argparse.Namespace) -> Config:
    """The settings that `given` options say; the defaults of the library for others.

    Raises:
      UsageError: a value is not allowed. The message names the option and what it may be.
    """
    values = {name: value for name in _NAMES if (value := getattr(given, name, None)) is not None}
    for name, allowed in ranges().items():
        if name in values:
            values[name] = _number(name, values[name], allowed)
    for name, option in ("allow_networks", "allow_network"), ("deny_networks", "deny_network"):
        values[name] = tuple(getattr(given, option, None) or ())
    if "proxy" in given:
        values |= _proxies(given.proxy)
    with naming_options():
        return Config(**values, ignore_schedule=getattr(given, "all", False))


@contextmanager
def naming_options() -> Iterator[None]:
    """Turn errors that begin with the name of a setting into errors that begin with its option."""
    try:
        yield
    except UsageError as error:
        setting, _, problem = str(error).partition(" ")
        raise UsageError(f"{_OTHER_NAMES.get(setting, _option(setting))} {problem}") from error


_NAMES: Final = {field.name for field in fields(Config)}


def _proxies(chosen: str | None) -> dict[str, Any]:
    """What ``--proxy`` or else the environment says; its variables mean what they mean to curl."""
    direct = tuple((_variable("no_proxy")[1] or "").replace(",", " ").split())
    if chosen is not None:
        source, url = "--proxy", None if chosen == "none" else chosen
        found = {"http_proxy": (source, url), "https_proxy": (source, url)}
    else:
        every = _variable("all_proxy")
        found = {
            name: own if (own := _variable(name))[1] is not None else every
            for name in ("http_proxy", "https_proxy")
        }
    for source, url in found.values():
        if url is not None:
            proxy(source, url)  # raises with the name of the option or variable
    return {name: url for name, (_, url) in found.items()} | {"no_proxy": direct}


def _variable(name: str) -> tuple[str, str | None]:
    """The name, with a dollar sign, and the value of the environment's variable `name`."""
    for spelling in name, name.upper():
        if value := os.environ.get(spelling):
            return f"${spelling}", value
    return f"${name}", None


def _number(name: str, text: str, allowed: Range) -> Any:
    read = {"bytes": _bytes, "s": seconds}.get(allowed.unit, type(_default(name)))
    try:
        value = read(text)
        check(name, value, allowed)
    except ValueError:  # UsageError is one
        low, high = (_typed(bound, allowed) for bound in (allowed.low, allowed.high))
        kind = _KINDS[allowed.unit]
        raise UsageError(f"{_option(name)} must be {kind} from {low} to {high}, not {text!r}") from None
    return value


def _bytes(text: str) -> int:
    """``4096``, ``16MiB``, ``1 GB``."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or match[2].lower() not in _MULTIPLES:
        raise ValueError(text)
    return int(match[1]) * _MULTIPLES[match[2].lower()]


def _typed(value: float, allowed: Range) -> str:
    """A value as it may be typed: ``16MiB``, ``2.5``, ``10000``."""
    if allowed.unit != "bytes":
        return f"{value:.10g}"
    for unit in ("GiB", "MiB", "KiB"):
        if value % _MULTIPLES[unit.lower()] == 0:
            return f"{value / _MULTIPLES[unit.lower()]:.0f}{unit}"
    return f"{value:.0f}"


def _shown_default(name: str) -> str:
    return "number of CPUs" if name == "parse_width" else _typed(_default(name), ranges()[name])


def _default(name: str) -> Any:
    return next(field.default for field in fields(Config) if field.name == name)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
