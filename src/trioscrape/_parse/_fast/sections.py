"""Elements with elements inside that say nothing about the feed or entry around them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from .elements import Handler, unknown, unread, within
from .names import Unsupported
from .people import PERSON
from .reading import Element, Reading, Scope


def only(*names: str) -> Handler:
    """Reads an element whose children have these names, and no children themselves."""

    def section(reading: Reading, scope: Scope, element: Element) -> None:
        for child in element:
            (unread if reading.names[child.tag] in names else unknown)(reading, scope, child)

    return section


def titled(names: Collection[str]) -> Handler:
    """The same where a title may be inside: to feedparser it is one of the entry or feed, but deeper."""

    def section(reading: Reading, scope: Scope, element: Element) -> None:
        reading.title_depth = -1
        for child in element:
            name = reading.names[child.tag]
            # A prefix tells feedparser's loose parser that it is in the image or source no more.
            if name not in names or (reading.repaired and child.prefix):
                raise Unsupported(f"{name} where it is not expected")
            if name in {"author", "contributor"}:
                people(reading, scope, child)
            elif name == "title" and reading.construct(child, scope, "text/plain").value:
                reading.title_depth = scope.depth + 1
            else:
                unread(reading, scope, child)

    return section


def nested_categories(reading: Reading, _: Scope, element: Element) -> None:
    """An iTunes category of a feed, and the ones below it."""
    if any(reading.names[inner.tag] != "itunes_category" for inner in element.iter()):
        raise Unsupported("something in an itunes:category")


def chapters(reading: Reading, _: Scope, element: Element) -> None:
    """Podlove's; feedparser can't do without the start of one."""
    for child in element:
        if reading.names[child.tag] != "psc_chapter" or len(child) or child.get("start") is None:
            raise Unsupported("an unusual chapter")


def timing(reading: Reading, scope: Scope, element: Element) -> None:
    """How often to ask; an element with attributes is a dict of them to feedparser, and says nothing."""
    text = reading.leaf(element)
    scope.timing[reading.names[element.tag]] = {} if element.items() else text


def skipped(reading: Reading, scope: Scope, element: Element) -> None:
    """``skipHours`` and ``skipDays``: that they are there; `timers` looks for what they say."""
    scope.timing[reading.names[element.tag]] = ""
    within(reading, scope, element)


people: Final = only(*PERSON)
source: Final = titled(
    frozenset(
        """title id link updated published author contributor subtitle rights generator icon logo
        category""".split()  # noqa: SIM905
    )
)
feed_image: Final = titled(frozenset(("title", "link", "description", "url", "width", "height")))
entry_image: Final = titled(())
text_input: Final = titled(frozenset(("title", "link", "description", "name")))
