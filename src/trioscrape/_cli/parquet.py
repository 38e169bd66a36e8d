"""Stored records as Parquet, with typed columns. pyarrow (extra ``parquet``) is imported when it is used."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final

from .._errors import UsageError
from .._records import FeedHistory, FeedState
from .._records.entries import ENTRY, STORED_ENTRY
from .._records.feed_state import FEED_STATE
from .._records.kinds import FLAG, MOMENT, Form, Number, Several
from .._records.table import Field
from .._records.texts import Day, Text
from .jsonl import Record

ROWS: Final = 2000
"""Rows of a row group: few enough to be kept in memory, with entries of some KiB."""


class Parquet:
    """A Parquet file, a row group at a time.

    Moments are timestamps in UTC with milliseconds, lists of texts or numbers are lists; other lists and
    objects are JSON texts.

    Args:
      feeds: whether the rows are feeds; else they are entries.

    Raises:
      UsageError: pyarrow is not installed.
    """

    def __init__(self, *, feeds: bool) -> None:
        try:
            import pyarrow  # noqa: PLC0415
            import pyarrow.parquet  # noqa: PLC0415
        except ImportError:
            raise UsageError("--format parquet needs pyarrow: pip install 'trioscrape[parquet]'") from None
        self._arrow = pyarrow
        self._fields = FEED_STATE.fields if feeds else {**STORED_ENTRY.fields, **ENTRY.fields}
        self._types = {name: _type(pyarrow, field) for name, field in self._fields.items()}
        self._schema = pyarrow.schema(
            [(name, type_ or pyarrow.string()) for name, type_ in self._types.items()]
        )
        self._written = io.BytesIO()
        self._writer = pyarrow.parquet.ParquetWriter(self._written, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def begin(self) -> bytes:
        """Nothing yet."""
        return b""

    def add(self, record: Record) -> bytes:
        """The rows up to this one, when there are enough for a row group."""
        self._rows.append(self._row(record))
        if len(self._rows) < ROWS:
            return b""
        self._write_rows()
        return self._taken()

    def end(self) -> bytes:
        """The last rows, and what says where all of them are."""
        if self._rows:
            self._write_rows()
        self._writer.close()
        return self._taken()

    def _write_rows(self) -> None:
        rows, self._rows = self._rows, []
        self._writer.write_table(self._arrow.Table.from_pylist(rows, schema=self._schema))

    def _taken(self) -> bytes:
        data = self._written.getvalue()
        self._written.seek(0)
        self._written.truncate()
        return data

    def _row(self, record: Record) -> dict[str, Any]:
        typed, texts = _values(record, Form.DOCUMENT), _values(record, Form.COLUMN)
        return {name: texts[name] if type_ is None else typed[name] for name, type_ in self._types.items()}


def _values(record: Record, form: Form) -> Mapping[str, Any]:
    if isinstance(record, FeedState):
        return FEED_STATE.write(record, form)
    if isinstance(record, FeedHistory):
        raise TypeError(record)
    return STORED_ENTRY.write(record, form) | ENTRY.write(record.entry, form)


def _type(arrow: Any, field: Field) -> Any:
    """The type of a column; None for one of JSON texts."""
    kind = field.kind
    if kind is MOMENT:
        return arrow.timestamp("ms", tz="UTC")
    if kind is FLAG:
        return arrow.bool_()
    if isinstance(kind, Number):
        return arrow.int64()
    if isinstance(kind, Several):
        if isinstance(kind.kind, Number):
            return arrow.list_(arrow.int64())
        return arrow.list_(arrow.string()) if isinstance(kind.kind, Text | Day) else None
    return None
