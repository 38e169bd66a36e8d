"""A document's way to its records: which reader reads it, and what is no feed. Pure and synchronous."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from typing import Final

from .._errors import FeedFailed
from .._records import ParsedFeed
from ._fast import Unsupported, read_wellformed
from .diagnosis import crashed, is_only_a_page, no_feed
from .draft import DraftFeed, finished
from .feedparser_reader import in_utf_8, read_anything
from .json_feed import looks_like_json, read_json_feed
from .protocol import FeedDocument
from .raw import RawFeed
from .records import parsed_feed

_SMALL: Final = 32
"""Bytes: documents whose entries would have to be smaller on average are not looked through."""
_START: Final = re.compile(rb"<(?:[\w-]+:)?(?:item|entry)[\s/>]")
_ENDS: Final = (b"item>", b"entry>")


def parse_document(document: FeedDocument) -> ParsedFeed:
    """What the document says, as records that can be stored. Raises as `read_document` does."""
    try:
        return parsed_feed(read_document(document), document)
    except FeedFailed:
        raise
    except Exception as error:
        raise crashed(error) from error


def read_document(document: FeedDocument) -> RawFeed:
    """What the document says, as it says it.

    Raises:
      FeedFailed: ``not-a-feed``, with what it is instead as the detail; ``malformed`` when nothing
        can be recovered of it; ``parse-crash`` when the parser itself fails on it.
    """
    if not document.body.strip():
        raise FeedFailed("not-a-feed", "the document is empty")
    try:
        if looks_like_json(document.body):
            return read_json_feed(document)
        return finished(_read_xml(document))
    except FeedFailed:
        raise
    except Exception as error:
        raise crashed(error) from error


def _read_xml(document: FeedDocument) -> DraftFeed:
    try:
        return read_wellformed(document)
    except Unsupported:
        if is_only_a_page(document.body):
            raise no_feed(document) from None
    return _read_shortened(document) or _read_whole(document)


def _read_shortened(document: FeedDocument) -> DraftFeed | None:
    """A document with too many entries, by its first ones; None when it hasn't, or they are not found so."""
    limit = document.entries_limit
    if limit is not None and (shorter := shortened(document.body, limit + 1)) is not None:
        with suppress(FeedFailed):
            draft = _read_whole(replace(document, body=shorter))
            if len(draft.entries) > limit:
                return draft
    return None


def _read_whole(document: FeedDocument) -> DraftFeed:
    try:
        return read_anything(document)
    except FeedFailed:
        if (transcoded := in_utf_8(document)) is None:
            raise
    return read_anything(transcoded)


def shortened(body: bytes, entries: int) -> bytes | None:
    """The document without what lies between its first `entries` entries and the end of the last one.

    None when it has no more than so many by a look at its text, or when it can't be cut. feedparser
    takes 20 s for 100,000 small entries, and 1.4 s for the 10,000 of them that are wanted. The text of an
    entry may look like entries: whoever parses what is left must find all `entries`, or take the whole.
    """
    if len(body) <= entries * _SMALL:
        return None
    starts = (found.start() for found in _START.finditer(body))
    start = next((at for number, at in enumerate(starts) if number == entries), None)
    end = max(body.rfind(name) + len(name) for name in _ENDS)
    if start is None or end <= start:
        return None
    return body[:start] + body[end:]
