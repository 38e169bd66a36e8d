"""Ctrl-C and SIGTERM: the first drains, the second cancels, the third ends everything."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest
import trio
import trio.testing

from trioscrape import Feed
from trioscrape._cli.command import parse
from trioscrape._cli.session import Session, Sources

from support.command_line import Site, records, running

Write = Callable[..., str]


def lines(site: Site) -> list[str]:
    return [site.url("stall/1"), site.url("2"), site.url("3")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
class TestSignals:
    def test_the_first_drains(self, site: Site, feeds: Write, number: int) -> None:
        with running(feeds(*lines(site)), "--json") as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "3 feeds into sqlite:trioscrape.db\n"
            site.requested.wait(30)
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
        assert "\n  not started: 2\n" in out
        assert out.endswith("\nincomplete; what was stored is in sqlite:trioscrape.db\n")


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


async def test_a_third_signal_ends_the_count_of_what_was_not_started(site: Site) -> None:
    _, given = parse(["-", "--store", "sqlite:t.db", "--json"])
    listed = LongList(site)
    ended = []

    async def run() -> None:
        ended.append(await Session(given).run(nullcontext(Sources(listed, listed.count))))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await trio.to_thread.run_sync(site.requested.wait)
        os.kill(os.getpid(), signal.SIGINT)
        site.go_on.set()
        await trio.to_thread.run_sync(listed.at_the_rest.wait)
        for _ in range(2):
            await trio.testing.wait_all_tasks_blocked()
            os.kill(os.getpid(), signal.SIGINT)

    assert (ended, listed.read) == ([1], False)
    listed.go_on.set()
