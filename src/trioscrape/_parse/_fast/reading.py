"""The state of one reading: what feedparser would know at this point of the document."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from .. import feedparser_private
from ..draft import DraftEntry, DraftText
from ..html import is_plain_link
from .names import Names, Unsupported, attribute_name, version_of
from .texts import guessed, leaf, repaired, type_of, xhtml
from .xml import Tree

Element = Any
"""An element of lxml, which has no types of its own."""
Attributes = dict[str, str]
_NONE: Final[Attributes] = {}


class Scope(DraftEntry):
    """The feed, or one entry: where its elements are, and what they have said until now."""

    __slots__ = (
        "author", "author_is_text", "base", "depth", "entry", "has_summary", "lang", "links", "people",
        "seen_terms", "subtitle", "terms", "timing", "title_depth",
    )  # fmt: skip

    def __init__(self, base: str, lang: str | None, depth: int, *, entry: bool) -> None:
        super().__init__()
        self.base, self.lang, self.depth, self.entry = base, lang, depth, entry
        """`depth` is that of the elements inside."""
        self.has_summary = False
        self.title_depth = depth
        self.author: str | None = None
        self.author_is_text = False
        self.people: list[dict[str, str]] = []
        self.terms: list[tuple[str | None, str | None, str | None]] = []
        """Tags: term, scheme and label."""
        self.seen_terms: set[tuple[str | None, str | None, str | None]] = set()
        """The same; some entries have hundreds."""
        if not entry:
            self.links: dict[str, str] = {}
            """The first one of each relation."""
            self.subtitle: DraftText | None = None
            self.timing: dict[str, object] = {}


class Reading:
    """What outlives an element; and the texts, links and attributes of elements."""

    repaired = False
    """Whether the document was not well-formed as it came."""

    def __init__(self, tree: Tree, url: str) -> None:
        self.names = Names(tree.declared)
        self.root = tree.root
        self.has_c1 = tree.has_c1
        self.controls = tree.controls
        self.title_depth = -1
        """Of the last title that said something, in this entry or at all: a deeper one counts for nothing."""
        self.has_content = False
        """Whether content was seen in this entry: then a second summary is no content."""
        self.kind = self.names[tree.root.tag]
        version = version_of(self.kind, tree.declared[: tree.of_root])
        if not version:
            raise Unsupported("an unknown root element")
        self.guesses = not version.startswith("atom")
        self.unwraps = version == "atom10"
        self.base = _based(url, url)
        if _based(self.base, self.base) != self.base:
            raise Unsupported("a base that changes with each element")

    def leaf(self, element: Element) -> str:
        """The text of an element that holds nothing else, as it came."""
        return leaf(element)

    def text(self, element: Element) -> str:
        """The text of a leaf."""
        text = self.leaf(element)
        return text if text.isascii() else repaired(text, has_c1=self.has_c1)

    def markup(self, element: Element) -> str:
        """The text of a construct that is one text, as it came."""
        return leaf(element)

    def xhtml(self, element: Element) -> str:
        """The content of a construct that has elements."""
        return xhtml(element, self.names, unwrap=self.unwraps, has_c1=self.has_c1)

    def url(self, element: Element, base: str) -> str:
        """The text of a leaf as a link joined to `base`; an empty one stays empty."""
        text = self.leaf(element)
        return repaired(joined(base, text), has_c1=self.has_c1) if text else ""

    def construct(self, element: Element, scope: Scope, default: str) -> DraftText:
        """A text construct: content, summary, title and the like.

        Args:
          element: that has it.
          scope: where the element is.
          default: its type where it doesn't say.
        """
        attributes = attributes_of(element)
        base, lang, kind = scope.base, scope.lang, default
        if attributes:
            base, lang = self.place(attributes, scope)
            kind = type_of(attributes, default)
        if kind == "application/xhtml+xml":
            value = self.xhtml(element)
        else:
            value = self.markup(element)
            if self.guesses and kind == "text/plain":
                kind = guessed(value)
            if not value.isascii():
                value = repaired(value, has_c1=self.has_c1)
        return DraftText(value, kind, base, lang)

    def place(self, attributes: Attributes, around: Scope) -> tuple[str, str | None]:
        """Base and language of an element with these attributes."""
        base = attributes.get("xml:base", attributes.get("base"))
        lang = attributes.get("xml:lang", attributes.get("lang"))
        return (
            _based(around.base, base) if base else around.base,
            around.lang if lang is None else lang or None,
        )


def attributes_of(element: Element) -> Attributes:
    """By feedparser's names for them; ``rel`` and ``type`` in lower case."""
    items = element.items()
    if not items:
        return _NONE
    attributes = {attribute_name(key): value for key, value in items}
    for name in ("rel", "type"):
        if name in attributes:
            attributes[name] = attributes[name].lower()
    return attributes


def joined(base: str, link: str) -> str:
    """A link joined to its base as feedparser does it."""
    return link if is_plain_link(link) else feedparser_private.join_url(base, link)


@lru_cache(maxsize=64)
def _based(base: str, link: str) -> str:
    return feedparser_private.join_base(base, link) or base
