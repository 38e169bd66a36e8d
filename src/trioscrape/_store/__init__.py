"""Stores: where entries go."""

from __future__ import annotations

from .open import check_store_url as check_store_url
from .open import open_reader as open_reader
from .open import open_store as open_store
from .protocol import Reader as Reader
from .protocol import Store as Store

__all__ = ["Reader", "Store", "check_store_url", "open_reader", "open_store"]
