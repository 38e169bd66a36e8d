"""Fetching one feed; the only room that imports httpx."""

from __future__ import annotations

from .fetcher import Fetched, Fetcher
from .hops import FetchContext
from .routes import Routes
from .time_limits import Clock

__all__ = ["Clock", "FetchContext", "Fetched", "Fetcher", "Routes"]
