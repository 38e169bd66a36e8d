"""Takes feeds through four separately bounded lanes – DNS, HTTP, parsing, database – into a store.

What ``__all__`` lists is public, and so is `trioscrape.testing`. Modules with an underscore are private.

Public names are imported when the first of them is used (PEP 562). The command needs none of them, and does
not wait for what only they need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._cli import process

# Before anything else: Ctrl-C may come during the imports, and they take a while.
if process.is_command():
    process.begin()

if TYPE_CHECKING:
    from ._config.config import AddressPolicy, Config, HostGrouping
    from ._config.polling import Polling
    from ._dns.caching import ResolvedAddresses, Resolver
    from ._dns.native import NativeResolver
    from ._dns.system import SystemResolver
    from ._errors import (
        REASONS,
        ClusterError,
        FeedFailed,
        ResourceError,
        StoreError,
        StoreInUse,
        StoreRejected,
        StoreUnavailable,
        TrioscrapeError,
        UsageError,
    )
    from ._http.happy_eyeballs import Connector
    from ._parse import FeedDocument, Parser, RawEntry, RawFeed, RawText
    from ._records import (
        Category,
        ClusterTotals,
        Delay,
        DuplicateFeed,
        Enclosure,
        Entry,
        EntryCounts,
        EntrySource,
        FailureExample,
        Feed,
        FeedHistory,
        FeedState,
        FeedTimers,
        FeedUpdate,
        InFlight,
        LaneStatistics,
        LaneTimes,
        Lease,
        Outage,
        Outcome,
        ParsedFeed,
        Poll,
        PollTimes,
        Quantiles,
        Report,
        Result,
        Statistics,
        StoredEntry,
        TimerRule,
        Transcript,
        WatchStatistics,
        Writers,
    )
    from ._run.api import Scrape, open_scrape, scrape
    from ._run.script import run
    from ._run.watch import Watch, open_watch
    from ._store import Reader, Store, open_reader, open_store
    from ._urls import feed_id

__all__ = [
    "REASONS",
    "AddressPolicy",
    "Category",
    "ClusterError",
    "ClusterTotals",
    "Config",
    "Connector",
    "Delay",
    "DuplicateFeed",
    "Enclosure",
    "Entry",
    "EntryCounts",
    "EntrySource",
    "FailureExample",
    "Feed",
    "FeedDocument",
    "FeedFailed",
    "FeedHistory",
    "FeedState",
    "FeedTimers",
    "FeedUpdate",
    "HostGrouping",
    "InFlight",
    "LaneStatistics",
    "LaneTimes",
    "Lease",
    "NativeResolver",
    "Outage",
    "Outcome",
    "ParsedFeed",
    "Parser",
    "Poll",
    "PollTimes",
    "Polling",
    "Quantiles",
    "RawEntry",
    "RawFeed",
    "RawText",
    "Reader",
    "Report",
    "ResolvedAddresses",
    "Resolver",
    "ResourceError",
    "Result",
    "Scrape",
    "Statistics",
    "Store",
    "StoreError",
    "StoreInUse",
    "StoreRejected",
    "StoreUnavailable",
    "StoredEntry",
    "SystemResolver",
    "TimerRule",
    "Transcript",
    "TrioscrapeError",
    "UsageError",
    "Watch",
    "WatchStatistics",
    "Writers",
    "feed_id",
    "open_reader",
    "open_scrape",
    "open_store",
    "open_watch",
    "run",
    "scrape",
]

_WITH_PUBLIC_NAMES = (
    "._config.config",
    "._config.polling",
    "._dns.caching",
    "._dns.native",
    "._dns.system",
    "._errors",
    "._http.happy_eyeballs",
    "._parse",
    "._records",
    "._run.api",
    "._run.script",
    "._run.watch",
    "._store",
    "._urls",
)
"""The modules that are imported from above."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _import_public_names()
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _import_public_names() -> None:
    """All together: what is given out by one of them has the types of others."""
    from inspect import get_annotations  # noqa: PLC0415
    from types import FunctionType  # noqa: PLC0415
    from typing import get_type_hints  # noqa: PLC0415

    found = {
        name: getattr(module, name)
        for module in (import_module(place, __name__) for place in _WITH_PUBLIC_NAMES)
        for name in __all__
        if hasattr(module, name)
    }
    for member in found.values():
        # Tracebacks, reprs and pickles name what is public by its public name, not by where it lies today.
        if isinstance(member, type):
            # While the names in them can be found: `get_type_hints` looks for them in the module of a class.
            hints = get_type_hints(member, include_extras=True)
            member.__annotations__ = {name: hints[name] for name in get_annotations(member)}
        if isinstance(member, type | FunctionType):
            member.__module__ = __name__
    globals().update(found)
