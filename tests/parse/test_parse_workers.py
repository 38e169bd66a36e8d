"""Worker processes: deadlines, crashes, cancellation, and an event loop that does not notice them."""

from __future__ import annotations

import io
import os
import pickle
import random
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles

import pytest
import trio

from trioscrape._errors import FeedFailed, TrioscrapeError
from trioscrape._parse import FeedDocument, ProcessParser, open_process_parser, parse_document
from trioscrape._parse._pool import frames, process, worker, workers
from trioscrape._parse._pool.frames import answer_frames, dumps, framed, read_frame
from trioscrape._records import Entry, ParsedFeed
from trioscrape.testing._inline_parser import InlineParser

from support import hostile_parsers
from support.threads import no_thread

URL = "http://feeds.test/feed.xml"
FEED = FeedDocument(b"<rss version='2.0'><channel><title>t</title></channel></rss>", URL)
NEVER = 600.0
"""A deadline that is not meant to pass."""
PATIENCE = 60.0
"""Until a test that hangs is said to have failed."""


def command(text: str, port: int = 0) -> FeedDocument:
    return FeedDocument(text.encode(), f"http://feeds.test:{port}/" if port else URL)


@contextmanager
def phone() -> Iterator[tuple[trio.socket.SocketType, int]]:
    """A listening socket on which workers report, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield trio.socket.from_stdlib_socket(listener), listener.getsockname()[1]


@asynccontextmanager
async def opened(width: int = 1, parse_timeout: float = NEVER) -> AsyncIterator[ProcessParser]:
    """A parser that obeys, and a check that nothing is left of it."""
    descriptors = len(os.listdir("/dev/fd"))
    seen: set[int] = set()
    with trio.fail_after(PATIENCE):
        async with open_process_parser(width, parse_timeout, hostile_parsers.act) as parser:
            seen |= parser.processes
            yield parser
            seen |= parser.processes
    assert len(os.listdir("/dev/fd")) == descriptors
    assert parser.processes == frozenset()
    for pid in seen:
        assert is_gone(pid)


def is_gone(pid: int) -> bool:
    """Not running, and no zombie either."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def wait_until_dead(child: int) -> None:
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)


def started(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A Python program that finds the modules of the tests."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


async def failure(parser: ProcessParser, document: FeedDocument) -> tuple[str, str]:
    with pytest.raises(FeedFailed) as caught:
        await parser.parse(document)
    return caught.value.reason, caught.value.detail


async def worker_of(parser: ProcessParser) -> int:
    return int((await parser.parse(command("pid"))).title or 0)


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

    assert len(feed.entries) > 10 * frames.BATCH
    assert feed == hostile_parsers.echo(document)
    assert empty == ParsedFeed(URL, None, ())


async def test_a_worker_imports_neither_trio_nor_the_rest_of_the_package() -> None:
    with trio.fail_after(PATIENCE):
        async with open_process_parser(1, NEVER, hostile_parsers.packages) as parser:
            modules = set(((await parser.parse(FEED)).title or "").split())

    assert "trioscrape._records.results" in modules
    unwanted = {"trio", "httpx", "pymongo", "trioscrape._config", "trioscrape._parse._pool.workers"}
    assert not modules & unwanted


async def test_a_document_over_its_deadline_is_killed_and_the_next_one_is_parsed() -> None:
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


async def test_a_cancelled_document_leaves_no_process_behind() -> None:
    async with opened() as parser:
        with phone() as (listener, port):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(parser.parse, command("hang", port))
                line, _ = await listener.accept()
                pid = int(await line.recv(20))
                nursery.cancel_scope.cancel()
            line.close()

        assert is_gone(pid)
        assert await worker_of(parser) != pid


async def test_cancelled_while_it_waits_for_a_new_worker() -> None:
    async with opened() as parser:
        with trio.CancelScope() as scope:
            scope.cancel()
            await parser.parse(command("pid"))

        assert scope.cancelled_caught
        assert await worker_of(parser)


async def test_cancelling_around_the_parser_leaves_nothing_behind() -> None:
    with phone() as (listener, port), trio.fail_after(PATIENCE):
        pids: frozenset[int] = frozenset()
        async with trio.open_nursery() as nursery:

            async def scrape() -> None:
                async with (
                    open_process_parser(3, NEVER, hostile_parsers.act) as parser,
                    trio.open_nursery() as inner,
                ):
                    for _ in range(3):
                        inner.start_soon(parser.parse, command("hang", port))
                    for _ in range(3):
                        line, _address = await listener.accept()
                        line.close()
                    nonlocal pids
                    pids = parser.processes
                    nursery.cancel_scope.cancel()

            nursery.start_soon(scrape)

    assert len(pids) == 3
    assert all(is_gone(pid) for pid in pids)


async def test_the_callers_own_exception_comes_out_as_itself() -> None:
    with pytest.raises(ZeroDivisionError):
        async with opened(width=2):
            raise ZeroDivisionError


async def test_as_many_documents_at_once_as_the_parser_is_wide_and_no_more() -> None:
    async with opened(width=3) as parser, trio.open_nursery() as nursery:
        with phone() as (listener, port):
            for _ in range(4):
                nursery.start_soon(parser.parse, command("wait", port))
            lines = [(await listener.accept())[0] for _ in range(3)]
            await trio.testing.wait_all_tasks_blocked()

            assert len(parser.processes) == 3
            assert parser._slots.statistics().tasks_waiting == 1
            for line in lines:
                line.close()
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


async def test_workers_are_out_of_reach_of_the_terminals_ctrl_c() -> None:
    async with opened() as parser:
        pid = await worker_of(parser)

        assert os.getsid(pid) == pid != os.getsid(0)


async def test_no_worker_can_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")

    with pytest.raises(TrioscrapeError, match="can't be started"):
        async with opened():
            pass  # pragma: no cover


async def test_no_thread_to_start_a_worker_in(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        no_thread(patched)
        with pytest.raises(TrioscrapeError, match="can't start new thread"):
            async with opened():
                pass  # pragma: no cover


async def test_workers_are_reaped_without_a_thread_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        async with opened(width=2) as parser:
            pids = parser.processes
            no_thread(patched)
            assert (await failure(parser, command("exit")))[0] == "parse-crash"
            assert await worker_of(parser) in pids  # the other one
            assert (await failure(parser, command("kill")))[0] == "parse-crash"
            with pytest.raises(TrioscrapeError, match="can't start new thread"):
                await parser.parse(FEED)

        assert all(is_gone(pid) for pid in pids)


async def test_workers_that_end_before_they_are_ready(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "_PROGRAM", "/nonexistent/worker.py")

    async with opened() as parser:
        with pytest.raises(TrioscrapeError, match="before they are ready"):
            await parser.parse(FEED)

    assert "/nonexistent/worker.py" in capfd.readouterr().err


async def test_a_closed_parser_starts_nothing() -> None:
    async with opened() as parser:
        pass

    with pytest.raises(trio.ClosedResourceError):
        await parser.parse(FEED)


ORPHANS = """
import sys, trio
from support import hostile_parsers
from trioscrape._parse import FeedDocument, open_process_parser
from trioscrape._parse._pool import workers
workers._ORPHAN_GRACE = 0.1

async def main():
    async with open_process_parser(2, 1.0, hostile_parsers.act) as parser:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(parser.parse, FeedDocument(b"hang", sys.argv[1]))
            await parser.parse(FeedDocument(b"pid", "http://feeds.test/"))
            print(*parser.processes, flush=True)
            await trio.sleep_forever()

trio.run(main)
print("not reached: and this program has no __main__ guard, which a worker must not need")
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for a process that is not our child")
async def test_workers_end_when_their_parent_is_killed_even_in_the_middle_of_a_document() -> None:
    with phone() as (listener, port), trio.fail_after(PATIENCE):
        with started(ORPHANS, f"http://feeds.test:{port}/") as parent:
            assert parent.stdout is not None
            line, _ = await listener.accept()
            watched = [os.pidfd_open(int(pid)) for pid in parent.stdout.readline().split()]
            parent.kill()
        line.close()
        for descriptor in watched:
            assert select.select([descriptor], [], [], PATIENCE)[0]
            os.close(descriptor)

    assert len(watched) == 2


def test_the_program_of_a_worker_answers_frame_for_frame() -> None:
    """In this process, because coverage does not see into workers."""
    feed = ParsedFeed("t", None, tuple(Entry(str(number), "") for number in range(frames.BATCH + 1)))

    def parse(document: FeedDocument) -> ParsedFeed:
        if document.body == b"bad":
            raise FeedFailed("not-a-feed", document.url)
        return feed

    class Stream(io.BytesIO):
        answers = b""

        def write(self, data: object) -> int:
            self.answers += bytes(data)  # type: ignore[call-overload]
            return 0

    head = dumps(FeedDocument(b"", URL))
    stream = Stream(b"".join([head, framed(b"good"), head, framed(b"bad")]))
    worker.serve(stream, parse, NEVER)  # type: ignore[arg-type]

    answers = io.BytesIO(stream.answers)
    answered = []
    while (frame := read_frame(answers)) is not None:
        answered.append(frame)
    assert answered[0] == frames.READY
    assert pickle.loads(answered[1]) == (ParsedFeed("t", None, ()), 2)
    assert pickle.loads(answered[2]) + pickle.loads(answered[3]) == feed.entries
    failure, batches = pickle.loads(answered[5])
    assert (failure.args, batches) == (("not-a-feed", URL), 0)
    assert [pickle.loads(answered[number]) > 2**20 for number in (4, 6)] == [True, True]
    assert len(answered) == 7


def test_memory_is_the_peak_where_the_system_does_not_say_more(monkeypatch: pytest.MonkeyPatch) -> None:
    now = worker.memory()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def missing(*args: object, **kwargs: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    # The kernel adds up both of them in steps of its own.
    assert worker.memory() == peak * 1024 > 0.9 * now
    monkeypatch.setattr(sys, "platform", "darwin")
    assert worker.memory() == peak


def test_a_stream_cut_in_the_middle_of_a_frame_is_at_its_end() -> None:
    whole = b"".join(answer_frames(ParsedFeed(None, None, ())))

    assert read_frame(io.BytesIO(whole[:4])) is None
    assert read_frame(io.BytesIO(whole[:-1])) is None
    assert read_frame(io.BytesIO(whole)) is not None


async def test_the_inline_parser_takes_virtual_time(autojump_clock: trio.testing.MockClock) -> None:
    parser = InlineParser(seconds=2.5)

    assert await parser.parse(FEED) == parse_document(FEED)
    assert trio.current_time() == 2.5
    assert parser.documents == [FEED]


def rich_document(seed: int, size: int = 500_000) -> FeedDocument:
    """A feed of at least `size` bytes with the markup of a news site in it."""
    rng = random.Random(seed)
    words = "beetle oak forest & larva wing antenna leaf amber dusk".replace("&", "&amp;").split()
    items, length = [], 0
    while length < size:
        paragraphs = "".join(
            f'<p class="c{rng.randrange(9)}">{" ".join(rng.choices(words, k=30))} '
            f'<a href="/tag/{rng.randrange(999)}">{rng.choice(words)}</a> '
            f'<img src="{rng.randrange(99)}.jpg"></p>'
            for _ in range(rng.randrange(8, 25))
        )
        items.append(
            f"<item><guid>{seed}-{len(items)}</guid><title>{' '.join(rng.choices(words, k=6))}</title>"
            f"<link>http://feeds.test/{len(items)}</link><pubDate>Mon, 06 Sep 2010 00:01:00 GMT</pubDate>"
            f"<description><![CDATA[{paragraphs}]]></description></item>"
        )
        length += len(items[-1])
    body = f"<rss version='2.0'><channel><title>t</title>{''.join(items)}</channel></rss>".encode()
    return FeedDocument(body, URL, "application/rss+xml")


async def lags(beside: object) -> list[float]:
    """How late a timer of 5 ms was, each time, while `beside()` ran."""
    late: list[float] = []

    async def tick() -> None:
        while True:
            due = time.perf_counter() + 0.005
            await trio.sleep(0.005)
            late.append(time.perf_counter() - due)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick)
        await beside()  # type: ignore[operator]
        nursery.cancel_scope.cancel()
    return late


@pytest.mark.alone
async def test_the_event_loop_is_not_late_while_100_large_documents_are_parsed() -> None:
    """Absolute times depend on the machine, so the bound is a share of the time of one document."""
    # Not well-formed, so that each is feedparser's work: the first pass is too quick to hold up anything.
    sound = [rich_document(seed) for seed in range(4)]
    documents = [replace(each, body=each.body.replace(b"<title>t<", b"<title>t & t<")) for each in sound]
    assert all(len(document.body) >= 500_000 for document in documents)
    inline = InlineParser()
    times: list[float] = []

    async def parse_inline() -> None:
        for document in documents:
            began = time.perf_counter()
            await inline.parse(document)
            times.append(time.perf_counter() - began)

    control = await lags(parse_inline)

    with trio.fail_after(PATIENCE * 3):
        async with open_process_parser(2, NEVER) as parser:
            await parser.parse(FEED)

            async def parse_some() -> None:
                for number in range(50):
                    await parser.parse(documents[number % len(documents)])

            async def parse_all() -> None:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(parse_some)
                    nursery.start_soon(parse_some)

            late = await lags(parse_all)

    one, p99 = median(times), quantiles(late, n=100)[98]
    print(  # noqa: T201  The figures, with -rP.
        f"a document inline {one * 1000:.0f} ms; loop lag over {len(late)} ticks: "
        f"p99 {p99 * 1000:.1f} ms, max {max(late) * 1000:.1f} ms; control {max(control) * 1000:.0f} ms"
    )
    assert max(control) > one / 2, "the test could not see a lag"
    assert p99 < one / 4
