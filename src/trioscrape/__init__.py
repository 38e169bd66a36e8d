"""Takes feeds through four separately bounded lanes – DNS, HTTP, parsing, database – into a store.

What ``__all__`` lists is public, and so is `trioscrape.testing`. Modules with an underscore are private.
"""

from __future__ import annotations

from ._cli import process

# Before the other imports: Ctrl-C may come during them, and they take a while.
if process.is_command():
    process.begin()

from inspect import get_annotations
from types import FunctionType
from typing import get_type_hints

from ._config.config import AddressPolicy, Config, HostGrouping
from ._config.polling import Polling
from ._dns.caching import ResolvedAddresses, Resolver
from ._dns.native import NativeResolver
from ._dns.system import SystemResolver
from ._errors import (
    REASONS,
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
    DuplicateFeed,
    Enclosure,
    Entry,
    EntryCounts,
    EntrySource,
    FailureExample,
    Feed,
    FeedState,
    FeedTimers,
    FeedUpdate,
    LaneStatistics,
    LaneTimes,
    Lease,
    Outage,
    Outcome,
    ParsedFeed,
    Quantiles,
    Report,
    Result,
    Statistics,
    StoredEntry,
    Transcript,
    WatchStatistics,
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
    "Config",
    "Connector",
    "DuplicateFeed",
    "Enclosure",
    "Entry",
    "EntryCounts",
    "EntrySource",
    "FailureExample",
    "Feed",
    "FeedDocument",
    "FeedFailed",
    "FeedState",
    "FeedTimers",
    "FeedUpdate",
    "HostGrouping",
    "LaneStatistics",
    "LaneTimes",
    "Lease",
    "NativeResolver",
    "Outage",
    "Outcome",
    "ParsedFeed",
    "Parser",
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
    "Transcript",
    "TrioscrapeError",
    "UsageError",
    "Watch",
    "WatchStatistics",
    "feed_id",
    "open_reader",
    "open_scrape",
    "open_store",
    "open_watch",
    "run",
    "scrape",
]

for _name in __all__:
    # Tracebacks, reprs and pickles name what is public by its public name, not by where it lies today.
    _member = globals()[_name]
    if isinstance(_member, type):
        # While the names in them can be found: `get_type_hints` looks for them in the module of a class.
        _hints = get_type_hints(_member, include_extras=True)
        _member.__annotations__ = {name: _hints[name] for name in get_annotations(_member)}
    if isinstance(_member, type | FunctionType):
        _member.__module__ = __name__
del _name, _member, _hints
