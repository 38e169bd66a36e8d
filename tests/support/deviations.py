"""Where our answer is another than feedparser's, and by which rule of the specifications.

A rule here is one of "What a feed means to trioscrape" in the README. What no row explains is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from html import unescape
from typing import Any, Final, NamedTuple

from lxml import etree

from trioscrape._parse import FeedDocument
from trioscrape._parse.charset import in_utf_8
from trioscrape._parse.dates import parse_date
from trioscrape._parse.html import absolute, one_line, plain
from trioscrape._parse.repair import repaired

from .feedparsers_answer import Answer, Fields, answer

_UTF8: Final = "application/xml; charset=utf-8"
_ITUNES: Final = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
_MEDIA: Final = "{http://search.yahoo.com/mrss/}"
_DATES: Final = frozenset(
    "pubdate published issued date updated modified created lastbuilddate".split()  # noqa: SIM905
)


class Case:
    """A document of which the answers differ."""

    def __init__(self, document: FeedDocument, theirs: Answer) -> None:
        self.document, self.theirs = document, theirs

    @cached_property
    def utf_8(self) -> bytes:
        """By our rules of charsets."""
        return in_utf_8(self.document.body, self.document.content_type).data

    @cached_property
    def mended(self) -> bytes:
        """The same, repaired."""
        found = repaired(self.utf_8)
        return self.utf_8 if found is None else found.data

    @cached_property
    def of_utf_8(self) -> Answer | None:
        """What feedparser says when it is told the charset."""
        return self._of(self.utf_8)

    @cached_property
    def of_mended(self) -> Answer | None:
        """What feedparser says of the repaired document."""
        return self._of(self.mended)

    def _of(self, data: bytes) -> Answer | None:
        with suppress(TypeError):
            return answer(replace(self.document, body=data, content_type=_UTF8))
        return None

    @cached_property
    def root(self) -> Any:
        """The repaired document as a tree."""
        return etree.fromstring(self.mended, etree.XMLParser(recover=True, encoding="utf-8", huge_tree=True))

    def elements(self, name: str) -> Iterator[Any]:
        """All elements with that end of a tag, in lower case."""
        return (one for one in self.root.iter("*") if one.tag.lower().endswith(name))

    @cached_property
    def nested(self) -> set[str]:
        """Texts that are inside of something else than a channel, an item or an entry."""
        fields = ("channel", "item", "entry", "feed", "rss", "rdf")
        inside = (
            one
            for one in self.root.iter("*")
            if one.getparent() is not None and not _ends(one.getparent(), fields)
        )
        return {one_line(plain(one.text)) for one in inside if one.text}

    @cached_property
    def dates(self) -> set[datetime | None]:
        """All dates in elements that have some."""
        return {
            parse_date((one.text or "").strip()) for one in self.root.iter("*") if _ends(one, tuple(_DATES))
        }


def _ends(element: Any, names: tuple[str, ...]) -> bool:
    return str(element.tag).rpartition("}")[2].lower() in names


class Difference(NamedTuple):
    """One field of one entry, or of the feed."""

    field: str
    ours: Any
    theirs: Any
    our_entry: Fields
    """All fields of the entry, or of the feed."""
    their_entry: Fields
    number: int = -1
    """Which entry; -1: the feed."""


@dataclass(frozen=True)
class Deviation:
    """A row of the table."""

    rule: int
    fields: str
    """Names, with spaces between."""
    why: str
    """What is wrong about feedparser's answer."""
    explains: Callable[[Case, Difference], bool]


def _value(found: Answer | None, difference: Difference) -> Any:
    """What that answer has in the place of a difference; `_MISSING` for nothing."""
    if found is None:
        return _MISSING
    if difference.field == "entries":
        return len(found.entries)
    if difference.number < 0:
        return found.feed[difference.field]
    entries = found.entries[difference.number :][:1]
    return entries[0][difference.field] if entries else _MISSING


_MISSING: Final = object()


def _is_that_of(found: Answer | None, difference: Difference) -> bool:
    return bool(_value(found, difference) == difference.ours)


def _text(value: Any) -> str:
    return one_line(plain(value)) if isinstance(value, str) else ""


def _is_of_media(case: Case, difference: Difference) -> bool:
    texts = {_text(one.text) for name in ("description", "title") for one in case.elements(_MEDIA + name)}
    return _text(difference.theirs) in texts


def _is_a_double(case: Case, difference: Difference) -> bool:
    single = {(entry["id"], entry["title"], entry["published"]) for entry in case.theirs.entries}
    return bool(difference.ours == len(single))


def _is_inherited(case: Case, difference: Difference) -> bool:
    names = {_text("".join(one.itertext())) for one in case.elements("author")}
    persons = {_text(one.text) for author in case.elements("author") for one in author.iter("*")}
    return not difference.theirs and set(difference.ours) <= names | persons


def _is_media_content(case: Case, difference: Difference) -> bool:
    urls = {absolute(one.get("url", ""), case.document.url) for one in case.elements(_MEDIA + "content")}
    return set(difference.ours) - set(difference.theirs) <= urls


def _is_of_several(case: Case, difference: Difference) -> bool:
    return difference.ours in case.dates and difference.theirs in case.dates


def _is_made_of_an_id(_: Case, difference: Difference) -> bool:
    found = difference.their_entry.get("id")
    return difference.ours is None and (difference.number < 0 or bool(found == difference.theirs))


def _is_a_second_summary(case: Case, difference: Difference) -> bool:
    texts = {_text(one.text) for name in ("description", "summary") for one in case.elements(name)}
    return _text(difference.theirs) in texts and _text(difference.ours or "") in texts | {""}


def _is_no_text(case: Case, difference: Difference) -> bool:
    return difference.ours is None and b"application/octet-stream" in case.document.body


def _is_another_link(case: Case, difference: Difference) -> bool:
    """Whether ours is a link or a guid of the document."""
    base = case.document.url
    found = [*case.elements("link"), *case.elements("guid")]
    texts = (text for one in found for text in (one.text, one.get("href"), *one.itertext()) if text)
    return difference.ours is not None and any(
        difference.ours == absolute(unescape(text.strip()), base) for text in texts
    )


def _differs_in_tags(_: Case, difference: Difference) -> bool:
    ours, theirs = (re.sub(r"\s", "", _text(each)) for each in (difference.ours, difference.theirs))
    return bool(ours) and ours == theirs


def _is_more(_: Case, difference: Difference) -> bool:
    return bool(difference.theirs) and str(difference.ours).startswith(f"{difference.theirs}\n")


def _is_unknown_to_it(case: Case, difference: Difference) -> bool:
    texts = {_text(one.text) for one in case.root.iter("*")}
    return not difference.theirs and _text(difference.ours) in texts


def _has_other_names(case: Case, difference: Difference) -> bool:
    elements = [*case.elements("author"), *case.elements("creator")]
    texts = " ".join(_text(unescape(_text(one.text))) for one in elements)
    return bool(difference.ours) and all(name in texts for name in difference.ours)


def _is_a_guess(case: Case, difference: Difference) -> bool:
    """A date of the document is not what feedparser has, or there is none."""
    return difference.ours in case.dates and difference.theirs not in case.dates


def _is_a_part(_: Case, difference: Difference) -> bool:
    ours, theirs = (re.sub(r"\s", "", _text(each)) for each in (difference.ours, difference.theirs))
    return len(theirs) < len(ours) and ours.startswith(theirs)


def _has_nested(case: Case, difference: Difference) -> bool:
    more = set(difference.theirs) - set(difference.ours)
    return bool(more) and set(difference.ours) <= set(difference.theirs) and more <= case.nested


def _is_in_an_enclosure(case: Case, difference: Difference) -> bool:
    texts = {absolute((one.text or "").strip(), case.document.url) for one in case.elements("enclosure")}
    links = {absolute((one.text or "").strip(), case.document.url) for one in case.elements("link")}
    return set(difference.ours) - set(difference.theirs) <= texts | links


def _is_of_itunes(case: Case, difference: Difference) -> bool:
    texts = {_text(one.text) for name in ("subtitle", "summary") for one in case.elements(_ITUNES + name)}
    return _text(difference.theirs) in texts


def _finds_nothing(case: Case, _: Difference) -> bool:
    return not case.theirs.entries and not any(case.theirs.feed.values())


TABLE: Final = (
    Deviation(
        1,
        "entries feed_title feed_subtitle feed_link",
        "It finds nothing: the root has a namespace of its own, and so has the rest",
        _finds_nothing,
    ),
    Deviation(1, "summary content", "It is of a picture or video: Media RSS describes media", _is_of_media),
    Deviation(
        1,
        "title link summary content tags",
        "It is inside of another element",
        lambda case, difference: _text(difference.theirs) in case.nested,
    ),
    Deviation(1, "authors tags", "Some are inside of another element", _has_nested),
    Deviation(1, "summary content title", "It does not know the element", _is_unknown_to_it),
    Deviation(
        2,
        "published updated",
        "dc:date alone is when an entry was published",
        lambda _, difference: (
            difference.our_entry["published"] == difference.their_entry["updated"]
            and difference.their_entry["published"] is None
        ),
    ),
    Deviation(2, "published updated feed_updated", "It reads a part, and guesses the rest", _is_a_guess),
    Deviation(2, "published updated feed_updated", "Of several dates it takes the last", _is_of_several),
    Deviation(
        3,
        "feed title summary content tags authors entries feed_title feed_subtitle",
        "It goes by another charset than the Encoding Standard, or loses a document for one byte",
        lambda case, difference: _is_that_of(case.of_utf_8, difference),
    ),
    Deviation(4, "entries", "An entry that is in the document twice is one entry", _is_a_double),
    Deviation(6, "link feed_link", "The first link counts, or a permalink", _is_another_link),
    Deviation(6, "link feed_link", "An id that is no permalink is no link", _is_made_of_an_id),
    Deviation(
        6,
        "link feed_link feed_self_link",
        "A link without a URL leads nowhere",
        lambda case, difference: difference.ours is None and b'href=""' in case.document.body,
    ),
    Deviation(7, "summary content", "A description and a summary are no content", _is_a_second_summary),
    Deviation(7, "title feed_title feed_subtitle summary", "A title is text, HTML or XHTML", _is_no_text),
    Deviation(7, "summary content feed_subtitle", "An iTunes text replaces no other", _is_of_itunes),
    Deviation(7, "content", "All parts of content:encoded count", _is_more),
    Deviation(7, "summary content", "An element with the name of a field ends it", _is_a_part),
    Deviation(
        7, "summary content", "It writes XHTML as no HTML: ends are missing or too many", _differs_in_tags
    ),
    Deviation(8, "authors", "An entry has the authors of its source, or of its feed", _is_inherited),
    Deviation(8, "authors", "It does not tell a name from its address, or decode it", _has_other_names),
    Deviation(8, "enclosures", "The URL may be a text", _is_in_an_enclosure),
    Deviation(8, "enclosures", "media:content is an enclosure", _is_media_content),
    Deviation(
        9,
        "entries id link title summary content authors published updated tags enclosures language feed_title"
        " feed_subtitle feed_link feed_language feed_updated feed_self_link feed_hub",
        "It says so itself when the document is repaired before",
        lambda case, difference: _is_that_of(case.of_mended, difference),
    ),
)


def explained(case: Case, difference: Difference) -> Deviation | None:
    """The first row that explains a difference, to feedparser's answer or to the one for what is repaired."""
    if (row := _explained(case, difference)) is not None:
        return row
    value = _value(case.of_mended, difference)
    if case.of_mended is None or value is _MISSING:
        return None
    entries = case.of_mended.entries[difference.number :][:1] if difference.number >= 0 else []
    other = difference._replace(theirs=value, their_entry=entries[0] if entries else {})
    mended = Case(replace(case.document, body=case.mended, content_type=_UTF8), case.of_mended)
    return _explained(mended, other)


def _explained(case: Case, difference: Difference) -> Deviation | None:
    name = difference.field.replace(" ", "_")
    rows = (row for row in TABLE if name in row.fields.split())
    return next((row for row in rows if row.explains(case, difference)), None)
