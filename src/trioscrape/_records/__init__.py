"""The frozen records that the lanes pass on and the caller gets.

All durations are seconds as floats; all datetimes are aware and in UTC; all counts are feeds or entries.
"""

from __future__ import annotations

from .entries import (
    Category,
    Enclosure,
    Entry,
    EntryCounts,
    EntrySource,
    FeedUpdate,
    ParsedFeed,
    StoredEntry,
    TextType,
    Transcript,
)
from .feed_state import FeedState, FeedTimers
from .history import FeedHistory, Poll, PollTimes, TimerRule
from .lease import Lease
from .results import DuplicateFeed, FailureExample, Feed, Outcome, Report, Result, new_run_id
from .statistics import (
    LANES,
    ClusterTotals,
    Delay,
    InFlight,
    LaneStatistics,
    LaneTimes,
    Outage,
    Quantiles,
    Statistics,
    WatchStatistics,
    Writers,
)

__all__ = [
    "LANES",
    "Category",
    "ClusterTotals",
    "Delay",
    "DuplicateFeed",
    "Enclosure",
    "Entry",
    "EntryCounts",
    "EntrySource",
    "FailureExample",
    "Feed",
    "FeedHistory",
    "FeedState",
    "FeedTimers",
    "FeedUpdate",
    "InFlight",
    "LaneStatistics",
    "LaneTimes",
    "Lease",
    "Outage",
    "Outcome",
    "ParsedFeed",
    "Poll",
    "PollTimes",
    "Quantiles",
    "Report",
    "Result",
    "Statistics",
    "StoredEntry",
    "TextType",
    "TimerRule",
    "Transcript",
    "WatchStatistics",
    "Writers",
    "new_run_id",
]
