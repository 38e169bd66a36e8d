"""What a parser has read in a document: the same few fields whatever the format. `_records` makes it safe."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from .._records import FeedTimers

HTML_TYPES: Final = ("text/html", "application/xhtml+xml", "html", "xhtml")


class RawText(NamedTuple):
    """A text construct (RFC 4287 §3.1), which every format has in some way."""

    value: str
    type: str
    """Media type, or one of Atom's short forms."""
    base: str | None = None
    """Of the relative links in it; None: the URL of the document."""
    language: str | None = None
    """As the document has it; None where it says nothing for this text."""


class RawEnclosure(NamedTuple):
    """An attached file."""

    href: str
    type: str | None = None
    length: str | int | None = None


@dataclass(slots=True)
class RawEntry:
    """One item. Links may be relative to the document, texts are as they came."""

    id: str | None = None
    link: str | None = None
    title: RawText | None = None
    summary: RawText | None = None
    contents: list[RawText] = field(default_factory=list)
    """Alternatives, in the document's order."""
    authors: list[str] = field(default_factory=list)
    published: datetime | None = None
    updated: datetime | None = None
    tags: list[str] = field(default_factory=list)
    enclosures: list[RawEnclosure] = field(default_factory=list)
    language: str | None = None
    """Where the entry itself says it; else that of its texts counts."""


@dataclass(slots=True)
class RawFeed:
    """One document."""

    parser: str
    repaired: bool = False
    title: RawText | None = None
    subtitle: RawText | None = None
    link: str | None = None
    language: str | None = None
    updated: datetime | None = None
    self_link: str | None = None
    hub: str | None = None
    timers: FeedTimers = field(default_factory=FeedTimers)
    entries: list[RawEntry] = field(default_factory=list)
