"""Two commands at once on one store: the second says who is at work, and leaves or waits."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from trioscrape import open_store
from trioscrape._cli.command import main

from support.command_line import Site, records, running
from support.leases import change_lease, has_lease, lease, neighbour_of, seconds_from_now
from support.transfers import SQLITE, fill

Write = Callable[..., str]
Running = subprocess.Popen[str]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def stalled(site: Site, feeds: Write) -> str:
    """A list whose only feed does not come before `Site.go_on` is set."""
    return feeds(site.url("stall/1"))


@pytest.fixture
def quick(site: Site, feeds: Write) -> str:
    """Another list, of a feed that comes at once."""
    Path("quick.txt").write_text(f"{site.url('2')}\n")
    return "quick.txt"


def said(process: Running) -> str:
    """The next line on standard error that is not about connecting."""
    assert process.stderr is not None
    line = process.stderr.readline()
    return process.stderr.readline() if line.startswith("connecting to ") else line


def without_connecting(text: str) -> str:
    return "".join(line for line in text.splitlines(True) if not line.startswith("connecting to "))


def in_use(url: str, process: int) -> str:
    """A pattern."""
    who = re.escape(f"process {process} on {socket.gethostname()}")
    return rf"{re.escape(url)} is in use by {who} \(since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)"


def test_the_second_says_who_is_at_work_and_leaves(
    site: Site, stalled: str, quick: str, store_url: str, capfd: Capture
) -> None:
    """Also when it is quiet."""
    with running(stalled, "--store", store_url) as first:
        site.requested.wait(30)
        second = main([quick, "--store", store_url])
        out, err = capfd.readouterr()
        quiet = main([quick, "--store", store_url, "--quiet"])
        site.go_on.set()
        first.communicate()

    assert (second, quiet, first.returncode) == (1, 1, 0)
    assert (out, without_connecting(err)) == capfd.readouterr()
    hint = "; to wait for its end, use --wait-for-store 15m"
    assert re.fullmatch(rf"trioscrape: {in_use(store_url, first.pid)}{hint}\n", without_connecting(err))
    assert out == ""
    assert site.paths == ["/stall/1"]


def test_or_waits_and_comes_next(site: Site, stalled: str, quick: str, store_url: str) -> None:
    with running(stalled, "--store", store_url, "--json") as first:
        site.requested.wait(30)
        with running(quick, "--store", store_url, "--json", "--wait-for-store", "2m") as second:
            waits = said(second)
            assert site.paths == ["/stall/1"]
            site.go_on.set()
            out, err = second.communicate()
        first.communicate()

    assert re.fullmatch(rf"{in_use(store_url, first.pid)}; waiting for its end\n", waits)
    assert (first.returncode, second.returncode) == (0, 0)
    assert err.startswith("Fetching 1 feed into ")
    assert [record["outcome"] for record in records(out) if record["type"] == "feed"] == ["new"]
    assert site.paths == ["/stall/1", "/2"]


def test_it_does_not_wait_for_longer(
    site: Site, stalled: str, quick: str, store_url: str, capfd: Capture
) -> None:
    with running(stalled, "--store", store_url) as first:
        site.requested.wait(30)
        status = main([quick, "--store", store_url, "--wait-for-store", "100ms", "--quiet"])

    line = rf"trioscrape: {in_use(store_url, first.pid)}; it has not ended within 0\.1 s\n"
    out, err = capfd.readouterr()
    assert (status, out) == (1, "")
    assert re.fullmatch(line, err)


def test_on_another_store_it_does_not_matter(site: Site, stalled: str, quick: str, store_url: str) -> None:
    with running(stalled, "--store", store_url), neighbour_of(store_url) as neighbour:
        site.requested.wait(30)
        assert main([quick, "--store", neighbour, "--quiet"]) == 0


def test_reading_goes_on_and_writing_does_not(
    site: Site, stalled: str, store_url: str, capfd: Capture
) -> None:
    fill(store_url)
    assert main(["export", "--all", "--store", store_url]) == 0
    exported = capfd.readouterr().out
    Path("news.jsonl").write_text(exported)
    with running(stalled, "--store", store_url) as first, neighbour_of(store_url) as neighbour:
        site.requested.wait(30)
        assert main(["export", "--all", "--store", store_url]) == 0
        assert capfd.readouterr().out == exported
        assert main(["copy", store_url, neighbour, "--quiet"]) == 0
        for arguments in (
            ["import", "news.jsonl", "--store", store_url],
            ["copy", neighbour, store_url],
            ["forget", "https://a.test/feed", "--yes", "--store", store_url],
        ):
            assert main(arguments) == 1
            out, err = capfd.readouterr()
            assert out == ""
            assert re.search(rf"^trioscrape: {in_use(store_url, first.pid)}", err, re.MULTILINE)


@pytest.mark.parametrize("store_url", [SQLITE])
def test_importing_waits_too(site: Site, stalled: str, store_url: str, capfd: Capture) -> None:
    fill(store_url)
    assert main(["export", "--all", "--store", store_url]) == 0
    Path("news.jsonl").write_text(capfd.readouterr().out)
    with running(stalled, "--store", store_url) as first:
        site.requested.wait(30)
        with running("import", "news.jsonl", "--store", store_url, "--wait-for-store", "2m") as second:
            assert said(second).endswith("; waiting for its end\n")
            site.go_on.set()
            out, _ = second.communicate()
        first.communicate()

    assert (first.returncode, second.returncode) == (0, 0)
    assert out.startswith("read 3 entries and 2 feeds, ")


@pytest.mark.skipif(sys.platform != "linux", reason="nothing says whose the process ids are")
def test_a_run_that_was_killed_is_in_nobodys_way(
    site: Site, stalled: str, quick: str, store_url: str
) -> None:
    with running(stalled, "--store", store_url) as first:
        site.requested.wait(30)
        first.kill()
        first.wait()

    assert has_lease(store_url)
    assert main([quick, "--store", store_url, "--quiet"]) == 0


def test_one_on_another_machine_is_over_when_it_was_not_renewed(
    site: Site, stalled: str, quick: str, store_url: str, capfd: Capture
) -> None:
    with running(stalled, "--store", store_url) as first:
        site.requested.wait(30)
        first.kill()
    change_lease(store_url, system="another machine", renewed=seconds_from_now(-30))
    early = main([quick, "--store", store_url, "--quiet"])
    change_lease(store_url, renewed=seconds_from_now(-60))
    late = main([quick, "--store", store_url, "--quiet"])

    assert re.search(in_use(store_url, first.pid), capfd.readouterr().err)
    assert (early, late) == (1, 0)


@pytest.mark.parametrize("numbers", [(signal.SIGINT,) * 2, (signal.SIGTERM,) * 2, (signal.SIGINT,) * 3])
def test_interrupted_runs_release_it(
    site: Site, stalled: str, store_url: str, numbers: tuple[signal.Signals, ...]
) -> None:
    with running(stalled, "--store", store_url) as first:
        assert said(first).startswith("Fetching")
        site.requested.wait(30)
        first.send_signal(numbers[0])
        assert said(first).startswith("finishing")
        for number in numbers[1:]:
            first.send_signal(number)
        first.communicate()

    assert first.returncode == 1
    assert not has_lease(store_url)


@pytest.mark.parametrize("store_url", [SQLITE])
def test_a_wait_can_be_interrupted(site: Site, stalled: str, quick: str, store_url: str) -> None:
    with running(stalled, "--store", store_url) as first:
        site.requested.wait(30)
        with running(quick, "--store", store_url, "--wait-for-store", "1h") as second:
            assert "waiting for its end" in said(second)
            second.send_signal(signal.SIGINT)
            out, err = second.communicate()
        site.go_on.set()
        first.communicate()

    assert (second.returncode, out, err) == (1, "", "interrupted\n")
    assert first.returncode == 0
    assert site.paths == ["/stall/1"]


def test_a_run_whose_store_was_taken_over_ends(
    site: Site,
    stalled: str,
    store_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: Capture,
) -> None:
    """With its summary, and a line that says why."""
    monkeypatch.setattr("trioscrape._store.lease.RENEWAL", 0.01)

    async def take_over() -> None:
        await trio.to_thread.run_sync(site.requested.wait, 30)
        async with open_store(store_url) as store:
            assert await store.acquire_lease(lease("theirs"), 0) is None

    other = threading.Thread(target=trio.run, args=[take_over])
    other.start()
    status = main([stalled, "--store", store_url, "--json"])
    other.join()

    out, err = capfd.readouterr()
    assert status == 1
    assert [record.get("reason") for record in records(out)] == ["not-stored", None]
    assert re.search(r"\ntrioscrape: .* was taken over by process 4242 on host of theirs", err)
