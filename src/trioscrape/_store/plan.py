"""What a save has to write, decided alike for every store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from .._records import Entry, EntryCounts, FeedUpdate
from .._records.columns import EntryColumns
from .._records.kinds import Form

REWRITES: Final = 24
"""How many times in a row an entry is rewritten when its hash has changed and its ``updated`` has not.

Some feeds have a counter or the time of day in every entry, which would be written at every fetch.
lemon24/reader has the same limit.
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What a decision needs of a stored entry."""

    hash: str
    updated: datetime | None = None
    rewrites: int = 0
    """How many times in a row it was rewritten for its hash alone."""

    @classmethod
    def of(cls, digest: object, updated: object, rewrites: object) -> Known:
        """Of what is stored, whatever its types. An entry whose hash is not valid counts as changed.

        Rewrites that no save can have counted are none: the entry would never be written again.
        """
        return cls(
            digest if isinstance(digest, str) else "",
            updated if isinstance(updated, datetime) else None,
            rewrites if isinstance(rewrites, int) and 0 <= rewrites <= REWRITES else 0,
        )


class Document(Mapping[str, Entry]):
    """The entries of a document by the key under which they are stored, as a store can hold them.

    Of two with the same key, it is the last one. Each is made when it is looked at.
    """

    def __init__(self, columns: EntryColumns, places: Mapping[str, int]) -> None:
        self._columns, self._places = columns, places
        # A field that no entry has makes a new list with each call.
        self._hashes, self._updated = columns.values("hash"), columns.values("updated")

    @classmethod
    def of(cls, update: FeedUpdate) -> Document:
        """Of what is to be saved."""
        columns = EntryColumns.of(update.entries)
        return cls(columns, {key: place for place, key in enumerate(columns.values("key"))})

    def renamed(self, names: Mapping[str, str]) -> Document:
        """The same entries, some of them under another key.

        Args:
          names: the other key by the one that they have.
        """
        return Document(self._columns, {names.get(key, key): place for key, place in self._places.items()})

    def only(self, keys: Iterable[str]) -> Document:
        """Only those with these keys."""
        return Document(self._columns, {key: self._places[key] for key in keys})

    @property
    def hashes(self) -> Iterator[tuple[str, str]]:
        """The key and the hash of each entry."""
        return ((key, self._hashes[place]) for key, place in self._places.items())

    def updated(self, key: str) -> datetime | None:
        """When the entry was updated, as it says."""
        updated: str | None = self._updated[self._places[key]]
        return None if updated is None else datetime.fromisoformat(updated)

    def rows(self, keys: Iterable[str], form: Form) -> Iterator[tuple[Any, ...]]:
        """The fields of the entries with these keys, in their order."""
        keys = tuple(keys)
        return self._columns.rows(keys, [self._places[key] for key in keys], form)

    def __getitem__(self, key: str) -> Entry:
        return replace(self._columns[self._places[key]], key=key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a save has to write of a feed's entries."""

    new: tuple[str, ...]
    """The keys of those that are not stored."""
    changed: tuple[tuple[str, int], ...]
    """The keys of those that are stored otherwise, each with its number of rewrites."""
    unchanged: int
    renamed: Mapping[str, str] = field(default_factory=dict)
    """The old key by the new one. Renames come first."""

    @property
    def counts(self) -> EntryCounts:
        """How many are new, changed and unchanged."""
        return EntryCounts(len(self.new), len(self.changed), self.unchanged)

    @property
    def writes(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.new or self.changed or self.renamed)


def plan(entries: Document, stored: Mapping[str, Known], renamed: Mapping[str, str] | None = None) -> Plan:
    """Decide what to write.

    Args:
      entries: of the document.
      stored: what is stored of them; of a renamed one, under its new key.
      renamed: the old key by the new one.
    """
    new, changed = [], []
    for key, digest in entries.hashes:
        known = stored.get(key)
        if known is None:
            new.append(key)
        elif known.hash != digest:
            rewrites = 0 if known.updated != entries.updated(key) else known.rewrites + 1
            if rewrites <= REWRITES:
                changed.append((key, rewrites))
    unchanged = len(entries) - len(new) - len(changed)
    return Plan(tuple(new), tuple(changed), unchanged, renamed or {})
