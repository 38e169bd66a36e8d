"""``--report FILE``, as the command writes it."""

from __future__ import annotations

import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from trioscrape._cli import reporter
from trioscrape._cli.command import main

from support.command_line import Site, records, run, running
from support.run_pages import numbers, section, shown, text_of, tree

Write = Callable[..., str]
Capture = pytest.CaptureFixture[str]


def test_its_numbers_are_those_that_the_run_prints(site: Site, feeds: Write, store_url: str) -> None:
    listed = feeds("ftp://old.test/", *(site.url(name) for name in "abc"), site.url("a"))
    options = (listed, "--store", store_url, "--report", "run.html", "--json")
    for _ in range(2):
        ended = run(*options)

        *_, last = records(ended.stdout)
        page = tree(Path("run.html").read_text("utf-8"))
        assert numbers(page) == shown(last)
        assert last["run_id"] in text_of(page)
        assert ended.stderr.endswith("report written to run.html\n")
        assert ended.returncode == 0
    assert "This was the first run" not in section(page, "since")
    assert sorted(path.name for path in Path().iterdir() if "html" in path.name) == ["run.html"]


def test_the_first_run_has_none_before_it(site: Site, feeds: Write) -> None:
    assert main([feeds(site.url("a")), "--report", "run.html", "--quiet"]) == 0

    page = tree(Path("run.html").read_text("utf-8"))
    assert "This was the first run on this store." in section(page, "since")


def test_what_broke_since(site: Site, feeds: Write) -> None:
    path = feeds(site.url("a"))
    main([path, "--quiet"])
    site.shutdown()
    site.server_close()
    main([path, "--quiet", "--all", "--report", "run.html"])

    text = section(tree(Path("run.html").read_text("utf-8")), "since")
    assert f"Broke: 1 {site.url('a')} T connection-refused" in text


def test_of_the_demo(capfd: Capture) -> None:
    assert main(["demo", "--report", "demo.html", "--quiet"]) == 0

    page = tree(Path("demo.html").read_text("utf-8"))
    assert "500 feeds in " in text_of(page)
    assert numbers(page)["outcomes.failed"] == 27


@pytest.mark.parametrize("path", ["missing/run.html", "."])
def test_where_nothing_can_be_written_the_run_does_not_begin(
    path: str, site: Site, feeds: Write, capfd: Capture
) -> None:
    assert main([feeds(site.url("a")), "--report", path]) == 2

    assert f"--report {path}: " in capfd.readouterr().err
    assert site.paths == []


def test_a_report_that_can_not_be_written_at_last_costs_the_exit_status(
    site: Site, feeds: Write, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reporter.ReportFile, "write", fail)
    assert main([feeds(site.url("a")), "--report", "run.html"]) == 1

    out, err = capfd.readouterr()
    assert "1 feed in " in out
    assert err.endswith("can't write the report run.html: No space left on device\n")


def test_an_older_report_stays_until_the_new_one_is_complete(site: Site, feeds: Write) -> None:
    Path("run.html").write_text("old")
    Path("run.html").chmod(0o644)
    assert main([feeds(site.url("a")), "--report", "run.html", "--quiet"]) == 0

    assert Path("run.html").read_text("utf-8").startswith("<!doctype html>")
    assert stat.S_IMODE(Path("run.html").stat().st_mode) & 0o400


def test_an_interrupted_run_has_its_report_too(site: Site, feeds: Write) -> None:
    listed = feeds(site.url("stall/a"), site.url("b"))
    with running(listed, "--report", "run.html", "--all") as process:
        assert site.requested.wait(30)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "press Ctrl-C again" not in process.stderr.readline():
            pass
        site.go_on.set()
        process.communicate(timeout=30)

    page = tree(Path("run.html").read_text("utf-8"))
    assert "Interrupted: " in text_of(page)
    assert numbers(page)["not_started"] == 1
    assert numbers(page)["outcomes.new"] == 1
