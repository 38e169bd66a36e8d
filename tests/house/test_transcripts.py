"""The README's transcripts are what its commands print now: see ``tests/support/transcripts.py``."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import transcripts

pytestmark = pytest.mark.heavy

README = transcripts.of_the_readme()
BY_HAND = {
    "python examples/hobbled_resolver.py",  # its figures are those of the whole story, which takes minutes
    "trioscrape watch feeds.txt --every 5m",  # it shows five minutes
}


def shown(line: str) -> list[str]:
    return [each.printed for each in README if each.line == line]


def test_each_transcript_is_made_by_its_command() -> None:
    assert {each.line for each in README} == transcripts.MAKERS.keys() | BY_HAND


@pytest.mark.parametrize("line", transcripts.MAKERS)
def test_none_is_stale(line: str) -> None:
    """If it is: ``PYTHONPATH=tests python tests/support/transcripts.py`` writes what is printed now."""
    for old, new in zip(shown(line), transcripts.made(line), strict=True):
        printed = transcripts.shortened(new.printed, old)
        assert transcripts.comparable(old) == transcripts.comparable(printed)


def test_the_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells its totals every five minutes as it does at the end."""
    monkeypatch.chdir(tmp_path)
    [old] = shown("trioscrape watch feeds.txt --every 5m")
    began, *_, ended = transcripts.watch().splitlines()

    found = [transcripts.without_figures(line) for line in (began, ended.replace("ended", "so far"))]
    assert found == transcripts.without_figures(old).splitlines()


def test_the_story_of_the_lock(mongodb_url: str) -> None:
    [old] = shown("python examples/hobbled_resolver.py")

    assert transcripts.without_figures(transcripts.hobbled(mongodb_url, 20)) == transcripts.without_figures(
        old
    )
