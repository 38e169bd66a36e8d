"""The way through a document: root, channel, entries, and what stands between them."""

from __future__ import annotations

from typing import Final

from ..draft import DraftEntry, DraftFeed
from ..timers import timers
from .elements import ANYWHERE, Handler, author, unknown, unread, within
from .names import Unsupported, harmless
from .people import authors
from .reading import Element, Reading, Scope, attributes_of
from .sections import (
    chapters,
    entry_image,
    feed_image,
    nested_categories,
    people,
    skipped,
    source,
    text_input,
    timing,
)
from .tags import itunes_category, keywords

_ENTRIES: Final = ("item", "entry")
_AUTHORS: Final = ("author", "managingeditor", "dc_creator", "dc_author", "itunes_author")
_OF_ENTRY: Final[dict[str, Handler]] = {
    **ANYWHERE,
    **dict.fromkeys(_AUTHORS, author),
    "contributor": people,
    "itunes_keywords": keywords,
    "itunes_category": itunes_category,
    "image": entry_image,
    "source": source,
    "psc_chapters": chapters,
}
_OF_FEED: Final[dict[str, Handler]] = {
    **ANYWHERE,
    **dict.fromkeys((*_AUTHORS, "contributor", "itunes_owner"), people),
    "itunes_keywords": unread,
    "itunes_category": nested_categories,
    "image": feed_image,
    "textinput": text_input,
    **dict.fromkeys(("ttl", "sy_updateperiod", "sy_updatefrequency"), timing),
    **dict.fromkeys(("skiphours", "skipdays"), skipped),
}


class _Handlers(dict[str, Handler]):
    """From an element's tag to what reads it, for one document and one kind of scope."""

    def __init__(self, reading: Reading, table: dict[str, Handler]) -> None:
        self._names, self._table = reading.names, table

    def __missing__(self, tag: str) -> Handler:
        name = self._names[tag]
        handler = self._table.get(name)
        if handler is None and not harmless(name):
            raise Unsupported(f"{name} where it is not expected")
        self[tag] = handler = handler or within
        return handler


class FeedReader:
    """One reading of one document."""

    def __init__(self, reading: Reading, limit: int | None) -> None:
        self._reading = reading
        self._wanted = None if limit is None else limit + 1
        """Entries to read: one more than are taken tells that there are too many."""
        self._of_entry = _Handlers(reading, _OF_ENTRY)
        self._of_feed = _Handlers(reading, _OF_FEED | dict.fromkeys(_ENTRIES, self._entry))
        self._entries: list[DraftEntry] = []

    def read(self, body: bytes) -> DraftFeed:
        """The feed, with its entries."""
        reading, root = self._reading, self._reading.root
        top = Scope(reading.base, None, 2, entry=False)
        top.base, top.lang = reading.place(attributes_of(root), top)
        if reading.kind == "feed":
            top.language = top.lang
            self._feed(top, root)
            return self._raw_feed(top, body)
        if reading.kind == "rss":
            top.language = top.lang
        elif reading.kind != "rdf_rdf":
            raise Unsupported("an unknown root element")
        return self._raw_feed(self._channel_and_entries(top), body)

    def _channel_and_entries(self, top: Scope) -> Scope:
        """RSS: a channel, with its entries inside, or beside it."""
        reading, feed = self._reading, None
        for child in reading.root:
            name = reading.names[child.tag]
            if name == "channel" and feed is None:
                feed = self._inside(top, child, entry=False)
                feed.language = top.language
                self._feed(feed, child)
            elif name in {*_ENTRIES, "image", "textinput"}:
                self._of_feed[child.tag](reading, top, child)
            else:
                unknown(reading, top, child)
        return feed or top

    def _feed(self, feed: Scope, element: Element) -> None:
        for child in element:
            self._of_feed[child.tag](self._reading, feed, child)

    def _entry(self, reading: Reading, around: Scope, element: Element) -> None:
        if len(self._entries) == self._wanted:
            return
        handlers = self._of_entry
        entry = self._inside(around, element, entry=True)
        reading.title_depth = -1
        for child in element:
            handlers[child.tag](reading, entry, child)
        reading.has_content = False
        entry.authors = authors(entry)
        entry.tags = [term or label or "" for term, _, label in entry.terms]
        self._entries.append(entry)

    def _inside(self, around: Scope, element: Element, *, entry: bool) -> Scope:
        attributes = attributes_of(element)
        if not attributes:
            return Scope(around.base, around.lang, around.depth + 1, entry=entry)
        if "lastmod" in attributes or "href" in attributes:
            raise Unsupported("CDF")
        scope = Scope(*self._reading.place(attributes, around), around.depth + 1, entry=entry)
        if entry:
            scope.id = attributes.get("rdf:about")
        return scope

    def _raw_feed(self, feed: Scope, body: bytes) -> DraftFeed:
        return DraftFeed(
            parser="first-pass",
            repaired=self._reading.repaired,
            title=feed.title,
            subtitle=feed.subtitle,
            link=feed.link,
            language=feed.language,
            updated=feed.updated or feed.published,
            self_link=feed.links.get("self"),
            hub=feed.links.get("hub"),
            timers=timers(feed.timing, body),
            entries=self._entries,
        )
