"""``trioscrape replay`` as a user has it: 500 feeds, with each store."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from support.archives import checked, files, records
from support.command_line import Site, run
from support.command_line import records as lines

MOMENTS = {"first_seen", "last_changed"}
"""When a store has written an entry."""


def exported(store: str) -> list[dict[str, Any]]:
    """All that is in a store, without its own moments and how long the lanes took."""
    done = run("export", "--all", "--store", store)
    assert done.returncode == 0, done.stderr
    found = lines(done.stdout)
    for record in found:
        for name in MOMENTS & record.keys():
            del record[name]
        for poll in record.get("recent", ()):
            poll.pop("times", None)
    return sorted(found, key=json.dumps)


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["sqlite", "mongo"])
def test_the_store_of_500_feeds_becomes_the_same(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    first, second = f"sqlite:{tmp_path / 'first.db'}", f"sqlite:{tmp_path / 'second.db'}"
    if kind == "mongo":
        url = request.getfixturevalue("mongodb_url")
        first, second = f"{url}_first", f"{url}_second"
    archive = str(tmp_path / "archive")
    for _ in range(2):  # the second time, most answers are 304
        done = run("demo", "--store", first, "--warc", archive)
        assert done.returncode == 0, done.stderr
        assert "  kept " in done.stdout
    before = exported(first)
    if kind == "sqlite":
        (tmp_path / "first.db").unlink()

    done = run("replay", archive, "--store", second)

    assert done.returncode == 0, done.stderr
    assert "\n  not_modified  469\n" in done.stdout
    assert exported(second) == before
    assert checked(Path(archive)) == ""
    assert {each.kind for each in records(Path(archive))} == {
        "metadata",
        "request",
        "response",
        "revisit",
        "warcinfo",
    }


def test_entries_are_as_old_as_their_polls(tmp_path: Path, site: Site) -> None:
    archive, store = str(tmp_path / "archive"), tmp_path / "second.db"
    assert (
        run(site.url("feed"), "--store", f"sqlite:{tmp_path / 'first.db'}", "--warc", archive).returncode == 0
    )
    (metadata,) = (each for each in records(Path(archive)) if each.kind == "metadata")
    ended = json.loads(metadata.block)["ended"]

    assert run("replay", archive, "--store", f"sqlite:{store}").returncode == 0

    found = sqlite3.connect(store).execute("SELECT first_seen, last_changed FROM entries").fetchall()
    assert found == [(f"{ended[:23]}+00:00",) * 2]


def test_json(tmp_path: Path, site: Site) -> None:
    archive = str(tmp_path / "archive")
    run(site.url("feed"), "--store", f"sqlite:{tmp_path / 'first.db'}", "--warc", archive)

    done = run("replay", archive, "--store", f"sqlite:{tmp_path / 'second.db'}", "--json")

    feed, replay = lines(done.stdout)
    assert (feed["type"], feed["url"], feed["outcome"]) == ("feed", site.url("feed"), "new")
    assert (replay["type"], replay["feeds"], replay["left_out"]) == ("replay", 1, 0)


def test_a_store_has_to_be_named(tmp_path: Path, site: Site) -> None:
    """Not the one that runs use by default, nor that of the environment: a replay would lead it astray."""
    live = f"sqlite:{tmp_path / 'live.db'}"
    run(site.url("feed"), "--store", live, "--warc", str(tmp_path / "archive"))

    done = run("replay", "archive", cwd=tmp_path, env={**os.environ, "TRIOSCRAPE_STORE": live})

    assert done.returncode == 2
    assert done.stderr == "trioscrape: --store is missing; see trioscrape replay --help\n"


def test_the_store_has_all_polls_already(tmp_path: Path, site: Site) -> None:
    archive, store = str(tmp_path / "archive"), f"sqlite:{tmp_path / 'first.db'}"
    run(site.url("feed"), "--store", store, "--warc", archive)
    before = exported(store)

    done = run("replay", archive, "--store", store)

    assert done.returncode == 0, done.stderr
    assert "1 poll had been stored before" in done.stderr
    assert exported(store) == before


def test_the_store_has_later_polls(tmp_path: Path, site: Site) -> None:
    archive, second = str(tmp_path / "archive"), f"sqlite:{tmp_path / 'second.db'}"
    run(site.url("feed"), "--store", f"sqlite:{tmp_path / 'first.db'}", "--warc", archive)
    run(site.url("feed"), "--store", second)
    before = exported(second)

    done = run("replay", archive, "--store", second)

    assert done.returncode == 1
    assert "the store has later polls of it\n" in done.stderr
    assert exported(second) == before


@pytest.mark.parametrize(
    ("made", "said"), [(False, "archive is not a folder"), (True, "archive has no WARC files")]
)
def test_there_is_no_archive(tmp_path: Path, made: bool, said: str) -> None:
    if made:
        (tmp_path / "archive").mkdir()

    done = run("replay", "archive", "--store", "sqlite:x.db", cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith(f"trioscrape: {said}")
    assert len(done.stderr.splitlines()) == 1


def test_a_damaged_archive_is_told(tmp_path: Path, site: Site) -> None:
    """What is whole is replayed."""
    archive = tmp_path / "archive"
    for _ in range(2):
        run(site.url("feed"), "--all", "--store", f"sqlite:{tmp_path / 'first.db'}", "--warc", str(archive))
    last = files(archive)[-1]
    last.write_bytes(last.read_bytes()[:-20])

    done = run("replay", str(archive), "--store", f"sqlite:{tmp_path / 'second.db'}")

    assert done.returncode == 1
    assert f"{last.name}: it ends in the middle of a record; the rest of this file is left out" in done.stderr
    assert "\n  new           1\n" in done.stdout


def test_a_folder_that_can_not_be_written_is_one_line(tmp_path: Path, site: Site) -> None:
    (tmp_path / "file").write_text("")

    done = run(site.url("feed"), "--store", f"sqlite:{tmp_path / 'x.db'}", "--warc", str(tmp_path / "file"))

    assert done.returncode == 1
    said = f"trioscrape: can't write to the archive {tmp_path / 'file'}: File exists"
    assert done.stderr.splitlines()[-1] == said
