"""The command line's options: what may be asked for, and what ``--help`` says about it."""

from __future__ import annotations

import argparse
from dataclasses import fields
from importlib.metadata import version
from typing import Any, Final, NoReturn

from .._config.config import AddressPolicy, Config, HostGrouping, Setting, settings
from .._errors import UsageError
from .._urls import without_secrets
from .transfer import FORMATS

DEFAULT_STORE: Final = "sqlite:trioscrape.db"
STORE_VARIABLE: Final = "TRIOSCRAPE_STORE"

_EXAMPLES: Final = {
    "lanes": "trioscrape feeds.txt --dns-width 64 --http-width 200",
    "politeness": "trioscrape feeds.txt --host-delay 2",
    "timeouts": "trioscrape feeds.txt --lookup-timeout 2 --fetch-timeout 60",
    "schedule": "trioscrape feeds.txt --interval 3600",
    "limits": "trioscrape feeds.txt --body-limit 4MiB --redirects 5",
}
UNITS: Final = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{without_secrets(message)}; see --help")


def argument_parser() -> argparse.ArgumentParser:
    """All options, in groups. It raises `UsageError` where others print and exit."""
    parser = _Parser(
        prog="trioscrape",
        usage="trioscrape FEEDS [options]\n       trioscrape --demo [options]\n"
        "       trioscrape --export FORMAT [--since WHEN] [--store URL]\n"
        "       trioscrape --import FILE [--store URL]\n"
        "       trioscrape --copy-store FROM TO",
        description="Fetch feeds and store their entries.",
        epilog="Exit status: 0 every feed had its turn (those that fail are listed with a reason);"
        " 1 something was not stored, or the run was interrupted; 2 the command can't be understood.",
        formatter_class=_Help,
        allow_abbrev=False,
        add_help=False,
    )
    _add_run_options(parser)
    groups = dict.fromkeys(setting.group for setting in settings().values())
    for group in groups:
        options = parser.add_argument_group(group, f"example: {_EXAMPLES[group]}")
        for name, setting in settings().items():
            if setting.group == group:
                _add_setting(options, name, setting)
        if group == "politeness":
            _add_per(options)
    _add_request_options(parser)
    _add_moving_options(parser)
    return parser


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    run = parser.add_argument_group("run", "example: trioscrape feeds.opml --store mongodb://localhost/news")
    run.add_argument(
        "feeds",
        metavar="FEEDS",
        nargs="?",
        help="a text file with a URL a line (# comments, optional title after the URL), OPML, or -",
    )
    run.add_argument("--demo", action="store_true", help="scrape 500 feeds that trioscrape serves itself")
    run.add_argument(
        "--store",
        metavar="URL",
        help=f"mongodb://HOST/NAME or sqlite:PATH (default: ${STORE_VARIABLE}, else {DEFAULT_STORE})",
    )
    run.add_argument(
        "--all", action="store_true", help="ask every feed now: fresh, failing and gone ones too"
    )
    run.add_argument("--json", action="store_true", help="an object a line: each feed, at last the run")
    run.add_argument("--version", action="version", version=f"trioscrape {version('trioscrape')}")
    run.add_argument("-h", "--help", action="help", help="show this help and exit")


def _add_setting(group: argparse._ArgumentGroup, name: str, setting: Setting) -> None:
    group.add_argument(
        option(name),
        metavar={"bytes": "SIZE", "s": "SEC"}.get(setting.unit, "N"),
        help=f"{setting.help} (default: {format_value(default(name), setting)})",
    )


def _add_per(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--group-hosts-by",
        metavar="WHAT",
        choices=[per.value for per in HostGrouping],
        default=default("group_hosts_by").value,
        help="domain: all hosts below one registrable domain (example.co.uk) count as one; needs the"
        " extra trioscrape[domains]; address: all hosts at one IP address do; host: each name is one"
        " (default: host)",
    )


def _add_request_options(parser: argparse.ArgumentParser) -> None:
    requests = parser.add_argument_group(
        "requests", "example: trioscrape feeds.txt --address-policy public --http2"
    )
    requests.add_argument(
        "--address-policy",
        metavar="POLICY",
        choices=[policy.value for policy in AddressPolicy],
        default=default("address_policy").value,
        help="public: none but public addresses; any: all; listed: feeds of the list may be anywhere,"
        " but no redirect may lead from a public address to another kind (default: listed)",
    )
    requests.add_argument(
        "--allow-network",
        metavar="NET",
        action="append",
        default=[],
        help="a network like 10.0.0.0/8 that the policy opens to every feed; may be given again",
    )
    requests.add_argument(
        "--deny-network",
        metavar="NET",
        action="append",
        default=[],
        help="a network that is closed to every feed, whatever else is allowed; may be given again",
    )
    requests.add_argument(
        "--proxy",
        metavar="URL",
        help="the HTTP proxy to go through, or none. It looks up the names of feeds: the dns lane then"
        " looks up the proxy's alone, and --address-policy judges IP literals only (default: $HTTP_PROXY,"
        " $HTTPS_PROXY, $ALL_PROXY; hosts in $NO_PROXY are reached directly)",
    )
    requests.add_argument(
        "--resolver",
        metavar="WHO",
        default=default("resolver"),
        help="who looks names up. system: the C library, in threads; dns: name servers, asked directly,"
        " those of /etc/resolv.conf or dns:SERVER[:PORT] (default: system)",
    )
    requests.add_argument("--http2", action="store_true", help="offer HTTP/2 to servers")
    requests.add_argument(
        "--ca-file", metavar="PATH", help="certificate authorities to trust, PEM (default: the system's)"
    )
    requests.add_argument(
        "--user-agent", metavar="TEXT", help="what to call ourselves (default: trioscrape and its version)"
    )


def _add_moving_options(parser: argparse.ArgumentParser) -> None:
    moving = parser.add_argument_group(
        "reading back, and nothing is fetched", "example: trioscrape --export csv --since 24h"
    )
    moving.add_argument(
        "--export",
        metavar="FORMAT",
        choices=FORMATS,
        help="print the store's entries. jsonl: an object a line, feeds included; csv: for spreadsheets",
    )
    moving.add_argument(
        "--since",
        metavar="WHEN",
        help="export no entries but those that came in or changed since: a date or a moment (2026-02-28,"
        " 2026-02-28T12:00+01:00; UTC when it does not say), or how long ago (90m, 24h, 7d)",
    )
    moving.add_argument(
        "--import", metavar="FILE", dest="import_", help="store what --export jsonl has printed; - for stdin"
    )
    moving.add_argument(
        "--copy-store", metavar=("FROM", "TO"), nargs=2, help="store in one what is in another"
    )


class _Help(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32)


def option(name: str) -> str:
    """What the option for the setting `name` is called."""
    return f"--{name.replace('_', '-')}"


def default(name: str) -> Any:
    """What the library takes for the setting `name`."""
    return next(field.default for field in fields(Config) if field.name == name)


def format_value(value: float, setting: Setting) -> str:
    """A value as it may be typed: ``16MiB``, ``2.5``, ``10000``."""
    if setting.unit != "bytes":
        return f"{value:.10g}"
    for unit in ("GiB", "MiB", "KiB"):
        if value % UNITS[unit.lower()] == 0:
            return f"{value / UNITS[unit.lower()]:.0f}{unit}"
    return f"{value:.0f}"
