"""The kinds of fields that stored records are made of.

A field names its kind beside its type, and everything else follows from that::

    title: Annotated[str | None, TITLE] = None

A kind says which values are valid, how a value is written in a document of MongoDB, in a line of JSON
and in a column of SQLite, and what a store can hold of it. Feeds have lone surrogates, numbers of forty
digits, dates that leave the calendar in UTC, and texts longer than a document may be. All stores clean
values alike, so that a feed means the same wherever it is kept.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum
from itertools import chain
from json.encoder import encode_basestring
from typing import Any, ClassVar, Final, Generic, TypeVar

T = TypeVar("T")
Read = Callable[[Any], T]
Write = Callable[[T], Any]

LIST_LIMIT: Final = 200

_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3])(?::[0-9]{2}){2}\.[0-9]{3}\+00:00")
"""As `iso` writes it."""

_as_text: Final = json.JSONEncoder(ensure_ascii=False).encode
_from_text: Final = json.JSONDecoder().decode


class Form(Enum):
    """Where a record is written."""

    DOCUMENT = "document"
    """BSON: it has dates, booleans, lists and subdocuments."""
    JSON = "json"
    """The same, but dates are ISO 8601 in UTC with milliseconds, so that they sort as text."""
    COLUMN = "column"
    """SQLite: dates as in JSON, booleans are 0 and 1, lists and subdocuments are JSON text."""


class Kind(ABC, Generic[T]):
    """What the values of a field are. None is no value of any kind: a field allows it or does not."""

    expected: str
    """What a value must be: the words of a message after "must be"."""
    column: ClassVar[str] = "TEXT"
    """The type of its column in SQLite."""

    @abstractmethod
    def reader(self, form: Form) -> Read[T]:
        """The function that turns what is written into a value, or raises one of `INVALID`."""

    def writer(self, form: Form) -> Write[T] | None:  # noqa: ARG002
        """The function that turns a value into what is written; None: it is written as it is."""
        return None

    def clean(self, value: T) -> tuple[T | None, bool]:
        """What a store can hold of the value, None for nothing, and whether something was left out."""
        return value, False

    def check(self, found: Sequence[Any]) -> None:
        """Raise one of `INVALID` unless each is a clean value, written as `Form.JSON`.

        The kinds that most entries have look at all of them at once, in C: this is done to every entry.
        """
        read, write = self.reader(Form.JSON), self.writer(Form.JSON)
        for each in found:
            value = read(each)
            if self.clean(value)[0] != value or (value if write is None else write(value)) != each:
                raise ValueError

    def rewriter(self, form: Form) -> Callable[[Any], Any] | None:  # noqa: ARG002
        """The function that turns what is written as `Form.JSON` into what is written in `form`.

        None: it is the same.
        """
        return None


INVALID: Final = (KeyError, TypeError, ValueError, OverflowError, RecursionError)
"""What a reader raises; the last one is that of JSON, for lists in lists."""


class Choice(Kind[T]):
    """One of a few values."""

    def __init__(self, *values: T) -> None:
        self.values = values
        self._set = frozenset(values)
        self.expected = " or ".join(map(str, values))

    def reader(self, form: Form) -> Read[T]:  # noqa: ARG002
        return {value: value for value in self.values}.__getitem__

    def check(self, found: Sequence[Any]) -> None:
        if not self._set.issuperset(found):
            raise ValueError


class Moment(Kind[datetime]):
    """A moment in UTC, in whole milliseconds, which is what MongoDB keeps."""

    expected = "a date and time (ISO 8601)"

    def reader(self, form: Form) -> Read[datetime]:
        return _moment if form is Form.DOCUMENT else _iso_moment

    def writer(self, form: Form) -> Write[datetime] | None:
        return None if form is Form.DOCUMENT else iso

    def clean(self, value: datetime) -> tuple[datetime | None, bool]:
        return clean_moment(value), False

    def check(self, found: Sequence[Any]) -> None:
        if not all(map(_ISO.fullmatch, found)):
            raise ValueError
        list(map(datetime.fromisoformat, found))  # raises ValueError where there is no such day

    def rewriter(self, form: Form) -> Callable[[Any], Any] | None:
        return datetime.fromisoformat if form is Form.DOCUMENT else None


def _iso_moment(value: Any) -> datetime:
    return _moment(datetime.fromisoformat(value))


def _moment(value: Any) -> datetime:
    moment = clean_moment(value) if type(value) is datetime else None
    if moment is None:
        raise ValueError
    return moment


class Number(Kind[int]):
    """A whole number from 0 up."""

    column = "INTEGER"

    def __init__(self, last: int) -> None:
        self.last = last
        self.expected = f"a whole number from 0 to {last}"

    def reader(self, form: Form) -> Read[int]:  # noqa: ARG002
        return self._read

    def _read(self, value: Any) -> int:
        # BSON's 64-bit integers are a subclass of int. So is bool, whose values are no numbers here.
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= self.last:
            raise ValueError
        return int(value)

    def clean(self, value: int) -> tuple[int | None, bool]:
        return (value if 0 <= value <= self.last else None), False

    def check(self, found: Sequence[Any]) -> None:
        if {*map(type, found)} != {int} or min(found) < 0 or max(found) > self.last:
            raise ValueError


class Flag(Kind[bool]):
    """True or false."""

    expected = "true or false"
    column = "INTEGER"

    def reader(self, form: Form) -> Read[bool]:
        return {0: False, 1: True}.__getitem__ if form is Form.COLUMN else _flag

    def check(self, found: Sequence[Any]) -> None:
        if {*map(type, found)} != {bool}:
            raise TypeError


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise TypeError
    return value


class Several(Kind[tuple[T, ...]]):
    """A list. What a store can't hold of it is left out, and so is all after the first `most`."""

    def __init__(self, kind: Kind[T], plural: str, most: int = LIST_LIMIT) -> None:
        self.kind = kind
        self.most = most
        self.expected = f"a list of {plural}"

    def reader(self, form: Form) -> Read[tuple[T, ...]]:
        read_item = self.kind.reader(inside(form))

        def read(items: Any) -> tuple[T, ...]:
            if type(items) is not list:
                raise TypeError
            return tuple(map(read_item, items))

        return from_column(read, form)

    def writer(self, form: Form) -> Write[tuple[T, ...]]:
        write_item = self.kind.writer(inside(form))
        return into_column(list if write_item is None else lambda value: list(map(write_item, value)), form)

    def clean(self, value: tuple[T, ...]) -> tuple[tuple[T, ...], bool]:
        clean = self.kind.clean
        if len(value) <= self.most:
            for item in value:
                if clean(item)[0] is not item:
                    break
            else:
                return value, False
        cleaned = [clean(item) for item in value[: self.most]]
        kept = tuple(item for item, _ in cleaned if item is not None)
        return kept, len(value) > self.most or any(cut for _, cut in cleaned)

    def check(self, found: Sequence[Any]) -> None:
        if {*map(type, found)} != {list} or max(map(len, found)) > self.most:
            raise ValueError
        if items := list(chain.from_iterable(found)):
            self.kind.check(items)

    def rewriter(self, form: Form) -> Callable[[Any], Any] | None:
        return text_of if form is Form.COLUMN else None


def inside(form: Form) -> Form:
    """The form of what is in a list or a subdocument."""
    return Form.JSON if form is Form.COLUMN else form


def from_column(read: Read[T], form: Form) -> Read[T]:
    """A reader of lists or subdocuments, which are text in a column."""
    return (lambda value: read(_from_text(value))) if form is Form.COLUMN else read


def into_column(write: Write[T], form: Form) -> Write[T]:
    """A writer of lists or subdocuments, which are text in a column."""
    if form is not Form.COLUMN:
        return write
    return lambda value: text_of(write(value))


def text_of(value: Any) -> str:
    """Lists and subdocuments, as they are in a column."""
    # Most lists are empty or of texts, and the encoder takes 2 µs to begin.
    if not value:
        return "[]"
    if type(value) is list and type(value[0]) is str:
        return f"[{', '.join(map(encode_basestring, value))}]"
    return _as_text(value)


TEXT_TYPE: Final = Choice("html", "text")
MOMENT: Final = Moment()
FLAG: Final = Flag()
COUNT: Final = Number(2**31 - 1)
SIZE: Final = Number(2**63 - 1)
"""Bytes of a file."""
HOURS: Final = Several(Number(23), "hours from 0 to 23")
WEEKDAYS: Final = Several(Number(6), "weekdays from 0 to 6")


def clean_moment(moment: datetime | None) -> datetime | None:
    """In UTC and whole milliseconds; None when UTC has no such year. Without a time zone it is UTC."""
    if moment is None:
        return None
    if moment.tzinfo is not UTC:
        try:
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except OverflowError:
            return None
    spare = moment.microsecond % 1000
    return moment.replace(microsecond=moment.microsecond - spare) if spare else moment


def iso(moment: datetime) -> str:
    """``2026-02-28T12:00:00.000+00:00``."""
    return moment.isoformat(timespec="milliseconds")
