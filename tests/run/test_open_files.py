"""A process that may open few files: fewer requests at once, and pauses instead of failures."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from trioscrape import Config, NativeResolver, Outcome, ResourceError, SystemResolver
from trioscrape._http.fetcher import FILE_PAUSES
from trioscrape._run import open_files
from trioscrape._run.open_files import shared_out
from trioscrape.testing import Internet

from support.command_line import command, serving
from support.scenarios import healthy, open_virtual, results_of, run_virtual, urls

SYSTEM = SystemResolver(width=1, abandoned=1, timeout=1)
NATIVE = NativeResolver(timeout=1)


def limit(monkeypatch: pytest.MonkeyPatch, files: int, opened: int = 20) -> None:
    """So many files may be open, and some of them are."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    monkeypatch.setattr(os, "listdir", lambda _: [str(number) for number in range(opened)])


@pytest.mark.parametrize("files", [2048, 20_000, resource.RLIM_INFINITY])
def test_many_files_limit_nothing(monkeypatch: pytest.MonkeyPatch, files: int) -> None:
    limit(monkeypatch, files)
    for resolver in SYSTEM, NATIVE:
        shares = shared_out(Config(dns_abandoned=100), resolver)

        assert (shares.http_width, shares.dns_width, shares.dns_abandoned, shares.parked) == (
            500,
            32,
            100,
            64,
        )
        assert shares.remark(Config()) is None


@pytest.mark.parametrize("files", range(1, 1025, 31))
def test_all_that_is_opened_is_no_more_than_there_is(monkeypatch: pytest.MonkeyPatch, files: int) -> None:
    limit(monkeypatch, files, opened=min(20, files))
    for resolver in SYSTEM, NATIVE:
        shares = shared_out(Config(), resolver)
        lookups = files // 3 if resolver is NATIVE else shares.dns_width

        assert min(shares.http_width, shares.dns_width) >= 1
        assert shares.http_width + shares.parked + lookups <= max(2, files - 20) or files < 32


def test_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, 64)

    assert shared_out(Config(), SYSTEM).remark(Config()) == (
        "only 64 files may be open (ulimit -n), so 29 requests are made at once, not 500"
    )


class Lacking(Internet):
    """Of a process that may have so many connections open."""

    files = 5

    connecting = 0

    async def connect(self, address: str, port: int) -> trio.abc.Stream:
        if self.open + self.connecting >= self.files:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        self.connecting += 1
        try:
            return await super().connect(address, port)
        finally:
            self.connecting -= 1


async def test_a_feed_waits_for_a_file(autojump_clock: MockClock) -> None:
    internet = Lacking(healthy(50, connect=0.5, first_byte=1).sites)

    results, scrape = await run_virtual(urls(internet), internet)

    assert [result.outcome for result in results] == [Outcome.NEW] * 50
    assert len(internet.connects) == 50
    assert scrape.report().seconds < 60


async def test_connections_that_are_idle_are_given_up(autojump_clock: MockClock) -> None:
    internet = Lacking(healthy(5).sites)
    internet.files = 1

    results, scrape = await run_virtual(urls(internet), internet, config=Config(in_flight=1))

    assert [result.outcome for result in results] == [Outcome.NEW] * 5
    assert scrape.report().seconds < 1


async def test_nobody_waits_for_ever(autojump_clock: MockClock) -> None:
    """The application has taken all files, and keeps them."""
    internet = Lacking(healthy(3).sites)
    internet.files = 0
    with pytest.raises(ResourceError, match="Too many open files"):
        async with open_virtual(urls(internet), internet) as scrape:
            await results_of(scrape)

    assert trio.current_time() == pytest.approx(sum(FILE_PAUSES), abs=1)


@pytest.mark.parametrize("more", [[], ["--resolver", "dns"]])
def test_64_files(tmp_path: Path, more: list[str]) -> None:
    """All feeds are stored. Nothing may raise the limit."""
    with serving() as site:
        (tmp_path / "feeds.txt").write_text("".join(f"{site.url(str(number))}\n" for number in range(100)))
        ended = subprocess.run(
            command("feeds.txt", "--per-host", "100", *more),
            cwd=tmp_path,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert ended.returncode == 0, ended.stdout
    assert "\n  new           100\n" in ended.stdout
    assert "\n  only 64 files may be open (ulimit -n), so " in ended.stdout


@pytest.mark.parametrize(
    ("limits", "set_to"), [((256, -1), (6832, -1)), ((256, 1000), (1000, 1000)), ((8192, 9999), None)]
)
def test_the_soft_limit_on_open_files_is_raised_as_far_as_needed(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], set_to: tuple[int, int] | None
) -> None:
    calls = []
    monkeypatch.setattr(open_files.resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(open_files.resource, "setrlimit", lambda _, new: calls.append(new))

    open_files.allow_open_files(Config(http_width=96, dns_width=32, dns_abandoned=1000))

    assert calls == ([] if set_to is None else [set_to])
