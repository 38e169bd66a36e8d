"""Parsers: bytes to entries. The only package that imports feedparser and nh3."""

from __future__ import annotations

from ._protocol import Document, Parser

__all__ = ["Document", "Parser"]
