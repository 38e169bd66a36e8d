"""Worker processes: what they answer, how long they may take, and who takes the place of one that died."""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

import pytest
import trio

from trioscrape._errors import FeedFailed, TrioscrapeError
from trioscrape._parse import FeedDocument, open_process_parser, parse_document
from trioscrape._parse._pool import answers, process, workers
from trioscrape._records import ParsedFeed

from support import hostile_parsers
from support.worker_processes import (
    FEED,
    NEVER,
    PATIENCE,
    URL,
    command,
    failure,
    is_gone,
    opened,
    phone,
    wait_until_dead,
    worker_of,
)


async def test_a_worker_answers_as_the_function_would() -> None:
    samples = sorted(Path(__file__).with_name("feeds").glob("*.xml"))
    documents = [FeedDocument(path.read_bytes(), URL, "application/xml") for path in samples]

    with trio.fail_after(PATIENCE):
        async with open_process_parser(2, NEVER) as parser:
            feeds = [await parser.parse(document) for document in documents]
            with pytest.raises(FeedFailed) as caught:
                await parser.parse(FeedDocument(b"<!doctype html><html>", URL))

    assert feeds == [parse_document(document) for document in documents]
    assert caught.value.args == ("not-a-feed", "the document is an HTML page")


async def test_a_document_larger_than_any_buffer_comes_back_whole_in_order() -> None:
    body = random.Random(1).randbytes(3_000_000)
    document = FeedDocument(body, URL, "x/y")

    with trio.fail_after(PATIENCE):
        async with open_process_parser(1, NEVER, hostile_parsers.echo) as parser:
            feed = await parser.parse(document)
            empty = await parser.parse(FeedDocument(b"", URL))

    assert len(feed.entries) > 10 * answers.BATCH
    assert feed == hostile_parsers.echo(document)
    assert empty == ParsedFeed(URL, None, ())


async def test_a_worker_imports_neither_trio_nor_the_rest_of_the_package() -> None:
    with trio.fail_after(PATIENCE):
        async with open_process_parser(1, NEVER, hostile_parsers.packages) as parser:
            modules = set(((await parser.parse(FEED)).title or "").split())

    assert "trioscrape._records.results" in modules
    unwanted = {"trio", "httpx", "pymongo", "trioscrape._config", "trioscrape._parse._pool.workers"}
    assert not modules & unwanted


async def test_a_document_over_its_timeout_is_killed_and_the_next_one_is_parsed() -> None:
    async with opened(parse_timeout=0.3) as parser:
        before = await worker_of(parser)

        assert await failure(parser, command("hang")) == ("parse-timeout", "after 0.3 s")
        assert is_gone(before)
        assert await worker_of(parser) != before


async def test_the_start_of_a_worker_is_not_charged_to_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[float] = []
    ready = process.Worker.ready

    async def slow(worker: process.Worker) -> None:
        await ready(worker)
        await trio.sleep(0.5)
        began.append(trio.current_time())

    monkeypatch.setattr(process.Worker, "ready", slow)
    async with opened(parse_timeout=0.4) as parser:
        assert await worker_of(parser)

    assert began


@pytest.mark.parametrize(
    ("how", "detail"),
    [
        ("exit", "the worker process ended with exit status 3"),
        ("kill", "the worker process ended by signal 9"),
        ("raise", "the worker process ended with exit status 1"),
    ],
)
async def test_a_crash_costs_one_document(how: str, detail: str) -> None:
    async with opened() as parser:
        before = await worker_of(parser)

        assert await failure(parser, command(how)) == ("parse-crash", detail)
        assert await worker_of(parser) != before


async def test_a_crash_does_not_touch_the_document_beside_it() -> None:
    async with opened(width=2) as parser, trio.open_nursery() as nursery:
        with phone() as (listener, port):
            beside: list[ParsedFeed] = []
            parsed = trio.Event()

            async def parse_beside() -> None:
                beside.append(await parser.parse(command("wait", port)))
                parsed.set()

            nursery.start_soon(parse_beside)
            line, _ = await listener.accept()
            assert (await failure(parser, command("kill")))[0] == "parse-crash"
            assert not beside
            line.close()
            await parsed.wait()


async def test_a_feed_that_fails_keeps_its_worker() -> None:
    async with opened() as parser:
        before = await worker_of(parser)

        assert await failure(parser, command("fail")) == ("not-a-feed", "as told")
        assert await worker_of(parser) == before


async def test_a_worker_that_has_grown_answers_and_is_replaced_before_the_next_document() -> None:
    async with opened() as parser:
        before = await worker_of(parser)

        assert (await parser.parse(command("grow"))).title == str(before)
        assert is_gone(before)
        (after,) = parser.processes
        assert await worker_of(parser) == after


async def test_a_worker_that_has_given_its_memory_back_stays() -> None:
    async with opened() as parser:
        before = await worker_of(parser)

        assert (await parser.parse(command("balloon"))).title == str(before)
        assert await worker_of(parser) == before


async def test_an_answer_is_not_lost_because_no_other_worker_can_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened() as parser:
        before = await worker_of(parser)
        monkeypatch.setattr(sys, "executable", "/nonexistent/python")

        assert (await parser.parse(command("grow"))).title == str(before)
        with pytest.raises(TrioscrapeError, match="can't be started"):
            await parser.parse(FEED)
        monkeypatch.undo()
        assert await worker_of(parser)


@pytest.mark.parametrize("how", ["exit", "kill", "raise"])
async def test_another_worker_is_started_before_the_next_document(how: str) -> None:
    async with opened() as parser:
        await failure(parser, command(how))
        (after,) = parser.processes

        assert await worker_of(parser) == after


async def test_a_worker_killed_while_idle_is_replaced() -> None:
    async with opened() as parser:
        before = await worker_of(parser)
        os.kill(before, signal.SIGKILL)
        wait_until_dead(before)

        assert await worker_of(parser) != before


async def test_as_many_documents_at_once_as_the_parser_is_wide_and_no_more() -> None:
    async with opened(width=3) as parser, trio.open_nursery() as nursery:
        with phone() as (listener, port):
            for _ in range(parser.width + 1):
                nursery.start_soon(parser.parse, command("wait", port))
            lines = [(await listener.accept())[0] for _ in range(3)]
            await trio.testing.wait_all_tasks_blocked()

            assert len(parser.processes) == 3
            assert [worker.documents for worker in parser._workers] == [2, 2, 2]
            assert parser._slots.statistics().tasks_waiting == 1
            for line in lines:
                line.close()
            for _ in range(4):
                (await listener.accept())[0].close()


async def test_wide_parsers_start_the_last_workers_only_when_there_is_work() -> None:
    async with opened(width=workers._WARM + 1) as parser:
        assert len(parser.processes) == workers._WARM
        await worker_of(parser)
        assert len(parser.processes) == workers._WARM


async def test_the_default_thread_limiter_is_never_needed() -> None:
    limiter = trio.to_thread.current_default_thread_limiter()
    others = [object() for _ in range(int(limiter.total_tokens))]
    for other in others:
        limiter.acquire_on_behalf_of_nowait(other)
    try:
        async with opened(width=2, parse_timeout=NEVER) as parser:
            before = await worker_of(parser)
            assert (await failure(parser, command("exit")))[0] == "parse-crash"
            assert await worker_of(parser) != before
    finally:
        for other in others:
            limiter.release_on_behalf_of(other)


async def test_what_a_parser_prints_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    async with opened() as parser:
        await parser.parse(command("print"))

    assert capfd.readouterr() == ("", "")
