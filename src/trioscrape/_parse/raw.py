"""What a parser has read in a document: the same few fields whatever the format.

These records are plain: texts as they came, links that may be relative, no keys and no hashes. `records`
makes them safe and gives each entry its key, whichever parser has read the document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from .._records import Category, Enclosure, EntrySource, FeedTimers, TextType, Transcript


class RawText(NamedTuple):
    """A text and how it is to be read."""

    value: str
    type: TextType = "text"
    """``html``: a fragment with any markup at all, to be sanitised. ``text``: plain, with nothing escaped."""
    base: str | None = None
    """What relative links inside of HTML are relative to; absolute. None: the URL of the document."""
    language: str | None = None
    """A language tag (BCP 47) where the document has one for this text; else None."""


class RawEntry(NamedTuple):
    """One entry of a document. Name the fields: ``RawEntry(id="1", title=RawText("One"))``.

    All links, in `enclosures`, `source` and `transcripts` too, may be relative to the document's URL.
    What is empty, too long or no link is left out when the entry is stored.
    """

    id: str | None = None
    """What tells it from others of the feed: RSS ``guid``, Atom ``id``, RDF ``rdf:about``, JSON ``id``."""
    link: str | None = None
    """The page that the entry is about."""
    title: RawText | None = None
    """Markup is taken out of it."""
    summary: RawText | None = None
    content: RawText | None = None
    authors: Sequence[str] = ()
    """Names, or e-mail addresses where there is no name."""
    published: datetime | None = None
    """Without a time zone it is taken for UTC."""
    updated: datetime | None = None
    """As `published`."""
    categories: Sequence[str | Category] = ()
    """A tag that has neither scheme nor label is as well a text alone."""
    enclosures: Sequence[Enclosure] = ()
    """Attached files; one that comes again with the same URL is left out."""
    language: str | None = None
    """A language tag (BCP 47) where the entry itself has one. None: that of its texts, or of the feed."""
    image: str | None = None
    """URL of a picture that stands for the entry."""
    comments: str | None = None
    """URL of the page with its comments."""
    source: EntrySource | None = None
    """Where it was published first, when that is another feed."""
    duration: int | None = None
    """Seconds that its recording lasts."""
    episode: int | None = None
    season: int | None = None
    explicit: bool | None = None
    """Whether it is for adults only; None where nothing is said."""
    chapters: str | None = None
    """URL of a file with chapters."""
    transcripts: Sequence[Transcript] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFeed:
    """One document: what `Parser.parse` gives back. Links may be relative to the document's URL."""

    title: RawText | None = None
    """Markup is taken out of it, as out of `subtitle`."""
    subtitle: RawText | None = None
    link: str | None = None
    """The page that it is the feed of."""
    language: str | None = None
    """A language tag (BCP 47)."""
    updated: datetime | None = None
    """When it says that it has changed last."""
    self_link: str | None = None
    """Where it says that it is to be found."""
    hub: str | None = None
    """Its WebSub hub."""
    cloud: str | None = None
    """Its rssCloud server, as in `ParsedFeed.cloud`."""
    generator: str | None = None
    """The program that has written it."""
    next_page: str | None = None
    """The URL of the page with the next older entries (RFC 5005 §3)."""
    prev_archive: str | None = None
    """The archive with the entries before these (RFC 5005 §4)."""
    timers: FeedTimers = FeedTimers()  # noqa: RUF009 - it is frozen
    """How often it wants to be fetched; ``max_age`` is no business of a document's."""
    entries: Sequence[RawEntry] = ()
    """In the document's order. One more than ``FeedDocument.entries_limit`` is as good as all of them."""
    repaired: bool = False
    """Whether the document was broken, and this is what could be saved of it."""
    parser: str = "custom"
    """What has read it: for statistics, nothing depends on it."""
