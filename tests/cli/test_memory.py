"""Too little memory, at one limit after the other: a run is whole, or ends with a line; it never hangs.

``nox -s memory`` has the long form: forty limits with each store.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable

import pytest

from support import command_line
from support.command_line import Site, command, records
from support.survival import LONG

FEEDS = 60
ENTRIES = 300
LIMITS = (
    {"sqlite": range(60, 260, 5), "mongo": range(60, 460, 10)}
    if LONG
    else {"sqlite": (70, 110, 130), "mongo": (90, 120, 230)}
)
"""MiB of address space."""
TIMEOUT = 300
"""Seconds; a run without a limit takes three."""
BEGINNINGS = ("connecting to ", "Fetching ", "trioscrape: ", "pymongo", "waiting for the store", "only ")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="macOS ignores RLIMIT_AS")


@pytest.fixture(autouse=True)
def large_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    item = "<item><guid>%d</guid><title>one</title><description>" + "text " * 200 + "</description></item>"
    items = "".join(item % number for number in range(ENTRIES))
    feed = f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'.encode()
    monkeypatch.setattr(command_line, "FEED", feed)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("kind", "mebibytes"), [(kind, n) for kind, limits in LIMITS.items() for n in limits]
)
def test_a_limit(
    request: pytest.FixtureRequest, site: Site, feeds: Callable[..., str], kind: str, mebibytes: int
) -> None:
    store = request.getfixturevalue("mongodb_url") if kind == "mongo" else "sqlite:x.db"
    path = feeds(*(site.url(str(number)) for number in range(FEEDS)))
    limit = mebibytes * 2**20
    ended = subprocess.run(
        command(path, "--json", "--store", store, "--per-host", "20", "--outage-timeout", "5"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )

    said = ended.stderr.splitlines()
    assert ended.returncode in (0, 1), ended.stderr
    assert not [line for line in said if not (line.startswith(BEGINNINGS) or " feeds, " in line)]
    results = [record for record in records(ended.stdout) if record["type"] == "feed"]
    if ended.returncode == 0:
        assert [result["outcome"] for result in results] == ["new"] * FEEDS
    else:
        assert said[-1].startswith("trioscrape: ") or any(result["outcome"] == "failed" for result in results)
