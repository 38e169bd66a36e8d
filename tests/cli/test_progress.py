"""The lines of progress, and when there is a live view instead; what that looks like is in test_live_view."""

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
from rich.live import Live

from trioscrape._cli import live_progress
from trioscrape._cli.live_progress import LiveProgress
from trioscrape._cli.open_progress import open_progress
from trioscrape._cli.progress import Progress, per_second, plain_line
from trioscrape._cli.series import Moment
from trioscrape._records import LANES, EntryCounts, LaneStatistics, Outage, Outcome, Quantiles, Statistics

from support.terminals import fill, read_terminal


def moment(**changes: object) -> Moment:
    lanes = {
        name: LaneStatistics(name, 32, 8, 1468, 2000, 1012, Quantiles(0, wait, wait), Quantiles())
        for name, wait in zip(LANES, (1.25, 0.5, 0, 0), strict=True)
    }
    now = Statistics(
        accepted=150,
        in_flight=30,
        finished=120,
        seconds=3.24,
        lanes=lanes,
        loop_lag=Quantiles(),
        outcomes={Outcome.NEW: 117, Outcome.FAILED: 3},
        errors={"tls": 3},
        entries=EntryCounts(1000, 204, 50),
    )
    return Moment(replace(now, **changes), 1500, 41.2, dict.fromkeys(LANES, 41.2), None)


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch, go_on: threading.Event | None = None) -> Iterator[list[bytes]]:
    """Standard error is a terminal; what is written to it is in the list afterwards."""
    with read_terminal(go_on) as (device, written):
        monkeypatch.setenv("TERM", "xterm")
        with open(device, "w", closefd=False) as stderr, monkeypatch.context() as patched:
            patched.setattr(sys, "stderr", stderr)
            yield written


LINE = (
    "120 of 1,500 feeds, 41/s, 33 s left, 3 failed, 1,204 entries written, 3.2 s; dns 8/32 (1,468 waiting), "
    "http 8/32 (1,468 waiting), parse 8/32 (1,468 waiting), store 8/32 (1,468 waiting); "
    "no bottleneck: no lane is overloaded"
)


class TestPlainLine:
    def test_all_of_it(self):
        assert plain_line(moment()) == LINE

    def test_before_a_rate_is_known(self):
        early = replace(moment(outcomes={}), rate=None)

        assert plain_line(early).startswith("120 of 1,500 feeds, 1,204 entries written, 3.2 s; ")

    def test_an_outage_of_the_store(self):
        """Since when, and what the store says."""
        away = moment(outage=Outage(61.4, "mongodb://h/x: connection\x1b refused"))

        said = r"store unavailable for 61 s: mongodb://h/x: connection\x1b refused"
        counts = LINE.rpartition("; ")[0]
        assert plain_line(away) == f"{counts}; bottleneck: the store is unavailable; {said}"

    def test_failed_is_what_the_summary_calls_failed(self):
        """A feed whose first entries are stored has a reason too (``too-many-entries``), and is not lost."""
        seen = moment(errors={"too-many-entries": 40, "tls": 3, "http-410": 2})

        assert plain_line(seen) == LINE

    @pytest.mark.parametrize(
        ("rate", "said"), [(0.0, "0/s"), (0.44, "0.4/s"), (12.6, "13/s"), (2412, "2,412/s")]
    )
    def test_a_rate(self, rate, said):
        assert per_second(rate) == said


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
            await Progress().show(moment)

        assert capfd.readouterr().err.splitlines() == [LINE] * 3

    async def test_what_a_host_allows_is_said_once(self, capfd, autojump_clock, monkeypatch):
        def at_once(work, tell):
            work()
            tell(None)

        monkeypatch.setattr(trio.lowlevel, "start_thread_soon", at_once)
        said = ("a.test allows about 1 request in 60 s", "b.test does not answer")
        moments = [
            moment(),
            moment(remarks=said[:1]),
            moment(remarks=(f"{said[0]}; its 12 feeds take 12 min", said[1])),
        ]

        with trio.move_on_after(16):
            await Progress().show(lambda: moments.pop(0))

        assert capfd.readouterr().err.splitlines() == [LINE, said[0], LINE, said[1], LINE]

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

    def look() -> Moment:
        nonlocal asked
        asked += 1
        if asked == 2:
            drawn.set()
        return moment()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(progress.show, look)
        await drawn.wait()
        nursery.cancel_scope.cancel()


class TestLive:
    async def test_messages_stand_above_and_the_view_goes(self, monkeypatch):
        shown = trio.Event()

        def look() -> Moment:
            shown.set()
            return moment()

        with terminal(monkeypatch) as written:
            async with open_progress(live=True) as progress, trio.open_nursery() as nursery:
                nursery.start_soon(progress.show, look)
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


async def test_a_view_that_is_higher_than_the_terminal_is_removed_in_full() -> None:
    """What rich prints once more at the end would scroll out of reach."""
    file = io.StringIO()
    console = Console(file=file, width=60, height=3, force_terminal=True)
    progress = LiveProgress(Live(console=console, transient=True, auto_refresh=False))
    await progress.start()
    progress._live.update("\n".join(f"line {number}" for number in range(9)), refresh=True)
    before = file.tell()

    await progress.stop()

    assert "line" not in file.getvalue()[before:]
