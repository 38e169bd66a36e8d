"""The history of a feed after one more poll; every store keeps it like this."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from .._records import FeedHistory, Poll
from .._records.history import HISTORY, KEPT_POLLS, POLL
from .._records.table import InvalidRecord

T = TypeVar("T")


def first_history(feed_id: str, poll: Poll) -> FeedHistory:
    """The history of a feed after its first poll, as a store can hold it."""
    kept = POLL.table.clean(poll)[0]
    return FeedHistory(
        feed_id,
        polls=1,
        polls_with_news=int(kept.new > 0),
        last_fetch=kept.at,
        last_success=None if kept.reason else kept.at,
        last_news=kept.at if kept.new else None,
        last_lateness=None if kept.due is None else max(0, int((kept.at - kept.due).total_seconds())),
        gaps=int(kept.gap),
        last_gap=kept.at if kept.gap else None,
        recent=(kept,),
    )


def added(before: FeedHistory | None, this: FeedHistory) -> FeedHistory:
    """`before` and the one poll of `this` together. A poll that is there already is not counted twice."""
    if before is None:
        return this
    if before.last_fetch == this.last_fetch:
        return before
    return replace(
        this,
        polls=before.polls + 1,
        polls_with_news=before.polls_with_news + this.polls_with_news,
        last_success=this.last_success or before.last_success,
        last_news=this.last_news or before.last_news,
        gaps=before.gaps + this.gaps,
        last_gap=this.last_gap or before.last_gap,
        recent=(*before.recent, *this.recent)[-KEPT_POLLS:],
    )


def clean_history(history: FeedHistory) -> FeedHistory:
    """The history as a store can hold it."""
    return HISTORY.clean(history)[0]


def valid_histories(records: Iterable[T], read: Callable[[T], FeedHistory]) -> dict[str, FeedHistory]:
    """By feed id, what `read` makes of `records`, without those that are invalid."""
    histories: dict[str, FeedHistory] = {}
    for record in records:
        with suppress(InvalidRecord):
            history = read(record)
            histories[history.feed_id] = history
    return histories
