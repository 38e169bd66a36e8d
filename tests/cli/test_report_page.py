"""The page of a run's report: its numbers are those of the run's JSON, and it needs nothing but itself."""

from __future__ import annotations

import re
from typing import Any

import html5lib
import pytest

from trioscrape import Delay, Outcome
from trioscrape._cli._report.charts import BUSY, WAITING
from trioscrape._cli._report.page import page
from trioscrape._printable import printable

from support.run_pages import (
    NOW,
    contents,
    elements,
    facts,
    many,
    numbers,
    report,
    result,
    section,
    shown,
    text_of,
    tree,
)

MEBIBYTE = 2**20
DURATION = re.compile(r"seconds|p50|p99|max")
SVG = "{http://www.w3.org/2000/svg}"


class TestNumbers:
    @pytest.mark.parametrize("changes", [{}, {"errors": {f"http-{n}": 1 for n in range(400, 440)}}])
    def test_they_are_those_of_the_record_all_of_them(self, changes: dict[str, Any]) -> None:
        made = contents(report(**changes))

        assert numbers(tree(page(made))) == shown(made.record)

    def test_what_is_read_is_what_is_meant(self) -> None:
        found = tree(page(contents()))

        counts = [each for each in elements(found, "data") if not DURATION.search(each.attrib["data-of"])]
        assert len(counts) > 30
        for each in counts:
            assert text_of(each) == f"{int(each.attrib['value']):,}"

    def test_without_a_delay_none_is_shown(self) -> None:
        made = contents(report(delay=Delay()))

        assert "Not measured: 0 entries" in section(tree(page(made)), "delay")


class TestSections:
    def test_in_short(self) -> None:
        text = text_of(tree(page(contents())))

        assert "1,500 feeds in 6.1 s" in text
        assert "2026-03-05 13:24:53 to 2026-03-05 13:25:00 UTC" in text
        assert "Bottleneck: http lane, for 98 % of the time, with 31 feeds waiting on average" in text
        assert "a.test allows about 1 request in 60 s" in text
        assert "Interrupted" not in text

    def test_an_interrupted_and_an_incomplete_run_say_so(self) -> None:
        assert "Interrupted: " in text_of(tree(page(contents(interrupted=True))))
        assert "Incomplete: " in text_of(tree(page(contents(report(not_started=3)))))

    def test_failures_have_examples_and_what_to_do(self) -> None:
        told = facts(
            *(result(f"http://{name}.test/", Outcome.FAILED, "http-404", detail="No") for name in "dcba"),
            result("http://e.test/", Outcome.NOT_DUE, "tls"),
        )
        text = section(tree(page(contents(told=told))), "failures")

        assert "18 http-404 the server answered 404 Not Found http://a.test/ No" in text
        assert "http://c.test/ No To do: The feed is not there any more" in text
        assert "http://d.test/" not in text
        assert "e.test" not in text

    def test_more_reasons_than_are_explained_are_counted(self) -> None:
        errors = {f"http-{number}": 500 - number for number in range(400, 440)}
        text = section(tree(page(contents(report(errors=errors)))), "failures")

        assert "And http-415 85 , http-416 84 ," in text

    def test_slowest_hosts(self) -> None:
        hosts = [f"http://h{n}.test/{m}" for n in range(30) for m in range(n)]
        text = section(tree(page(contents(told=facts(*map(result, hosts))))), "hosts")

        assert (
            "Slowest hosts h1.test 1.0 s 1 feed, 1.0 s in all h10.test 1.0 s 10 feeds, 10.0 s in all" in text
        )
        assert text.count(".test") == 14

    def test_time_to_the_nth_feed(self) -> None:
        told = facts(*(result(f"http://h{n}.test/") for n in range(1500)))
        text = section(tree(page(contents(told=told))), "finished")

        assert "1 100 ms 10 1.0 s 100 10.0 s 750 75.0 s 1,000 100.0 s 1,350 2 min 1,484 2 min 1,500" in text

    def test_lanes_are_drawn(self) -> None:
        found = tree(page(contents()))

        assert "http 8 at once, up to 20 waiting" in section(found, "lanes")
        paths = [each.attrib["d"] for each in found.iter(f"{SVG}path")]
        assert len(paths) == 4 * 3 + 1
        assert all(re.fullmatch(r"[MLHZ\d. ]+", path) for path in paths)
        assert max(float(y) for y in re.findall(r"[\d.]+ ([\d.]+)", paths[4])) == BUSY + WAITING

    def test_delay(self) -> None:
        text = section(tree(page(contents())), "delay")

        assert "10 min median 2 h 99th percentile 2 h maximum 37 entries" in text


class TestSafety:
    def test_nothing_comes_from_anywhere_else(self) -> None:
        """No script, and no address but those of links, which a browser follows only when told to."""
        made, text = many(500)
        found = html5lib.parse(text)

        assert not list(elements(found, "script"))
        for each in found.iter():
            for name, value in each.attrib.items():
                assert not str(name).startswith("on")
                if "//" in value:
                    assert (each.tag.rpartition("}")[2], name) == ("a", "href")
        assert "url(" not in text
        assert "@import" not in text
        assert "default-src 'none'" in text
        assert made.report.feeds == 500

    def test_what_strangers_say_is_text(self) -> None:
        evil = "<script>alert(1)</script>\x1b[2J\u202e\"'><img src=x onerror=alert(1)>"
        told = facts(
            result(f"http://a.test/{evil}", Outcome.FAILED, "tls", detail=evil),
            result("javascript:alert(1)", Outcome.REFUSED, "not-a-url", detail=evil),
        )
        made = contents(report(errors={"tls": 1, "not-a-url": 1}, remarks=(evil,)), told)
        found = tree(page(made))

        assert not list(elements(found, "script"))
        assert not list(elements(found, "img"))
        assert all(each.attrib["href"].startswith("http://") for each in elements(found, "a"))
        said = text_of(found)
        assert printable(evil) in said
        assert "\x1b" not in said
        assert "\u202e" not in said


@pytest.mark.parametrize("feeds", [500, 5_000])
def test_its_size_does_not_depend_on_the_number_of_feeds(feeds: int) -> None:
    made, text = many(feeds)

    assert len(text.encode()) < MEBIBYTE / 4
    assert numbers(tree(text)) == shown(made.record)
    assert made.record["ended"].startswith(f"{NOW:%Y-%m-%d}")
