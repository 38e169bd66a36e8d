"""A store with a little of everything, to be exported, imported and copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import trio

from trioscrape import StoredEntry, open_store

from support.stores import FEED, FULL_ENTRY, OTHER, entry, state

SQLITE = "sqlite:news.db"


def moment(days: float) -> datetime:
    return datetime(2026, 2, 28, 12, tzinfo=UTC) + timedelta(days=days)


SAFE_ENTRY = replace(FULL_ENTRY, tags=("a", "b, c", "b", "c"), content="<p>long</p>")
"""As a parser could have read it."""

ENTRIES = [
    StoredEntry(FEED, replace(FULL_ENTRY, truncated=True), moment(0), moment(2)),
    StoredEntry(FEED, entry("a"), moment(1), moment(1)),
    StoredEntry(OTHER, entry("b\0", title="é\u2028\U0001f388", content="<p>x</p>"), moment(-1), moment(3)),
]
SAFE_ENTRIES = [
    replace(ENTRIES[0], entry=replace(SAFE_ENTRY, truncated=True)),
    ENTRIES[1],
    replace(ENTRIES[2], entry=entry("b", title="é\U0001f388", content="<p>x</p>", content_type="html")),
]
"""What an import leaves as it is."""


def fill(url: str, entries: Sequence[StoredEntry] = ENTRIES) -> None:
    """Store the entries and their two feeds."""

    async def main() -> None:
        async with open_store(url) as store:
            await store.restore_entries(entries)
            await store.restore_feeds([state(), state(OTHER, title=None, url="https://b.test/")])

    trio.run(main)
