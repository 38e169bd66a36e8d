"""Where trioscrape rightly says other than feedparser: the rule, and how such a difference is told.

A row explains a difference only where the document shows its cause, so that another difference in the same
field is still found.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from trioscrape._parse import FeedDocument, parse_document

Test = Callable[[Any, Any, FeedDocument], bool]


@dataclass(frozen=True)
class Deviation:
    """One way in which feedparser's answer is wrong."""

    rule: str
    """What decides it."""
    fields: tuple[str, ...]
    why: str
    """What feedparser does instead."""
    explains: Test
    """Whether a difference between our value and feedparser's in a document is one of these."""


def explanation(field: str, ours: Any, theirs: Any, document: FeedDocument) -> str | None:
    """The rule and the reason of a difference; None when the table has none for it."""
    for row in DEVIATIONS:
        if field in row.fields and row.explains(ours, theirs, document):
            return f"{row.rule}: {row.why}"
    return None


def _has(pattern: bytes) -> Callable[[FeedDocument], bool]:
    found = re.compile(pattern, re.I)
    return lambda document: found.search(document.body) is not None


_media_texts: Final = _has(rb"<media:(description|title|text)[\s>]")
_stand_ins: Final = _has(rb"<(media:description|itunes:summary|itunes:subtitle)[\s>]")
_feed_authors: Final = re.compile(
    rb"<(?:atom:)?feed[\s>](?:(?!<(?:atom:)?entry[\s>]).)*?<(?:atom:)?(?:author|name)[\s>]", re.S
)
_source_authors: Final = re.compile(rb"<source[\s>](?:(?!</source).)*?<author[\s>]", re.S)
_dc_date: Final = _has(rb"<dc:date[\s>]")


def _unresolved_id(ours: Any, theirs: Any, document: FeedDocument) -> bool:
    """`theirs` is a URL made of an id that is none by itself."""
    relative = isinstance(ours, str) and not urlsplit(ours).scheme and ours in document.body.decode()
    return relative and isinstance(theirs, str) and theirs.endswith(urlsplit(ours).path.lstrip("./"))


def _text_key(ours: Any, theirs: Any, document: FeedDocument) -> bool:
    del document
    return all(isinstance(key, str) and key.startswith("hash:") for key in (ours, theirs))


def _no_url(ours: Any, theirs: Any, document: FeedDocument) -> bool:
    """`theirs` is a guid that is no URL, or one that was made of it."""
    return (
        ours is None
        and isinstance(theirs, str)
        and (" " in theirs or theirs != urljoin(document.url, theirs))
    )


def _media_enclosures(ours: Any, theirs: Any, document: FeedDocument) -> bool:
    """All of feedparser's are there, and the others are in a ``media:content``."""
    extra = {one.url for one in ours} - {one.url for one in theirs}
    contents = b" ".join(re.findall(rb"<media:content\s[^>]*>", document.body)).decode("utf-8", "replace")
    return {one.url for one in theirs} <= {one.url for one in ours} and all(
        url in unescape(contents) for url in extra
    )


def _inherited(ours: Any, theirs: Any, document: FeedDocument) -> bool:
    body = document.body
    return bool(ours) and not theirs and bool(_feed_authors.search(body) or _source_authors.search(body))


def _of_media(ours: Any, theirs: Any, document: FeedDocument) -> bool:
    del ours, theirs
    return _media_texts(document)


def _stands_in(ours: Any, theirs: Any, document: FeedDocument) -> bool:
    del ours, theirs
    return _stand_ins(document)


def _only_dc_date(ours: Any, theirs: Any, document: FeedDocument) -> bool:
    """The one date of an entry, as published or as updated."""
    return (ours is None) != (theirs is None) and _dc_date(document)


def _more_recovered(ours: Any, theirs: Any, document: FeedDocument) -> bool:
    """feedparser has lost what a document has that is not well-formed."""
    return not theirs and bool(ours) and parse_document(document).repaired


DEVIATIONS: Final = (
    Deviation("rule 4", ("key",), "a guid is no relative reference, and is not resolved", _unresolved_id),
    Deviation("rule 4", ("key",), "a key of texts goes by texts that differ themselves", _text_key),
    Deviation("rule 6", ("link", "feed link"), "a permalink guid that is no URL is taken for one", _no_url),
    Deviation("rule 8", ("enclosures",), "media:content is left out", _media_enclosures),
    Deviation("rule 8", ("authors",), "the feed's or source's authors are not inherited", _inherited),
    Deviation(
        "rules 1 and 7",
        ("summary", "summary_type", "content", "content_type", "title"),
        "a text of Media RSS takes the place of the entry's own",
        _of_media,
    ),
    Deviation(
        "rule 7",
        ("summary", "summary_type", "content", "content_type"),
        "an iTunes text is content beside a description, or takes its place",
        _stands_in,
    ),
    Deviation("rule 2", ("published", "updated"), "dc:date alone is when it was updated", _only_dc_date),
    Deviation(
        "rule 9",
        ("entries", "feed title", "feed link", "feed subtitle"),
        "what is whole in a broken document is lost",
        _more_recovered,
    ),
)
