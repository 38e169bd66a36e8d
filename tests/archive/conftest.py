from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from trioscrape._archive.writer import WarcWriter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def writer(folder: Path) -> Iterator[WarcWriter]:
    """It is closed at the end, unless the test has done so."""
    made = WarcWriter(folder)
    yield made
    made.close()
