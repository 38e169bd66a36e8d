"""Parsers: bytes to entries. The only package that imports feedparser and nh3."""

from __future__ import annotations

from ._document import parse_document
from ._protocol import Document, Parser
from ._workers import ProcessParser, open_process_parser

__all__ = ["Document", "Parser", "ProcessParser", "open_process_parser", "parse_document"]
