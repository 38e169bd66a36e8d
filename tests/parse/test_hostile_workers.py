"""A worker that a document has taken over: what it sends costs that document, and nothing of it runs here."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument, ProcessParser, open_process_parser, parse_document
from trioscrape._parse._pool import process
from trioscrape._parse._pool.answers import BATCH, Reading, answer_frames, end_frame, most_bytes
from trioscrape._parse._pool.frames import ANSWER_HEADER, MOST_JSON, MOST_TEXTS, InvalidAnswer, sizes
from trioscrape._records import Entry, ParsedFeed
from trioscrape._records.entries import ENTRY, PARSED_FEED
from trioscrape._records.kinds import Form
from trioscrape._urls import problem_with

from support import hostile_worker
from support.hostile_worker import END, FEED, HONEST, REQUEST, frame
from support.mutations import faulty, soups
from support.worker_processes import NEVER, PATIENCE, URL, failure, is_gone

DATE = "2026-01-01T00:00:00.000+00:00"
COLUMNS = {
    "key": ["key"],
    "hash": ["hash"],
    "title": ["title"],
    "summary": [3],
    "summary_type": ["text"],
    "authors": [["Ann"]],
    "published": [DATE],
    "enclosures": [[{"url": "http://a.test/", "type": None, "length": 5}]],
}
FEED_ROW = ["title", "http://a.test/", False, {}, None, None, None, None]

scalars = st.none() | st.booleans() | st.integers(-2, 2**65) | st.floats() | st.text(max_size=5)
values = st.recursive(scalars, lambda inside: st.lists(inside) | st.dictionaries(st.text(max_size=3), inside))


def changed(row: list[Any]) -> st.SearchStrategy[list[Any]]:
    """The row with another value in one place, or of another length."""
    at = st.integers(0, len(row) - 1)
    replaced = st.builds(lambda at, value: [*row[:at], value, *row[at + 1 :]], at, values)
    return replaced | at.map(lambda at: row[:at]) | st.just(row) | st.lists(values).map(row.__add__)


def changed_columns() -> st.SearchStrategy[Any]:
    """The columns with one more, without one, or with another value in one."""
    name = st.sampled_from([*ENTRY.fields, "other"])
    return st.one_of(
        st.builds(lambda name, value: {**COLUMNS, name: [value]}, name, values),
        st.builds(lambda name, value: {**COLUMNS, name: value}, name, values),
        st.sampled_from(list(COLUMNS)).map(_without),
    )


def _without(left_out: str) -> dict[str, Any]:
    return {name: column for name, column in COLUMNS.items() if name != left_out}


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def entries(count: int = 1, **changes: Any) -> bytes:
    """The JSON of so many of the same entry, but for some of its columns."""
    columns = {name: column * count for name, column in COLUMNS.items()}
    return encoded(["entries", count, columns | changes])


request = st.just(REQUEST.decode()) | values
contents = st.one_of(
    st.tuples(st.just("feed"), request, changed(FEED_ROW) | values),
    st.tuples(st.just("entries"), st.just(1) | values, changed_columns() | values),
    st.tuples(
        st.just("failed"), request, st.sampled_from(["malformed", "cancelled"]) | values, values, values
    ),
    st.tuples(st.just("end"), request, values),
    values,
).map(encoded)
pieces = st.one_of(
    st.sampled_from([frame(FEED), frame(END), HONEST, frame(entries(), b"abc")]),
    st.builds(
        frame, contents | st.binary(max_size=20), st.just(b"") | st.just(b"abc") | st.binary(max_size=5)
    ),
    st.binary(max_size=20),
    st.integers(0, len(HONEST)).map(lambda end: HONEST[:end]),
)
said = st.lists(pieces, max_size=5).map(b"".join)


def assert_valid(answer: ParsedFeed | FeedFailed) -> None:
    """Every value of it is of its kind, and nothing else is in it."""
    if isinstance(answer, FeedFailed):
        assert answer.reason in {"malformed", "not-a-feed", "parse-crash", "too-large"}
        assert answer.detail.isprintable()
        assert all(problem_with(url) is None for url in answer.feeds or ())
        return
    bare = PARSED_FEED.from_row(json.loads(json.dumps(PARSED_FEED.row(answer))), entries=answer.entries)
    assert bare == answer
    for entry in answer.entries:
        assert type(entry) is Entry
        line = json.dumps(ENTRY.write(entry, Form.JSON), ensure_ascii=False).encode()
        assert ENTRY.read(json.loads(line), Form.JSON) == entry


def read(data: bytes, size: int = 100, limit: int | None = 2) -> ParsedFeed | FeedFailed | None:
    """What the frames in `data` are an answer to; None when they have no end."""
    reading = Reading(REQUEST.decode(), size, limit)
    while len(data) >= ANSWER_HEADER.size:
        of_json, of_texts = sizes(data[: ANSWER_HEADER.size], reading.room)
        data = data[ANSWER_HEADER.size :]
        ended = reading.add(data[:of_json], data[of_json : of_json + of_texts])
        data = data[of_json + of_texts :]
        if ended:
            return reading.answer
    return None


@pytest.mark.heavy
@given(said)
@settings(max_examples=500)
def test_any_frames_are_an_answer_or_none(data: bytes) -> None:
    try:
        answer = read(data)
    except InvalidAnswer:
        return
    if answer is not None:
        assert_valid(answer)


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ([frame(b"[" * 10**5)], "not JSON"),
        ([frame(b"[]," * 2**18)], "too many parts"),
        ([frame(b"9" * 10**4)], "not JSON"),
        ([frame(b"\xff")], "not JSON"),
        ([frame(FEED), frame(encoded(["entries", []]))], "no part"),
        ([frame(entries(), b"abc")], "no part"),
        ([frame(FEED), frame(entries(), b"ab")], "shorter"),
        ([frame(FEED), frame(entries(), b"abcd")], "longer"),
        ([frame(FEED), frame(entries(), b"ab\xff")], "not UTF-8"),
        ([frame(FEED), frame(entries(summary=[-1]))], "no length"),
        ([frame(FEED), frame(entries(summary=["abc"]), b"abc")], "no length"),
        ([frame(FEED), frame(entries(), b"ab\0")], "NUL"),
        ([frame(FEED), frame(entries(key=["\ud800"]), b"abc")], "no text can have"),
        ([frame(FEED), frame(entries(key=["\0"]), b"abc")], "no text can have"),
        ([frame(FEED), frame(entries(3), b"abc" * 3)], "too many entries"),
        ([frame(FEED), frame(entries(summary_type=["html"]), b"<p ")], "made safe"),
        ([frame(FEED), frame(entries(summary_type=[None]), b"<p ")], "made safe"),
        ([frame(FEED), frame(entries(content=[3], content_type=["html"]), b"abc<p ")], "made safe"),
        ([frame(FEED), frame(entries(key=[]), b"abc")], "key must have 1 values"),
        ([frame(FEED), frame(entries(key=[""]), b"abc")], "key must be"),
        ([frame(FEED), frame(entries(hash=[None]), b"abc")], "hash must be"),
        ([frame(FEED), frame(entries(other=["x"]), b"abc")], "no lists of values of fields"),
        ([frame(FEED), frame(entries(0))], "no lists of values of fields"),
        ([frame(FEED), frame(entries(link=["http://a.test/" + "x" * 2**14]), b"abc")], "link must be"),
        ([frame(FEED), frame(entries(title=["é" * 2**15 + "x"]), b"abc")], "title must be"),
        ([frame(FEED), frame(entries(authors=[["Ann"] * 201]), b"abc")], "authors must be"),
        (
            [frame(FEED), frame(entries(published=["2026-02-30T00:00:00.000+00:00"]), b"abc")],
            "published must",
        ),
        (
            [frame(FEED), frame(entries(published=["2026-01-01T00:00:00.000+01:00"]), b"abc")],
            "published must",
        ),
        ([frame(FEED), frame(entries(published=["2026-01-01"]), b"abc")], "published must be"),
        ([frame(FEED), frame(entries(duration=[True]), b"abc")], "duration must be"),
        ([frame(FEED), frame(entries(duration=[2**31]), b"abc")], "duration must be"),
        ([frame(FEED), frame(entries(enclosures=[[{"url": "u"}]]), b"abc")], "enclosures must be"),
        ([frame(FEED), frame(FEED)], "no part"),
        ([frame(FEED, b"abc")], "no part"),
        ([frame(END)], "no part"),
        ([frame(FEED.replace(REQUEST, b"another"))], "no part"),
        ([frame(encoded(["failed", REQUEST.decode(), "cancelled", "", None]))], "no part"),
        ([frame(encoded(["failed", REQUEST.decode(), "not-a-feed", "", ["ftp://a.test/"]]))], "no URL"),
        ([frame(encoded(["failed", REQUEST.decode(), "not-a-feed", "", [1]]))], "no URL"),
        (
            [frame(encoded(["failed", REQUEST.decode(), "not-a-feed", "", ["http://a.test/"] * 51]))],
            "many feeds",
        ),
        (
            [frame(encoded(["feed", REQUEST.decode(), [*FEED_ROW[:2], "yes", *FEED_ROW[3:]]]))],
            "repaired must be",
        ),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(frames: list[bytes], why: str) -> None:
    with pytest.raises(InvalidAnswer, match=why):
        read(b"".join(frames))


def test_a_text_with_a_backslash_is_no_reference() -> None:
    key = "\\u0000 \\ud800"
    answer = read(frame(FEED) + frame(entries(key=[key]), b"abc") + frame(END))

    assert isinstance(answer, ParsedFeed)
    assert answer.entries[0].key == key


@pytest.mark.parametrize(
    ("of_json", "of_texts", "room"),
    [(MOST_JSON + 1, 0, 2**40), (0, MOST_TEXTS + 1, 2**40), (2**32 - 1, 2**32 - 1, 2**40), (60, 41, 100)],
)
def test_a_frame_that_is_too_large_is_refused_by_its_header(of_json: int, of_texts: int, room: int) -> None:
    with pytest.raises(InvalidAnswer, match="too large"):
        sizes(ANSWER_HEADER.pack(of_json, of_texts), room)


def test_all_frames_together_have_no_more_than_a_document_may_become() -> None:
    reading = Reading(REQUEST.decode(), 1000, None)
    before = reading.room
    reading.add(FEED, b"")

    assert before == most_bytes(1000) == 16_000 + 64 * 2**20
    assert reading.room == before - len(FEED)


@given(body=soups | faulty())
def test_what_a_parser_says_arrives_as_it_was(body: bytes) -> None:
    try:
        answer: ParsedFeed | FeedFailed = parse_document(FeedDocument(body, URL))
    except FeedFailed as failed:
        answer = failed
    arrived = read(b"".join([*answer_frames("0123456789abcdef", answer, 2**30), frame(END)]), limit=None)

    if isinstance(answer, FeedFailed):
        assert isinstance(arrived, FeedFailed)
        assert arrived.reason == answer.reason
    else:
        assert arrived == answer


def test_many_and_long_entries_arrive() -> None:
    long = Entry("long", "h", summary="é" * 2**20, content="x" * 6 * 2**20, content_type="html")
    wide = Entry("wide", "h", title="y" * 2**21, tags=tuple(map(str, range(1000))))
    feed = ParsedFeed(
        None, None, (*(Entry(str(n), "h", content="z" * n) for n in range(BATCH * 2)), long, wide)
    )
    arrived = read(b"".join([*answer_frames("0123456789abcdef", feed, 2**30), frame(END)]), limit=None)

    assert isinstance(arrived, ParsedFeed)
    assert arrived.entries[:-1] == feed.entries[:-1]
    assert (arrived.entries[-1].truncated, len(arrived.entries[-1].tags)) == (True, 200)


def test_entries_that_are_too_large_together_fail_the_feed_where_they_are() -> None:
    feed = ParsedFeed(None, None, tuple(Entry(str(n), "h", content="x" * 2**20) for n in range(9)))
    answer = read(
        b"".join(answer_frames("0123456789abcdef", feed, 4 * 2**20)) + end_frame("0123456789abcdef", 5),
        limit=None,
    )

    assert isinstance(answer, FeedFailed)
    assert answer.args == ("parse-crash", "its entries are too large together")


@asynccontextmanager
async def hostile(
    monkeypatch: pytest.MonkeyPatch, parse_timeout: float = NEVER
) -> AsyncIterator[ProcessParser]:
    """A parser whose worker sends what documents have, after the word that says what it does then."""
    monkeypatch.setattr(process, "_PROGRAM", hostile_worker.__file__)
    with trio.fail_after(PATIENCE):
        async with open_process_parser(1, parse_timeout) as parser:
            yield parser
    assert not parser.processes


def telling(what: bytes, what_then: bytes = b"stay") -> FeedDocument:
    return FeedDocument(what_then + b":" + what, URL)


@pytest.mark.heavy
@given(said)
@example(frame(FEED))
@example(b"")
@settings(max_examples=40)
def test_whatever_a_worker_says_before_it_ends_the_next_document_is_parsed(data: bytes) -> None:
    async def main() -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            async with hostile(monkeypatch) as parser:
                answer: ParsedFeed | FeedFailed
                try:
                    answer = await parser.parse(telling(data, b"quit"))
                except FeedFailed as failed:
                    answer = failed
                assert_valid(answer)
                assert (await parser.parse(telling(HONEST))).title == "honest"

    trio.run(main)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (ANSWER_HEADER.pack(2**32 - 1, 0), "too large"),
        (b"garbage, and more of it", "too large"),
        (frame(b"garbage"), "not JSON"),
        (frame(encoded({"feed": 1})), "no part"),
        (HONEST + HONEST, "more after its end"),
        (HONEST.replace(REQUEST, b"f" * 16), "no part"),
    ],
)
async def test_a_worker_that_talks_nonsense_is_killed_and_replaced(
    monkeypatch: pytest.MonkeyPatch, what: bytes, why: str
) -> None:
    async with hostile(monkeypatch) as parser:
        (before,) = parser.processes
        reason, detail = await failure(parser, telling(what, b"hang"))
        assert (reason, why in detail) == ("parse-crash", True)
        assert is_gone(before)
        assert (await parser.parse(telling(HONEST))).title == "honest"


@pytest.mark.parametrize("what", [b"", HONEST[:3], HONEST[:20], frame(FEED)])
async def test_a_worker_that_says_too_little_runs_into_the_timeout(
    monkeypatch: pytest.MonkeyPatch, what: bytes
) -> None:
    async with hostile(monkeypatch, 0.3) as parser:
        (before,) = parser.processes
        assert (await failure(parser, telling(what, b"hang")))[0] == "parse-timeout"
        assert is_gone(before)


async def test_an_answer_that_nobody_has_asked_for_is_no_answer_to_the_next_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with hostile(monkeypatch) as parser:
        (before,) = parser.processes
        worker = next(iter(parser._workers))
        await parser.parse(telling(HONEST))
        # As if it came later than the end of the first answer was looked at.
        monkeypatch.setattr(type(worker), "_unread", lambda self: None)
        late = telling(HONEST.replace(REQUEST, b"e" * 16) + HONEST)
        assert (await failure(parser, late))[0] == "parse-crash"
        assert is_gone(before)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
async def test_no_pickle_of_a_worker_is_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, protocol: int
) -> None:
    exploded = tmp_path / "exploded"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(exploded),)

    bomb = pickle.dumps(Bomb(), protocol)
    for what in (bomb, frame(bomb), frame(FEED, bomb), len(bomb).to_bytes(8, "big") + bomb):
        async with hostile(monkeypatch) as parser:
            assert (await failure(parser, telling(what, b"quit")))[0] == "parse-crash"
    pickle.loads(bomb)
    os.rmdir(exploded)  # it was not there before
