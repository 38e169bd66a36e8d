"""A document's way to its records: which parser reads it, and what is no feed. Pure and synchronous."""

from __future__ import annotations

from .._errors import FeedFailed
from .._types import ParsedFeed
from ._feedparser import read_anything
from ._first_pass import NotTaken, read_wellformed
from ._protocol import Document
from ._raw import RawFeed
from ._records import parsed_feed


def parse_document(document: Document) -> ParsedFeed:
    """What the document says.

    Raises:
      FeedFailed: ``not-a-feed``, with what it is instead as the detail; ``parse-crash`` when the
        parser itself fails on it.
    """
    if not document.body.strip():
        raise FeedFailed("not-a-feed", "the document is empty")
    try:
        return parsed_feed(_read(document), document.url)
    except FeedFailed:
        raise
    except Exception as error:
        raise FeedFailed("parse-crash", f"{type(error).__name__}: {error}"[:200]) from error


def _read(document: Document) -> RawFeed:
    try:
        return read_wellformed(document)
    except NotTaken:
        return read_anything(document)
