"""What a document says in feedparser's terms, and how that becomes plain records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from .._records import Category, Enclosure, FeedTimers
from .raw import RawEntry, RawFeed, RawText

HTML_TYPES: Final = ("text/html", "application/xhtml+xml", "html", "xhtml")


class DraftText(NamedTuple):
    """A text construct (RFC 4287 §3.1), which every format has in some way."""

    value: str
    type: str
    """Media type, or one of Atom's short forms."""
    base: str | None = None
    """Of the relative links in it; None: the URL of the document."""
    language: str | None = None
    """As the document has it; None where it says nothing for this text."""


class DraftEnclosure(NamedTuple):
    """An attached file."""

    href: str
    type: str | None = None
    length: str | int | None = None


@dataclass(slots=True)
class DraftEntry:
    """One item. Links may be relative to the document, texts are as they came."""

    id: str | None = None
    link: str | None = None
    title: DraftText | None = None
    summary: DraftText | None = None
    contents: list[DraftText] = field(default_factory=list)
    """Alternatives, in the document's order."""
    authors: list[str] = field(default_factory=list)
    published: datetime | None = None
    updated: datetime | None = None
    tags: list[str] = field(default_factory=list)
    enclosures: list[DraftEnclosure] = field(default_factory=list)
    language: str | None = None
    """Where the entry itself says it; else that of its texts counts."""


@dataclass(slots=True)
class DraftFeed:
    """One document."""

    parser: str
    repaired: bool = False
    title: DraftText | None = None
    subtitle: DraftText | None = None
    link: str | None = None
    language: str | None = None
    updated: datetime | None = None
    self_link: str | None = None
    hub: str | None = None
    timers: FeedTimers = field(default_factory=FeedTimers)
    entries: list[DraftEntry] = field(default_factory=list)


def finished(draft: DraftFeed) -> RawFeed:
    """`draft` as plain records."""
    return RawFeed(
        title=_line(draft.title),
        subtitle=_line(draft.subtitle),
        link=draft.link,
        language=draft.language,
        updated=draft.updated,
        self_link=draft.self_link,
        hub=draft.hub,
        timers=draft.timers,
        entries=[_entry(entry) for entry in draft.entries],
        repaired=draft.repaired,
        parser=draft.parser,
    )


def _entry(draft: DraftEntry) -> RawEntry:
    return RawEntry(
        id=draft.id,
        link=draft.link,
        title=_line(draft.title),
        summary=_text(draft.summary),
        content=_content(draft.contents),
        authors=draft.authors,
        published=draft.published,
        updated=draft.updated,
        categories=[Category(term) for term in draft.tags if term],
        enclosures=[
            Enclosure(href, kind, length_of(length)) for href, kind, length in draft.enclosures if href
        ],
        language=draft.language or _language_of_texts(draft),
    )


def length_of(claimed: str | int | None) -> int | None:
    """Bytes, as a document writes them."""
    digits = str(claimed).strip() if isinstance(claimed, str) or type(claimed) is int else ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 19 else None


def _language_of_texts(draft: DraftEntry) -> str | None:
    """That of the longest text which has one (``xml:lang``)."""
    texts = (*draft.contents, draft.summary, draft.title)
    return next((text.language for text in texts if text and text.value and text.language), None)


def _content(contents: list[DraftText]) -> RawText | None:
    """The first content in HTML, else the first one that can be shown."""
    texts = filter(None, map(_text, sorted(contents, key=lambda text: text.type not in HTML_TYPES)))
    return next((text for text in texts if text.value.strip()), None)


def _line(text: DraftText | None) -> RawText | None:
    """A title, which can always be shown."""
    return text and RawText(text.value, "html" if text.type in HTML_TYPES else "text")


def _text(text: DraftText | None) -> RawText | None:
    """What can be shown of it; a picture or another format is left out."""
    if text is None:
        return None
    if text.type in HTML_TYPES:
        return RawText(text.value, "html", text.base, text.language)
    return RawText(text.value, "text", None, text.language) if text.type.startswith("text") else None
