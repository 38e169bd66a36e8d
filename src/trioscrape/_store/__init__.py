"""Stores: where entries, the states of feeds and the totals of runs are kept."""

from __future__ import annotations

from .open import check_store_url, open_reader, open_store
from .protocol import Reader, Store

__all__ = ["Reader", "Store", "check_store_url", "open_reader", "open_store"]
