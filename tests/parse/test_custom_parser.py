"""A parser of somebody else's, in a scrape: what it returns is made safe, and it may fail."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
import trio
from trio.testing import MockClock

from trioscrape import (
    Category,
    Config,
    Enclosure,
    Entry,
    EntrySource,
    FeedDocument,
    FeedFailed,
    FeedTimers,
    Outcome,
    ParsedFeed,
    RawEntry,
    RawFeed,
    RawText,
    Result,
    Transcript,
    open_scrape,
)
from trioscrape._parse import read_document
from trioscrape._parse.custom import CustomParser
from trioscrape.testing import InlineParser, Internet, MemoryStore, Site

from support.threads import no_thread
from support.worker_processes import FEED, URL


class LinesParser:
    """An entry a line: its id, a space, its title; ``!`` alone and what is not UTF-8 is no feed."""

    async def parse(self, document: FeedDocument) -> RawFeed:
        await trio.lowlevel.checkpoint()
        text = document.body.decode()
        if text == "!":
            raise FeedFailed("not-a-feed", "the document is !")
        return RawFeed(
            title=RawText("Lines"),
            entries=[
                RawEntry(id=name, link=f"/{name}", title=RawText(title))
                for name, _, title in (line.partition(" ") for line in text.splitlines())
            ],
        )


async def scraped(
    parser: object, sites: dict[str, bytes], **settings: object
) -> tuple[dict[str, Result], MemoryStore]:
    internet, store = Internet({host: Site(body=body) for host, body in sites.items()}), MemoryStore()
    async with open_scrape(
        [f"http://{host}/feed" for host in sites],
        store=store,
        config=Config(**settings),  # type: ignore[arg-type]
        resolver=internet,
        connector=internet.connect,
        parser=parser,  # type: ignore[arg-type]
    ) as scrape:
        return {result.feed.url.split("/")[2]: result async for result in scrape}, store


async def test_a_scrape_with_a_parser_of_somebody_elses(autojump_clock: MockClock) -> None:
    sites = {"a.test": b"1 One\n2 Two\n3 Three", "b.test": b"!", "c.test": b"\xff"}

    results, store = await scraped(LinesParser(), sites, entries_limit=2)

    (entries,) = filter(None, store.entries.values())
    assert {key: (entry.link, entry.title) for key, entry in entries.items()} == {
        "1": ("http://a.test/1", "One"),
        "2": ("http://a.test/2", "Two"),
    }
    assert {host: (result.outcome, result.reason) for host, result in results.items()} == {
        "a.test": (Outcome.NEW, "too-many-entries"),
        "b.test": (Outcome.FAILED, "not-a-feed"),
        "c.test": (Outcome.FAILED, "parse-crash"),
    }
    assert results["b.test"].detail == "the document is !"
    assert str(results["c.test"].detail).startswith("UnicodeDecodeError: 'utf-8' codec can't decode")


def parser_of(answer: Callable[[FeedDocument], object]) -> CustomParser:
    class Parser:
        async def parse(self, document: FeedDocument) -> RawFeed:
            await trio.lowlevel.checkpoint()
            return answer(document)  # type: ignore[return-value]

    return CustomParser(Parser(), 1)


async def parsed(raw: RawFeed, limit: int | None = None) -> ParsedFeed:
    return await parser_of(lambda _: raw).parse(FeedDocument(b"x", URL, entries_limit=limit))


async def test_what_it_returns_is_made_safe() -> None:
    feed = await parsed(
        RawFeed(
            title=RawText("<b>A</b> &amp; B", "html"),
            link="javascript:x",
            timers=FeedTimers(max_age=10**9, every=-3, skip_hours=(1, 99, 1), skip_days=(8,)),
            updated=datetime(2026, 1, 1, 1, 2, 3, 456, tzinfo=timezone(timedelta(hours=1))),
            entries=[
                RawEntry(
                    id=" 1\0",
                    link="x",
                    title=RawText("a\n<b>"),
                    summary=RawText(" <b> "),
                    content=RawText("<script>x</script><a href='y'>z</a>", "html", base="http://b.test/"),
                    authors=["Ann", "", "Ann"],
                    published=datetime(2026, 1, 1),
                    updated=datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-9))),
                    categories=["b", Category("a", "s"), Category(" "), Category("a", "s")],
                    enclosures=[Enclosure("e.mp3", " audio/mpeg ", -1), Enclosure("data:x"), Enclosure("")],
                    language="e n",
                    image="i.jpg",
                    comments="javascript:x",
                    source=EntrySource(" ", "nostr:x"),
                    duration=-1,
                    episode=2**40,
                    explicit=False,
                    transcripts=[
                        Transcript("t", "Text/VTT", "e n"),
                        Transcript("t", "text/vtt"),
                        Transcript(""),
                    ],
                )
            ],
        )
    )

    (entry,) = feed.entries
    assert (feed.title, feed.link, feed.timers) == ("A & B", None, FeedTimers(skip_hours=(1,)))
    assert feed.updated == datetime(2026, 1, 1, 0, 2, 3, tzinfo=UTC)
    assert entry == Entry(
        key="1\ufffd",
        hash=entry.hash,
        link="http://feeds.test/x",
        title="a <b>",
        summary="<b>",
        summary_type="text",
        content='<a href="http://b.test/y">z</a>',
        content_type="html",
        authors=("Ann",),
        published=datetime(2026, 1, 1, tzinfo=UTC),
        tags=("b", "a"),
        enclosures=(Enclosure("http://feeds.test/e.mp3", "audio/mpeg", None),),
        categories=(Category("a", "s"),),
        image="http://feeds.test/i.jpg",
        explicit=False,
        transcripts=(Transcript("http://feeds.test/t", "text/vtt"),),
    )


async def test_limits_are_applied_afterwards() -> None:
    raw = RawFeed(entries=[RawEntry(id=str(number)) for number in range(4)])

    assert [len((await parsed(raw, limit)).entries) for limit in (None, 3, 4)] == [4, 3, 4]
    assert [(await parsed(raw, limit)).has_more for limit in (None, 3, 4)] == [False, True, False]


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (lambda _: json.loads("{"), "JSONDecodeError: Expecting property name"),
        (lambda _: None, "TypeError: the parser returned NoneType, not RawFeed"),
        (lambda _: RawFeed(title="not a RawText"), "AttributeError: 'str' object has no attribute"),  # type: ignore[arg-type]
        (lambda _: RawFeed(entries=[RawEntry(published="today")]), "AttributeError: 'str' object has no"),  # type: ignore[arg-type]
        (lambda _: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)
async def test_any_other_exception_is_a_crash_of_its_feed(
    answer: Callable[[FeedDocument], object], detail: str
) -> None:
    with pytest.raises(FeedFailed) as caught:
        await parser_of(answer).parse(FEED)

    assert caught.value.reason == "parse-crash"
    assert caught.value.detail.startswith(detail)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_reason_that_is_none_is_a_mistake_of_its_author() -> None:
    with pytest.raises(ValueError, match="'no such' is not one of the reasons"):
        FeedFailed("no such")
    assert FeedFailed("http-404", "gone fishing").detail == "gone fishing"


async def test_cancellation_comes_out_as_itself() -> None:
    class Hanging:
        async def parse(self, document: FeedDocument) -> RawFeed:
            await trio.sleep_forever()
            raise AssertionError

    with trio.CancelScope() as scope:
        scope.cancel()
        await CustomParser(Hanging(), 1).parse(FEED)

    assert scope.cancelled_caught


LONG = RawFeed(entries=[RawEntry(id="1", content=RawText("<p>x</p>" * 10_000, "html"))])


async def test_long_texts_need_no_thread_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    in_a_thread = await parsed(LONG)
    no_thread(monkeypatch)

    assert await parsed(LONG) == in_a_thread
    assert len(in_a_thread.entries[0].content or "") == 80_000


async def test_the_inline_parser_takes_virtual_time(autojump_clock: MockClock) -> None:
    parser = InlineParser(seconds=2.5)
    parse: Callable[[FeedDocument], Awaitable[RawFeed]] = parser.parse

    assert await parse(FEED) == read_document(FEED)
    assert trio.current_time() == 2.5
    assert parser.documents == [FEED]
