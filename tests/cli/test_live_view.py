"""What the live view looks like, at each width and without colours."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from trioscrape import EntryCounts, InFlight, Outage, Outcome, Quantiles, Statistics
from trioscrape._cli.live_view import live_view
from trioscrape._cli.series import Moment
from trioscrape._records import LANES

from support.run_pages import lane, statistics

WIDTHS = [20, 30, 40, 43, 44, 59, 60, 75, 76, 80, 100, 120, 200]
SLOW = (
    InFlight("https://example.org/a/feed.xml", 12.4, "http", False),
    InFlight("https://example.net/\x1b[2J", 9.1, "dns", True),
    InFlight("https://example.com/feed", 3, None, False),
    InFlight("https://quick.example/feed", 1.9, "http", False),
)


def now(**changes: object) -> Statistics:
    lanes = {
        "dns": {"width": 32, "busy": 8, "waiting": 0},
        "http": {"width": 500, "busy": 500, "waiting": 1204},
        "parse": {"width": 2, "busy": 2},
        "store": {"width": 4, "busy": 0},
    }
    seen = replace(
        statistics(83.24, 120),
        lanes={name: lane(name, **lanes[name]) for name in LANES},
        outcomes={Outcome.NEW: 117, Outcome.FAILED: 3},
        errors={"tls": 2, "http-404": 1, "http-410": 1},
        entries=EntryCounts(1000, 204, 50),
        slowest=SLOW,
    )
    return replace(seen, **changes)


def moment(**changes: object) -> Moment:
    rates = {"dns": 41.2, "http": 41.2, "parse": 0.4, "store": 0}
    return replace(Moment(now(), 1500, 41.2, rates, "http"), **changes)


def rendered(
    width: int, of: Moment | None = None, *, height: int = 30, colours: str | None = None
) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=colours)
    console.print(live_view(of or moment(), width, height))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_wide_terminal_sees_all_of_it() -> None:
    overall, counts, titles, dns, http, parse, store, sentence, *slow = rendered(100)

    assert overall.startswith("━")
    assert overall.endswith("  120 of 1,500 feeds  41/s  33 s left")
    assert counts == "1,204 entries written  83.2 s  3 failed  tls 2, http-404 1, http-410 1"
    assert titles.split() == ["lane", "busy", "waiting", "rate", "wait", "p99"]
    assert dns.replace("━", "").replace("╸", "").replace("╺", "").split() == [
        *("dns", "8/32", "0", "41/s", "250", "ms")
    ]
    assert http.startswith("▶ http")
    assert http.endswith("500/500    1,204   41/s    250 ms")
    assert (parse.split()[0], store.split()[0]) == ("parse", "store")
    assert sentence == "bottleneck: http lane, 500 of 500 busy, 1,204 waiting"
    assert [line.split() for line in slow] == [
        ["slowest", "12.4", "s", "http", "https://example.org/a/feed.xml"],
        ["9.1", "s", "waits", "for", "dns", r"https://example.net/\x1b[2J"],
        ["3.0", "s", "waits", "https://example.com/feed"],
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_every_width(width: int) -> None:
    lines = rendered(width)

    assert max(len(line) for line in lines) <= width
    assert len(lines) <= 15
    assert any("http" in line and ("1,204" in line or width < 30) for line in lines)


def test_40_columns_have_all_that_matters() -> None:
    assert [line for line in rendered(40) if "━" not in line] == [
        "120 of 1,500 feeds  41/s  33 s left",
        "1,204 entries written  83.2 s",
        "3 failed  tls 2, http-404 1, http-410 1",
        "  lane      busy  waiting",
        "  dns       8/32        0",
        "▶ http   500/500    1,204",
        "  parse      2/2        0",
        "  store      0/4        0",
        "bottleneck: http lane, 500 of 500 busy,",
        "1,204 waiting",
        "12.4 s  http           example.org/a/fe…",
        r" 9.1 s  waits for dns  example.net/\x1b…",
        " 3.0 s  waits          example.com/feed",
    ]


@pytest.mark.parametrize(("height", "named"), [(9, 0), (12, 2), (50, 3)])
def test_a_low_terminal_names_fewer_slow_feeds(height: int, named: int) -> None:
    assert len(rendered(100, height=height)) == 8 + named


def test_an_outage_of_the_store() -> None:
    away = moment(now=now(outage=Outage(61.4, "mongodb://h/x: connection\x1b refused")))
    said = r"store unavailable for 61 s: mongodb://h/x: connection\x1b refused"

    assert rendered(100, away)[2] == said
    assert len(rendered(100, away)) == len(rendered(100)) + 1
    assert max(len(line) for line in rendered(30, away)) <= 30


def test_more_reasons_than_there_is_room_for() -> None:
    errors = {f"http-{400 + number}": 9 - number for number in range(8)}
    counts = rendered(200, moment(now=now(errors=errors)))[1]

    assert counts.endswith("3 failed  http-400 9, http-401 8, http-402 7, http-403 6, http-404 5, …")


def of_the_readme() -> Moment:
    """Half of a list of 20,000 feeds on a machine with two processors."""
    figures = {
        "dns": {"width": 32, "busy": 9, "waited": Quantiles(p99=0.004)},
        "http": {"width": 500, "busy": 500, "waiting": 471, "waited": Quantiles(p99=1.24)},
        "parse": {"width": 2, "busy": 1, "waiting": 3, "waited": Quantiles(p99=0.061)},
        "store": {"width": 4, "busy": 1},
    }
    lanes = {name: lane(name, **({"waiting": 0, "waited": Quantiles()} | figures[name])) for name in LANES}
    slow = (
        InFlight("https://news.example.org/feeds/all.xml", 12.4, "http", False),
        InFlight("https://example.net/podcast/feed.rss", 9.1, "dns", False),
        InFlight("https://blog.example.com/atom", 2.3, "http", True),
    )
    seen = now(
        finished=11_734,
        seconds=46.2,
        lanes=lanes,
        outcomes={Outcome.NEW: 11_120, Outcome.FAILED: 614},
        errors={"http-404": 317, "name-not-found": 163, "tls": 71, "not-a-feed": 63},
        entries=EntryCounts(201_455, 0, 0),
        slowest=slow,
    )
    return Moment(seen, 20_000, 254.3, {"dns": 261, "http": 268, "parse": 240, "store": 254}, "http")


def test_the_readme_shows_it() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")

    assert "\n".join(["", "```text", *rendered(80, of_the_readme()), "```", ""]) in readme


def test_colours_mean_load_and_the_full_lane_stands_out() -> None:
    lines = rendered(100, colours="standard")
    dns, http, parse, store = lines[3:7]

    assert "\x1b[32m  dns" in dns  # green: it has room
    assert "\x1b[1;31m▶ http" in http  # bold red: the bottleneck
    assert "\x1b[33m  parse" in parse  # yellow: full, and nobody waits
    assert "\x1b[2m  store" in store  # dim: nothing to do
    assert "\x1b[1;31mbottleneck: http lane" in lines[7]


def test_a_bottleneck_is_seen_without_colours() -> None:
    assert "▶" in "".join(rendered(80))
    assert "▶" not in "".join(rendered(80, moment(bottleneck=None)))
