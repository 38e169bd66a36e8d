"""Fakes for tests of programs that embed trioscrape; trioscrape's own tests use the same."""

from __future__ import annotations

from ._inline_parser import InlineParser
from ._internet import Internet
from ._memory_store import MemoryStore
from ._site import Answer, Request, Site
from ._virtual_time import run_in_virtual_time
from ._world import Poll, World
from ._world_feed import WorldFeed
from ._world_host import WorldHost

__all__ = [
    "Answer",
    "InlineParser",
    "Internet",
    "MemoryStore",
    "Poll",
    "Request",
    "Site",
    "World",
    "WorldFeed",
    "WorldHost",
    "run_in_virtual_time",
]
