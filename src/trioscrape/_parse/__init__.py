"""Parsers: bytes to entries. The only package that imports feedparser, lxml and nh3.

What needs these is imported when it is used first: most programs leave all documents to worker processes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ._pool.workers import ProcessParser, open_process_parser
from .protocol import FeedDocument, Parser, RecordParser
from .raw import RawEntry, RawFeed, RawText

if TYPE_CHECKING:
    from .custom import CustomParser
    from .document import parse_document, read_document

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

_READERS: Final = {"CustomParser": "custom", "parse_document": "document", "read_document": "document"}


def __getattr__(name: str) -> Any:
    if name not in _READERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_READERS[name]}", __name__), name)
