"""Fetching one feed; the only room that imports httpx."""

from __future__ import annotations

from .fetcher import Fetched, Fetcher
from .hops import FetchContext
from .limits import Clock
from .routes import Routes

__all__ = ["Clock", "FetchContext", "Fetched", "Fetcher", "Routes"]
