"""The command line: what it takes, what it prints where, how it ends."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trio
import trio.testing

from trioscrape import Feed
from trioscrape._cli import command as program
from trioscrape._cli.command import main
from trioscrape._cli.input import open_input
from trioscrape._cli.options import parse
from trioscrape._cli.output import Output
from trioscrape._cli.progress import Progress
from trioscrape._cli.restore import Moved, restoring
from trioscrape._errors import TrioscrapeError
from trioscrape.testing import MemoryStore

from support.threads import no_thread

FEED = (
    b'<rss version="2.0"><channel><title>T</title>'
    b"<item><guid>1</guid><title>one</title></item></channel></rss>"
)


class Site(ThreadingHTTPServer):
    """Serves a feed at every path; under ``/stall/`` not before `go_on` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked = threading.Event()
        self.go_on = threading.Event()
        self.paths: list[str] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.server.asked.set()
        if self.path.startswith("/stall/"):
            self.server.go_on.wait(30)
        try:
            self.send_response(200)
            self.send_header("Content-Length", str(len(FEED)))
            self.end_headers()
            self.wfile.write(FEED)
        except OSError:  # the client was cancelled
            pass

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, args=[0.01])
        thread.start()
        yield site
        site.go_on.set()
        site.shutdown()
        thread.join()


@pytest.fixture
def feeds(tmp_path):
    def write(*lines: str) -> str:
        path = tmp_path / "feeds.txt"
        path.write_text("".join(f"{line}\n" for line in lines))
        return str(path)

    return write


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIOSCRAPE_STORE", raising=False)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "trioscrape", *arguments]


def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=60, check=False, **more
    )


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def records(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


EITHER = "give either FEEDS or --demo, or one of --export, --import, --copy-store; see --help"


class TestUsageErrors:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ([], EITHER),
            (["feeds.txt", "--demo"], EITHER),
            (["--nonsense"], "unrecognized arguments: --nonsense; see --help"),
            (["feeds.txt", "--dns", "3"], "unrecognized arguments: --dns 3; see --help"),
            (["feeds.txt", "--dns-width", "0"], "--dns-width must be a whole number from 1 to 1000, not '0'"),
            (["feeds.txt", "--address-policy", "all"], "argument --address-policy: invalid choice: 'all'"),
            (["feeds.txt", "--user-agent", "a\nb"], "--user-agent must be printable ASCII"),
            (["missing.txt"], "missing.txt: No such file or directory"),
            (["."], ".: Is a directory"),
            (["empty.txt"], "empty.txt: there is no feed in it"),
            (["bad.opml"], "bad.opml, line 1: malformed OPML: mismatched tag"),
            (["--demo", "--store", "mysql://me:secret@db/x"], "mysql://db/x"),
            (["--demo", "http://me:secret@a.test/"], "give either"),
            (["--demo", "--http://me:secret@a.test/"], "unrecognized arguments: --http://a.test/"),
        ],
    )
    def test_one_line_and_status_2(self, tmp_path, capfd, arguments, said):
        (tmp_path / "empty.txt").touch()
        (tmp_path / "bad.opml").write_text("<opml><body></opml>")

        assert main(arguments) == 2

        out, err = capfd.readouterr()
        assert out == ""
        assert err.startswith("trioscrape: ")
        assert said in err
        assert err.count("\n") == 1
        assert "secret" not in err
        assert not (tmp_path / "trioscrape.db").exists()


class TestRun:
    def test_a_list_into_the_default_store(self, site, feeds, tmp_path):
        path = feeds(site.url("a"), "ftp://old.test/", site.url("b"), site.url("a") + "#again")

        ended = run(path)

        assert ended.returncode == 0
        assert "4 feeds into sqlite:trioscrape.db\n" in ended.stderr
        assert "line 2: " in ended.stderr
        assert "3 feeds in " in ended.stdout
        assert f"line 4 names the same feed as line 1: {site.url('a')}" in ended.stdout
        assert "not-a-url  1  line 2: 'ftp://old.test/': it does not begin with http" in ended.stdout
        assert ended.stdout.endswith("\nthe entries are in sqlite:trioscrape.db\n")
        assert (tmp_path / "trioscrape.db").exists()

    def test_json(self, site, feeds):
        ended = run(feeds("ftp://me:secret@old.test/ here", site.url("a")), "--json")

        *results, last = records(ended.stdout)
        assert ended.returncode == 0
        assert "secret" not in ended.stdout + ended.stderr
        refused, stored = sorted(results, key=lambda record: record["url"])
        assert (refused["outcome"], refused["reason"]) == ("refused", "not-a-url")
        assert "line 1" in refused["detail"]
        assert "ftp://old.test/ here" in refused["detail"]
        assert (stored["url"], stored["outcome"]) == (site.url("a"), "new")
        assert stored["entries"] == {"new": 1, "changed": 0, "unchanged": 0}
        assert last["type"] == "run"
        assert last["feeds"] == sum(last["outcomes"].values()) == 2

    def test_standard_input(self, site):
        ended = run("-", "--json", input=f"{site.url('a')}\n")

        assert records(ended.stdout)[-1]["outcomes"]["new"] == 1

    def test_without_a_standard_error(self, site, feeds):
        closed = subprocess.run(
            ["sh", "-c", 'exec "$@" 2>&-', "sh", *command(feeds(site.url("a")))],
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )

        assert closed.returncode == 0
        assert closed.stdout.startswith("1 feed in ")

    def test_a_store_that_does_not_answer(self, site, feeds):
        ended = run(
            feeds(site.url("a")),
            *("--store", "mongodb://me:secret@127.0.0.1:1/news", "--store-connect-timeout", "0.2"),
        )

        assert ended.returncode == 1
        assert ended.stdout == ""
        assert ended.stderr.count("\n") == 1
        assert "127.0.0.1:1/news" in ended.stderr
        assert "secret" not in ended.stderr
        assert site.paths == []

    def test_a_reader_that_has_seen_enough(self):
        with running("--demo", "--json") as process:
            process.stdout.readline()
            process.stdout.close()

            assert process.stderr.read() == "500 feeds into sqlite:trioscrape.db\n"
            assert process.wait() == 1


class TestDemo:
    def test_twice(self):
        first, second = run("--demo", "--json"), run("--demo", "--json")

        for ended in (first, second):
            assert ended.returncode == 0
            # Then progress, on a machine that takes longer than five seconds.
            assert ended.stderr.startswith("500 feeds into sqlite:trioscrape.db\n")
            *results, last = records(ended.stdout)
            assert len(results) == last["feeds"] == 500
        *results, last = records(first.stdout)
        assert last["errors"] == {
            "http-404": 7, "name-not-found": 5, "http-410": 4, "http-500": 4, "not-a-feed": 4,
            "connection-lost": 4, "redirect-loop": 3,
        }  # fmt: skip
        assert last["outcomes"]["new"] == 469
        assert last["entries"]["new"] == sum(record["entries"]["new"] for record in results) > 2000
        *_, last = records(second.stdout)
        assert (last["outcomes"]["not_modified"], last["outcomes"]["not_due"]) == (469, 31)
        assert last["errors"] == {}
        assert last["entries"] == {"new": 0, "changed": 0, "unchanged": 0}
        assert last["lanes"]["parse"]["done"] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
class TestSignals:
    def lines(self, site: Site) -> list[str]:
        return [site.url("stall/1"), site.url("2"), site.url("3")]

    def test_the_first_drains(self, site, feeds, number):
        with running(feeds(*self.lines(site)), "--json") as process:
            assert process.stderr.readline() == "3 feeds into sqlite:trioscrape.db\n"
            site.asked.wait(30)
            process.send_signal(number)
            assert process.stderr.readline() == (
                "finishing 1 feed in flight; press Ctrl-C again to stop now\n"
            )
            site.go_on.set()
            out, err = process.communicate()

        result, last = records(out)
        assert (process.returncode, err) == (1, "")
        assert (result["url"], result["outcome"]) == (site.url("stall/1"), "new")
        assert last["outcomes"]["new"] == 1
        assert (last["feeds"], last["not_started"]) == (3, 2)

    def test_the_second_cancels(self, site, feeds, number):
        with running(feeds(*self.lines(site)), "--json") as process:
            process.stderr.readline()
            site.asked.wait(30)
            process.send_signal(number)
            process.stderr.readline()
            process.send_signal(number)
            out, err = process.communicate()

        result, last = records(out)
        assert (process.returncode, err) == (1, "")
        assert (result["url"], result["reason"], result["stored"]) == (
            site.url("stall/1"), "cancelled", False,
        )  # fmt: skip
        assert last["errors"] == {"cancelled": 1}
        assert (last["outcomes"]["failed"], last["not_started"]) == (1, 2)


class LongList:
    """Feeds of one host, more than are looked ahead; and then something that takes its time."""

    count = 21_000

    def __init__(self, site: Site) -> None:
        self.site = site
        self.at_the_rest, self.go_on = threading.Event(), threading.Event()
        self.read = False

    def __iter__(self) -> Iterator[Feed]:
        yield from (Feed(self.site.url(f"stall/{number}")) for number in range(self.count))
        self.at_the_rest.set()
        self.go_on.wait(10)  # a net: nobody waits for it
        self.read = True


async def test_a_third_signal_ends_the_count_of_what_was_not_started(site, tmp_path):
    options = parse(["-", "--store", f"sqlite:{tmp_path}/t.db", "--json"])
    listed = LongList(site)
    ended = []

    async def run() -> None:
        ended.append(await program._Command(options, listed).run())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await trio.to_thread.run_sync(site.asked.wait)
        os.kill(os.getpid(), signal.SIGINT)
        site.go_on.set()
        await trio.to_thread.run_sync(listed.at_the_rest.wait)
        for _ in range(2):
            await trio.testing.wait_all_tasks_blocked()
            os.kill(os.getpid(), signal.SIGINT)

    assert (ended, listed.read) == ([1], False)
    listed.go_on.set()


class TestOutput:
    async def test_a_reader_that_stops_does_not_stop_the_event_loop(self, monkeypatch):
        reading, writing = os.pipe()
        alive = threading.Event()
        seen: list[object] = []

        def read_late() -> None:
            seen.append(alive.wait(timeout=10))
            received = b""
            while data := os.read(reading, 65536):
                received += data
            seen.append(received)

        reader = threading.Thread(target=read_late)
        reader.start()
        with io.TextIOWrapper(io.FileIO(writing, "w"), encoding="ascii") as stdout:
            monkeypatch.setattr(sys, "stdout", stdout)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Output().write, "é" * 200_000)
                await trio.testing.wait_all_tasks_blocked()
                alive.set()
        reader.join()
        os.close(reading)

        assert seen == [True, rb"\xe9" * 200_000]


class TestNoThread:
    @pytest.fixture(autouse=True)
    def no_thread(self, monkeypatch):
        no_thread(monkeypatch)

    def test_one_line(self, capfd):
        assert main(["--demo"]) == 1

        out, err = capfd.readouterr()
        assert out == ""
        assert err.startswith("trioscrape: ")
        assert "can't start new thread" in err
        assert err.count("\n") == 1

    async def test_standard_error_is_done_without(self):
        await Progress().say("hello")

    async def test_standard_output(self):
        with pytest.raises(OSError, match="can't start new thread"):
            await Output().write("hello")

    async def test_standard_input(self, feeds):
        with (
            open_input(feeds("{}"), 100) as lines,
            pytest.raises(TrioscrapeError, match=r"feeds.txt: can't start new thread"),
        ):
            await lines.some(bytes)

    async def test_the_temporary_file_of_an_import(self):
        with (
            restoring(MemoryStore(), Moved()) as target,
            pytest.raises(TrioscrapeError, match="the temporary file: can't start new thread"),
        ):
            await target.finish()


def test_no_thread_for_the_count_of_what_was_not_started(site, feeds, capfd, monkeypatch):
    async def no_thread(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "can't start new thread")

    monkeypatch.setattr(program, "in_thread", no_thread)

    assert main([feeds(site.url("a"))]) == 0
    assert capfd.readouterr().out.startswith("1 feed in ")


def test_interrupted_before_anything_begins(capfd, monkeypatch):
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "open_feed_list", interrupted)

    assert main(["-"]) == 1
    assert capfd.readouterr() == ("", "trioscrape: interrupted\n")


def test_interrupted_while_a_terminal_does_not_take_the_last_message(monkeypatch):
    class Stopped(io.StringIO):
        encoding = "utf-8"

        def fileno(self) -> int:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stderr", Stopped())

    assert main(["--nonsense"]) == 2


class TestOpenFiles:
    @pytest.mark.parametrize(
        ("limits", "wanted", "set_to"),
        [((256, -1), 2000, (2000, -1)), ((256, 1000), 2000, (1000, 1000)), ((4096, 8192), 2000, None)],
    )
    def test_the_soft_limit_is_raised_as_far_as_needed(self, monkeypatch, limits, wanted, set_to):
        calls = []
        monkeypatch.setattr(program.resource, "getrlimit", lambda _: limits)
        monkeypatch.setattr(program.resource, "setrlimit", lambda _, new: calls.append(new))

        program._allow_open_files(wanted)

        assert calls == ([] if set_to is None else [set_to])
