"""Categories: texts in RSS, attributes in Atom (RFC 4287 §4.2.2), lists with commas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ..._records import Category
from ..html import plain_line
from ..rss_text import line
from .media import Media
from .names import Element
from .tree import Children, Reading, attributes, said

_ONE: Final = ("category", "atom:category", "dc:subject", "media:category", "itunes:category")
_LISTS: Final = ("keywords", "tags", "media:keywords", "itunes:keywords")
_ALL: Final = _ONE + _LISTS
_OF_MEDIA: Final = ("media:category", "media:keywords")


def categories(reading: Reading, children: Children, media: Media | None) -> Iterator[str | Category]:
    """Those of an entry, in the document's order."""
    for element in children.all(_ALL):
        yield from _of_element(reading, element)
        if len(element):
            yield from categories(reading, reading.children(element), None)  # those of iTunes have some below
    for element in media.inside(_OF_MEDIA) if media else ():
        yield from _of_element(reading, element)


def _of_element(reading: Reading, element: Element) -> Sequence[str | Category]:
    given, text = attributes(element), reading.text(element)
    if reading.names[element.tag] in _LISTS:
        return text.split(",")
    if "<" in text or "&" in text:
        text = plain_line(line(text))
    if not given:
        return (text,)
    label = said(given, "label")
    term = said(given, "term", "text") or text or label or ""
    scheme, label = said(given, "scheme", "domain"), label if label != term else None
    return (Category(term, scheme, label) if scheme or label else term,)
