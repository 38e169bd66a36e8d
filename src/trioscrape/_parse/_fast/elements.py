"""What each element says, in feeds and entries alike: the table, and a function for each kind.

Each function does what feedparser's handler of the element does to the fields that are stored; where
that depends on more than is looked at here, the document is not taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ..draft import HTML_TYPES, DraftEnclosure
from .dates import parse_date
from .names import HANDLED, Unsupported, harmless
from .people import person, text_author
from .reading import Attributes, Element, Reading, Scope, attributes_of, joined
from .tags import category, keywords, media_category
from .texts import leaf

_QUERY: Final = re.compile("&([A-Za-z0-9_]+);")

Handler = Callable[[Reading, Scope, Element], None]


def title(reading: Reading, scope: Scope, element: Element) -> None:
    """The first title that says something, at the lowest depth."""
    text = reading.construct(element, scope, "text/plain")
    depth = scope.depth
    if not -1 < reading.title_depth <= depth:
        if scope.entry and scope.title is not None and depth > scope.title_depth:
            scope.title = text._replace(value=scope.title.value)
        else:
            scope.title, scope.title_depth = text, depth
    if text.value:
        reading.title_depth = depth


def media_title(reading: Reading, scope: Scope, element: Element) -> None:
    """A title that does not stand in the way of another one."""
    before = reading.title_depth
    title(reading, scope, element)
    reading.title_depth = before


def link(reading: Reading, scope: Scope, element: Element) -> None:
    """RSS's ``link``, which is a text, or Atom's, which has attributes."""
    attributes = attributes_of(element)
    base = reading.place(attributes, scope)[0] if attributes else scope.base
    href = _href(attributes)
    if href is None:
        if "rel" in attributes:
            raise Unsupported("a link with a relation and a text")
        url = reading.url(element, base)
        if "&" in url:
            url = _QUERY.sub(r"&\1", url.replace("&amp;", "&") if scope.entry else url)
        scope.link = url
        return
    leaf(element)
    href = joined(base, href)
    rel = attributes.get("rel", "alternate")
    kind = attributes.get("type", "text/html")
    if rel == "alternate" and kind in HTML_TYPES:
        scope.link = href
    elif rel == "enclosure":
        scope.enclosures.append(DraftEnclosure(href, kind, attributes.get("length")))
    if not scope.entry:
        scope.links.setdefault(rel, href)


def enclosure(_: Reading, scope: Scope, element: Element) -> None:
    """RSS's attached file; feedparser does not join its URL to ``xml:base``."""
    leaf(element)
    attributes = attributes_of(element)
    kind, length = attributes.get("type"), attributes.get("length")
    scope.enclosures.append(DraftEnclosure(_href(attributes) or "", kind, length))


def guid(reading: Reading, scope: Scope, element: Element) -> None:
    """An id; it is the link as well where there is none and it is not said to be no permalink."""
    attributes = attributes_of(element)
    if attributes.get("ispermalink", "true") == "true":
        base, _ = reading.place(attributes, scope)
        scope.id = reading.url(element, base)
        scope.link = scope.id if scope.link is None else scope.link
    else:
        scope.id = reading.text(element)


def summary(reading: Reading, scope: Scope, element: Element, default: str = "text/plain") -> None:
    """Atom's and iTunes' ``summary``. A second one is content, unless there is some already."""
    if scope.has_summary and not reading.has_content:
        content(reading, scope, element)
    else:
        scope.summary = reading.construct(element, scope, default)
        scope.has_summary = True


def description(reading: Reading, scope: Scope, element: Element) -> None:
    """A summary in an entry, the subtitle of a feed: HTML where it doesn't say."""
    if scope.entry or (scope.has_summary and not reading.has_content):
        summary(reading, scope, element, "text/html")
    else:
        scope.subtitle = reading.construct(element, scope, "text/html")


def content(reading: Reading, scope: Scope, element: Element, default: str = "text/plain") -> None:
    """Atom's ``content``; to feedparser it is the summary as well where there is none."""
    scope.contents.append(reading.construct(element, scope, default))
    scope.has_summary = reading.has_content = True


def encoded(reading: Reading, scope: Scope, element: Element) -> None:
    """``content:encoded``: HTML."""
    content(reading, scope, element, "text/html")


def subtitle(reading: Reading, scope: Scope, element: Element) -> None:
    """The last one counts, iTunes' among them; entries have none that is stored."""
    text = reading.construct(element, scope, "text/plain")
    if not scope.entry:
        scope.subtitle = text


def published(reading: Reading, scope: Scope, element: Element) -> None:
    """The last one counts, whatever it says."""
    scope.published = parse_date(reading.text(element))


def updated(reading: Reading, scope: Scope, element: Element) -> None:
    """The last one counts, whatever it says."""
    scope.updated = parse_date(reading.text(element))


def language(reading: Reading, scope: Scope, element: Element) -> None:
    """RSS's and Dublin Core's."""
    scope.language = reading.text(element)


def author(reading: Reading, scope: Scope, element: Element) -> None:
    """An author in whatever form."""
    if len(element):
        for child in person(reading, scope, element):
            unknown(reading, scope, child)
    else:
        text_author(reading, scope, element)


def media(reading: Reading, scope: Scope, element: Element) -> None:
    """A container: what is inside belongs to the entry, one level deeper."""
    if not len(element):
        return
    around = scope.base, scope.lang
    scope.base, scope.lang = reading.place(attributes_of(element), scope)
    scope.depth += 1
    for child in element:
        name = reading.names[child.tag]
        if name in HANDLED and not name.startswith("media_"):
            raise Unsupported(f"{name} in a media element")
        ANYWHERE.get(name, unknown)(reading, scope, child)
    scope.depth -= 1
    scope.base, scope.lang = around


def unknown(reading: Reading, scope: Scope, element: Element) -> None:
    """An element that feedparser stores by its name, where nobody looks."""
    if not harmless(reading.names[element.tag]):
        raise Unsupported(f"{reading.names[element.tag]} where it is not expected")
    within(reading, scope, element)


def within(reading: Reading, _: Scope, element: Element) -> None:
    """What is inside of an unknown element must be unknown as well."""
    if len(element):
        names = reading.names
        for inner in element.iterdescendants():
            if not harmless(names[inner.tag]):
                raise Unsupported(f"{names[inner.tag]} where it is not expected")


def unread(_: Reading, __: Scope, element: Element) -> None:
    """An element that feedparser reads, and we do not store."""
    leaf(element)


def _href(attributes: Attributes) -> str | None:
    if not attributes:
        return None
    href = attributes.get("href")
    return attributes.get("url", attributes.get("uri", href)) or href


def _table(*rows: tuple[str, Handler]) -> dict[str, Handler]:
    return {name: handler for names, handler in rows for name in names.split()}


ANYWHERE: Final = _table(
    ("title dc_title", title),
    ("media_title", media_title),
    ("link", link),
    ("enclosure", enclosure),
    ("guid id", guid),
    ("summary itunes_summary", summary),
    ("description dc_description media_description", description),
    ("content", content),
    ("content_encoded fullitem", encoded),
    ("subtitle tagline itunes_subtitle", subtitle),
    ("published issued pubdate dcterms_issued", published),
    ("updated modified lastbuilddate dc_date dcterms_modified", updated),
    ("language dc_language", language),
    ("category keywords dc_subject", category),
    ("media_category", media_category),
    ("media_keywords", keywords),
    ("media_content media_group", media),
    (
        """rights copyright dc_rights generator admin_generatoragent admin_errorreportsto cc_license
        creativecommons_license webmaster dc_publisher dc_contributor created dcterms_created dcterms_valid
        expirationdate cloud info feedburner_browserfriendly itunes_image itunes_link itunes_block
        itunes_explicit media_thumbnail media_credit media_rating media_restriction media_license
        media_player georss_point georss_line georss_polygon georss_box""",
        unread,
    ),
)
"""By feedparser's names. What is not here, and means something to it, makes it a document for feedparser."""
