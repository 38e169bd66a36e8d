"""The record of a poll: what is written as JSON, and what is accepted when it is read again.

An archive may be damaged, or be made by somebody else. So each value is checked, and whatever is not as it
is written here makes the whole poll `Damaged`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from .._errors import FeedFailed
from .._records import Feed
from .exchange import KeptFetch, KeptPoll
from .records import Damaged

MOST_ANSWERS: Final = 2000
"""Answers of one poll. With 100 redirects for the document and for each of ten older pages it has 1,111."""
_LARGEST: Final = 2**20
"""Bytes of a record; most have 500."""
_LONGEST: Final = 2**16
"""How many characters a text may have."""
_MOST_TAGS: Final = 1000
_FEED_ID: Final = re.compile("[0-9a-f]{32}")
_YEARS: Final = range(1970, 9000)
"""Of moments that can be reckoned with in any time zone."""
_SHOWN: Final = 200
"""Characters of what is wrong that are told."""
_encoded: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def poll_record(poll: KeptPoll) -> bytes:
    """The JSON that an archive has of a poll; moments are ISO 8601 in UTC."""
    feed = poll.feed
    record = {
        "feed": {
            "url": feed.redacted_url,
            "title": feed.title,
            "tags": feed.tags,
            "without_scheme": feed.without_scheme,
        },
        "feed_id": poll.feed_id,
        "began": poll.began.isoformat(),
        "ended": poll.ended.isoformat(),
        "next_run": poll.next_run and poll.next_run.isoformat(),
        "fetches": [_fetch_record(fetch) for fetch in poll.fetches],
        "outcome": poll.outcome,
        "reason": poll.reason,
        "put_off": poll.put_off and _failure_record(poll.put_off),
        "took_turn": poll.took_turn,
    }
    return _encoded(record).encode("utf-8", "replace")


def _fetch_record(fetch: KeptFetch) -> dict[str, Any]:
    record: dict[str, Any] = {"records": fetch.ids}
    if fetch.again:
        record["again"] = True
    if fetch.of_older_page:
        record["older_page"] = True
    if fetch.failed is not None:
        record["failed"] = _failure_record(fetch.failed)
    return record


def _failure_record(failed: FeedFailed) -> dict[str, Any]:
    not_before = failed.not_before and failed.not_before.isoformat()
    return {
        "reason": failed.reason,
        "detail": failed.detail,
        "not_before": not_before,
        "postponed_by": failed.postponed_by,
    }


def read_poll(block: bytes) -> tuple[KeptPoll, list[list[str]]]:
    """A poll without its exchanges, and for each of its fetches the ids of the records that have them.

    Raises:
      Damaged: it is not as `poll_record` writes it.
    """
    if len(block) > _LARGEST:
        raise Damaged(f"the record of a poll has more than {_LARGEST:,} bytes")
    try:
        said = json.loads(block)
        names = [_texts(fetch["records"], MOST_ANSWERS) for fetch in said["fetches"]]
        if max(len(names), sum(map(len, names))) > MOST_ANSWERS:
            raise ValueError(f"more than {MOST_ANSWERS:,} answers")  # noqa: TRY301
        poll = KeptPoll(
            _feed(said["feed"]),
            _feed_id(said["feed_id"]),
            moment(said["began"]),
            moment(said["ended"]),
            None if said["next_run"] is None else moment(said["next_run"]),
            tuple(map(_fetch, said["fetches"])),
            _text(said["outcome"]),
            None if said["reason"] is None else _text(said["reason"]),
            None if said["put_off"] is None else _failure(said["put_off"]),
            _flag(said["took_turn"]),
        )
    # What is too deep for the JSON reader is a RecursionError.
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise Damaged(f"a poll can't be understood ({str(error)[:_SHOWN]})") from error
    return poll, names


def moment(text: object) -> datetime:
    """A moment in UTC.

    Raises:
      ValueError, TypeError, OverflowError: it is not a moment, or its year is out of range.
    """
    found = datetime.fromisoformat(_text(text))
    if found.tzinfo is None or (found := found.astimezone(UTC)).year not in _YEARS:
        raise ValueError("a moment is out of range")
    return found


def _feed(said: Mapping[str, object]) -> Feed:
    title = None if said["title"] is None else _text(said["title"])
    tags = tuple(_texts(said["tags"], _MOST_TAGS))
    return Feed(_text(said["url"]), title, tags=tags, without_scheme=_flag(said["without_scheme"]))


def _fetch(said: Mapping[str, object]) -> KeptFetch:
    failed = _failure(said["failed"]) if "failed" in said else None
    again, older = _flag(said.get("again", False)), _flag(said.get("older_page", False))
    return KeptFetch([], failed, again=again, of_older_page=older)


def _failure(said: Any) -> FeedFailed:
    not_before, host = said["not_before"], said["postponed_by"]
    return FeedFailed(
        _text(said["reason"]),
        _text(said["detail"]),
        not_before=None if not_before is None else moment(not_before),
        postponed_by=None if host is None else _text(host),
    )


def _feed_id(said: object) -> str:
    if _FEED_ID.fullmatch(_text(said)) is None:
        raise ValueError("feed_id is not 32 hexadecimal digits")
    return str(said)


def _texts(said: object, most: int) -> list[str]:
    if type(said) is not list or len(said) > most:
        raise TypeError(f"not a list of at most {most:,} texts")
    return list(map(_text, said))


def _text(said: object) -> str:
    if type(said) is not str or len(said) > _LONGEST:
        raise TypeError(f"not a text of at most {_LONGEST:,} characters")
    said.encode()  # raises ValueError where there is a lone surrogate
    return said


def _flag(said: object) -> bool:
    if type(said) is not bool:
        raise TypeError("true or false is something else")
    return said
