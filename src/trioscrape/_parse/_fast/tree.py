"""A document's bytes as a tree, and what is looked at in it: children, texts, attributes, bases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from lxml import etree

from ..html import absolute
from .names import XML, Element, Names

_C1: Final = re.compile("[\x80-\x9f]")
_C1_IN_UTF_8: Final = re.compile(rb"\xc2[\x80-\x9f]")
_REFERENCE_TO_C1: Final = re.compile(rb"#(?:[xX]0*[89][0-9a-fA-F]|0*1[2-5][0-9]);")
"""Without the ampersand, because of which it would be looked at in each place that has one."""


class NotWellFormed(Exception):
    """The bytes are no well-formed document."""


class TooDeep(Exception):
    """The document has more than the 2048 levels that libxml2 takes."""


_RESOURCE_LIMIT: Final = 114
"""XML_ERR_RESOURCE_LIMIT of libxml2."""


def parsed(data: bytes) -> Element:
    """The root element of a document in UTF-8, without comments and processing instructions.

    Nothing is read but `data`, and no entity is expanded.

    Raises:
      NotWellFormed: it can't be parsed.
      TooDeep: it can't, and that is not known to be the document's fault.
    """
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise (TooDeep if error.code == _RESOURCE_LIMIT else NotWellFormed) from error


Attributes = dict[str, str]


def attributes(element: Element) -> Attributes:
    """The attributes of an element, with their names in lower case, whatever publishers make of them."""
    items = element.items()
    if not items:
        return _NONE
    found = dict(items)
    return found if "".join(found).islower() else {key.lower(): value for key, value in items}


_NONE: Final[Attributes] = {}
_BASE: Final = f"{XML}base".lower()
_LANGUAGE: Final = f"{XML}lang".lower()


class Place(NamedTuple):
    """Where an element is: what its ``xml:base`` and ``xml:lang`` are, or those around it."""

    base: str
    language: str | None

    def inside(self, given: Attributes) -> Place:
        """The place inside of an element that is here and has these attributes."""
        if not given or (_BASE not in given and _LANGUAGE not in given):
            return self
        base, language = given.get(_BASE), given.get(_LANGUAGE)
        return Place(
            (absolute(base, self.base) if base else None) or self.base,
            self.language if language is None else language.strip() or None,
        )


class Children:
    """The elements directly inside of another one, by their names."""

    __slots__ = ("_element", "_found", "_names")

    def __init__(self, element: Element, names: Names) -> None:
        self._element, self._names = element, names
        self._found: dict[str, list[Element]] = {}
        found, name_of = self._found, names.get
        for child in element[:]:  # a list, because lxml's iterator takes twice as long
            name = name_of(child.tag)
            if name is None:
                name = names.learn(child)
            if name in found:
                found[name].append(child)
            else:
                found[name] = [child]

    def named(self, name: str) -> Sequence[Element]:
        """The elements of one name."""
        return self._found.get(name, ())

    def has(self, names: frozenset[str]) -> bool:
        """Whether there is an element of one of these names."""
        return not names.isdisjoint(self._found)

    def first(self, names: tuple[str, ...]) -> Sequence[Element]:
        """The elements of the first name, then those of the next one, and so on."""
        found = self._found
        there: Sequence[Element] = ()
        for name in names:
            if name in found:
                there = [*there, *found[name]] if there else found[name]
        return there

    def all(self, names: tuple[str, ...]) -> Sequence[Element]:
        """The elements of all of these names, in the document's order."""
        found = self._found
        groups = [found[name] for name in names if name in found]
        if len(groups) < 2:
            return groups[0] if groups else ()
        return [child for child in self._element[:] if self._names[child.tag] in names]


class Reading:
    """One document, and how its elements are looked at."""

    def __init__(self, root: Element, data: bytes, url: str) -> None:
        self.root = root
        self.names = Names(root)
        self.place = Place(url, None).inside(attributes(root))
        """The place inside of the root element."""
        self._has_c1 = (b"\xc2" in data and _C1_IN_UTF_8.search(data) is not None) or (
            _REFERENCE_TO_C1.search(data) is not None
        )

    def children(self, element: Element) -> Children:
        """The elements directly inside of `element`."""
        return Children(element, self.names)

    def text(self, element: Element) -> str:
        """The text of an element, without white space around it; if it has none, that of elements inside."""
        text: str | None = element.text
        if len(element):
            text = "".join((text or "", *(child.tail or "" for child in element)))
            text = text if text.strip() else "".join(element.itertext())
        if not text:
            return ""
        # Not the other way round: one of the characters in question is white space.
        return text.strip() if text.isascii() else self.as_meant(text).strip()

    def as_meant(self, text: str) -> str:
        """`text` without two mistakes that are made with charsets.

        UTF-8 was taken for latin-1, and written as UTF-8 once more: ``Ã©``. Or latin-1 was said where
        windows-1252 was meant: C1 control characters stand for what that has in their place, as in HTML.
        """
        try:
            meant = text.encode("latin-1").decode()
        except UnicodeError:
            meant = text
        if self._has_c1 and _C1.search(meant):
            return meant.translate(_WINDOWS_1252)
        return meant


_WINDOWS_1252: Final = {
    byte: character for byte in range(0x80, 0xA0) if (character := bytes((byte,)).decode("cp1252", "ignore"))
}


def said(given: Attributes, *names: str) -> str | None:
    """The first of these attributes that says something."""
    for name in names:
        if (value := given.get(name)) is not None and (value := value.strip()):
            return value
    return None


def text_in(reading: Reading, children: Children, names: tuple[str, ...]) -> str | None:
    """The first of these elements that says something."""
    for element in children.first(names):
        if text := reading.text(element):
            return text
    return None
