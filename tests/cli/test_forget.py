"""``trioscrape forget``: which feeds go, and what is asked before."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest
import trio

from trioscrape import FeedUpdate, feed_id, open_reader, open_store
from trioscrape._cli.command import main

from support.command_line import command, records
from support.stores import entry, state
from support.transfers import SQLITE

Capture = pytest.CaptureFixture[str]

URLS = [f"http://{name}.test/" for name in "abc"]


@pytest.fixture
def filled(store_url: str) -> str:
    """A store with three feeds of two entries each."""

    async def main() -> None:
        async with open_store(store_url) as store:
            for url in URLS:
                of_url = state(feed_id(url), url=url)
                await store.save(FeedUpdate(of_url, (entry(f"{url}1"), entry(f"{url}2"))))

    trio.run(main)
    return store_url


def left(store: str) -> list[str]:
    """The URLs of the feeds, each with as many of its entries as there are."""

    async def main() -> list[str]:
        async with open_reader(store) as reader:
            feeds = [state.url async for state in reader.read_feeds()]
            entries = [stored.feed_url or "" async for stored in reader.read_entries()]
        assert sorted(entries) == sorted(feeds * 2)
        return sorted(feeds)

    return trio.run(main)


class TestWhich:
    def test_by_url(self, filled: str, capfd: Capture) -> None:
        assert main(["forget", "A.test", URLS[2], "--yes", "--store", filled]) == 0

        assert capfd.readouterr().out == f"forgot 2 feeds with 4 entries in {filled}\n"
        assert left(filled) == [URLS[1]]

    @pytest.mark.parametrize(
        "typed", ["old.test/feed", "https://me:pw@OLD.test/feed", "https://new.test/feed"]
    )
    def test_one_that_has_moved(self, filled: str, typed: str) -> None:
        """By the URL of the list, whose id has a user name in it, or by the present one."""

        async def move() -> None:
            listed = "https://old.test/feed"
            moved = state(feed_id("https://me@old.test/feed"), url="https://new.test/feed", listed_url=listed)
            async with open_store(filled) as store:
                await store.save(FeedUpdate(moved, ()))

        trio.run(move)
        assert main(["forget", typed, "--yes", "--store", filled]) == 0
        assert left(filled) == URLS

    def test_what_is_not_in_a_list(self, filled: str, capfd: Capture) -> None:
        Path("feeds.txt").write_text(f"{URLS[0]}#x\nno URL\nHTTP://C.test\n")

        assert main(["forget", "--unlisted", "feeds.txt", "--yes", "--store", filled, "--json"]) == 0

        assert records(capfd.readouterr().out) == [{"type": "forget", "feeds": 1, "entries": 2}]
        assert left(filled) == [URLS[0], URLS[2]]

    def test_one_that_is_not_stored(self, filled: str, capfd: Capture) -> None:
        """Then nothing is deleted."""
        assert main(["forget", URLS[0], "http://me:secret@d.test/", "--yes", "--store", filled]) == 2

        assert capfd.readouterr().err.endswith("trioscrape: no feed with the URL http://d.test/ is stored\n")
        assert left(filled) == URLS

    def test_nothing_to_forget(self, filled: str, capfd: Capture) -> None:
        Path("feeds.txt").write_text("\n".join(URLS))

        assert main(["forget", "--unlisted", "feeds.txt", "--yes", "--store", filled]) == 0

        assert capfd.readouterr().out == f"forgot 0 feeds with 0 entries in {filled}\n"

    def test_no_store_is_made(self, capfd: Capture) -> None:
        assert main(["forget", URLS[0], "--yes", "--store", SQLITE]) == 1
        assert list(Path().iterdir()) == []


class TestAsking:
    @pytest.mark.parametrize(
        ("answers", "asked", "yes"),
        [("y y", 2, True), ("YES yes", 2, True), ("n", 1, False), ("_", 1, False), ("y n", 2, False)],
    )
    @pytest.mark.parametrize("store_url", [SQLITE])
    def test_twice(self, filled: str, answers: str, asked: int, yes: bool) -> None:
        ours, theirs = pty.openpty()
        os.write(ours, "".join(f"{answer}\n" for answer in answers.split()).encode())
        ended = subprocess.run(
            command("forget", URLS[0], "--store", filled),
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        os.close(theirs)
        os.close(ours)

        questions = (
            f"Forget 1 feed with 2 entries in {filled}? [y/N] ",
            "They can't be restored, except from an export. Delete them? [y/N] ",
        )
        assert ended.returncode == (0 if yes else 1)
        assert ended.stderr == "".join(questions[:asked]) + ("" if yes else "nothing was forgotten\n")
        assert left(filled) == (URLS[1:] if yes else URLS)

    @pytest.mark.parametrize("store_url", [SQLITE])
    def test_ctrl_c_instead_of_an_answer(self, filled: str) -> None:
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            command("forget", URLS[0], "--store", filled), stdin=theirs, stderr=subprocess.PIPE
        ) as process:
            assert process.stderr is not None
            asked = process.stderr.read(len(f"Forget 1 feed with 2 entries in {filled}? [y/N] "))
            process.send_signal(signal.SIGINT)
            rest = process.stderr.read()
        os.close(theirs)
        os.close(ours)

        assert asked.endswith(b"[y/N] ")
        assert (process.returncode, rest.count(b"\n")) == (1, 1)
        assert rest.startswith(b"interrupted")
        assert left(filled) == URLS

    @pytest.mark.parametrize("store_url", [SQLITE])
    def test_nobody_is_there(self, filled: str) -> None:
        ended = subprocess.run(
            command("forget", URLS[0], "--store", filled),
            input="y\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.startswith("trioscrape: --yes is needed where nobody can be asked")
        assert left(filled) == URLS


@pytest.mark.parametrize("arguments", [[], [URLS[0], "--unlisted", "feeds.txt"]])
def test_either_urls_or_a_list(arguments: list[str], capfd: Capture) -> None:
    assert main(["forget", "--yes", *arguments]) == 2
    assert "give either URLs or --unlisted FEEDS" in capfd.readouterr().err
