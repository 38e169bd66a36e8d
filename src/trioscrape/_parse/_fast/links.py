"""Links: which of them is the page of a feed or entry (RSS 2.0 ``link``, RFC 4287 §4.2.7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from ..html import absolute
from .tree import Children, Place, Reading, attributes, said

_IANA: Final = "http://www.iana.org/assignments/relation/"
_AMPERSAND: Final = re.compile("&(?:amp|#0*38|#[xX]0*26);")
_HTML: Final = frozenset(("", "text/html", "application/xhtml+xml"))
_LINKS: Final = ("link", "atom:link")


class Link(NamedTuple):
    """A link with attributes, as Atom has them."""

    relations: Sequence[str]
    """In lower case, IANA's names without their URI."""
    type: str
    """Media type in lower case without parameters; empty where it is not said."""
    url: str
    """Absolute, of an allowed scheme."""
    length: str | None


def links(reading: Reading, children: Children, around: Place) -> list[Link]:
    """The links among `children` that have attributes, as all of Atom's do."""
    found = []
    for element in children.all(_LINKS):
        given = attributes(element)
        if not given and reading.names[element.tag] == "link":
            continue
        href = said(given, "href", "url", "uri")
        base = around.inside(given).base
        url = absolute(unescaped(href), base) if href else url_of(reading, reading.text(element), base)
        if url:
            kind = given.get("type", "").lower().partition(";")[0].strip()
            found.append(Link(_relations(given.get("rel", "")), kind, url, given.get("length")))
    return found


@lru_cache(maxsize=256)
def _relations(rel: str) -> Sequence[str]:
    return rel.lower().strip().removeprefix(_IANA).split() or ("alternate",)


def page(reading: Reading, children: Children, found: Sequence[Link], around: Place) -> str | None:
    """The page that a feed or entry is about.

    RSS: the first link that is one. Atom, and RSS without such: the first alternate in HTML or without a
    type, else the first of another type. All other relations lead elsewhere.
    """
    if url := url_in(reading, children, around, ("link",)):
        return url
    return page_of(found, "alternate") or related(found, "alternate")


def page_of(found: Sequence[Link], relation: str) -> str | None:
    """The first link with a relation in HTML, or of a type that is not said."""
    for link in found:
        if relation in link.relations and link.type in _HTML:
            return link.url
    return None


def related(found: Sequence[Link], relation: str) -> str | None:
    """The first link with a relation."""
    for link in found:
        if relation in link.relations:
            return link.url
    return None


def url_in(reading: Reading, children: Children, around: Place, names: tuple[str, ...]) -> str | None:
    """The first of these elements whose text is a link."""
    for element in children.first(names):
        if url := url_of(reading, reading.text(element), around.inside(attributes(element)).base):
            return url
    return None


def url_of(reading: Reading, text: str, base: str) -> str | None:
    """A text as a link, unless it is words. A single word or a number is one only where there is a base."""
    if not text or ("://" not in text and len(text.split()) > 1):
        return None
    if base == reading.url and not _OF_A_LINK.search(text):
        return None
    return absolute(unescaped(text), base)


_OF_A_LINK: Final = re.compile("[/.?#:]")


def unescaped(url: str) -> str:
    """`url` with ``&`` in place of ``&amp;``, which is left over where it was escaped twice."""
    return _AMPERSAND.sub("&", url) if "&" in url else url


def permalink(reading: Reading, children: Children) -> str | None:
    """The guid of an RSS item, if it may be a link as well (RSS 2.0 ``guid``) and is one."""
    for element in children.named("guid"):
        says = attributes(element).get("ispermalink", "true").strip().lower()
        text = reading.text(element)
        if says in {"true", "1"} and text[:8].lower().startswith(("http://", "https://")):
            return absolute(unescaped(text), "")
    return None
