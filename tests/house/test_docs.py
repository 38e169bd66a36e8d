"""What the README says is true: its table, its options, its code."""

import ast
import re
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from trioscrape import REASONS, Entry, FeedDocument, Outcome
from trioscrape._cli.command import COMMANDS, main
from trioscrape._config.config import MEBIBYTE, Config
from trioscrape._hosts import retry_after, silence
from trioscrape._parse.document import parse_document
from trioscrape._run import network
from trioscrape._schedule import belief, freshness, permanent_redirects
from trioscrape._store.batches import CALLERS, MERGED_ENTRIES
from trioscrape._store.lane import OWN_FAILURES, REJECTED
from trioscrape._store.plan import REWRITES

from support import documented

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_reasons() -> None:
    table = README.partition("| reason |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `([a-zA-Z-]+)` \| (.*) \|$", table, re.MULTILINE)

    assert dict(rows) == REASONS


def table_of_fields() -> dict[str, dict[str, str]]:
    """By field, what each column says."""
    table = "| field |" + README.partition("| field |")[2].partition("\n\n")[0]
    head, _, *rows = ([cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines())
    return {row[0].strip("`"): dict(zip(head[1:], row[1:], strict=True)) for row in rows}


FROM_DOCUMENTS = [field.name for field in fields(Entry) if field.name != "truncated"]


def test_the_table_of_fields_has_each_field_of_an_entry() -> None:
    assert list(table_of_fields()) != []
    assert sorted(table_of_fields()) == sorted(FROM_DOCUMENTS)


@pytest.mark.parametrize("extensions", [False, True])
@pytest.mark.parametrize("column", ["RSS 2.0", "Atom", "RSS 1.0 (RDF)", "JSON Feed"])
def test_fields_come_from_where_the_table_says(column: str, extensions: bool) -> None:
    """A field has a value exactly if its row names something in the column of the format."""
    also = "extensions of these" if extensions and column != "JSON Feed" else column
    known = {name for name, row in table_of_fields().items() if row[column] or row[also]}
    body = documented.document(column, extensions=extensions)

    (entry,) = parse_document(FeedDocument(body, "http://example.org/feed")).entries

    assert {name for name in FROM_DOCUMENTS if getattr(entry, name) not in {None, ()}} == known
    assert entry.key == "1"


def test_options_that_are_named_exist(capfd: pytest.CaptureFixture[str]) -> None:
    for arguments in ["--help"], *([name, "--help"] for name in COMMANDS), ["run", "--help-all"]:
        with pytest.raises(SystemExit):
            main(arguments)
    known = set(re.findall(r"--[a-z][a-z0-9-]+", capfd.readouterr().out)) | {"--demo"}

    of_dask = {"--nthreads", "--nworkers"}
    assert set(re.findall(r"`?(--[a-z][a-z-]+)", README)) <= known | of_dask


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_code_is_python(block: str) -> None:
    ast.parse(block)


def test_the_overview_of_the_command(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["--help"])

    assert f"\n$ trioscrape --help\n{capfd.readouterr().out}```\n" in README


def test_the_table_of_outcomes() -> None:
    table = README.partition("| outcome |")[2].partition("\n\n")[0]

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Outcome)


def test_numbers_that_are_named_are_the_defaults() -> None:
    defaults, text = Config(), " ".join(README.split())
    for words in (
        f"{defaults.dns_width} lookups, {defaults.http_width} fetches",
        f"{defaults.store_width} writers",
        f"up to {MERGED_ENTRIES:,} entries",
        f"{CALLERS} feeds for each writer",
        f"rewritten {REWRITES} times in a row",
        f"{defaults.dns_abandoned:,} such threads",
        f"the {defaults.dns_width} lookups that work",
        f"`--store-timeout` ({defaults.store_timeout:g} s)",
        f"`--host-patience` (default {defaults.host_patience / 60:g} minutes)",
        f"`--outage-timeout` seconds (default {defaults.outage_timeout:g})",
        f"first {defaults.entries_limit:,} entries of a document are stored (`--entries-limit`)",
        f"`not-stored` after {OWN_FAILURES} attempts",
        f"if the store has rejected the first {REJECTED} feeds",
        f"`--drain-timeout` ({defaults.drain_timeout:g} s)",
        f"`--bytes-in-flight` ({defaults.bytes_in_flight // MEBIBYTE} MiB)",
    ):
        assert words in text


NUMBERS = {3: "three"}


def test_times_that_are_named_are_those_of_the_schedule() -> None:
    text = " ".join(README.split())
    minutes, seconds = (
        freshness.FIRST_BACK_OFF // timedelta(minutes=1),
        retry_after.SHORT // timedelta(seconds=1),
    )
    for words in (
        f"`--interval` (default {Config().interval:g} s)",
        f"but at most {freshness.LONGEST.days} days",
        f"for {freshness.LONGEST.days} days at most",
        f"After the first failure it is due in {minutes} minutes",
        f"waits for pauses of up to {seconds} seconds",
        f"When {NUMBERS[silence.IN_A_ROW]} fetches from a host in a row",
        f"tries more than {NUMBERS[network.FEW]} hosts",
        f"After a 410 it is due in {freshness.GONE.days} days",
        f"Once in {freshness.TRUST.days} to {2 * freshness.TRUST.days} days",
        f"seen on {permanent_redirects.MOVED_DAYS} days",
        f"more than {freshness.LONGEST.days} days ({belief.LONGEST_IF_GONE.days} after a 410",
        f"After {permanent_redirects.MOVED_FAILURES} failures in a row",
    ):
        assert words in text
    assert (timedelta(days=1), timedelta(minutes=1)) == (freshness.LONGEST_BACK_OFF, retry_after.UNSAID)


def test_ci_runs_the_readmes_command() -> None:
    command = "python -m pip install nox && nox"

    assert f"\n{command}\n" in README
    assert (ROOT / ".ci/run").read_text().rstrip().endswith(f"\n{command}")
