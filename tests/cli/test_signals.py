"""Ctrl-C and SIGTERM: the first drains, the second cancels, the third ends everything."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable

import pytest

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
        assert re.search(r"\n  not_started +2\n", out)
        assert out.endswith("\nincomplete; what was stored is in sqlite:trioscrape.db\n")
