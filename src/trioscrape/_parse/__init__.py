"""Parsers: bytes to entries. The only package that imports feedparser and nh3."""

from __future__ import annotations

from ._pool.workers import ProcessParser, open_process_parser
from .document import parse_document
from .protocol import FeedDocument, Parser

__all__ = ["FeedDocument", "Parser", "ProcessParser", "open_process_parser", "parse_document"]
