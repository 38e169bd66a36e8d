"""The command line's options: what was asked for."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from .._config.config import AddressPolicy, Config, HostGrouping, Setting, check, settings
from .._errors import UsageError
from .arguments import DEFAULT_STORE, STORE_VARIABLE, UNITS, argument_parser, default, format_value, option
from .transfer import Copy, Export, Import

_OPTIONS: Final = {
    "allow_networks": "--allow-network",
    "deny_networks": "--deny-network",
    "http_proxy": "the proxy for http (--proxy, $HTTP_PROXY or $ALL_PROXY)",
    "https_proxy": "the proxy for https (--proxy, $HTTPS_PROXY or $ALL_PROXY)",
}
"""What to call a setting whose option has another name."""
_AGO: Final = re.compile(r"(\d+)\s*([smhdw])", re.IGNORECASE | re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_SIZE: Final = re.compile(r"(\d+)\s*([a-z]*)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Options:
    """What a run was asked to do."""

    feeds: str | None
    """The path of the feed list, ``-`` for standard input; None: the demo."""
    store: str
    """As given, password included: never print it."""
    json: bool
    config: Config
    moving: Export | Import | Copy | None = None
    """What is done instead of a scrape."""


def parse(argv: Sequence[str] | None) -> Options:
    """The options in `argv`, or in the arguments of the process.

    Raises:
      UsageError: an option is unknown, or its value is none that it can have.
      SystemExit: ``--help`` or ``--version``, which have been printed.
    """
    given = argument_parser().parse_args(argv)
    wanted = (given.feeds, given.demo or None, given.export, given.import_, given.copy_store)
    if sum(each is not None for each in wanted) != 1:
        raise UsageError(
            "give either FEEDS or --demo, or one of --export, --import, --copy-store; see --help"
        )
    if given.since is not None and given.export is None:
        raise UsageError("--since is for --export; see --help")
    if given.store is not None and given.copy_store is not None:
        raise UsageError("--copy-store names both stores, --store is none of them; see --help")
    store = os.environ.get(STORE_VARIABLE) or DEFAULT_STORE if given.store is None else given.store
    return Options(given.feeds, store, given.json, _config(given), _moving(given, store))


def _moving(given: argparse.Namespace, store: str) -> Export | Import | Copy | None:
    if given.export is not None:
        since = None if given.since is None else _moment(given.since)
        return Export(store, given.export, since)
    if given.import_ is not None:
        return Import(store, given.import_)
    if given.copy_store is not None:
        return Copy(*given.copy_store)
    return None


def _moment(text: str) -> datetime:
    """``2026-02-28``, ``2026-02-28T12:00+01:00``, or ``24h`` ago."""
    try:
        if match := _AGO.fullmatch(text):
            return datetime.now(UTC) - timedelta(seconds=int(match[1]) * _SECONDS[match[2].lower()])
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"--since must be a date, a moment or a time ago, like 2026-02-28 or 24h, not {text!r}"
        ) from None


def _config(given: argparse.Namespace) -> Config:
    numbers = {
        name: _number(name, text, setting)
        for name, setting in settings().items()
        if (text := getattr(given, name)) is not None
    }
    try:
        return Config(
            group_hosts_by=HostGrouping(given.group_hosts_by),
            address_policy=AddressPolicy(given.address_policy),
            allow_networks=tuple(given.allow_network),
            deny_networks=tuple(given.deny_network),
            ignore_schedule=given.all,
            resolver=given.resolver,
            http2=given.http2,
            ca_file=given.ca_file,
            **_proxies(given),
            user_agent=default("user_agent") if given.user_agent is None else given.user_agent,
            **numbers,
        )
    except UsageError as error:
        setting, _, problem = str(error).partition(" ")
        raise UsageError(f"{_OPTIONS.get(setting, option(setting))} {problem}") from error


def _proxies(given: argparse.Namespace) -> dict[str, Any]:
    """What ``--proxy`` or else the environment says, with curl's meaning of its variables.

    The demo's servers are inside of the process, where no proxy gets.
    """

    def variable(name: str) -> str | None:
        return os.environ.get(name) or os.environ.get(name.upper()) or None

    direct = tuple((variable("no_proxy") or "").replace(",", " ").split())
    if given.proxy is not None or given.demo:
        chosen = None if given.proxy == "none" else given.proxy
        return {"http_proxy": chosen, "https_proxy": chosen, "no_proxy": direct}
    every = variable("all_proxy")
    return {
        "http_proxy": variable("http_proxy") or every,
        "https_proxy": variable("https_proxy") or every,
        "no_proxy": direct,
    }


def _number(name: str, text: str, setting: Setting) -> Any:
    """The value of the option for the setting `name`.

    Raises:
      UsageError: it is no number or out of range; the message names the option and the range.
    """
    read = _bytes if setting.unit == "bytes" else type(default(name))
    try:
        value = read(text)
        check(name, value, setting)
    except ValueError:  # UsageError is one
        number = "a whole number " if read is int else ""
        allowed = (
            f"{number}from {format_value(setting.low, setting)} to {format_value(setting.high, setting)}"
        )
        raise UsageError(f"{option(name)} must be {allowed}, not {text!r}") from None
    return value


def _bytes(text: str) -> int:
    """``4096``, ``16MiB``, ``1 GB``."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or match[2].lower() not in UNITS:
        raise ValueError(text)
    return int(match[1]) * UNITS[match[2].lower()]
