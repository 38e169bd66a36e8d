"""Takes feeds through four separately bounded lanes – DNS, HTTP, parsing, database – into a store.

The modules with an underscore are private; what is in ``__all__`` is the public API.
They import downward only, in this order: records and settings; pure rules; lanes, resolvers, parsers
and stores; the network; fetching; the scrape; the command line.
"""

from __future__ import annotations

from ._config.config import AddressPolicy, Config, Per
from ._dns.caching import Answer, Resolver
from ._dns.native import NativeResolver
from ._dns.system import SystemResolver
from ._errors import StoreError, StoreUnavailable, TrioscrapeError, UsageError
from ._http.happy_eyeballs import Connector
from ._parse import Document, Parser
from ._records.reasons import REASONS
from ._records.results import (
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
from ._records.stored import StoredEntry
from ._run.api import Scrape, open_scrape, scrape
from ._store import Reader, Store, open_reader, open_store
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
