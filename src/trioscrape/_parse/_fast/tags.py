"""Tags, which feedparser takes from attributes, texts, and lists with commas."""

from __future__ import annotations

from typing import Final

from .reading import Element, Reading, Scope, attributes_of

_MEDIA_SCHEME: Final = "http://search.yahoo.com/mrss/category_schema"
_ITUNES: Final = "http://www.itunes.com/"


def category(reading: Reading, scope: Scope, element: Element) -> None:
    """A tag: attributes in Atom, a text in RSS, both where somebody has mixed them."""
    attributes = attributes_of(element)
    if attributes:
        scheme = attributes.get("scheme", attributes.get("domain"))
        _add_tag(scope, attributes.get("term"), scheme, attributes.get("label"))
    _add_text(scope, reading.text(element))


def media_category(reading: Reading, scope: Scope, element: Element) -> None:
    """The same; it has a scheme of its own where it doesn't say."""
    attributes = attributes_of(element)
    scheme = attributes.get("scheme", _MEDIA_SCHEME)
    _add_tag(scope, attributes.get("term"), scheme, attributes.get("label"))
    _add_text(scope, reading.text(element))


def itunes_category(reading: Reading, scope: Scope, element: Element) -> None:
    """A tag in an attribute."""
    _add_tag(scope, attributes_of(element).get("text"), _ITUNES, None)
    _add_text(scope, reading.text(element))


def keywords(reading: Reading, scope: Scope, element: Element) -> None:
    """Tags with commas between them; feedparser drops them where the element has attributes."""
    scheme = _ITUNES if reading.names[element.tag] == "itunes_keywords" else None
    text = reading.text(element)
    terms = [] if element.items() else text.split(",")
    for term in filter(None, map(str.strip, terms)):
        _add_tag(scope, term, scheme, None)


def _add_tag(scope: Scope, term: str | None, scheme: str | None, label: str | None) -> None:
    tag = term, scheme, label
    if (term or scheme or label) and tag not in scope.seen_terms:
        scope.terms.append(tag)
        scope.seen_terms.add(tag)


def _add_text(scope: Scope, text: str) -> None:
    """The text of a tag's element: the term of the last tag where that has none, else a tag itself."""
    if text and scope.terms and not scope.terms[-1][0]:
        scope.seen_terms.discard(scope.terms[-1])
        scope.terms[-1] = text, *scope.terms[-1][1:]
        scope.seen_terms.add(scope.terms[-1])
    elif text:
        _add_tag(scope, text, None, None)
