"""What comes back out of a store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .results import Entry


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as a store keeps it: with the feed that it is of, and when it came in."""

    feed_id: str
    entry: Entry
    first_seen: datetime
    """When it was stored for the first time."""
    last_changed: datetime
    """When it was stored last: at first, or because the feed had changed it. Never before `first_seen`."""
    truncated: bool = False
    """Whether the feed said more than a store may hold."""
    feed_url: str | None = None
    """Of the feed; None when the store knows no such feed."""
    feed_title: str | None = None
