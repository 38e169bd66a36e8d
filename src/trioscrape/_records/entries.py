"""What feeds say, and what of it is stored: entries and the documents that they are in.

All datetimes are aware and in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from .feed_state import FeedState, FeedTimers

TextType = Literal["html", "text"]
"""``html``: a sanitised fragment with absolute links. ``text``: plain; escape it before it goes into HTML."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file attached to an entry (RSS ``enclosure``, Atom ``link rel=enclosure``)."""

    url: str
    type: str | None = None
    """Media type."""
    length: int | None = None
    """Bytes, as the feed claims."""


@dataclass(frozen=True, slots=True)
class Category:
    """A tag with what it is (RSS ``category``, Atom ``category``)."""

    term: str
    scheme: str | None = None
    """Which set of tags it is from (RSS ``domain``, Atom ``scheme``); often a URL."""
    label: str | None = None
    """The tag for people, where the term is for machines."""


@dataclass(frozen=True, slots=True)
class EntrySource:
    """The feed that an entry was taken from (RSS ``source``, Atom ``source``)."""

    title: str | None = None
    """Plain text on one line."""
    link: str | None = None
    """RSS: the feed itself. Atom: the page that it is the feed of."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What is said in an episode, as a file (``podcast:transcript``)."""

    url: str
    type: str | None = None
    """Media type: ``text/vtt``, ``application/srt`` …"""
    language: str | None = None
    """A language tag (BCP 47); None: that of the episode."""


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
class StoredEntry:
    """An entry as a store keeps it: with the feed that it is of, and when it came in."""

    feed_id: str
    entry: Entry
    first_seen: datetime
    """When it was stored for the first time."""
    last_changed: datetime
    """When it was stored last: at first, or because the feed had changed it. Never before `first_seen`."""
    truncated: bool = False
    """Whether the feed said more than a store may hold."""
    feed_url: str | None = None
    """Of the feed; None when the store knows no such feed."""
    feed_title: str | None = None


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
class ParsedFeed:
    """What a document says. All URLs are absolute; texts are plain and on one line: escape them for HTML."""

    title: str | None
    link: str | None
    """The page that it is the feed of."""
    entries: tuple[Entry, ...]
    repaired: bool = False
    """Whether the document was not well-formed and the entries are what could be saved of it."""
    timers: FeedTimers = field(default_factory=FeedTimers)
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
