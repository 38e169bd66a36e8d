"""The frozen records that travel through the lanes and out to the caller.

All durations are seconds as floats; all datetimes are aware and in UTC; all counts are feeds or entries.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from .._urls import without_credentials
from .feed_state import FeedState as FeedState  # noqa: PLC0414 - a record that travels, like those here
from .feed_state import Timers as Timers  # noqa: PLC0414
from .outage import Outage as Outage  # noqa: PLC0414
from .statistics import LaneStatistics as LaneStatistics  # noqa: PLC0414
from .statistics import LaneTimes as LaneTimes  # noqa: PLC0414
from .statistics import Quantiles as Quantiles  # noqa: PLC0414
from .statistics import Statistics as Statistics  # noqa: PLC0414

LANES: Final = ("dns", "http", "parse", "store")

TextType = Literal["html", "text"]
"""``html``: a sanitised fragment with absolute links. ``text``: plain; escape it before it goes into HTML."""


class Outcome(StrEnum):
    """What became of a feed. Each feed of a list ends in exactly one."""

    NEW = "new"
    """Stored for the first time."""
    UPDATED = "updated"
    """Known, and at least one entry was new or had changed."""
    NOT_MODIFIED = "not_modified"
    """Known, and nothing in it had changed; nothing was written."""
    GONE = "gone"
    """The server answered 410 (RFC 9110 §15.5.11)."""
    REFUSED = "refused"
    """trioscrape would not fetch it: no http(s) URL, or an address the policy blocks."""
    FAILED = "failed"
    """Anything else; the reason says what."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One line of a feed list. Its repr leaves out the credentials of the URL."""

    url: str = field(repr=False)
    """As the list has it, credentials included."""
    title: str | None = None
    """What the list calls it."""
    line: int | None = None
    """Where in the list it stands, from 1; None when it came from elsewhere."""
    shown: str = field(init=False, compare=False)
    """The URL without credentials: the only form that is printed or stored."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "shown", without_credentials(self.url))


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file attached to an entry (RSS ``enclosure``, Atom ``link rel=enclosure``)."""

    url: str
    type: str | None = None
    """Media type."""
    length: int | None = None
    """Bytes, as the feed claims."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a feed."""

    key: str
    """Its identity within the feed: trimmed guid or id, else link, else a hash of its text."""
    hash: str
    """Hex digest over all other fields: an entry has changed when this has."""
    link: str | None = None
    """Absolute."""
    title: str | None = None
    """Plain text on one line: escape it before it goes into HTML."""
    summary: str | None = None
    """As `summary_type` says; None where it would repeat the content."""
    summary_type: TextType | None = None
    """None when there is no summary."""
    content: str | None = None
    """As `content_type` says."""
    content_type: TextType | None = None
    """None when there is no content."""
    authors: tuple[str, ...] = ()
    """Names, or e-mail addresses where there is no name."""
    published: datetime | None = None
    updated: datetime | None = None
    tags: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    language: str | None = None
    """A language tag (BCP 47) as the entry has it, ``en-GB``; None: that of the feed."""


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """What a document says. All URLs are absolute; texts are plain and on one line: escape them for HTML."""

    title: str | None
    link: str | None
    """The page that it is the feed of."""
    entries: tuple[Entry, ...]
    repaired: bool = False
    """Whether the document was not well-formed and the entries are what could be saved of it."""
    timers: Timers = field(default_factory=Timers)
    """How often it wants to be fetched."""
    subtitle: str | None = None
    """RSS ``description``, Atom ``subtitle``, JSON Feed ``description``."""
    language: str | None = None
    """A language tag (BCP 47) as the document has it."""
    updated: datetime | None = None
    """When it says that it has changed last."""
    self_link: str | None = None
    """Where it says that it is to be found (``link rel=self``, JSON Feed ``feed_url``)."""
    hub: str | None = None
    """Its WebSub hub (``link rel=hub``)."""
    distrusts_ids: bool = False
    """Whether its entries are known by link, because too many of its ids are empty or come twice."""
    has_more: bool = False
    """Whether the document has more entries; these are its first ones, see `Config.entries_limit`."""
    parser: str = "feedparser"
    """Which parser has read it: for statistics, nothing depends on it."""


@dataclass(frozen=True, slots=True)
class FeedUpdate:
    """What one write of the store lane stores: a feed's entries, then its state."""

    state: FeedState
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class EntryCounts:
    """How many entries of a document were new, changed, or already stored as they are."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: EntryCounts) -> EntryCounts:
        return EntryCounts(
            self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged
        )


@dataclass(frozen=True, slots=True)
class Result:
    """The one outcome of one feed."""

    feed: Feed
    outcome: Outcome
    reason: str | None = None
    """One of `REASONS`: why it is gone, refused or failed, or that not all of it was taken
    (``too-many-entries``, with any outcome); else None."""
    detail: str | None = None
    """The reason in more words, or a remark on a feed that has none, for people; never holds credentials."""
    entries: EntryCounts = EntryCounts()
    stored: bool = False
    """Whether this run wrote something for the feed and the store acknowledged it."""
    same_as: str | None = None
    """Another feed of the list whose document was found at the same URL, after all redirects."""
    lanes: Mapping[str, LaneTimes] = field(default_factory=dict)
    """By lane name; a lane that the feed did not reach is missing."""


@dataclass(frozen=True, slots=True)
class Example:
    """A feed that failed for some reason, to show beside the number of all that did."""

    url: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A line of the list that names a feed which an earlier line has named."""

    feed: Feed
    first_line: int | None
    """Of the line that counts; None when the list has no lines."""


def new_run_id() -> str:
    """An identity for a run: 24 hex digits that begin with the time, so that they sort by it."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


@dataclass(frozen=True, slots=True)
class Report:
    """The totals of a scrape. The outcomes and ``not_started`` add up to ``feeds``."""

    feeds: int
    """In the list, duplicates counted once."""
    not_started: int
    """Feeds whose turn had not come when the scrape was drained or cancelled."""
    duplicates: int
    """Lines that named a feed which the list had already named."""
    duplicate_examples: tuple[Duplicate, ...]
    """The first ten of them."""
    outcomes: Mapping[Outcome, int]
    entries: EntryCounts
    errors: Mapping[str, int]
    """Feeds by reason, most frequent first."""
    examples: Mapping[str, Example]
    """The first feed of each reason."""
    seconds: float
    lanes: Mapping[str, LaneStatistics]
    loop_lag: Quantiles
    twins: int = 0
    """Feeds that arrived, after all redirects, where another one of the list had arrived."""
    twin_examples: tuple[Result, ...] = ()
    """The first ten of them; ``same_as`` has the other one."""
    stored: int = 0
    """Feeds for which something was written and acknowledged."""
    not_stored_examples: tuple[Result, ...] = ()
    """The first ten feeds that the store failed."""
    outage: Outage | None = None
    """None: the store takes what it is given."""
    run_id: str = field(default_factory=new_run_id)
    """All reports of a scrape have the same: a store has one record of them, see `Store.record_run`."""

    @property
    def complete(self) -> bool:
        """Whether every feed of the list had its turn."""
        return self.not_started == 0
