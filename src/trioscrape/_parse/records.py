"""What a parser has read, made into the records that trioscrape stores: the same for every parser. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from .._records import Category, Enclosure, Entry, EntrySource, ParsedFeed, TextType, Transcript
from .._records.texts import CONTENT, SUMMARY
from .html import absolute, one_line, plain_line, scrub
from .identity import identified
from .lengths import sanitised_within, text_within
from .protocol import FeedDocument
from .raw import RawEntry, RawFeed, RawText
from .timers import bounded

_LANGUAGE: Final = re.compile(r"[A-Za-z0-9-]{1,35}")  # RFC 5646 §2.1, and §4.4.1 for the length


class _Text(NamedTuple):
    value: str | None = None
    type: TextType | None = None
    cut: bool = False


_NOTHING: Final = _Text()


def parsed_feed(raw: RawFeed, document: FeedDocument) -> ParsedFeed:
    """`raw` with safe texts, absolute links, and keys and hashes of its entries.

    Args:
      raw: what a parser has read.
      document: where; its URL is the base of relative links.
    """
    url, limit = document.url, document.entries_limit
    language = _language(raw.language)
    entries = [(_guid(entry), _entry(entry, url, language)) for entry in raw.entries[:limit]]
    identity = identified(
        entries,
        shared=document.shared_keys,
        distrusts_ids=document.distrusts_ids,
        broken=raw.repaired,
    )
    return ParsedFeed(
        title=_line(raw.title),
        link=_link(raw.link, url),
        entries=identity.entries,
        repaired=raw.repaired,
        timers=bounded(raw.timers),
        subtitle=_line(raw.subtitle),
        language=language,
        updated=_moment(raw.updated),
        self_link=_link(raw.self_link, url),
        hub=_link(raw.hub, url),
        cloud=_optional(raw.cloud),
        distrusts_ids=identity.distrusts_ids,
        has_more=limit is not None and len(raw.entries) > limit,
        parser=raw.parser,
        shared_keys=identity.shared,
        generator=_optional(raw.generator),
        next_page=_link(raw.next_page, url),
        prev_archive=_link(raw.prev_archive, url),
    )


def _entry(raw: RawEntry, url: str, language: str | None) -> Entry:
    content = _text(raw.content, url, CONTENT.limit)
    repeats = raw.summary == raw.content  # then it need not be sanitised to see that
    summary = _NOTHING if repeats else _text(raw.summary, url, SUMMARY.limit)
    if summary.value == content.value:
        summary = _NOTHING
    own_language = _language(raw.language) or _language_of(raw.content, raw.summary, raw.title)
    return Entry(
        key="",
        hash="",
        link=_link(raw.link, url),
        title=_line(raw.title),
        summary=summary.value,
        summary_type=summary.type,
        content=content.value,
        content_type=content.type,
        authors=_distinct(raw.authors) if raw.authors else (),
        published=_moment(raw.published),
        updated=_moment(raw.updated),
        tags=_distinct(_terms(raw.categories)) if raw.categories else (),
        enclosures=_enclosures(raw.enclosures, url) if raw.enclosures else (),
        language=None if own_language == language else own_language,
        categories=_categories(raw.categories) if raw.categories else (),
        image=_link(raw.image, url),
        comments=_link(raw.comments, url),
        source=_source(raw.source, url) if raw.source else None,
        duration=_count(raw.duration),
        episode=_count(raw.episode),
        season=_count(raw.season),
        explicit=raw.explicit,
        chapters=_link(raw.chapters, url),
        transcripts=_transcripts(raw.transcripts, url) if raw.transcripts else (),
        truncated=summary.cut or content.cut,
    )


def _language_of(*texts: RawText | None) -> str | None:
    """That of the first text which has one."""
    for text in texts:
        if text and text.language and text.value:
            return _language(text.language)
    return None


def _guid(raw: RawEntry) -> str | None:
    return scrub(raw.id) if raw.id else None


def _link(link: str | None, url: str) -> str | None:
    # feedparser takes an id for a link as well, "tag:..." among them: that is none.
    return absolute(link, url) if link and link.strip() else None


def _line(text: RawText | None) -> str | None:
    """A text on one line, without markup."""
    return plain_line(text) or None if text is not None else None


def _text(text: RawText | None, url: str, limit: int) -> _Text:
    """What can be shown of it, and how, in at most `limit` bytes."""
    if text is None:
        return _NOTHING
    if text.type == "html":
        shown, cut = sanitised_within(text.value, text.base or url, limit)
        return _Text(shown, "html", cut) if shown else _Text(cut=cut)
    shown, cut = text_within(scrub(text.value).strip(), limit)
    return _Text(shown, "text", cut) if shown else _Text(cut=cut)


def _enclosures(enclosures: Sequence[Enclosure], url: str) -> tuple[Enclosure, ...]:
    """Those that are links, each URL once."""
    found: dict[str, Enclosure] = {}
    for enclosure in enclosures:
        if (link := _link(enclosure.url, url)) and link not in found:
            found[link] = Enclosure(link, _media_type(enclosure.type), _length(enclosure.length))
    return tuple(found.values())


def _media_type(text: str | None) -> str | None:
    """In lower case, as it does not matter (RFC 9110 §8.3.1)."""
    return one_line(text).lower() or None if text else None


def _length(claimed: int | None) -> int | None:
    """Bytes, when a store can hold that many."""
    return claimed if claimed is not None and 0 <= claimed < 2**63 else None


def _categories(categories: Iterable[str | Category]) -> tuple[Category, ...]:
    """Those with more than a term."""
    found = (
        Category(one_line(each.term), _optional(each.scheme), _optional(each.label))
        for each in categories
        if isinstance(each, Category) and (each.scheme or each.label)
    )
    return tuple(dict.fromkeys(category for category in found if category.term))


def _source(source: EntrySource, url: str) -> EntrySource | None:
    found = EntrySource(_optional(source.title), _link(source.link, url))
    return found if found.title or found.link else None


def _count(number: int | None) -> int | None:
    """A number that a store can hold."""
    return number if number is not None and 0 <= number < 2**31 else None


def _transcripts(transcripts: Iterable[Transcript], url: str) -> tuple[Transcript, ...]:
    found = (
        Transcript(link, _media_type(each.type), _language(each.language))
        for each in transcripts
        if (link := _link(each.url, url))
    )
    return tuple(dict.fromkeys(found))


def _optional(text: str | None) -> str | None:
    return one_line(text) or None if text else None


def _language(tag: str | None) -> str | None:
    if not tag:
        return None
    tag = tag.strip().replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else None


def _terms(categories: Iterable[str | Category]) -> list[str]:
    return [category if isinstance(category, str) else category.term for category in categories]


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([line for text in texts if text and (line := one_line(text))]))


def _moment(moment: datetime | None) -> datetime | None:
    """In UTC and whole seconds; None when UTC has no such year."""
    if moment is None or (moment.tzinfo is UTC and not moment.microsecond):
        return moment
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        return None
