"""What is told of an outage of the store."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outage:
    """The store takes nothing at the moment, and is waited for."""

    seconds: float
    """Since it failed for the first time."""
    detail: str
    """What it has said last, for people; never holds credentials."""
