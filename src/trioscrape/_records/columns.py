"""The entries of a document on their way from the parser to the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import repeat
from typing import Any, Final, overload

from .entries import ENTRY, Entry
from .kinds import Form


class EntryColumns(Sequence[Entry]):
    """Entries as a store can hold them: a list for each field, with what is written as `Form.JSON`.

    It is a sequence of entries to whoever looks at it, and makes each when it is looked at. Our own stores
    never do, unless keys have changed: they take the lists as they are. A parser's process makes the lists,
    and to check them, compare hashes and write rows takes a few calls for each field. From the JSON of a
    small entry to its row it is 5 µs for SQLite and 4 for MongoDB; by way of an `Entry` it was 20 and 15.

    Args:
      count: how many entries.
      columns: of their fields, those that do not have their default everywhere.
    """

    __slots__ = ("_columns", "_count")

    def __init__(self, count: int, columns: Mapping[str, list[Any]]) -> None:
        self._count, self._columns = count, columns

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> EntryColumns:
        """Of entries that need not be clean yet. Their hashes stay those of what the feed said."""
        if isinstance(entries, cls):
            return entries
        columns, cut = ENTRY.columns(entries) if entries else ({}, set())
        if cut:
            truncated = columns.get("truncated", [False] * len(entries))
            columns["truncated"] = [before or place in cut for place, before in enumerate(truncated)]
        return cls(len(entries), columns)

    @classmethod
    def checked(cls, count: int, columns: Any) -> EntryColumns:
        """Of lists that somebody has sent.

        Raises:
          InvalidRecord: of no clean entries, and not so many.
        """
        ENTRY.check_columns(columns, count)
        return cls(count, columns)

    @classmethod
    def joined(cls, parts: Sequence[EntryColumns]) -> EntryColumns:
        """All of them, one after the other."""
        if len(parts) == 1:
            return parts[0]
        names = dict.fromkeys(name for part in parts for name in part._columns)
        columns = {name: [value for part in parts for value in part.values(name)] for name in names}
        return cls(sum(map(len, parts)), columns)

    def part(self, start: int, stop: int) -> EntryColumns:
        """Those from `start` to before `stop`."""
        columns = {name: values[start:stop] for name, values in self._columns.items()}
        return EntryColumns(min(stop, self._count) - start, columns)

    @property
    def columns(self) -> dict[str, list[Any]]:
        """What the constructor takes, but for the lists themselves."""
        return dict(self._columns)

    def values(self, name: str) -> Sequence[Any]:
        """Of one field."""
        found = self._columns.get(name)
        return [_DEFAULTS[Form.JSON].get(name)] * self._count if found is None else found

    def rows(self, keys: Iterable[str], places: Sequence[int], form: Form) -> Iterator[tuple[Any, ...]]:
        """The fields of some entries, in the order of `ENTRY`.

        Args:
          keys: of these entries; they take the place of those that the document has.
          places: which.
          form: to be written in.
        """
        columns = (self._written(name, places, form) for name in _FIELDS)
        # Places and constants have no end.
        return zip(keys, *columns, strict=False)

    def _written(self, name: str, places: Sequence[int], form: Form) -> Iterable[Any]:
        found = self._columns.get(name)
        if found is None:
            return repeat(_DEFAULTS[form].get(name))
        values = [found[place] for place in places]
        rewrite = _REWRITERS[form][name]
        return values if rewrite is None else [each if each is None else rewrite(each) for each in values]

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Entry: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Entry, ...]: ...
    def __getitem__(self, place: int | slice) -> Entry | tuple[Entry, ...]:
        if isinstance(place, slice):
            return tuple(map(self._entry, range(self._count)[place]))
        return self._entry(range(self._count)[place])

    def _entry(self, place: int) -> Entry:
        return ENTRY.from_row(
            [
                _DEFAULTS[Form.JSON][name] if values is None else values[place]
                for name in ENTRY.fields
                for values in (self._columns.get(name),)
            ]
        )

    def __iter__(self) -> Iterator[Entry]:
        return map(self._entry, range(self._count))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (EntryColumns, tuple)):
            return len(self) == len(other) and tuple(self) == tuple(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def characters(entries: Sequence[Entry]) -> int:
    """Of all their summaries and contents."""
    if isinstance(entries, EntryColumns):
        texts = (*entries.values("summary"), *entries.values("content"))
    else:
        texts = tuple(text for entry in entries for text in (entry.summary, entry.content))
    return sum(map(len, filter(None, texts)))


def dates(entries: Sequence[Entry]) -> list[datetime]:
    """When each was published, or else updated; of entries that say neither there is none."""
    if isinstance(entries, EntryColumns):
        both = zip(entries.values("published"), entries.values("updated"), strict=True)
        return [datetime.fromisoformat(date) for dates in both if (date := dates[0] or dates[1])]
    return [date for entry in entries if (date := entry.published or entry.updated) is not None]


_FIELDS: Final = tuple(name for name in ENTRY.fields if name != "key")
_REWRITERS: Final = {
    form: {name: field.kind.rewriter(form) for name, field in ENTRY.fields.items()} for form in Form
}
_DEFAULTS: Final = {form: ENTRY.defaults(form) for form in Form}
