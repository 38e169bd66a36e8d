"""What a database can't hold is made into something that it can, so that no feed is lost for it.

Feeds hold lone surrogates, numbers of forty digits, dates that leave the calendar when they are
moved to UTC, and texts longer than a document may be. Every store cleans alike: then a feed
means the same wherever it is kept. The limits are bytes of UTF-8; together they keep the largest
possible entry below the 16 MiB that MongoDB allows for a document.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, TypeVar

from .entries import Enclosure, Entry
from .feed_state import FeedState

KIBIBYTE: Final = 2**10
MEBIBYTE: Final = 2**20

NAME_LIMIT: Final = 2 * KIBIBYTE
LINK_LIMIT: Final = 16 * KIBIBYTE
TITLE_LIMIT: Final = 64 * KIBIBYTE
SUMMARY_LIMIT: Final = 2 * MEBIBYTE
CONTENT_LIMIT: Final = 6 * MEBIBYTE
LIST_LIMIT: Final = 200

T = TypeVar("T")

_INT64: Final = (-(2**63), 2**63 - 1)


def clean_key(key: str) -> str:
    """A key or a hash as it is stored: itself, or its beginning and a digest when it is over-long."""
    if key.isascii() and len(key) <= NAME_LIMIT:
        return key
    raw = _encoded(key)
    if len(raw) <= NAME_LIMIT:
        return raw.decode()
    digest = hashlib.blake2b(raw, digest_size=16).hexdigest()
    return f"{raw[: NAME_LIMIT - 33].decode(errors='ignore')}#{digest}"


def clean_state(state: FeedState) -> FeedState:
    """The state with every text encodable, the title cut when it is over-long, moments in milliseconds."""
    clean = _Cleaner()
    return replace(
        state,
        url=_encoded(state.url).decode(),
        title=clean.text(state.title, TITLE_LIMIT),
        link=clean.link(state.link),
        subtitle=clean.text(state.subtitle, TITLE_LIMIT),
        language=clean.text(state.language, NAME_LIMIT),
        updated=clean_moment(state.updated),
        self_link=clean.link(state.self_link),
        hub=clean.link(state.hub),
        etag=clean.text(state.etag, TITLE_LIMIT),
        last_modified=clean.text(state.last_modified, TITLE_LIMIT),
        validators_url=clean.link(state.validators_url),
        next_fetch=clean_moment(state.next_fetch),
        next_unconditional=clean_moment(state.next_unconditional),
        gone=clean_moment(state.gone),
        moved_to=clean.link(state.moved_to),
    )


def clean_entry(entry: Entry) -> tuple[Entry, bool]:
    """The entry as a store can hold it, and whether something of it had to be left out.

    Its hash stays that of what the feed said, so that the entry counts as unchanged next time.
    """
    if _is_clean(entry):
        return entry, False
    clean = _Cleaner()
    kept = replace(
        entry,
        key=clean_key(entry.key),
        hash=clean_key(entry.hash),
        link=clean.link(entry.link),
        title=clean.text(entry.title, TITLE_LIMIT),
        summary=clean.text(entry.summary, SUMMARY_LIMIT),
        content=clean.text(entry.content, CONTENT_LIMIT),
        authors=clean.names(entry.authors),
        published=clean_moment(entry.published),
        updated=clean_moment(entry.updated),
        tags=clean.names(entry.tags),
        enclosures=clean.enclosures(entry.enclosures),
        language=clean.text(entry.language, NAME_LIMIT),
    )
    return kept, clean.truncated


def _is_clean(entry: Entry) -> bool:
    """Whether nothing has to be done, as with nearly every entry: a third of the time of doing it."""
    fits = _fits
    return (
        fits(entry.key, NAME_LIMIT)
        and fits(entry.hash, NAME_LIMIT)
        and fits(entry.link, LINK_LIMIT)
        and fits(entry.title, TITLE_LIMIT)
        and fits(entry.summary, SUMMARY_LIMIT)
        and fits(entry.content, CONTENT_LIMIT)
        and fits(entry.language, NAME_LIMIT)
        and clean_moment(entry.published) is entry.published
        and clean_moment(entry.updated) is entry.updated
        and all(len(part) <= LIST_LIMIT for part in (entry.authors, entry.tags, entry.enclosures))
        and all(fits(name, NAME_LIMIT) for name in entry.authors + entry.tags)
        and all(
            fits(each.url, LINK_LIMIT) and fits(each.type, NAME_LIMIT) and _number(each.length) == each.length
            for each in entry.enclosures
        )
    )


def _fits(text: str | None, limit: int) -> bool:
    """Whether it can be stored as it is."""
    if text is None:
        return True
    if text.isascii():
        return len(text) <= limit
    try:
        return len(text.encode()) <= limit
    except UnicodeEncodeError:
        return False


def clean_moment(moment: datetime | None) -> datetime | None:
    """In UTC and whole milliseconds, which is what MongoDB keeps; None when UTC has no such year."""
    if moment is None:
        return None
    if moment.tzinfo is not UTC:
        try:
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except OverflowError:
            return None
    spare = moment.microsecond % 1000
    return moment.replace(microsecond=moment.microsecond - spare) if spare else moment


def _number(number: int | None) -> int | None:
    """None for what 64 bits can't hold: no file is that long."""
    low, high = _INT64
    return number if number is not None and low <= number <= high else None


class _Cleaner:
    """Cleans the values of one record and remembers whether it has left something out."""

    def __init__(self) -> None:
        self.truncated = False

    def text(self, text: str | None, limit: int) -> str | None:
        """At most `limit` bytes of it; never half a character."""
        if text is None:
            return None
        raw = _encoded(text)
        if len(raw) <= limit:
            return raw.decode()
        self.truncated = True
        return raw[:limit].decode(errors="ignore")

    def link(self, link: str | None) -> str | None:
        """A link, or None: half a link leads somewhere else."""
        return self.text(link, LINK_LIMIT) if link is not None and self._fits(link, LINK_LIMIT) else None

    def names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        kept = [self.text(name, NAME_LIMIT) for name in self._some(names)]
        return tuple(name for name in kept if name is not None)

    def enclosures(self, enclosures: tuple[Enclosure, ...]) -> tuple[Enclosure, ...]:
        return tuple(
            Enclosure(_encoded(e.url).decode(), self.text(e.type, NAME_LIMIT), _number(e.length))
            for e in self._some(enclosures)
            if self._fits(e.url, LINK_LIMIT)
        )

    def _fits(self, text: str, limit: int) -> bool:
        fits = len(_encoded(text)) <= limit
        self.truncated |= not fits
        return fits

    def _some(self, items: tuple[T, ...]) -> tuple[T, ...]:
        self.truncated |= len(items) > LIST_LIMIT
        return items[:LIST_LIMIT]


def _encoded(text: str) -> bytes:
    """`text` in UTF-8; halves of a surrogate pair are joined, lone ones become U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
