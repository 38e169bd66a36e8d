"""What a save has to write, decided alike for every store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from .._records import Entry, EntryCounts, FeedUpdate
from .._records.kinds import clean_moment
from .._records.texts import clean_key

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


@dataclass(frozen=True, slots=True)
class Plan:
    """What a save has to write of a feed's entries, which are not cleaned yet."""

    new: tuple[Entry, ...]
    changed: tuple[tuple[Entry, int], ...]
    """Each with its number of rewrites."""
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


def by_key(update: FeedUpdate) -> dict[str, Entry]:
    """The entries by the key under which they are stored; of two with the same key, the last one."""
    return {clean_key(entry.key): entry for entry in update.entries}


def plan(
    entries: Mapping[str, Entry], stored: Mapping[str, Known], renamed: Mapping[str, str] | None = None
) -> Plan:
    """Decide what to write.

    Args:
      entries: of the document, by key.
      stored: what is stored of them; of a renamed one, under its new key.
      renamed: the old key by the new one.
    """
    new, changed = [], []
    for key, entry in entries.items():
        known = stored.get(key)
        if known is None:
            new.append(entry)
        elif known.hash != clean_key(entry.hash):
            rewrites = 0 if known.updated != clean_moment(entry.updated) else known.rewrites + 1
            if rewrites <= REWRITES:
                changed.append((entry, rewrites))
    unchanged = len(entries) - len(new) - len(changed)
    return Plan(tuple(new), tuple(changed), unchanged, renamed or {})
