"""Lists that have no end, or no line ends: one line on standard error, and exit status 2."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import repeat
from pathlib import Path

import pytest

from trioscrape import UsageError
from trioscrape._cli import feed_list
from trioscrape._cli.feed_list import open_feed_list
from trioscrape._cli.text_list import LONGEST_LINE

from support.command_line import command, run

NO_LIST = "it has a line of more than 1 MiB; a feed list has a URL per line\n"


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there is none")
def test_dev_zero() -> None:
    ended = run("/dev/zero")

    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"trioscrape: /dev/zero: {NO_LIST}")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there is none")
def test_what_is_imported(tmp_path: Path) -> None:
    ended = run("import", "/dev/zero", "--store", f"sqlite:{tmp_path / 'imported.db'}")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[-1] == "trioscrape: /dev/zero, line 1: longer than 1 GiB"


def test_standard_input() -> None:
    with open("/dev/zero", "rb") as zeros:
        ended = subprocess.run(command("-"), stdin=zeros, capture_output=True, timeout=60, check=False)

    assert ended.returncode == 2
    assert ended.stderr.decode() == f"trioscrape: standard input: {NO_LIST}"


@contextmanager
def pipe(data: bytes) -> Iterator[str]:
    """A named pipe that gives `data` again and again."""
    os.mkfifo("pipe")

    def feed() -> None:
        with suppress(BrokenPipeError), open("pipe", "wb") as file:
            for _ in repeat(None):
                file.write(data)

    producer = threading.Thread(target=feed)
    producer.start()
    yield "pipe"
    producer.join()


@pytest.mark.parametrize("data", [b"http://a.test/\n", b"<opml>", b"http://a.test/\r"])
def test_a_pipe_that_never_ends(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(feed_list, "_LARGEST", 4 * LONGEST_LINE)

    with pipe(data) as path, pytest.raises(UsageError, match="pipe: it is larger than"), open_feed_list(path):
        pass


def test_a_pipe_without_line_ends() -> None:
    with (
        pipe(b"x") as path,
        pytest.raises(UsageError, match="a line of more than 1 MiB"),
        open_feed_list(path),
    ):
        pass


def test_a_file_with_a_line_of_a_gigabyte(feeds: Callable[..., str]) -> None:
    """No more is read of it than is needed to know that."""
    path = feeds("http://a.test/")
    with Path(path).open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(b"x" * (LONGEST_LINE + 1))
        file.truncate(2**30)

    ended = run(path)

    assert (ended.returncode, ended.stderr) == (2, f"trioscrape: {path}: {NO_LIST}")


def test_a_long_line_that_may_be_one(feeds: Callable[..., str]) -> None:
    path = feeds("http://a.test/ " + "x" * (LONGEST_LINE - 100), "http://b.test/")

    with open_feed_list(path) as found:
        assert [feed.url for feed in found] == ["http://a.test/", "http://b.test/"]
