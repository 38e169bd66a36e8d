"""A document's way to its records: which parser reads it, and what is no feed. Pure and synchronous."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from .._errors import FeedFailed
from .._records import ParsedFeed
from ._fast import Unsupported, read_wellformed
from .diagnosis import is_only_a_page, no_feed
from .feedparser_reader import read_anything
from .json_feed import looks_like_json, read_json_feed
from .protocol import FeedDocument
from .raw import RawFeed
from .records import parsed_feed
from .shorten import shortened
from .unicode import in_utf_8


def parse_document(document: FeedDocument) -> ParsedFeed:
    """What the document says.

    Raises:
      FeedFailed: ``not-a-feed``, with what it is instead as the detail; ``malformed`` when nothing
        can be recovered of it; ``parse-crash`` when the parser itself fails on it.
    """
    if not document.body.strip():
        raise FeedFailed("not-a-feed", "the document is empty")
    try:
        return parsed_feed(_read(document), document)
    except FeedFailed:
        raise
    except Exception as error:
        raise FeedFailed("parse-crash", f"{type(error).__name__}: {error}"[:200]) from error


def _read(document: FeedDocument) -> RawFeed:
    if looks_like_json(document.body):
        return read_json_feed(document)
    try:
        return read_wellformed(document)
    except Unsupported:
        if is_only_a_page(document.body):
            raise no_feed(document) from None
    return _read_cut(document) or _read_whole(document)


def _read_cut(document: FeedDocument) -> RawFeed | None:
    """A document with too many entries, by its first ones; None when it hasn't, or they are not found so."""
    limit = document.entries_limit
    if limit is not None and (shorter := shortened(document.body, limit + 1)) is not None:
        with suppress(FeedFailed):
            raw = _read_whole(replace(document, body=shorter))
            if len(raw.entries) > limit:
                return raw
    return None


def _read_whole(document: FeedDocument) -> RawFeed:
    try:
        return read_anything(document)
    except FeedFailed:
        if (transcoded := in_utf_8(document)) is None:
            raise
    return read_anything(transcoded)
