"""All that is used of feedparser's private parts, by names of ours. Nothing else imports them.

They are those of feedparser 6.0, to which the dependency is pinned. A test fails when one of them is missing
or has another shape, and `nox -s conformance` when one of them means something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from time import struct_time
from typing import Any, Final

from feedparser import datetimes, encodings, html, mixin, sanitizer, urls, util

parse_date: Final[Callable[[str], struct_time | None]] = datetimes._parse_date
"""A date in any of the forms that feedparser knows, as a tuple in UTC."""

convert_to_utf8: Final[Callable[[Mapping[str, str], bytes, dict[str, Any]], bytes]] = (
    encodings.convert_to_utf8
)
"""A document in UTF-8, from its headers and itself. The third argument takes the ``encoding``."""

parse_content_type: Final[Callable[[str], tuple[str, str]]] = encodings.parse_content_type
"""Media type and charset."""

DECLARED_ENCODING: Final[re.Pattern[bytes]] = encodings.RE_XML_PI_ENCODING
"""An XML declaration with an encoding; the encoding is its first group."""

replace_doctype: Final[Callable[[bytes], tuple[str | None, bytes, dict[str, str]]]] = (
    sanitizer.replace_doctype
)
"""The version, the document without its DOCTYPE, and the harmless entities in it."""

NAMESPACES: Final[Mapping[str, str]] = mixin._FeedParserMixin.namespaces
"""Prefixes by namespace; the empty one for those whose elements are feed elements."""

_METHODS: Final = dir(mixin._FeedParserMixin)
STARTED: Final = frozenset(name[len("_start_") :] for name in _METHODS if name.startswith("_start_"))
"""Elements whose start tag means something to feedparser, as ``prefix_name``."""
ENDED: Final = frozenset(name[len("_end_") :] for name in _METHODS if name.startswith("_end_"))
"""Elements whose end tag does."""

looks_like_html: Final[Callable[[str], bool | None]] = mixin._FeedParserMixin.looks_like_html
"""Whether a text of RSS, which does not say what it is, is HTML."""

VOID_ELEMENTS: Final[set[str]] = html._BaseHTMLProcessor.elements_no_end_tag
"""Elements of HTML that have no end tag."""

CP1252: Final[Mapping[int, str]] = html._cp1252
"""For `str.translate`: C1 control characters as windows-1252 has them."""

join_url: Final[Callable[[str, str], str]] = urls._urljoin
"""A link joined to its base."""

join_base: Final[Callable[[str, str], str]] = urls.make_safe_absolute_uri
"""An ``xml:base`` joined to the one around it; empty when it is not allowed."""


def split_author(author: str) -> dict[str, str]:
    """Name and address of an author: ``{"name": …, "email": …}`` as far as there are any."""
    context = util.FeedParserDict(author=author, authors=[util.FeedParserDict()])
    mixin._FeedParserMixin._sync_author_detail(_Parser(context))
    return dict(context["authors"][0])


class _Parser:
    """As much of feedparser's parser as one method needs."""

    def __init__(self, context: util.FeedParserDict) -> None:
        self._get_context = lambda: context
