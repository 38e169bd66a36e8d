"""Takes feeds through four separately bounded lanes – DNS, HTTP, parsing, database – into a store.

The modules with an underscore are private; what is in ``__all__`` is the public API.
They import downward only, in this order: records and settings; pure rules; lanes, resolvers, parsers
and stores; the network; fetching; the scrape; the command line.
"""

from __future__ import annotations

from ._config import AddressPolicy, Config, Per
from ._connect import Connector
from ._dns import Answer, Resolver
from ._embedding import Scrape, open_scrape, scrape
from ._errors import StoreError, StoreUnavailable, TrioscrapeError, UsageError
from ._native_dns import NativeResolver
from ._parse import Document, Parser
from ._reasons import REASONS
from ._store import Reader, Store, open_reader, open_store
from ._stored import StoredEntry
from ._system_dns import SystemResolver
from ._types import (
    Duplicate,
    Enclosure,
    Entry,
    EntryCounts,
    Example,
    Feed,
    FeedState,
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
    Timers,
)
from ._urls import feed_id

__all__ = [
    "REASONS",
    "AddressPolicy",
    "Answer",
    "Config",
    "Connector",
    "Document",
    "Duplicate",
    "Enclosure",
    "Entry",
    "EntryCounts",
    "Example",
    "Feed",
    "FeedState",
    "FeedUpdate",
    "LaneStatistics",
    "LaneTimes",
    "NativeResolver",
    "Outage",
    "Outcome",
    "ParsedFeed",
    "Parser",
    "Per",
    "Quantiles",
    "Reader",
    "Report",
    "Resolver",
    "Result",
    "Scrape",
    "Statistics",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "StoredEntry",
    "SystemResolver",
    "Timers",
    "TrioscrapeError",
    "UsageError",
    "feed_id",
    "open_reader",
    "open_scrape",
    "open_store",
    "scrape",
]
