"""What a feed says of itself, and where its entries are.

RSS 2.0: in the channel. RSS 1.0 and 0.90: beside the channel. Atom: in the feed; a document may be one entry
alone (RFC 4287 §2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from ..dates import parse_date
from ..protocol import FeedDocument
from ..raw import RawEntry, RawFeed
from ..rss_cloud import cloud
from ..timers import timers
from .entries import entry
from .links import links, page, related
from .names import Element
from .people import authors
from .texts import passages, titles
from .tree import Children, Place, Reading, attributes, text_in

_ENTRIES: Final = ("item", "entry", "atom:entry")
_TITLES: Final = ("title", "atom:title", "dc:title", "dcterms:title")
_SUBTITLES: Final = (
    "description", "atom:subtitle", "subtitle", "atom:tagline", "tagline", "dc:description",
    "itunes:subtitle",
)  # fmt: skip
_UPDATED: Final = (
    "lastbuilddate", "atom:updated", "updated", "atom:modified", "modified", "dcterms:modified", "dc:date",
    "pubdate", "atom:published", "published", "dcterms:issued", "date",
)  # fmt: skip


class NoFeed(Exception):
    """The root element is not that of a feed."""


def feed(reading: Reading, document: FeedDocument) -> RawFeed:
    """What a document says.

    Raises:
      NoFeed: it is something else.
    """
    root, limit = reading.root, document.entries_limit
    wanted = None if limit is None else limit + 1  # one more tells that there are too many
    if reading.names.kind == "entry":
        return RawFeed(entries=[entry(reading, root, reading.place, ())], parser="first-pass")
    channel = _channel(reading)
    children, here = reading.children(channel), reading.place
    if channel is not root:
        here = here.inside(attributes(channel))
    of_feed = authors(reading, children) if reading.names.kind == "feed" else []
    found = (
        entry(reading, element, here if element.getparent() is channel else reading.place, of_feed)
        for element in _entries(reading, channel, children)
    )
    return _feed(reading, children, here, list(islice(found, wanted)))


def _channel(reading: Reading) -> Element:
    """The element that has the feed's own fields."""
    root, kind = reading.root, reading.names.kind
    if kind == "feed":
        return root
    if kind not in {"rss", "rdf"}:
        raise NoFeed
    return next(iter(reading.children(root).named("channel")), root)


def _entries(reading: Reading, channel: Element, children: Children) -> Iterator[Element]:
    found: Iterable[Element] = children.all(_ENTRIES)
    yield from found or [
        item for around in children.first(("items",)) for item in reading.children(around).all(_ENTRIES)
    ]
    if channel is not reading.root:
        beside = reading.children(reading.root)
        yield from beside.all(_ENTRIES)
        for other in list(beside.named("channel"))[1:]:
            yield from reading.children(other).all(_ENTRIES)


def _feed(reading: Reading, children: Children, here: Place, entries: list[RawEntry]) -> RawFeed:
    found = links(reading, children, here)
    dates = (parse_date(reading.text(child)) for child in children.first(_UPDATED))
    return RawFeed(
        title=titles(reading, children, here, _TITLES),
        subtitle=passages(reading, children, here, _SUBTITLES),
        link=page(reading, children, found, here),
        language=text_in(
            reading,
            children,
            (
                "language",
                "dc:language",
            ),
        )
        or here.language,
        updated=next(filter(None, dates), None),
        self_link=related(found, "self"),
        hub=related(found, "hub"),
        cloud=next(filter(None, (cloud(attributes(child)) for child in children.named("cloud"))), None),
        generator=text_in(reading, children, ("generator", "atom:generator")),
        next_page=related(found, "next"),
        prev_archive=related(found, "prev-archive"),
        timers=timers(
            ttl=text_in(reading, children, ("ttl",)),
            period=text_in(reading, children, ("sy:updateperiod",)),
            frequency=text_in(reading, children, ("sy:updatefrequency",)),
            hours=_listed(reading, children, "skiphours", "hour"),
            days=_listed(reading, children, "skipdays", "day"),
        ),
        entries=entries,
        parser="first-pass",
    )


def _listed(reading: Reading, children: Children, around: str, name: str) -> list[str]:
    """The texts in a list of RSS."""
    lists = (reading.children(element) for element in children.named(around))
    return [reading.text(one) for each in lists for one in each.named(name)]
