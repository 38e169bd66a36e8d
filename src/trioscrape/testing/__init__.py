"""Fakes for tests of programs that embed trioscrape; trioscrape's own tests use the same."""

from __future__ import annotations

from ._inline_parser import InlineParser
from ._internet import Internet, Site
from ._memory_store import MemoryStore

__all__ = ["InlineParser", "Internet", "MemoryStore", "Site"]
