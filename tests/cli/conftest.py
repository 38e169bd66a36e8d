"""A folder, an environment and a web site of its own for each test of the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.command_line import Site, serving
from support.transfers import SQLITE


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file and no variable of this machine says what a command does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIOSCRAPE_STORE", raising=False)
    for name in "http_proxy", "https_proxy", "all_proxy", "no_proxy":
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def feeds() -> Callable[..., str]:
    """Writes a list of these lines; its name."""

    def write(*lines: str) -> str:
        Path("feeds.txt").write_text("".join(f"{line}\n" for line in lines))
        return "feeds.txt"

    return write


@pytest.fixture(params=["sqlite", "mongo"])
def store_url(request: pytest.FixtureRequest) -> str:
    """An empty store of each kind."""
    return SQLITE if request.param == "sqlite" else str(request.getfixturevalue("mongodb_url"))
