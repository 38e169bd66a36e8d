"""What the README says is true: its table, its options, its code."""

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest

from trioscrape import REASONS
from trioscrape._cli.command import COMMANDS, main
from trioscrape._config.config import Config
from trioscrape._hosts import retry_after
from trioscrape._schedule import freshness, permanent_redirects
from trioscrape._store.batches import CALLERS, MERGED_ENTRIES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_reasons() -> None:
    rows = re.findall(r"^\| `([a-zA-Z-]+)` \| (.*) \|$", README, re.MULTILINE)

    assert dict(rows) == REASONS


def test_options_that_are_named_exist(capfd: pytest.CaptureFixture[str]) -> None:
    for arguments in ["--help"], *([command.name, "--help"] for command in COMMANDS), ["run", "--help-all"]:
        with pytest.raises(SystemExit):
            main(arguments)
    known = set(re.findall(r"--[a-z][a-z0-9-]+", capfd.readouterr().out)) | {"--demo"}

    assert set(re.findall(r"`?(--[a-z][a-z-]+)", README)) <= known


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_code_is_python(block: str) -> None:
    ast.parse(block)


def test_numbers_that_are_named_are_the_defaults() -> None:
    defaults = Config()
    assert f"{defaults.dns_width} lookups, {defaults.http_width} fetches" in README
    assert f"{defaults.store_width} writers" in README
    assert f"up to {MERGED_ENTRIES:,} entries" in README
    assert f"{CALLERS} feeds for each" in README
    assert f"{defaults.dns_abandoned:,} such threads" in README
    assert f"`--store-timeout` ({defaults.store_timeout:g} s)" in README
    patience = f"`--outage-timeout` seconds (default {defaults.outage_timeout:g})"
    limit = f"first {defaults.entries_limit:,} entries are taken (`--entries-limit`)"
    assert patience in " ".join(README.split())
    assert limit in " ".join(README.split())


def test_times_that_are_named_are_those_of_the_schedule() -> None:
    text = " ".join(README.split())
    minutes, seconds = (
        freshness.FIRST_BACK_OFF // timedelta(minutes=1),
        retry_after.SHORT // timedelta(seconds=1),
    )
    for words in (
        f"`--interval` (default {Config().interval:g} s)",
        f"count for {freshness.LONGEST.days} days at most",
        f"beyond {freshness.LONGEST.days} days is cut",
        f"{minutes} minutes after the first failure",
        f"waits for up to {seconds} seconds",
        f"asked again after {freshness.GONE.days} days",
        f"once in {freshness.TRUST.days} to {2 * freshness.TRUST.days} days",
        f"to the same URL on {permanent_redirects.MOVED_DAYS} days",
        f"After {permanent_redirects.MOVED_FAILURES} failures in a row",
    ):
        assert words in text
    assert (timedelta(days=1), timedelta(minutes=1)) == (freshness.LONGEST_BACK_OFF, retry_after.UNSAID)


def test_ci_runs_the_readmes_command() -> None:
    command = "python -m pip install nox && nox"

    assert f"\n{command}\n" in README
    assert (ROOT / ".ci/run").read_text().rstrip().endswith(f"\n{command}")
