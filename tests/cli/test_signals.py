"""Ctrl-C and SIGTERM: the first drains, the second cancels, the third ends everything."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from itertools import repeat

import pytest
import trio

from trioscrape import Feed
from trioscrape._cli.command import main, parse
from trioscrape._cli.progress import Progress
from trioscrape._cli.session import Session, Sources
from trioscrape._cli.subcommand import ExitStatus

from support.command_line import Site, command, records, running

Write = Callable[..., str]


def lines(site: Site) -> list[str]:
    return [site.url("stall/1"), site.url("2"), site.url("3")]


AGAIN = {
    signal.SIGINT: "; press Ctrl-C again to stop",
    signal.SIGTERM: " within 8 s; a second SIGTERM stops",
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
class TestSignals:
    def test_the_first_drains(self, site: Site, feeds: Write, number: int) -> None:
        with running(feeds(*lines(site)), "--json") as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "Fetching 3 feeds into sqlite:trioscrape.db\n"
            site.requested.wait(30)
            process.send_signal(number)
            assert process.stderr.readline() == f"finishing 1 feed in flight{AGAIN[number]} now\n"
            site.go_on.set()
            out, err = process.communicate()

        result, last = records(out)
        assert (process.returncode, err) == (1, "")
        assert (result["url"], result["outcome"]) == (site.url("stall/1"), "new")
        assert last["outcomes"]["new"] == 1
        assert (last["feeds"], last["not_started"]) == (3, 2)

    def test_the_second_cancels(self, site: Site, feeds: Write, number: int) -> None:
        with running(feeds(*lines(site)), "--json") as process:
            assert process.stderr is not None
            process.stderr.readline()
            site.requested.wait(30)
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

    def test_also_when_it_is_quiet(self, site: Site, feeds: Write, number: int) -> None:
        """Then there is a summary: something was not stored."""
        with running(feeds(*lines(site)), "--quiet") as process:
            site.requested.wait(30)
            for _ in range(2):
                process.send_signal(number)
                assert process.stderr is not None
                said = process.stderr.readline()
            out, _ = process.communicate()

        assert (process.returncode, said) == (1, "")
        assert re.match(r"interrupted after \d+\.\d s: 0 of 3 feeds done\n", out)
        assert re.search(r"\n  not_started +2\n", out)
        assert out.endswith("\nincomplete; what was stored is in sqlite:trioscrape.db\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_after_its_timeout_a_drain_cancels(site: Site, feeds: Write, number: int) -> None:
    """With a summary and a record of the run, as after a second signal."""
    with running(feeds(*lines(site)), "--json", "--drain-timeout", "200ms") as process:
        site.requested.wait(30)
        process.send_signal(number)
        out, err = process.communicate()

    result, last = records(out)
    assert "finishing 1 feed in flight within 0.2 s; " in err
    assert (process.returncode, result["reason"], last["not_started"]) == (1, "cancelled", 2)
    with closing(sqlite3.connect("trioscrape.db")) as db:
        assert db.execute("SELECT count(*) FROM runs").fetchone() == (1,)


def test_ctrl_c_has_no_timeout(site: Site, feeds: Write) -> None:
    with running(feeds(*lines(site)), "--json", "--drain-timeout", "0") as process:
        assert process.stderr is not None
        process.stderr.readline()
        site.requested.wait(30)
        process.send_signal(signal.SIGINT)
        process.stderr.readline()
        site.go_on.set()
        out, _ = process.communicate()

    assert records(out)[0]["outcome"] == "new"


def test_feeds_that_wait_for_a_lane_are_not_in_flight(site: Site, feeds: Write) -> None:
    how = ("--per-host", "3", "--http-width", "1", "--json")
    with running(feeds(*lines(site)), *how) as process:
        assert process.stderr is not None
        process.stderr.readline()
        site.requested.wait(30)
        process.send_signal(signal.SIGINT)
        said = process.stderr.readline()
        site.go_on.set()
        out, _ = process.communicate()

    assert said == "finishing 1 feed in flight; press Ctrl-C again to stop now\n"
    assert records(out)[-1]["not_started"] == 2


def test_a_terminal_that_hangs_up_drains_once(site: Site, feeds: Write) -> None:
    """The shell and the kernel both say so: the second time nothing more is meant."""
    with running(feeds(*lines(site)), "--json") as process:
        assert process.stderr is not None
        process.stderr.readline()
        site.requested.wait(30)
        process.send_signal(signal.SIGHUP)
        said = process.stderr.readline()
        process.send_signal(signal.SIGHUP)
        site.go_on.set()
        out, err = process.communicate()

    result, last = records(out)
    assert said == "finishing 1 feed in flight within 8 s; SIGTERM stops now\n"
    assert (process.returncode, err) == (1, "")
    assert (result["outcome"], last["not_started"]) == ("new", 2)


def test_nohup_is_respected(site: Site, feeds: Write) -> None:
    path = feeds(*lines(site))
    ignoring = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *command(path, "--json")]
    with subprocess.Popen(ignoring, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        site.requested.wait(30)
        process.send_signal(signal.SIGHUP)
        site.go_on.set()
        out, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    assert records(out)[-1]["outcomes"]["new"] == 3


LONG = 1000
"""Feeds, of which most have not been read when the first one is fetched."""


class Interrupted:
    """A list that is interrupted when it is read once more, and has no end then."""

    def __init__(self, site: Site) -> None:
        self._feeds = [Feed(site.url("stall/1"))] + [Feed(site.url(f"{n}")) for n in range(LONG)]
        self._readings = 0

    def __len__(self) -> int:
        return len(self._feeds)

    def __iter__(self) -> Iterator[Feed]:
        self._readings += 1
        yield from self._feeds
        if self._readings > 1:
            os.kill(os.getpid(), signal.SIGINT)  # once: the third would end everything
            yield from repeat(Feed("http://127.0.0.1/"))


def test_while_what_was_not_started_is_counted_it_ends_the_counting(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    """And the summary says that there may be more."""

    def interrupt() -> None:
        site.requested.wait(30)
        os.kill(os.getpid(), signal.SIGINT)
        site.go_on.set()

    _, given = parse(["feeds.txt", "--look-ahead", "10"])
    feeds = Interrupted(site)
    threading.Thread(target=interrupt).start()

    async def scrape() -> ExitStatus:
        with trio.fail_after(60):
            return await Session(given).run(nullcontext(Sources(feeds, len(feeds))))

    assert trio.run(scrape) == ExitStatus.INCOMPLETE
    out, _ = capfd.readouterr()
    assert re.search(r"\n  not_started +[\d,]+  or more\n", out)


def test_the_first_ctrl_c_may_come_before_the_scrape_has_introduced_itself(
    site: Site, feeds: Write, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Feeds are fetched by then: it drains like a later one, and says so."""

    async def say(progress: Progress, message: str) -> None:
        if message.startswith("Fetching"):
            await trio.to_thread.run_sync(site.requested.wait, 30)
            os.kill(os.getpid(), signal.SIGINT)
            site.go_on.set()
        await progress.warn(message)

    monkeypatch.setattr(Progress, "say", say)

    assert main([feeds(site.url("stall/1"))]) == ExitStatus.COMPLETE
    out, err = capfd.readouterr()
    assert "press Ctrl-C again to stop now\n" in err
    assert "1 of 1 feed done" in out
