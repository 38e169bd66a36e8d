"""Stores: where entries go."""

from __future__ import annotations

from ._open import check_store_url as check_store_url
from ._open import open_reader as open_reader
from ._open import open_store as open_store
from ._protocol import Reader as Reader
from ._protocol import Store as Store

__all__ = ["Reader", "Store", "check_store_url", "open_reader", "open_store"]
