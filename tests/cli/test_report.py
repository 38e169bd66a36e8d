"""What a run says: the JSON records and the summary."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from trioscrape import feed_id
from trioscrape._cli.report import Style, count, feed_record, json_line, run_record, summary
from trioscrape._records import (
    LANES,
    DuplicateFeed,
    EntryCounts,
    FailureExample,
    Feed,
    LaneStatistics,
    LaneTimes,
    Outcome,
    Quantiles,
    Report,
    Result,
)

NOW = datetime(2026, 2, 28, 12, tzinfo=UTC)


def report(**changes: object) -> Report:
    lane = LaneStatistics("", 32, 1, 2, 468, 500, Quantiles(0.1, 0.25, 0.5), Quantiles(0.01, 0.02, 1 / 3), 7)
    values: dict[str, object] = {
        "feeds": 1500,
        "not_started": 0,
        "duplicates": 0,
        "duplicate_examples": (),
        "outcomes": {Outcome.NEW: 1488, Outcome.FAILED: 12},
        "entries": EntryCounts(4812, 3, 1),
        "errors": {"http-404": 11, "tls": 1},
        "examples": {
            "http-404": FailureExample("http://a.test/", None),
            "tls": FailureExample("https://b.test/", "the certificate has expired"),
        },
        "seconds": 6.123456,
        "lanes": dict.fromkeys(LANES, lane),
        "loop_lag": Quantiles(0.0001, 0.002, 0.0123456789),
    }
    return Report(**{**values, **changes})


class TestFeedRecord:
    def test_all_of_it(self):
        result = Result(
            Feed("http://a.test/"),
            Outcome.UPDATED,
            entries=EntryCounts(1, 2, 3),
            stored=True,
            same_as="http://b.test/",
            status=200,
            size=1234,
            final_url="http://c.test/",
            next_fetch=NOW + timedelta(hours=1),
            lanes={"dns": LaneTimes(0.0123456, 0.5), "http": LaneTimes(0, 1.25)},
        )

        assert feed_record(result, NOW) == {
            "type": "feed",
            "url": "http://a.test/",
            "feed_id": feed_id("http://a.test/"),
            "time": "2026-02-28T12:00:00.000+00:00",
            "outcome": "updated",
            "reason": None,
            "detail": None,
            "entries": {"new": 1, "changed": 2, "unchanged": 3},
            "stored": True,
            "same_as": "http://b.test/",
            "status": 200,
            "bytes": 1234,
            "final_url": "http://c.test/",
            "next_fetch": "2026-02-28T13:00:00.000+00:00",
            "lanes": {
                "dns": {"waited_ms": 12.346, "worked_ms": 500},
                "http": {"waited_ms": 0, "worked_ms": 1250},
                "parse": {"waited_ms": 0, "worked_ms": 0},
                "store": {"waited_ms": 0, "worked_ms": 0},
            },
        }

    @pytest.mark.parametrize(
        ("reason", "status"), [("http-404", 404), ("rate-limited", 429), ("tls", None), (None, None)]
    )
    def test_the_status_of_a_failure_is_in_its_reason(self, reason, status):
        assert feed_record(Result(Feed("http://a.test/"), Outcome.FAILED, reason), NOW)["status"] == status

    def test_what_is_no_url_has_no_id(self):
        assert feed_record(Result(Feed("tea"), Outcome.REFUSED, "not-a-url"), NOW)["feed_id"] is None

    def test_credentials_are_left_out(self):
        result = Result(Feed("http://me:secret@a.test/"), Outcome.FAILED, "http-404", "Not Found")

        assert "secret" not in json_line(feed_record(result, NOW))

    def test_a_line_is_ascii_and_one_line(self):
        result = Result(Feed("http://a.test/é\u2028"), Outcome.REFUSED, "not-a-url", "line 1:\n'é'")

        line = json_line(feed_record(result, NOW))

        assert line.isascii()
        assert line.count("\n") == 1
        assert line.endswith("\n")
        assert json.loads(line)["url"] == "http://a.test/é\u2028"


class TestRunRecord:
    def test_all_of_it(self):
        record = run_record(report(not_started=2, duplicates=1, run_id="69a2"), "sqlite:x.db", NOW)

        lane = record["lanes"]["store"]
        assert set(record["lanes"]) == set(LANES)
        del record["lanes"]
        assert record == {
            "type": "run",
            "run_id": "69a2",
            "store": "sqlite:x.db",
            "shard": None,
            "began": "2026-02-28T11:59:53.876+00:00",
            "ended": "2026-02-28T12:00:00.000+00:00",
            "feeds": 1500,
            "not_started": 2,
            "counted": True,
            "duplicates": 1,
            "outcomes": {
                "new": 1488,
                "updated": 0,
                "not_modified": 0,
                "not_due": 0,
                "gone": 0,
                "refused": 0,
                "failed": 12,
            },
            "entries": {"new": 4812, "changed": 3, "unchanged": 1},
            "errors": {"http-404": 11, "tls": 1},
            "seconds": 6.123,
            "loop_lag": {"p50": 0.0001, "p99": 0.002, "max": 0.012346},
            "delay": {"p50": 0, "p99": 0, "max": 0, "entries": 0},
            "same_feeds": 0,
            "stored": 0,
            "remarks": [],
        }
        assert lane == {
            "width": 32,
            "done": 500,
            "peak_waiting": 468,
            "overdue": 7,
            "waited": {"p50": 0.1, "p99": 0.25, "max": 0.5},
            "worked": {"p50": 0.01, "p99": 0.02, "max": 0.333333},
        }


class TestSummary:
    def test_outcomes_reasons_with_an_example_and_the_store(self):
        assert summary(report(), "sqlite:x.db", Style()) == (
            "1,500 feeds in 6.1 s\n"
            "\n"
            "  new           1,488\n"
            "  updated           0\n"
            "  not_modified      0\n"
            "  not_due           0\n"
            "  gone              0\n"
            "  refused           0\n"
            "  failed           12\n"
            "\n"
            "  http-404  11  http://a.test/\n"
            "  tls        1  https://b.test/  the certificate has expired\n"
            "\n"
            "entries: 4,812 new, 3 changed, 1 unchanged\n"
            "stored in sqlite:x.db\n"
        )

    def test_a_run_without_failures_has_no_table_of_reasons(self):
        text = summary(report(errors={}, examples={}, entries=EntryCounts(new=1)), "x", Style())

        assert text.count("\n\n") == 2
        assert "entries: 1 new, 0 changed" in text

    def test_an_example_names_its_feed(self):
        loop = FailureExample("http://a.test/", "back to http://a.test/")
        line = FailureExample("tea", "line 2: 'tea': it does not begin with http")

        text = summary(
            report(
                errors={"redirect-loop": 1, "not-a-url": 1},
                examples={"redirect-loop": loop, "not-a-url": line},
            ),
            "x",
            Style(),
        )

        assert "  redirect-loop  1  http://a.test/  back to http://a.test/\n" in text
        assert "  not-a-url      1  line 2: 'tea': it does not begin with http\n" in text

    def test_an_interruption_is_in_its_first_line(self):
        text = summary(
            report(outcomes={Outcome.NEW: 3, Outcome.FAILED: 2}, errors={"cancelled": 2}, not_started=1495),
            "x",
            Style(interrupted=True),
        )

        assert text.startswith("interrupted after 6.1 s: 3 of 1,500 feeds done\n")

    def test_the_lanes_when_asked_for(self):
        assert (
            "\n  lane   width  done  most waiting  waited p50     p99  worked p50    p99  overdue\n"
            "  dns       32   500           468      100 ms  250 ms       10 ms  20 ms        7\n"
        ) in summary(report(), "x", Style(verbose=True))
        assert "waited" not in summary(report(), "x", Style())

    def test_what_was_not_started(self):
        assert "\n  not_started   1,234\n" in summary(report(not_started=1234), "x", Style())
        assert re.search(r"\n  not_started +0  or more\n", summary(report(counted=False), "x", Style()))

    @pytest.mark.parametrize("reason", ["cancelled", "not-stored"])
    def test_what_was_cut_short(self, reason):
        assert summary(report(errors={reason: 1}), "x", Style()).endswith(
            "\nincomplete; what was stored is in x\n"
        )

    def test_what_the_store_has_failed(self):
        feeds = tuple(Result(Feed(f"http://me:secret@f{n}.test/"), Outcome.FAILED) for n in range(10))

        text = summary(
            report(errors={"not-stored": 812}, stored=1204, not_stored_examples=feeds), "x", Style()
        )

        assert "\n1,204 feeds stored; not stored:\n  http://f0.test/\n  http://f1.test/\n" in text
        assert "\n  http://f9.test/\n  and 802 more feeds (--json lists them all)\n" in text

    def test_duplicates_with_both_lines(self):
        duplicates = (
            DuplicateFeed(Feed("http://me:secret@a.test/", line=9), 3),
            DuplicateFeed(Feed("http://b.test/"), None),
        )

        text = summary(report(duplicates=14, duplicate_examples=duplicates), "x", Style())

        assert "\n  line 9 repeats the feed of line 3: http://a.test/\n" in text
        assert "\n  listed twice: http://b.test/\n" in text
        assert "\n  and 12 more lines that repeat an earlier feed\n" in text

    def test_nothing_in_it_can_command_a_terminal(self):
        examples = {"tls": FailureExample("http://a.test/\x1b[2J", "evil\r\nline\x9b")}

        text = summary(report(errors={"tls": 1}, examples=examples), "x", Style())

        assert r"http://a.test/\x1b[2J  evil\r\nline\x9b" in text


@pytest.mark.parametrize(("number", "said"), [(0, "0 feeds"), (1, "1 feed"), (2000, "2,000 feeds")])
def test_count(number, said):
    assert count(number, "feed") == said
