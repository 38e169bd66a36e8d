"""Fetching one feed: the only package beside ``_network`` that imports httpx."""

from __future__ import annotations

from ._fetcher import Fetched, Fetcher

__all__ = ["Fetched", "Fetcher"]
