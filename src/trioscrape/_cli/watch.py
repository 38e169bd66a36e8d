"""``trioscrape watch``: poll a list of feeds for months, each when it is due."""

from __future__ import annotations

import argparse
from typing import Final

from .._config.polling import RANGES, Polling
from .._errors import UsageError
from .config_options import (
    SCHEDULE,
    add_numbers,
    add_proxy_option,
    add_rare_options,
    add_user_agent_option,
    config,
    naming_options,
)
from .durations import seconds
from .help import Page
from .parser import Parser
from .shared_options import JSON, add_help_option, add_store_option, store_url
from .subcommand import Command, ExitStatus

_PER: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def _add_options(parser: Parser) -> None:
    arguments = parser.section("Arguments")
    arguments.add(
        "feeds",
        metavar="FEEDS",
        text="a list as for run; it is read again when the file changes, and on SIGHUP",
    )
    options = parser.section("Options")
    add_store_option(options)
    options.add("--every", metavar="TIME", text="poll each feed at most once in this time (default: 15m)")
    options.add("--fixed", text="poll each feed once in --every, no matter when it usually publishes")
    options.add(
        "--fresh", metavar="TIME", text="goal: on average, store entries within this time of publication"
    )
    options.add(
        "--budget",
        metavar="N/TIME",
        text="make at most N polls per s, m or h, such as 50/s, and spend them where they shorten delays"
        " most",
    )
    options.add("--json", text=JSON[1])
    options.add("--log-json", text="log JSON objects to standard error instead of lines of text")
    options.add("-v", "--verbose", text="log each poll")
    options.add(
        "--metrics",
        metavar="HOST:PORT",
        text="serve metrics for Prometheus at this address, such as 127.0.0.1:9464; needs"
        " trioscrape[metrics]",
    )
    add_help_option(options)
    options.add_help(
        "--help-all",
        text="show this page with all options: requests, concurrency, timeouts, limits, network",
        everything=True,
    )
    requests = parser.section("Requests", rare=True)
    add_numbers(requests, {"host_delay": SCHEDULE["host_delay"]})
    add_user_agent_option(requests)
    add_proxy_option(requests)
    add_rare_options(parser)


def _run(given: argparse.Namespace) -> ExitStatus:
    from .metrics import address  # noqa: PLC0415 - what only a watch needs
    from .watch_session import Watched, WatchSession  # noqa: PLC0415

    served = None if given.metrics is None else address(given.metrics)
    watched = Watched(given.feeds, store_url(given), polling(given), config(given), served)
    session = WatchSession(watched, json=given.json)
    return session.logged(as_json=given.log_json, verbose=given.verbose)


def polling(given: argparse.Namespace) -> Polling:
    """How often to poll, as the options say.

    Raises:
      UsageError: a value is not allowed.
    """
    values = {
        name: _duration(name, text)
        for name in ("every", "fresh")
        if (text := getattr(given, name)) is not None
    }
    if given.budget is not None:
        values["budget"] = _rate(given.budget)
    if given.fixed and (given.fresh or given.budget):
        raise UsageError("--fixed has no goal: leave out --fresh and --budget")
    with naming_options():
        return Polling(**values, by_rhythm=not given.fixed)


def _duration(name: str, text: str) -> float:
    try:
        return seconds(text)
    except ValueError:
        low, high = RANGES[name].low, RANGES[name].high
        raise UsageError(
            f"--{name} must be a number of seconds, or a duration such as 15m, from {low:g} to {high:g},"
            f" not {text!r}"
        ) from None


def _rate(text: str) -> float:
    number, slash, unit = text.partition("/")
    try:
        return float(number) / (_PER[unit] if slash else 1)
    except (ValueError, KeyError):
        raise UsageError(f"--budget must be polls in a time, such as 50/s or 3000/h, not {text!r}") from None


COMMAND: Final = Command(
    name="watch",
    summary="poll a list of feeds for months, each when it is due",
    page=Page(
        usage=("trioscrape watch FEEDS [options]",),
        description=(
            "Poll feeds again and again, more often when they usually publish, and store their entries.",
        ),
        examples=(
            "trioscrape watch feeds.txt",
            "trioscrape watch feeds.opml --every 5m --store mongodb://localhost/news",
            "trioscrape watch feeds.txt --fresh 20m --budget 50/s --metrics 127.0.0.1:9464",
        ),
        notes=(
            "It can be killed at any time, and continues where it left off. Ctrl-C finishes the feeds in"
            " flight, and so does SIGTERM within 8 seconds (--drain-timeout); a second one cancels them.",
            "Exit status: 0 when it was ended by a signal; 1 when the store failed or another run was using"
            " it; 2 when the command line or the list is wrong.",
        ),
    ),
    add_options=_add_options,
    run=_run,
)
