"""From a document to its records: which reader reads it, and what is not a feed. Pure and synchronous."""

from __future__ import annotations

import re
import zlib
from contextlib import suppress
from dataclasses import replace
from typing import Final

from .._archive.gzip_header import NoGzip, header_size
from .._errors import FeedFailed
from .._records import ParsedFeed
from ._fast import NoFeed, NotWellFormed, TooDeep, read_wellformed
from .charset import in_utf_8
from .diagnosis import crashed, is_only_a_page, no_feed
from .feedparser_reader import read_anything
from .json_feed import looks_like_json, read_json_feed
from .protocol import FeedDocument
from .raw import RawFeed
from .records import parsed_feed
from .repair import repaired

_DOCTYPE: Final = re.compile(
    rb"(?:\s|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE(?:[^<>\[\"']|\"[^<>\"]*\"|'[^<>']*')*+(>?)",
    re.IGNORECASE | re.DOTALL,
)
"""A declaration of the document's type, with its end if it declares nothing itself."""
_GZIP: Final = b"\x1f\x8b\x08"
_LARGEST: Final = 16 * 2**20
"""Bytes of an unzipped file: the default of `Config.body_limit`."""
_SMALL: Final = 32
"""Bytes: documents whose entries would have to be smaller on average are not looked through."""
_START: Final = re.compile(rb"<(?:[\w-]+:)?(?:item|entry)[\s/>]")
_ENDS: Final = (b"item>", b"entry>")
_HARMLESS: Final = {"namespaces"}
"""Faults that lose no element: a feed that has them and no entries really is empty."""


def parse_document(document: FeedDocument) -> ParsedFeed:
    """What the document says, as records that can be stored. Raises as `read_document` does."""
    try:
        return parsed_feed(read_document(document), document)
    except (FeedFailed, MemoryError):
        raise
    except Exception as error:
        raise crashed(error) from error


def read_document(document: FeedDocument) -> RawFeed:
    """What the document says, as it says it.

    Raises:
      FeedFailed: ``not-a-feed``, with what it is instead as the detail; ``malformed`` when nothing
        can be recovered of it; ``too-large`` when it is a gzip file that is; ``parse-crash`` when the
        parser itself fails on it.
      MemoryError: there is not enough for the document.
    """
    if not document.body.strip():
        raise FeedFailed("not-a-feed", "the document is empty")
    if document.body.startswith(_GZIP):
        document = _unzipped(document)
    try:
        if looks_like_json(document.body):
            return read_json_feed(document)
        return _read_xml(document)
    except (FeedFailed, MemoryError):
        raise
    except Exception as error:
        raise crashed(error) from error


def _unzipped(document: FeedDocument) -> FeedDocument:
    """What is in a file like ``feed.xml.gz``, which a server sends as it is, without Content-Encoding."""
    # What counts is the compressed data. zlib refuses a file whose checksum is wrong, and with it the last
    # piece of the document; without the header it does not know that there is a trailer.
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        if (begin := header_size(document.body)) is None:
            return document
        body = decoder.decompress(document.body[begin:], _LARGEST)
    except (zlib.error, NoGzip):
        return document
    if decoder.unconsumed_tail:
        raise FeedFailed("too-large", f"more than {_LARGEST} bytes in a gzip file")
    return replace(document, body=body)


def _read_xml(document: FeedDocument) -> RawFeed:
    data, replaced = in_utf_8(document.body, document.content_type)
    broken = False
    try:
        # libxml2 would leave out references to what is in a DTD, so one with declarations is for `repaired`.
        if (doctype := _DOCTYPE.match(data)) is None or doctype[1]:
            feed = read_wellformed(data[doctype.end() :] if doctype else data, document)
            return replace(feed, repaired=replaced)
    except NoFeed:
        if is_only_a_page(document.body):
            raise no_feed(document) from None
        return read_anything(data, document, broken=False)
    except TooDeep:
        pass
    except NotWellFormed:
        broken = True
        if is_only_a_page(document.body):
            raise no_feed(document) from None
    feed = _read_shortened(data, document) or _read_repaired(data, document, broken=broken)
    return replace(feed, repaired=feed.repaired or replaced or broken)


def _read_shortened(data: bytes, document: FeedDocument) -> RawFeed | None:
    """A document with too many entries, by its first ones; None when it hasn't, or they are not found so."""
    limit = document.entries_limit
    if limit is not None and (shorter := shortened(data, limit + 1)) is not None:
        with suppress(FeedFailed):
            feed = _read_repaired(shorter, document, broken=True)
            if len(feed.entries) > limit:
                return feed
    return None


def _read_repaired(data: bytes, document: FeedDocument, *, broken: bool) -> RawFeed:
    if (mended := repaired(data)) is not None:
        with suppress(NotWellFormed, TooDeep, NoFeed):
            feed = read_wellformed(mended.data, document)
            if feed.entries or feed.title or mended.faults <= _HARMLESS:
                return replace(feed, repaired=bool(mended.faults))
    return read_anything(data, document, broken=broken)


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
