"""Records that are none of ours.

A database is open to everybody: a script, or another version, may have left something where a feed's
state should be. A field that is missing or means nothing would show much later, and wherever it is
used: a date that is a text in the schedule, a URL that is none in the fetcher. So a state is looked at
as a whole when it is read. One that can't be relied on is none, as if its feed had never been asked:
the next fetch makes a whole one of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Final, TypeVar

from .._records import FeedState, FeedTimers
from .._urls import problem_with

T = TypeVar("T")

UNREADABLE: Final = (KeyError, TypeError, ValueError, AttributeError, RecursionError)
"""What reading such a record raises. The last one is JSON's, of lists in lists."""

_NUMBERS: Final = 2**31


class ForeignRecord(Exception):
    """A record that trioscrape has not written, or not like this."""


@contextmanager
def expecting(what: str) -> Iterator[None]:
    """Raise `ForeignRecord` when `what` is read in the block and turns out to be none."""
    try:
        yield
    except UNREADABLE as error:
        raise ForeignRecord(f"{what}: {type(error).__name__}: {error}") from error


def sound_states(records: Iterable[T], read: Callable[[T], FeedState]) -> dict[str, FeedState]:
    """By feed id, the states in those of `records` where `read` finds one."""
    states: dict[str, FeedState] = {}
    for record in records:
        with suppress(ForeignRecord):
            state = read(record)
            states[state.feed_id] = state
    return states


def check(state: FeedState) -> None:
    """Raise `ValueError` unless every field is what `FeedState` says of it."""
    for name, is_sound in _SOUND.items():
        if not is_sound(getattr(state, name)):
            raise ValueError(f"{name} is nothing that it can be")


def _is_text(value: Any) -> bool:
    return value is None or type(value) is str


def _is_validator(value: Any) -> bool:
    """Whether it can be sent in a header."""
    return value is None or (type(value) is str and (value.isascii() or max(value) <= "\xff"))


def _is_moment(value: Any) -> bool:
    return value is None or (type(value) is datetime and value.tzinfo is not None)


def _is_number(value: Any) -> bool:
    # BSON's 64-bit integers are a subclass of int; True is one too.
    return isinstance(value, int) and type(value) is not bool and 0 <= value < _NUMBERS


def _are_timers(timers: FeedTimers) -> bool:
    return (
        _is_number(timers.max_age)
        and _is_number(timers.every)
        and type(timers.skip_hours) is type(timers.skip_days) is tuple
        and all(map(_is_number, timers.skip_hours + timers.skip_days))
    )


_SOUND: Final[Mapping[str, Callable[[Any], bool]]] = {
    "feed_id": lambda value: type(value) is str,
    "url": lambda value: type(value) is str and problem_with(value) is None,
    **dict.fromkeys(("title", "link", "subtitle", "language", "self_link", "hub"), _is_text),
    **dict.fromkeys(("validators_url", "body_hash", "failure", "moved_to"), _is_text),
    **dict.fromkeys(("etag", "last_modified"), _is_validator),
    **dict.fromkeys(("updated", "next_fetch", "next_unconditional", "gone"), _is_moment),
    "distrusts_ids": lambda value: type(value) is bool,
    "timers": _are_timers,
    "failures": _is_number,
    "moved_days": lambda value: type(value) is tuple and all(type(day) is str for day in value),
}
