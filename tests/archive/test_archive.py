"""An archive that a scrape writes to, on a disk that is full for a while, or to the end."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from trioscrape import Config, ResourceError
from trioscrape._archive.archive import open_archive
from trioscrape._archive.reader import ArchiveReader

from support.archives import checked, largest_file
from support.kept import exchange, fetch, poll

LARGEST = 500_000
"""Bytes of a file; the index needs less."""


async def test_what_had_no_room_is_written_at_the_end(tmp_path: Path) -> None:
    """Where there is room then: those feeds are stored, and nothing of them is lost."""
    folder = tmp_path / "archive"
    with pytest.raises(ResourceError, match=r"File too large$"):
        async with open_archive(str(folder)) as archive:
            with largest_file(LARGEST):
                archive.note_poll(poll())
                await archive.add_fetch(fetch(exchange(os.urandom(LARGEST))))
    assert archive.remark.startswith("kept 1 answer: ")

    with closing(ArchiveReader(folder, Config().body_limit)) as reader:
        assert len(list(reader)) == 1
    assert checked(folder) == ""


@pytest.mark.parametrize(
    ("polls", "said"), [(0, ""), (1, "; the last poll is not in it"), (3, "; the last 3 polls are not in it")]
)
async def test_what_is_lost_is_told(tmp_path: Path, polls: int, said: str) -> None:
    with largest_file(LARGEST), pytest.raises(ResourceError) as caught:
        async with open_archive(str(tmp_path / "archive")) as archive:
            for _ in range(polls):
                archive.note_poll(poll())
            await archive.add_fetch(fetch(exchange(os.urandom(LARGEST))))

    assert str(caught.value) == f"can't write to the archive {tmp_path / 'archive'}: File too large{said}"
    assert archive.remark.startswith("kept 0 answers: 0.0 MB")
