"""A scrape by the command: what it prints where, and how it ends."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from trio.testing import wait_all_tasks_blocked

from trioscrape import feed_id
from trioscrape._cli.command import main
from trioscrape._cli.output import Output

from support.command_line import FEED, Site, command, records, run, running
from support.threads import no_thread

Write = Callable[..., str]
Capture = pytest.CaptureFixture[str]


class TestRun:
    def test_a_list_into_the_default_store(self, site: Site, feeds: Write) -> None:
        path = feeds(site.url("a"), "ftp://old.test/", site.url("b"), site.url("a") + "#again")

        ended = run(path)

        assert ended.returncode == 0
        assert "Fetching 4 feeds into sqlite:trioscrape.db\n" in ended.stderr
        assert "line 2: " in ended.stderr
        assert "3 feeds in " in ended.stdout
        assert f"line 4 repeats the feed of line 1: {site.url('a')}" in ended.stdout
        assert "not-a-url  1  line 2: 'ftp://old.test/': it does not begin with http" in ended.stdout
        assert ended.stdout.endswith("\nstored in sqlite:trioscrape.db\n")
        assert Path("trioscrape.db").exists()

    def test_json(self, site: Site, feeds: Write) -> None:
        ended = run(feeds("ftp://me:secret@old.test/ here", site.url("a")), "--json", "--interval", "1h")

        *results, last = records(ended.stdout)
        assert ended.returncode == 0
        assert "secret" not in ended.stdout + ended.stderr
        refused, stored = sorted(results, key=lambda record: record["url"])
        assert (refused["outcome"], refused["reason"]) == ("refused", "not-a-url")
        assert "line 1" in refused["detail"]
        assert "ftp://old.test/ here" in refused["detail"]
        assert (stored["url"], stored["outcome"]) == (site.url("a"), "new")
        assert (stored["status"], stored["bytes"]) == (200, len(FEED))
        assert (stored["feed_id"], stored["final_url"]) == (feed_id(site.url("a")), site.url("a"))
        assert stored["next_fetch"] > last["ended"]
        assert stored["entries"] == {"new": 1, "changed": 0, "unchanged": 0}
        assert last["type"] == "run"
        assert last["feeds"] == sum(last["outcomes"].values()) == 2
        assert last["store"] == "sqlite:trioscrape.db"
        assert last["began"] <= stored["time"] <= last["ended"]
        with closing(sqlite3.connect("trioscrape.db")) as db:
            assert db.execute("SELECT id FROM runs").fetchall() == [(int(last["run_id"][:16], 16) >> 1,)]

    def test_json_that_comes_while_a_thread_writes_is_its_next_write(
        self, site: Site, feeds: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written = []

        async def write(_: Output, text: str) -> None:
            written.append(records(text))
            await wait_all_tasks_blocked()

        monkeypatch.setattr(Output, "write", write)
        main([feeds(*(f"ftp://{n}.test/" for n in range(30)), site.url("a")), "--json", "--quiet"])

        urls = [each["url"] for some in written[:-1] for each in some]
        assert urls == [*(f"ftp://{n}.test/" for n in range(30)), site.url("a")]
        assert [each["type"] for each in written[-1]] == ["run"]
        assert len(written) < 6

    def test_standard_input(self, site: Site) -> None:
        ended = run("-", "--json", input=f"{site.url('a')}\n")

        assert records(ended.stdout)[-1]["outcomes"]["new"] == 1

    def test_a_proxy_is_named(self, site: Site, feeds: Write, capfd: Capture) -> None:
        assert main([feeds("http://a.test/"), "--proxy", f"http://me:secret@{site.url('')[7:-1]}"]) == 0

        assert f"through the proxy {site.url('')[:-1]}, which also resolves host names\n" in (
            capfd.readouterr().err
        )


class TestNoNetwork:
    LINE = "no network: no host could be reached, so the failures of the feeds are not counted\n"

    @pytest.fixture
    def dead(self, feeds: Write) -> str:
        return feeds(*(f"http://127.0.0.{number}:1/" for number in range(2, 8)))

    def test_one_line_says_so(self, dead: str) -> None:
        ended = run(dead)

        assert ended.returncode == 1
        assert f"\n  {self.LINE}" in ended.stdout

    def test_for_programs_too(self, dead: str) -> None:
        ended = run(dead, "--json", "-q")

        assert ended.returncode == 1
        assert records(ended.stdout)[-1]["remarks"] == [self.LINE.rstrip()]
        assert ended.stderr == self.LINE


class TestQuiet:
    def test_nothing_is_said(self, site: Site, feeds: Write) -> None:
        ended = run(feeds(site.url("a")), "--quiet")

        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
        assert Path("trioscrape.db").exists()

    def test_but_what_is_wrong_and_what_was_asked_for(self, site: Site, feeds: Write) -> None:
        ended = run(feeds(site.url("a"), "tea"), "-q")
        assert (ended.returncode, ended.stdout) == (0, "")
        assert ended.stderr == "line 2: 'tea': it does not begin with http:// or https://\n"

        ended = run(feeds(site.url("a")), "-q", "--json", "--all")
        assert ended.stderr == ""
        assert [record["type"] for record in records(ended.stdout)] == ["feed", "run"]


def runs(path: str) -> list[tuple[Any, ...]]:
    """The recorded runs: how many feeds, how many of them not started."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT feeds, not_started FROM runs").fetchall()


class TestTrouble:
    @pytest.mark.parametrize("closed", ["0<&-", ">&-", "2>&-", "0<&- >&- 2>&-"])
    @pytest.mark.parametrize("more", [[], ["--json"]], ids=["summary", "json"])
    def test_with_standard_files_that_are_closed(
        self, site: Site, feeds: Write, closed: str, more: list[str]
    ) -> None:
        """And no file of the program's own takes their place."""
        ended = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", *command(feeds(site.url("a")), *more)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert ended.returncode == 0
        assert bool(ended.stdout) == (">&-" not in closed.replace("2>&-", ""))
        assert ended.stderr in ("", "Fetching 1 feed into sqlite:trioscrape.db\n")
        assert runs("trioscrape.db") == [(1, 0)]

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")
    def test_a_full_disk_below_standard_output(self, site: Site, feeds: Write) -> None:
        with open("/dev/full", "w") as full:
            ended = subprocess.run(
                command(feeds(site.url("a"))),
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
                check=False,
            )

        assert ended.returncode == 1
        assert ended.stderr.endswith("\ntrioscrape: standard output: No space left on device\n")
        assert runs("trioscrape.db") == [(1, 0)]

    def test_a_store_that_does_not_answer(self, site: Site, feeds: Write) -> None:
        ended = run(
            feeds(site.url("a")),
            *("--store", "mongodb://me:secret@127.0.0.1:1/news", "--store-connect-timeout", "0.2"),
        )

        assert ended.returncode == 1
        assert ended.stdout == ""
        assert ended.stderr.startswith("connecting to mongodb://127.0.0.1:1/news\ntrioscrape: mongodb://")
        assert ended.stderr.count("\n") == 2
        assert "secret" not in ended.stderr
        assert site.paths == []

    def test_a_reader_that_has_seen_enough(self) -> None:
        with running("--demo", "--json") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()

            said = process.stderr.read()
            assert process.wait() == 1
        assert said == (
            "Fetching 500 feeds into sqlite:trioscrape-demo.db\n"
            "nobody reads standard output any more; the run has ended with that\n"
        )
        [(feeds, not_started)] = runs("trioscrape-demo.db")
        assert feeds == 500
        assert not_started > 0

    def test_no_thread_can_be_started(self, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
        no_thread(monkeypatch)

        assert main(["--demo"]) == 1

        out, err = capfd.readouterr()
        assert out == ""
        assert err.startswith("trioscrape: ")
        assert "can't start new thread" in err
        assert err.count("\n") == 1


class TestDemo:
    def test_twice(self) -> None:
        first, second = run("--demo", "--json"), run("demo", "--json")

        for ended in (first, second):
            assert ended.returncode == 0
            # Then progress, on a machine that takes longer than five seconds.
            assert ended.stderr.startswith("Fetching 500 feeds into sqlite:trioscrape-demo.db\n")
            *results, last = records(ended.stdout)
            assert len(results) == last["feeds"] == 500
        *results, last = records(first.stdout)
        self.compare(last, transcripts()[0])
        assert last["errors"] == {
            "http-404": 7, "name-not-found": 5, "http-410": 4, "http-500": 4, "not-a-feed": 4,
            "connection-lost": 4, "redirect-loop": 3,
        }  # fmt: skip
        assert last["outcomes"]["new"] == 469
        assert last["entries"]["new"] == sum(record["entries"]["new"] for record in results) > 2000
        *_, last = records(second.stdout)
        self.compare(last, transcripts()[1])
        assert (last["outcomes"]["not_modified"], last["outcomes"]["not_due"]) == (469, 31)
        assert last["errors"] == {}
        assert last["entries"] == {"new": 0, "changed": 0, "unchanged": 0}
        assert last["lanes"]["parse"]["done"] == 0

    def compare(self, last: dict[str, Any], transcript: str) -> None:
        """All numbers of the README's transcript but for the seconds; which feed is an example differs."""
        rows = re.findall(r"^  (\S+) +(\d+)", transcript, re.MULTILINE)
        shown = {name: int(number) for name, number in rows}
        assert shown == last["outcomes"] | last["errors"]
        assert f"entries: {last['entries']['new']:,} new, 0 changed, 0 unchanged\n" in transcript


def transcripts() -> list[str]:
    """What the README shows of the demo."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    found: list[str] = re.findall(r"```console\n\$ python -m trioscrape --demo\n(.*?)```", readme, re.DOTALL)
    return found
