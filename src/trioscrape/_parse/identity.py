"""Which entry is which, and whether it has changed. Pure, the same in every process and every run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from .._records import Entry

LONGEST_KEY: Final = 1000
"""Characters. A longer guid is replaced by its hash: keys are in an index of the store."""
BAD_IDS: Final = 0.05
"""The share of a document's ids that may be empty or come twice before none of them is believed."""
FEW_BAD_IDS: Final = 1
"""So many bad ids are a slip, however short the document is: a share of three entries says nothing."""

Identified = tuple[str | None, Entry]
"""An entry whose ``key`` and ``hash`` are still to be filled in, after its guid or id."""


def identified(entries: Iterable[Identified], *, by_link: bool = False) -> tuple[Entry, ...]:
    """The entries of one document, in their order, each with a key of its own and its hash.

    Args:
      entries: pairs of guid or id (None when there is none) and an entry.
      by_link: leave ids out of account, because `distrusts_ids` was true of this feed.

    The key is the trimmed guid; else the link; else a hash of title, published and content. Where
    another entry has it already, the link is appended, and if need be a number from 2 on. Ids are
    served before links, and each key's first entry before all others: so an entry whose id no
    other one has is known by that, wherever in the document it stands.
    """
    pairs = [(None if by_link else _trimmed(guid), entry) for guid, entry in entries]
    keys = [_key(guid, entry) for guid, entry in pairs]
    taken = dict.fromkeys(keys, 1)
    served: set[str] = set()
    for index in sorted(range(len(pairs)), key=lambda index: pairs[index][0] is None):
        key = keys[index]
        if key in served:
            keys[index] = _another(key, pairs[index][1].link, taken)
        served.add(key)
    # dataclasses.replace looks at every field in Python, and takes twice as long.
    return tuple(
        Entry(key, change_hash(entry), *_other_fields(entry))
        for key, (_guid, entry) in zip(keys, pairs, strict=True)
    )


def distrusts_ids(entries: Sequence[Identified]) -> bool:
    """Whether the links of a document tell its entries apart, and its ids do not.

    More than 5 % of the ids are empty or come twice, and not just one; with links in their place,
    more entries are told apart. An entry that is in a document twice, link and all, says nothing
    against ids, and neither do podcasts whose episodes all link to one page.
    """
    ids = {guid for pair in entries if (guid := _trimmed(pair[0]))}
    bad = len(entries) - len(ids)
    if bad <= FEW_BAD_IDS or bad <= BAD_IDS * len(entries):
        return False
    return len({_key(None, entry) for _guid, entry in entries}) > len(ids)


def change_hash(entry: Entry) -> str:
    """32 hex digits over all fields but ``key`` and ``hash``: equal exactly when nothing has changed."""
    # Texts have no NUL, and repr leaves none, so it keeps the parts apart. repr is slow where it has
    # much to look at, as dataclasses.astuple and JSON are everywhere: 130 of 150 µs an entry.
    texts = entry.summary, entry.content
    small = repr((_small_fields(entry), [text is None for text in texts]))
    digest = hashlib.blake2b(small.encode(), digest_size=16)
    for text in texts:
        digest.update(b"\0")
        digest.update((text or "").encode())
    return digest.hexdigest()


_OTHERS: Final = [field.name for field in fields(Entry)][2:]
"""All but ``key`` and ``hash``, which are the first two."""
_other_fields: Final = attrgetter(*_OTHERS)
_small_fields: Final = attrgetter(*(name for name in _OTHERS if name not in {"summary", "content"}))


def _trimmed(guid: str | None) -> str | None:
    return (guid or "").strip() or None


def _key(guid: str | None, entry: Entry) -> str:
    key = guid or entry.link
    if not key:
        return "hash:" + _digest([entry.title, entry.published, entry.content])
    return key if len(key) <= LONGEST_KEY else "hash:" + _digest(key)


def _another(key: str, link: str | None, taken: dict[str, int]) -> str:
    """A key that nobody has, for an entry that has come too late for `key`; it is taken then."""
    if link and len(key) + len(link) < LONGEST_KEY:
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
