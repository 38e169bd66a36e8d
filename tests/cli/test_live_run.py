"""The live view of the command itself, on a terminal of each width: with ``--json``, and without colours."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from support.command_line import Site, command, records

Write = Callable[..., str]
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""Sequences that move the cursor, clear lines and set colours."""


def run_on_a_terminal(
    arguments: list[str], site: Site, width: int, *, both: bool = False, **environment: str
) -> tuple[str, str]:
    """What comes to a terminal on standard error, and to a file on standard output; `both` to the terminal.

    The feed is served as soon as the view has been seen.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    variables = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    variables |= {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **environment}
    with (
        Path("out").open("wb") as out,
        subprocess.Popen(
            command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=theirs if both else out,
            stderr=theirs,
            env=variables,
        ) as process,
    ):
        os.close(theirs)
        seen = b""
        try:
            while some := os.read(ours, 65_536):
                seen += some
                if b"bottleneck" in seen:
                    site.go_on.set()
        except OSError:  # Linux says so when the other side is closed
            pass
        finally:
            site.go_on.set()
            os.close(ours)
        assert process.wait(60) == 0
    return seen.decode(), Path("out").read_text("utf-8")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_with_json_into_a_file_the_terminal_has_the_view(width: int, site: Site, feeds: Write) -> None:
    listed = feeds(site.url("stall/a"))

    seen, out = run_on_a_terminal([listed, "--json"], site, width)

    assert [each["type"] for each in records(out)] == ["feed", "run"]
    lines = [CONTROL.sub("", line).rstrip() for line in re.split(r"[\r\n]+", seen)]
    assert max(len(line) for line in lines if not line.startswith("Fetching ")) <= width
    assert any(
        re.fullmatch(r"  http +1/500 +0.*" if width < 60 else r"  http .*1/500 .*", line) for line in lines
    )
    assert "no bottleneck: no lane is overloaded" in lines
    assert "\x1b[3" in seen  # colours


def test_no_color(site: Site, feeds: Write) -> None:
    seen, _ = run_on_a_terminal([feeds(site.url("stall/a"))], site, 80, NO_COLOR="1")

    assert "0 of 1 feed" in seen
    assert not re.search(r"\x1b\[(\d+;)*[34]\d[;m]", seen)


def test_a_dumb_terminal_gets_lines(site: Site, feeds: Write) -> None:
    site.go_on.set()
    seen, out = run_on_a_terminal([feeds(site.url("a"))], site, 80, TERM="dumb")

    assert seen.replace("\r", "") == "Fetching 1 feed into sqlite:trioscrape.db\n"
    assert out.startswith("1 feed in ")


def test_where_results_come_to_the_same_terminal_there_is_no_view(site: Site, feeds: Write) -> None:
    site.go_on.set()
    seen, _ = run_on_a_terminal([feeds(site.url("a")), "--json"], site, 80, both=True)

    assert [line[:15] for line in seen.splitlines()[1:]] == ['{"type":"feed",', '{"type":"run","']
    assert "\x1b" not in seen
