"""What the README says is true: its table, its options, its code."""

import ast
import re
from pathlib import Path

import pytest

from trioscrape import REASONS
from trioscrape._config import Config, settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_reasons() -> None:
    rows = re.findall(r"^\| `([a-zA-Z-]+)` \| (.*) \|$", README, re.MULTILINE)

    assert dict(rows) == REASONS


def test_options_that_are_named_exist() -> None:
    other = {
        "--demo",
        "--json",
        "--all",
        "--store",
        "--addresses",
        "--resolver",
        "--allow-net",
        "--deny-net",
        "--proxy",
        "--per",
    }
    known = {"--" + name.replace("_", "-") for name in settings()} | other

    assert set(re.findall(r"`?(--[a-z][a-z-]+)", README)) <= known


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_code_is_python(block: str) -> None:
    ast.parse(block)


def test_numbers_that_are_named_are_the_defaults() -> None:
    defaults = Config()
    assert f"{defaults.dns_width} lookups, {defaults.http_width} fetches" in README
    assert f"{defaults.store_width} writers" in README
    assert f"{defaults.dns_abandoned:,} such threads" in README
    assert f"`--store-deadline` ({defaults.store_deadline:g} s)" in README


def test_ci_runs_the_readmes_command() -> None:
    command = "python -m pip install nox && nox"

    assert f"\n{command}\n" in README
    assert (ROOT / ".ci/run").read_text().rstrip().endswith(f"\n{command}")
