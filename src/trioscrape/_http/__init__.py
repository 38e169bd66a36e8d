"""Fetching one feed: the only package beside ``_network`` that imports httpx."""

from __future__ import annotations

from .fetcher import Fetched, Fetcher

__all__ = ["Fetched", "Fetcher"]
