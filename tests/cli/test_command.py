"""Which command is meant, and how wrong arguments and errors end it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trioscrape._cli import run as run_command
from trioscrape._cli.command import COMMANDS, command, main, parse


class TestWhichCommand:
    @pytest.mark.parametrize(
        ("arguments", "name"),
        [
            (["feeds.txt"], "run"),
            (["-"], "run"),
            (["run", "feeds.txt"], "run"),
            (["--json", "feeds.txt"], "run"),
            (["./export"], "run"),
            (["run", "export"], "run"),
            (["demo"], "demo"),
            (["--demo"], "demo"),
            (["--json", "--demo", "--all"], "demo"),
            (["export"], "export"),
            (["import", "-"], "import"),
            (["copy", "sqlite:a", "sqlite:b"], "copy"),
        ],
    )
    def test_the_first_argument_says_it(self, arguments: list[str], name: str) -> None:
        chosen, given = parse(arguments)

        assert chosen.name == given.command == name

    def test_a_list_called_like_a_command(self) -> None:
        _, given = parse(["./export"])

        assert given.feeds == "./export"

    def test_each_has_a_name_of_its_own(self) -> None:
        assert [command(name).name for name in COMMANDS] == list(COMMANDS)


WRONG = [
    (["--nonsense"], "unknown option --nonsense; see trioscrape run --help"),
    (
        ["feeds.txt", "--dns", "3"],
        "unknown option --dns (did you mean --dns-width?); see trioscrape run --help",
    ),
    (["export", "--json"], "unknown option --json; see trioscrape export --help"),
    (["export", "--stor=x"], "unknown option --stor (did you mean --store?); see trioscrape export --help"),
    (["--json"], "FEEDS is missing; see trioscrape run --help"),
    (["import"], "FILE is missing; see trioscrape import --help"),
    (["copy"], "FROM and TO are missing; see trioscrape copy --help"),
    (["copy", "sqlite:a"], "TO is missing; see trioscrape copy --help"),
    (["copy", "sqlite:a", "sqlite:a"], "FROM and TO are the same store"),
    (["copy", "sqlite:a", "sqlite:b", "--store", "sqlite:c"], "unknown option --store"),
    (["feeds.txt", "more.txt"], "unexpected argument 'more.txt'; see trioscrape run --help"),
    (["feeds.txt", "--demo"], "unexpected argument 'feeds.txt'; see trioscrape demo --help"),
    (["export", "jsonl"], "unexpected argument 'jsonl'; see trioscrape export --help"),
    (["feeds.txt", "--store"], "--store needs a value; see trioscrape run --help"),
    (["feeds.txt", "--json=yes"], "--json takes no value; see trioscrape run --help"),
    (["feeds.txt", "--address-policy", "x"], "--address-policy must be one of listed, public, any, not 'x'"),
    (["feeds.txt", "--user-agent", "a\nb"], "--user-agent must be printable ASCII"),
    (["feeds.txt", "--warc", ""], "--warc must be the name of a folder, not empty"),
    (["export", "--format", "xml"], "--format must be jsonl, json, csv, csv-data or parquet, not 'xml'\n"),
    (["export", "--format", "jsonlines"], "csv-data or parquet, not 'jsonlines' (did you mean jsonl?)"),
    (["export", "--format", "opml"], "csv-data or parquet, not 'opml' (which is for --feeds)"),
    (["export", "--all", "--format", "csv"], "--format must be jsonl with --all, not 'csv'"),
    (["export", "--all", "--feeds"], "--feeds and --all exclude each other"),
    (["export", "--all", "--since", "1h"], "--all can't be combined with --since or --limit"),
    (["export", "--all", "--limit", "1"], "--all can't be combined with --since or --limit"),
    (["export", "--feeds", "--since", "1h"], "--since is about entries"),
    (["export", "--limit", "few"], "--limit must be a whole number, not 'few'"),
    (["import", "bad.opml"], "bad.opml, line 1: it is not from 'trioscrape export': not JSON"),
    (["--demo", "--since", "24h"], "unknown option --since"),
    (["exprot"], "there is no file and no command 'exprot' (did you mean export?)"),
    (["feeds.txt", "--ca-file", "no.pem"], "--ca-file 'no.pem' can't be read: No such file or directory"),
    (["missing.txt"], "missing.txt: No such file or directory"),
    (["."], ".: Is a directory"),
    (["empty.txt"], "empty.txt: it contains no feeds"),
    (["bad.opml"], "bad.opml, line 1: malformed OPML: mismatched tag"),
    (["--demo", "--store", "mysql://me:secret@db/x"], "mysql://db/x"),
    (["copy", "sqlite:a", "mysql://me:secret@db/x"], "mysql://db/x"),
    (["--demo", "http://me:secret@a.test/"], "unexpected argument 'http://a.test/'"),
    (["--demo", "--http://me:secret@a.test/"], "unknown option --http://a.test/"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "said"), WRONG)
def test_wrong_arguments_are_one_line_and_status_2(
    arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is opened, and no password is repeated."""
    Path("empty.txt").touch()
    Path("bad.opml").write_text("<opml><body></opml>")

    assert main(arguments) == 2

    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("trioscrape: ")
    assert said in err
    assert err.count("\n") == 1
    assert "secret" not in err
    assert sorted(path.name for path in Path().iterdir()) == ["bad.opml", "empty.txt"]


def test_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([])

    assert caught.value.code == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("Usage: trioscrape FEEDS [options]\n")
    assert "\nExample: trioscrape feeds.txt\n" in err


def test_version(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])

    assert caught.value.code == 0
    assert capfd.readouterr().out == "trioscrape 0.1.0\n"


def test_interrupted_before_anything_begins(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_command, "open_feed_list", interrupted)

    assert main(["-"]) == 1
    assert capfd.readouterr() == ("", "trioscrape: interrupted\n")


def test_interrupted_while_a_terminal_does_not_take_the_last_message(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(io.StringIO):
        encoding = "utf-8"

        def fileno(self) -> int:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stderr", Stopped())

    assert main(["--nonsense"]) == 2


class TestCompletion:
    """As the shell function of ``register-python-argcomplete trioscrape`` does it."""

    def complete(self, line: str) -> list[str]:
        found = Path("completions")
        environment = os.environ | {
            "_ARGCOMPLETE": "1",
            "_ARGCOMPLETE_STDOUT_FILENAME": str(found),
            "_ARGCOMPLETE_IFS": "\n",
            "COMP_LINE": line,
            "COMP_POINT": str(len(line)),
        }
        program = [sys.executable, "-c", "from trioscrape._cli.command import main; main()"]
        subprocess.run(program, env=environment, timeout=60, check=False, capture_output=True)
        return [each.strip() for each in found.read_text().split("\n")]

    def test_commands(self) -> None:
        assert COMMANDS.keys() <= set(self.complete("trioscrape "))

    def test_options_also_rare_ones(self) -> None:
        assert self.complete("trioscrape run feeds.txt --dns-") == ["--dns-width", "--dns-abandoned"]
