"""Authors as feedparser reads them: names, addresses, and its ways of telling one from the other."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from ..feedparser_private import split_author
from .names import Unsupported
from .reading import Element, Reading, Scope

PERSON: Final = {
    "name": "name", "itunes_name": "name", "email": "email", "itunes_email": "email",
    "url": "href", "uri": "href", "homepage": "href",
}  # fmt: skip
"""What a person construct may have inside, and what feedparser calls it."""


def text_author(reading: Reading, scope: Scope, element: Element) -> None:
    """A name, an address, or both: ``ada@a.test (Ada)``."""
    scope.author = author = reading.text(element)
    scope.author_is_text = scope.author_is_text or bool(author)
    scope.people.append(_split(author))


def person(reading: Reading, scope: Scope, element: Element) -> list[Element]:
    """An Atom person construct (RFC 4287 §3.2); returns the elements in it that say nothing to it."""
    if scope.author_is_text:
        raise Unsupported("authors as texts and as constructs")
    person: dict[str, str] = {}
    others = []
    for child in element:
        key = PERSON.get(reading.names[child.tag])
        if key is None:
            others.append(child)
            continue
        # feedparser begins a person with what the one before has said, and goes on from there.
        person = person or dict(_split(scope.author or ""))
        person[key] = reading.leaf(child)
    scope.people.append(person)
    name, email = person.get("name"), person.get("email")
    scope.author = f"{name} ({email})" if name and email else name or email or ""
    if not scope.author and _has_text(element, others):
        raise Unsupported("a person construct with a text of its own")
    return others


def _has_text(element: Element, others: list[Element]) -> bool:
    """Whether it has a text that is none of its parts'."""
    inside = (text for other in others for text in other.itertext())
    texts = (element.text, *(child.tail for child in element), *inside)
    return any((text or "").strip() for text in texts)


def authors(scope: Scope) -> list[str]:
    """The name of each person, or else the address."""
    if not any(scope.people):
        return [scope.author or ""]
    return [person.get("name") or person.get("email") or "" for person in scope.people]


@lru_cache(maxsize=256)
def _split(author: str) -> dict[str, str]:
    """Name and address, by feedparser's own rules."""
    if "@" not in author:
        return {"name": author} if author else {}
    return split_author(author)
