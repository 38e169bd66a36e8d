"""The live view and the plain lines."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import trio
import trio.testing
from rich.console import Console

from trioscrape._cli import live_progress
from trioscrape._cli.live_progress import LiveProgress, lanes_view
from trioscrape._cli.open_progress import open_progress
from trioscrape._cli.progress import Progress, plain_line
from trioscrape._records import LANES, EntryCounts, LaneStatistics, Outage, Outcome, Quantiles, Report

from support.terminals import fill, read_terminal


def report() -> Report:
    lanes = {
        name: LaneStatistics(name, 32, 8, 1468, 2000, 1012, Quantiles(0, wait, wait), Quantiles())
        for name, wait in zip(LANES, (1.25, 0.5, 0, 0), strict=True)
    }
    return Report(
        feeds=1600,
        not_started=100,
        duplicates=0,
        duplicate_examples=(),
        outcomes={Outcome.NEW: 117, Outcome.FAILED: 3},
        entries=EntryCounts(1000, 204, 50),
        errors={"tls": 3},
        examples={},
        seconds=3.24,
        lanes=lanes,
        loop_lag=Quantiles(),
    )


def rendered(width: int, seen: Report | None = None) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(lanes_view(seen or report(), 1500, width))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch, go_on: threading.Event | None = None) -> Iterator[list[bytes]]:
    """Standard error is a terminal; what is written to it is in the list afterwards."""
    with read_terminal(go_on) as (device, written):
        monkeypatch.setenv("TERM", "xterm")
        with open(device, "w", closefd=False) as stderr, monkeypatch.context() as patched:
            patched.setattr(sys, "stderr", stderr)
            yield written


class TestView:
    def test_a_wide_terminal_sees_bars(self):
        head, titles, dns, *rest = rendered(100)

        assert head == "120 of 1,500 feeds, 3 failed, 1,204 entries written, 3.2 s"
        assert titles.split() == ["lane", "busy", "waiting", "done", "wait", "p99"]
        assert "━" in dns
        assert dns.replace("━", "").replace("╸", "").split() == ["dns", "8/32", "1,468", "1,012", "1.2", "s"]
        assert [line.split()[0] for line in rest] == ["http", "parse", "store"]
        assert rest[0].endswith("500 ms")

    @pytest.mark.parametrize("width", [20, 30, 43, 44, 59, 60, 80])
    def test_every_width_gets_six_lines_that_fit(self, width):
        lines = rendered(width)

        assert len(lines) == 6
        assert max(len(line) for line in lines) <= width

    def test_an_outage_of_the_store(self):
        """Since when, and what the store says; it fits in a line too."""
        away = replace(report(), outage=Outage(61.4, "mongodb://h/x: connection\x1b refused"))
        said = r"store unavailable for 61 s: mongodb://h/x: connection\x1b refused"

        assert rendered(100, away)[1] == said
        assert len(rendered(100, away)) == len(rendered(100)) + 1
        assert max(len(line) for line in rendered(30, away)) <= 30
        assert plain_line(away, 1500) == f"{plain_line(report(), 1500)}; {said}"

    def test_failed_is_what_the_summary_calls_failed(self):
        """A feed whose first entries are stored has a reason too (``too-many-entries``), and is not lost."""
        seen = replace(report(), errors={"too-many-entries": 40, "tls": 3, "http-410": 2})

        assert rendered(100, seen)[0].startswith("120 of 1,500 feeds, 3 failed, ")
        assert plain_line(seen, 1500).startswith("120 of 1,500 feeds, 3 failed, ")

    def test_a_plain_line(self):
        assert plain_line(report(), 1500) == (
            "120 of 1,500 feeds, 3 failed, 1,204 entries written, 3.2 s; dns 8/32 (1,468 waiting), "
            "http 8/32 (1,468 waiting), parse 8/32 (1,468 waiting), store 8/32 (1,468 waiting)"
        )


class TestChoice:
    async def test_a_pipe_gets_lines(self):
        async with open_progress(live=True) as progress:
            assert type(progress) is Progress

    async def test_a_terminal_gets_the_live_view(self, monkeypatch):
        with terminal(monkeypatch):
            async with open_progress(live=True) as progress:
                assert type(progress) is LiveProgress

    async def test_a_terminal_gets_lines_if_the_view_is_not_wanted(self, monkeypatch):
        with terminal(monkeypatch):
            async with open_progress(live=False) as progress:
                assert type(progress) is Progress

    async def test_a_dumb_terminal_gets_lines(self, monkeypatch):
        with terminal(monkeypatch):
            monkeypatch.setenv("TERM", "dumb")
            async with open_progress(live=True) as progress:
                assert type(progress) is Progress


class TestLines:
    async def test_a_line_every_five_seconds(self, capfd, autojump_clock, monkeypatch):
        def at_once(work, tell):
            work()
            tell(None)

        # A real thread and a virtual clock do not go together.
        monkeypatch.setattr(trio.lowlevel, "start_thread_soon", at_once)

        with trio.move_on_after(16):
            await Progress().show(report, 1500)

        assert capfd.readouterr().err.splitlines() == [plain_line(report(), 1500)] * 3

    async def test_what_a_host_allows_is_said_once(self, capfd, autojump_clock, monkeypatch):
        """Whether there is a network is known at the end only."""

        def at_once(work, tell):
            work()
            tell(None)

        monkeypatch.setattr(trio.lowlevel, "start_thread_soon", at_once)
        said = ("a.test allows about 1 request in 60 s", "b.test does not answer")
        reports = [
            replace(report(), remarks=("no network: nothing",), offline=True),
            replace(report(), remarks=said[:1]),
            replace(report(), remarks=(f"{said[0]}; its 12 feeds take 12 min", said[1])),
        ]

        with trio.move_on_after(16):
            await Progress().show(lambda: reports.pop(0), 1500)

        line = plain_line(report(), 1500)
        assert capfd.readouterr().err.splitlines() == [line, said[0], line, said[1], line]

    async def test_messages_can_not_command_a_terminal(self, capfd):
        await Progress().say("bad \x1b[2J\nline")

        assert capfd.readouterr() == ("", "bad \\x1b[2J\\nline\n")

    async def test_nobody_reads_them(self, monkeypatch):
        reading, writing = os.pipe()
        os.close(reading)
        with io.TextIOWrapper(io.FileIO(writing, "w")) as stderr:
            monkeypatch.setattr(sys, "stderr", stderr)

            await Progress().say("hello")

    async def test_a_reader_that_stops_does_not_stop_the_event_loop(self, monkeypatch):
        reading, writing = os.pipe()
        alive = threading.Event()
        seen: list[object] = []

        def read_late() -> None:
            seen.append(alive.wait(timeout=10))
            while data := os.read(reading, 65536):
                seen.append(len(data))

        reader = threading.Thread(target=read_late)
        reader.start()
        with io.TextIOWrapper(io.FileIO(writing, "w")) as stderr:
            monkeypatch.setattr(sys, "stderr", stderr)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Progress().say, "x" * 200_000)
                await trio.testing.wait_all_tasks_blocked()
                alive.set()
        reader.join()
        os.close(reading)

        assert seen[0] is True
        assert sum(seen[1:]) == 200_001


async def draw(progress: Progress) -> None:
    """Show the progress until it has been drawn once."""
    asked, drawn = 0, trio.Event()

    def next_report() -> Report:
        nonlocal asked
        asked += 1
        if asked == 2:
            drawn.set()
        return report()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(progress.show, next_report, 1500)
        await drawn.wait()
        nursery.cancel_scope.cancel()


class TestLive:
    async def test_messages_stand_above_and_the_view_goes(self, monkeypatch):
        shown = trio.Event()

        def next_report() -> Report:
            shown.set()
            return report()

        with terminal(monkeypatch) as written:
            async with open_progress(live=True) as progress, trio.open_nursery() as nursery:
                nursery.start_soon(progress.show, next_report, 1500)
                await shown.wait()
                await progress.say("a [b]message[/b]")
                nursery.cancel_scope.cancel()

        text = b"".join(written).decode()
        assert "120 of 1,500 feeds" in text
        assert "a [b]message[/b]" in text
        assert text.rindex("\x1b[?25h") > text.rindex("120 of")  # the cursor is back
        assert text.rindex("\x1b[2K") > text.rindex("120 of")  # and the view was wiped

    async def test_no_color(self, monkeypatch):
        monkeypatch.setenv("NO_COLOR", "1")
        with terminal(monkeypatch) as written:
            async with open_progress(live=True) as progress:
                await draw(progress)

        assert b"120 of" in b"".join(written)
        assert b"\x1b[3" not in b"".join(written)

    async def test_a_terminal_that_goes_on_at_last_has_its_cursor_again(self, monkeypatch):
        """However long it was stopped, as long as the command is not."""
        monkeypatch.setattr(live_progress, "_LAST_MOMENT", 0)
        go_on, drawn, leave, left = threading.Event(), trio.Event(), trio.Event(), trio.Event()

        async def show() -> None:
            async with open_progress(live=True) as progress:
                await draw(progress)
                drawn.set()
                await leave.wait()
            left.set()

        with trio.fail_after(60), terminal(monkeypatch, go_on) as written:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(show)
                await drawn.wait()
                fill(sys.stderr.fileno())
                leave.set()
                await trio.testing.wait_all_tasks_blocked()
                assert not left.is_set()
                go_on.set()

        text = b"".join(written)
        assert text.rindex(b"\x1b[?25h") > text.rindex(b"120 of")

    async def test_cancelled_while_the_terminal_takes_nothing(self, monkeypatch):
        monkeypatch.setattr(live_progress, "_LAST_MOMENT", 0)
        begun = trio.Event()

        async def show() -> None:
            async with open_progress(live=True):
                begun.set()

        with trio.fail_after(60), terminal(monkeypatch, threading.Event()):
            fill(sys.stderr.fileno())
            async with trio.open_nursery() as nursery:
                nursery.start_soon(show)
                await trio.testing.wait_all_tasks_blocked()
                nursery.cancel_scope.cancel()

        assert not begun.is_set()
