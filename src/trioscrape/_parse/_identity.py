"""Which entry is which, and whether it has changed. Pure, the same in every process and every run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from .._types import Entry

LONGEST_KEY: Final = 1000
"""Characters. A longer guid is replaced by its hash: keys are in an index of the store."""


def identified(entries: Iterable[tuple[str | None, Entry]]) -> tuple[Entry, ...]:
    """The entries of one document, in their order, each with a key of its own and its hash.

    Args:
      entries: pairs of guid or id (None when there is none) and an entry whose ``key`` and
        ``hash`` are still to be filled in.

    The key is the trimmed guid; else the link; else a hash of title, published and content. Where
    an earlier entry has it already, the link is appended, and if need be a number from 2 on.
    """
    taken: dict[str, int] = {}
    return tuple(
        replace(entry, key=_unique(_key(guid, entry), entry.link, taken), hash=change_hash(entry))
        for guid, entry in entries
    )


def change_hash(entry: Entry) -> str:
    """32 hex digits over all fields but ``key`` and ``hash``: equal exactly when nothing has changed."""
    # Texts have no NUL, and repr leaves none, so it keeps the parts apart. repr is slow where it has
    # much to look at, as dataclasses.astuple and JSON are everywhere: 130 of 150 µs an entry.
    texts = entry.summary, entry.content
    parts = (repr((_small_fields(entry), [text is None for text in texts])), *(text or "" for text in texts))
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


_LARGE_FIELDS: Final = {"summary", "content"}
_small_fields: Final = attrgetter(
    *(field.name for field in fields(Entry) if field.name not in {"key", "hash"} | _LARGE_FIELDS)
)


def _key(guid: str | None, entry: Entry) -> str:
    key = (guid or "").strip() or entry.link
    if not key:
        return "hash:" + _digest([entry.title, entry.published, entry.content])
    return key if len(key) <= LONGEST_KEY else "hash:" + _digest(key)


def _unique(key: str, link: str | None, taken: dict[str, int]) -> str:
    if key in taken and link and len(key) + len(link) < LONGEST_KEY:
        key = f"{key} {link}"
    base = key
    # The number goes on where it stopped, so that 100,000 entries of one guid are not quadratic.
    while key in taken:
        taken[base] += 1
        key = f"{base} {taken[base]}"
    taken[key] = 1
    return key


def _digest(value: Any) -> str:
    # JSON because it keeps the fields apart: ["ab", "c"] and ["a", "bc"] differ.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=datetime.isoformat)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
