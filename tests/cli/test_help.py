"""Help pages: one screen each, true examples, every option explained."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from itertools import groupby

import pytest

from trioscrape import Config
from trioscrape._cli.command import COMMANDS, command, main, parse
from trioscrape._config.config import ranges

PAGES = [["--help"], *([name, "--help"] for name in COMMANDS)]
ALL = [*PAGES, ["run", "--help-all"], ["demo", "--help-all"]]


def shown(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    out, err = capfd.readouterr()
    assert err == ""
    return out


@pytest.mark.parametrize("arguments", PAGES, ids=" ".join)
def test_a_page_fits_a_screen(
    arguments: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert len(shown(arguments, capfd).splitlines()) <= 40


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
@pytest.mark.parametrize("arguments", ALL, ids=" ".join)
def test_lines_are_as_long_as_the_terminal_at_most(
    arguments: list[str], columns: int, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for examples and words that can't be broken."""
    monkeypatch.setenv("COLUMNS", str(columns))
    page = shown(arguments, capfd)

    for line in page.partition("Examples:")[0].splitlines():
        assert len(line) <= min(columns, 80) or line.startswith(("Usage:", "       trioscrape"))


@pytest.mark.parametrize("arguments", ALL, ids=" ".join)
def test_a_page_is_ascii(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    """It is the same in every locale, and has no colours."""
    page = shown(arguments, capfd)

    assert page.isascii()
    assert page.replace("\n", "").isprintable()


@pytest.mark.parametrize("arguments", PAGES, ids=" ".join)
def test_examples_are_understood(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    examples = shown(arguments, capfd).partition("Examples:\n")[2].partition("\n\n")[0].splitlines()

    assert examples
    for example in examples:
        words = shlex.shlex(example, posix=True, punctuation_chars="|>")
        words.whitespace_split = True
        for between, part in groupby(words, lambda word: word in "|>"):
            if not between and "trioscrape" in (words := list(part)):
                parse(words[words.index("trioscrape") + 1 :])


def test_the_overview_names_every_command(capfd: pytest.CaptureFixture[str]) -> None:
    page = shown(["--help"], capfd)

    for name in COMMANDS:
        assert re.search(rf"^  {name} +{re.escape(command(name).summary[:40])}", page, re.MULTILINE)


def test_all_settings_have_an_option(capfd: pytest.CaptureFixture[str]) -> None:
    page = shown(["run", "--help-all"], capfd)
    other = {
        "allow_networks": "allow-network",
        "deny_networks": "deny-network",
        "ignore_schedule": "all",
        "http_proxy": "proxy",
        "https_proxy": "proxy",
    }
    for field in fields(Config):
        name = other.get(field.name, field.name.replace("_", "-"))
        assert f"\n  --{name} " in page or field.name == "no_proxy"
    assert len(re.findall(r"\(default:\s", page)) >= len(ranges())
    assert "$NO_PROXY" in page


def test_the_common_page_leaves_out_rare_options_which_work_all_the_same(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert "--dns-width" not in shown(["run", "--help"], capfd)
    assert parse(["feeds.txt", "--dns-width", "7"])[1].dns_width == "7"


@pytest.mark.parametrize("name", COMMANDS)
def test_shared_options_say_the_same_everywhere(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    overview, page = (
        re.sub(r"\s+", " ", shown(arguments, capfd)) for arguments in (["--help"], [name, "--help"])
    )
    for option in "--store URL", "--json", "-q, --quiet":
        text = overview.partition(f"{option} ")[2].partition(" -")[0]
        if name in ("demo", "replay"):  # one has a store of its own, the other no default
            text = text.partition(" (default: $TRIOSCRAPE_STORE")[0]
        if f" {option} " in page.partition("Options:")[2].partition("Examples:")[0]:
            assert f"{option} {text}" in page
