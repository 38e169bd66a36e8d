"""Takes feeds through four separately bounded lanes – DNS, HTTP, parsing, database – into a store.

The modules with an underscore are private; what is in ``__all__`` is the public API.
They import downward only, in this order: records and settings; pure rules; lanes, resolvers, parsers
and stores; the network; fetching; the scrape; the command line.
"""

from __future__ import annotations

from ._config.config import AddressPolicy, Config, HostGrouping
from ._dns.caching import ResolvedAddresses, Resolver
from ._dns.native import NativeResolver
from ._dns.system import SystemResolver
from ._errors import REASONS, FeedFailed, StoreError, StoreUnavailable, TrioscrapeError, UsageError
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
    Outage,
    Outcome,
    ParsedFeed,
    Quantiles,
    Report,
    Result,
    Statistics,
    StoredEntry,
    Transcript,
)
from ._run.api import Scrape, open_scrape, scrape
from ._run.script import run
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
    "NativeResolver",
    "Outage",
    "Outcome",
    "ParsedFeed",
    "Parser",
    "Quantiles",
    "RawEntry",
    "RawFeed",
    "RawText",
    "Reader",
    "Report",
    "ResolvedAddresses",
    "Resolver",
    "Result",
    "Scrape",
    "Statistics",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "StoredEntry",
    "SystemResolver",
    "Transcript",
    "TrioscrapeError",
    "UsageError",
    "feed_id",
    "open_reader",
    "open_scrape",
    "open_store",
    "run",
    "scrape",
]
