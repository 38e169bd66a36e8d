"""Stores: where entries go."""

from __future__ import annotations

from ._protocol import Store

__all__ = ["Store"]
