"""Attached files and pictures: RSS ``enclosure``, Atom's enclosure links, Media RSS 1.5."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ..._records import Enclosure
from ..html import absolute
from ..raw import RawText
from .links import Link, url_in
from .names import Element
from .texts import construct
from .tree import Attributes, Children, Place, Reading, attributes, said

OF_PICTURES: Final = ("itunes:image", "image")
_OF_MEDIA: Final = frozenset(
    """media:group media:content media:thumbnail media:title media:description media:keywords
    media:category""".split()  # noqa: SIM905
)


def media_in(reading: Reading, children: Children) -> Media | None:
    """The media of an entry, if it has any."""
    return Media(reading, children) if children.has(_OF_MEDIA) else None


class Media:
    """The elements of Media RSS in an entry: its own, those in groups, and those in the media themselves."""

    def __init__(self, reading: Reading, children: Children) -> None:
        self._reading = reading
        self._levels = [children, *(reading.children(group) for group in children.named("media:group"))]
        self.contents = [content for level in self._levels for content in level.named("media:content")]
        self._levels += [reading.children(content) for content in self.contents if len(content)]

    def first(self, names: tuple[str, ...]) -> Iterator[Element]:
        """The elements of these names: those of the entry before those of one medium."""
        return (element for level in self._levels for element in level.first(names))

    def inside(self, names: tuple[str, ...]) -> Iterator[Element]:
        """The elements of these names in groups and media."""
        return (element for level in self._levels[1:] for element in level.first(names))

    def text(self, name: str, around: Place) -> RawText | None:
        """The first text of a name."""
        texts = (construct(self._reading, element, around) for element in self.first((name,)))
        return next((text for text in texts if text and text.value), None)

    def duration(self) -> str | None:
        """Of the first medium that says it, in seconds."""
        return next((found for one in self.contents if (found := attributes(one).get("duration"))), None)


def enclosures(
    reading: Reading, children: Children, links: Sequence[Link], media: Media | None, around: Place
) -> list[Enclosure]:
    """All files that are attached to an entry."""
    found = []
    for element in children.named("enclosure"):
        given = attributes(element)
        if url := said(given, "url", "href") or reading.text(element):
            found.append(_enclosure(url, given, around))
    found += [
        Enclosure(link.url, link.type or None, length(link.length))
        for link in links
        if "enclosure" in link.relations
    ]
    for content in media.contents if media else ():
        given = attributes(content)
        if of_medium := said(given, "url"):
            found.append(_enclosure(of_medium, given, around))
    return found


def _enclosure(url: str, given: Attributes, around: Place) -> Enclosure:
    base = around.inside(given).base
    return Enclosure(
        absolute(url, base) or "", said(given, "type"), length(said(given, "length", "filesize"))
    )


def length(claimed: str | None) -> int | None:
    """Bytes, as publishers write them: ``1234``, ``1,234``, ``1234.0``; None for what is no number."""
    digits = (claimed or "").strip().replace(",", "").removesuffix(".0")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 19 else None


def picture(reading: Reading, children: Children, media: Media | None, around: Place) -> str | None:
    """The picture that stands for an entry."""
    elements = [*children.named("itunes:image"), *(media.first(("media:thumbnail",)) if media else ())]
    for element in elements:
        given = attributes(element)
        if url := said(given, "href", "url") or reading.text(element):
            return absolute(url, around.inside(given).base)
    for element in children.named("image"):
        return url_in(reading, reading.children(element), around, ("url",))
    return None
