"""What an entry says: for each field, the elements that may say it, best first.

The same for an item of RSS 2.0 (rssboard.org/rss-specification and its best practices), RSS 1.0 and an entry
of Atom (RFC 4287 §4.1.2). Only elements directly inside of it count, and of these those of known namespaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from ..._records import EntrySource
from ..dates import parse_date
from ..html import absolute, plain_line
from ..raw import RawEntry, RawText
from .categories import categories
from .links import links, page, page_of, permalink, related, url_in
from .media import OF_PICTURES, Media, enclosures, media_in, picture
from .names import RDF, Element
from .people import authors
from .podcast import OF_EPISODES, episode
from .texts import contents, passages, rss_line, rss_passage, titles
from .tree import Children, Place, Reading, attributes, said, text_in

_TITLES: Final = ("title", "atom:title", "dc:title", "dcterms:title")
_ABOUT: Final = f"{RDF}about"
_IDS: Final = ("guid", "atom:id", "id")
_PUBLISHED: Final = (
    "pubdate", "atom:published", "published", "atom:issued", "issued", "dcterms:issued",
    "prism:publicationdate",
)  # fmt: skip
_UPDATED: Final = (
    "atom:updated", "updated", "atom:modified", "modified", "dcterms:modified", "lastbuilddate",
)  # fmt: skip
_DATED: Final = ("dc:date", "date")
"""When it was published if nothing else says that, else when it was updated if nothing else says that."""
_SUMMARIES: Final = ("description", "atom:summary", "summary", "dc:description", "dcterms:abstract")
_CONTENTS: Final = ("atom:content", "content", "xhtml:body", "body", "fullitem", "yandex:full-text")
"""After ``content:encoded``."""
_STAND_INS: Final = ("itunes:summary",)
"""And ``media:description``: a summary only where the entry has no text of its own."""


_LANGUAGES: Final = ("language", "dc:language")
_SOURCES: Final = ("source", "atom:source")
_COMMENTS: Final = ("comments",)
_MORE: Final = frozenset((*_LANGUAGES, *_SOURCES, *OF_PICTURES, *OF_EPISODES))


def entry(reading: Reading, element: Element, around: Place, of_feed: Sequence[str]) -> RawEntry:
    """What an item or entry says.

    Args:
      reading: of the document.
      element: the item or entry.
      around: where it is.
      of_feed: the feed's authors, if those of entries without any are they (RFC 4287 §4.2.1).
    """
    children, here = reading.children(element), around.inside(attributes(element))
    found, media = links(reading, children, here), media_in(reading, children)
    content = _encoded(reading, children, here) or contents(reading, children, here, _CONTENTS)
    summary = passages(reading, children, here, _SUMMARIES)
    if content is None and summary is None:
        summary = passages(reading, children, here, _STAND_INS) or _of_media(media, "media:description", here)
    published, updated = _dates(reading, children)
    raw = RawEntry(
        id=_id(reading, children, element),
        link=page(reading, children, found, here) or permalink(reading, children),
        title=titles(reading, children, here, _TITLES) or _of_media(media, "media:title", here),
        summary=summary,
        content=content,
        authors=authors(reading, children) or _authors_of_source(reading, children) or of_feed,
        published=published,
        updated=updated,
        categories=list(categories(reading, children, media)),
        enclosures=enclosures(reading, children, found, media, here),
        comments=page_of(found, "replies") or url_in(reading, children, here, _COMMENTS),
    )
    # Most entries have none of the others, and to look for each of them takes a fifth of the time.
    return raw._replace(**_more(reading, children, media, here)) if media or children.has(_MORE) else raw


def _more(reading: Reading, children: Children, media: Media | None, here: Place) -> dict[str, Any]:
    """The fields that few entries have."""
    return {
        "language": text_in(reading, children, _LANGUAGES),
        "image": picture(reading, children, media, here),
        "source": next((_source(reading, element, here) for element in children.first(_SOURCES)), None),
        **episode(reading, children, media, here),
    }


def _id(reading: Reading, children: Children, element: Element) -> str | None:
    return text_in(reading, children, _IDS) or attributes(element).get(_ABOUT)


def _encoded(reading: Reading, children: Children, here: Place) -> RawText | None:
    """The parts of ``content:encoded``, which some publishers have several of."""
    found = children.named("content:encoded")
    if not found:
        return None
    parts = [part for child in found if (part := rss_passage(reading, child, here)).value]
    if len(parts) < 2:
        return parts[0] if parts else None
    return parts[0]._replace(value="\n".join(part.value for part in parts))


def _of_media(media: Media | None, name: str, here: Place) -> RawText | None:
    return media.text(name, here) if media else None


def _dates(reading: Reading, children: Children) -> tuple[datetime | None, datetime | None]:
    """When it was published and updated. Of several dates the first that is one counts."""
    published = _date(reading, children, _PUBLISHED)
    updated = _date(reading, children, _UPDATED)
    if published is None:
        return _date(reading, children, _DATED), updated
    return published, updated or _date(reading, children, _DATED)


def _date(reading: Reading, children: Children, names: tuple[str, ...]) -> datetime | None:
    for child in children.first(names):
        if moment := parse_date(reading.text(child)):
            return moment
    return None


def _authors_of_source(reading: Reading, children: Children) -> list[str]:
    return [
        name for source in children.first(_SOURCES) for name in authors(reading, reading.children(source))
    ]


def _source(reading: Reading, element: Element, around: Place) -> EntrySource:
    """The feed that the entry is from: RSS has its title and URL, Atom its elements."""
    given = attributes(element)
    if not len(element):
        url = said(given, "url", "href")
        name = plain_line(rss_line(reading, element))
        return EntrySource(name or None, absolute(url, around.base) if url else None)
    children, here = reading.children(element), around.inside(given)
    found, title = links(reading, children, here), titles(reading, children, here, _TITLES)
    link = page(reading, children, found, here) or related(found, "self")
    return EntrySource(plain_line(title) if title else None, link)
