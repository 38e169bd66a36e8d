"""Entries, as read from a document and as stored, and the document as a whole.

All datetimes are aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Final, Literal

from .feed_state import FeedState, FeedTimers
from .history import Poll
from .kinds import COUNT, FLAG, MOMENT, SIZE, TEXT_TYPE, Several
from .table import Nested, Table
from .texts import CONTENT, FEED_ID, KEY, LINK, NAME, NAMES, SUMMARY, TITLE

TextType = Literal["html", "text"]
"""``html``: a sanitised fragment with absolute links. ``text``: plain; escape it before it goes into HTML."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file attached to an entry (RSS ``enclosure``, Atom ``link rel=enclosure``)."""

    url: Annotated[str, LINK]
    type: Annotated[str | None, NAME] = None
    """Media type."""
    length: Annotated[int | None, SIZE] = None
    """Bytes, as the feed claims."""


@dataclass(frozen=True, slots=True)
class Category:
    """A tag with a scheme or a label (RSS and Atom ``category``)."""

    term: Annotated[str, NAME]
    scheme: Annotated[str | None, NAME] = None
    """The set of tags it belongs to, often a URL (RSS ``domain``, Atom ``scheme``)."""
    label: Annotated[str | None, NAME] = None
    """The tag as it is shown to people, if it differs from the term."""


@dataclass(frozen=True, slots=True)
class EntrySource:
    """The feed that an entry was taken from (RSS ``source``, Atom ``source``)."""

    title: Annotated[str | None, TITLE] = None
    """Plain text on one line."""
    link: Annotated[str | None, LINK] = None
    """RSS: URL of the feed. Atom: URL of the page that it is the feed of."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A file with the text of an episode (``podcast:transcript``)."""

    url: Annotated[str, LINK]
    type: Annotated[str | None, NAME] = None
    """Media type: ``text/vtt``, ``application/srt`` …"""
    language: Annotated[str | None, NAME] = None
    """A language tag (BCP 47); None: that of the episode."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a feed."""

    key: Annotated[str, KEY]
    """Identifies it within the feed: guid or id, else link, else a hash of title and date, or of its text."""
    hash: Annotated[str, KEY]
    """Hex digest of all other fields: an entry has changed when its hash has."""
    link: Annotated[str | None, LINK] = None
    """Absolute."""
    title: Annotated[str | None, TITLE] = None
    """Plain text on one line: escape it before it goes into HTML."""
    summary: Annotated[str | None, SUMMARY] = None
    """HTML or text, see `summary_type`; None where it would repeat the content."""
    summary_type: Annotated[TextType | None, TEXT_TYPE] = None
    """None when there is no summary."""
    content: Annotated[str | None, CONTENT] = None
    """HTML or text, see `content_type`."""
    content_type: Annotated[TextType | None, TEXT_TYPE] = None
    """None when there is no content."""
    authors: Annotated[tuple[str, ...], NAMES] = ()
    """Names, or e-mail addresses where there is no name."""
    published: Annotated[datetime | None, MOMENT] = None
    updated: Annotated[datetime | None, MOMENT] = None
    tags: Annotated[tuple[str, ...], NAMES] = ()
    enclosures: Annotated[
        tuple[Enclosure, ...], Several(Nested(Enclosure, "an enclosure"), "enclosures")
    ] = ()
    language: Annotated[str | None, NAME] = None
    """A language tag (BCP 47) as the entry has it, ``en-GB``; None: that of the feed."""
    categories: Annotated[tuple[Category, ...], Several(Nested(Category, "a category"), "categories")] = ()
    """Those tags that have a scheme or a label."""
    image: Annotated[str | None, LINK] = None
    """URL of a picture that stands for the entry (``itunes:image``, ``media:thumbnail``, RSS ``image``)."""
    comments: Annotated[str | None, LINK] = None
    """URL of the page with its comments (RSS ``comments``, Atom ``link rel=replies``)."""
    source: Annotated[EntrySource | None, Nested(EntrySource, "an object")] = None
    """Where it was published first, when that is another feed."""
    duration: Annotated[int | None, COUNT] = None
    """Length of the recording in seconds (``itunes:duration``, ``media:content``, JSON Feed attachments)."""
    episode: Annotated[int | None, COUNT] = None
    """Its number in the season (``itunes:episode``, ``podcast:episode``)."""
    season: Annotated[int | None, COUNT] = None
    """``itunes:season``, ``podcast:season``."""
    explicit: Annotated[bool | None, FLAG] = None
    """Whether it is for adults only (``itunes:explicit``); None: the feed does not say."""
    chapters: Annotated[str | None, LINK] = None
    """URL of a file with chapters (``podcast:chapters``)."""
    transcripts: Annotated[
        tuple[Transcript, ...], Several(Nested(Transcript, "a transcript"), "transcripts", most=50)
    ] = ()
    truncated: Annotated[bool, FLAG] = False
    """Whether something was cut or left out because it was too long."""


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as a store keeps it: with its feed, and with when it was stored and changed."""

    feed_id: Annotated[str, FEED_ID]
    entry: Entry
    first_seen: Annotated[datetime, MOMENT]
    """When it was stored for the first time."""
    last_changed: Annotated[datetime, MOMENT]
    """When it was last written because it was new or the feed had changed it; never before `first_seen`."""
    feed_url: Annotated[str | None, LINK] = None
    """Of the feed; None when the store knows no such feed."""
    feed_title: Annotated[str | None, TITLE] = None


ENTRY: Final = Table(Entry)
STORED_ENTRY: Final = Table(StoredEntry)
"""Its own fields, without those of the entry."""


def clean_entry(entry: Entry) -> Entry:
    """The entry as a store can hold it.

    Its hash stays that of what the feed said, so that the entry counts as unchanged next time.
    """
    kept, cut = ENTRY.clean(entry)
    return replace(kept, truncated=True) if cut else kept


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
    """What a document says. URLs are absolute; texts are plain and on one line: escape them for HTML."""

    title: Annotated[str | None, TITLE]
    link: Annotated[str | None, LINK]
    """The page that it is the feed of."""
    entries: Sequence[Entry]
    repaired: Annotated[bool, FLAG] = False
    """Whether the document was not well-formed, and the entries are what could be recovered."""
    timers: Annotated[FeedTimers, Nested(FeedTimers, "an object")] = field(default_factory=FeedTimers)
    """How often to fetch it, as the document says."""
    subtitle: Annotated[str | None, TITLE] = None
    """RSS ``description``, Atom ``subtitle``, JSON Feed ``description``."""
    language: Annotated[str | None, NAME] = None
    """A language tag (BCP 47) as the document has it."""
    updated: Annotated[datetime | None, MOMENT] = None
    """When it last changed, as it says."""
    self_link: Annotated[str | None, LINK] = None
    """Its own URL, as it says (``link rel=self``, JSON Feed ``feed_url``)."""
    hub: Annotated[str | None, LINK] = None
    """Its WebSub hub (``link rel=hub``)."""
    cloud: Annotated[str | None, NAME] = None
    """Its rssCloud server (RSS ``cloud``): protocol, URL, and the procedure if it has one, in plain text:
    ``http-post http://rpc.example.org:5337/notify``."""
    distrusts_ids: Annotated[bool, FLAG] = False
    """Whether its entries are identified by link, because too many ids are missing or repeated."""
    has_more: Annotated[bool, FLAG] = False
    """Whether the document has more entries than `Config.entries_limit`; these are the first ones."""
    parser: Annotated[str, NAME] = "feedparser"
    """Which parser read it, for statistics only."""
    shared_keys: Annotated[tuple[str, ...], NAMES] = ()
    """Ids and links that several of its entries have or have had, so that they identify none."""
    generator: Annotated[str | None, NAME] = None
    """The program that has written it, as it says."""
    next_page: Annotated[str | None, LINK] = None
    """Where its older entries are, if it is a page of a paged feed (RFC 5005 §3 ``link rel=next``, JSON Feed
    ``next_url``)."""
    prev_archive: Annotated[str | None, LINK] = None
    """Where its older entries are, if the feed has archives (RFC 5005 §4 ``link rel=prev-archive``)."""


PARSED_FEED: Final = Table(ParsedFeed)
"""Its own fields, without the entries."""


@dataclass(frozen=True, slots=True)
class FeedUpdate:
    """What one write stores: a feed's entries, then its state, then what is remembered of the poll."""

    state: FeedState
    entries: Sequence[Entry]
    """Of a document that trioscrape has read itself each is made when it is looked at."""
    poll: Poll | None = None
    """Without what `counted` adds; None: it was not polled."""
    had_entries: bool = False
    """Whether the document before had entries. If this one has none of them, some may have been missed."""
    at: datetime | None = None
    """What the entries get as the moment at which they were first seen or have changed; None: that of the
    write."""

    def has_gap(self, counts: EntryCounts) -> bool:
        """Whether entries may have come and gone between the two documents.

        A document with a single entry does not tell: the one before it has just made room.

        Args:
          counts: what has become of the entries.
        """
        return self.had_entries and counts.new > 1 and not counts.changed and not counts.unchanged

    def counted(self, counts: EntryCounts) -> Poll | None:
        """The poll with what has become of the entries, as it is to be stored; None: there was none."""
        if self.poll is None or not (counts.new or counts.changed):
            return self.poll
        return replace(self.poll, new=counts.new, changed=counts.changed, gap=self.has_gap(counts))
