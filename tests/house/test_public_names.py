"""What is public says so: its module, its type hints, its pickles."""

from __future__ import annotations

import dataclasses
import pickle
import typing
from datetime import UTC, datetime
from types import FunctionType

import pytest

import trioscrape
from trioscrape import Entry, Feed, FeedDocument, FeedState, Outcome, Result, StoreError

PUBLIC = [getattr(trioscrape, name) for name in trioscrape.__all__]
CLASSES = [each for each in PUBLIC if isinstance(each, type)]


@pytest.mark.parametrize("each", [each for each in PUBLIC if isinstance(each, type | FunctionType)])
def test_it_is_trioscrapes(each: type | FunctionType) -> None:
    assert each.__module__ == "trioscrape"
    assert getattr(trioscrape, each.__qualname__) is each


@pytest.mark.parametrize("each", CLASSES)
def test_its_hints_can_be_found(each: type) -> None:
    """Although they name what was imported elsewhere."""
    hints = typing.get_type_hints(each)

    if dataclasses.is_dataclass(each):
        assert hints.keys() >= {field.name for field in dataclasses.fields(each)}
    assert not any(isinstance(hint, str) for hint in hints.values())


@pytest.mark.parametrize(
    "record",
    [
        Feed("http://a.test/", line=3),
        FeedDocument(b"", "http://a.test/"),
        FeedState("x", "http://a.test/", next_fetch=datetime(2026, 3, 1, tzinfo=UTC)),
        Entry("key", "hash"),
        Result(Feed("http://a.test/"), Outcome.NEW),
        Outcome.FAILED,
    ],
)
def test_records_are_pickled_by_their_public_name(record: object) -> None:
    dumped = pickle.dumps(record)

    assert pickle.loads(dumped) == record
    assert b"trioscrape._" not in dumped


def test_a_traceback_names_the_public_error() -> None:
    import traceback

    assert traceback.format_exception_only(StoreError("gone")) == ["trioscrape.StoreError: gone\n"]
