"""Parsers: bytes to entries. The only package that imports feedparser, lxml and nh3."""

from __future__ import annotations

from ._pool.workers import ProcessParser, open_process_parser
from .custom import CustomParser
from .document import parse_document, read_document
from .protocol import FeedDocument, Parser, RecordParser
from .raw import RawEntry, RawFeed, RawText

__all__ = [
    "CustomParser",
    "FeedDocument",
    "Parser",
    "ProcessParser",
    "RawEntry",
    "RawFeed",
    "RawText",
    "RecordParser",
    "open_process_parser",
    "parse_document",
    "read_document",
]
