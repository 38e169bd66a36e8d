"""Files that are named with ``-o`` or ``--report``: replaced when complete, and only if they are files."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from trioscrape import ResourceError, UsageError
from trioscrape._cli._report.file import ReportFile
from trioscrape._cli.output import new_file

from support.command_line import Site, run


def write(name: str, *, keep: bool = True) -> None:
    with new_file(name) as file:
        os.write(file.descriptor, b"new")
        if keep:
            file.keep()


def report(name: str) -> None:
    ReportFile(name).write("new")


@pytest.mark.parametrize("writes", [write, report])
class TestBoth:
    def test_a_symbolic_link_stays_one(self, writes) -> None:  # type: ignore[no-untyped-def]
        Path("there").mkdir()
        Path("there/file").write_text("old")
        Path("link").symlink_to("there/file")

        writes("link")

        assert Path("link").is_symlink()
        assert Path("there/file").read_text() == "new"
        assert [path.name for path in Path("there").iterdir()] == ["file"]

    def test_a_link_that_leads_nowhere_yet(self, writes) -> None:  # type: ignore[no-untyped-def]
        Path("link").symlink_to("file")

        writes("link")

        assert (Path("link").is_symlink(), Path("file").read_text()) == (True, "new")

    def test_a_fifo_is_written_to(self, writes) -> None:  # type: ignore[no-untyped-def]
        os.mkfifo("fifo")
        read: list[str] = []
        thread = threading.Thread(target=lambda: read.append(Path("fifo").read_text()), daemon=True)
        thread.start()

        writes("fifo")

        thread.join(30)
        assert read == ["new"]
        assert Path("fifo").is_fifo()

    def test_a_device_stays(self, writes) -> None:  # type: ignore[no-untyped-def]
        writes("/dev/null")

        assert Path("/dev/null").is_char_device()

    def test_a_directory_is_refused(self, writes) -> None:  # type: ignore[no-untyped-def]
        Path("folder").mkdir()

        with pytest.raises(UsageError, match="folder: is a directory"):
            writes("folder")

    @pytest.mark.parametrize("name", ["n" * 253, "missing/file"])
    def test_a_name_that_no_file_can_have(self, writes, name: str) -> None:  # type: ignore[no-untyped-def]
        """The name beside it is longer."""
        with pytest.raises((UsageError, ResourceError), match=name):
            writes(name)


def test_what_is_not_kept_changes_nothing() -> None:
    Path("file").write_text("old")

    write("file", keep=False)
    ReportFile("file")

    assert Path("file").read_text() == "old"
    assert [path.name for path in Path().iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["n" * 253, "folder", "missing/file"])
def test_a_report_is_refused_before_the_run(name: str) -> None:
    Path("folder").mkdir()

    with pytest.raises(UsageError, match=f"--report {name}: "):
        ReportFile(name)


def test_a_directory_is_refused_before_anything_is_fetched(site: Site) -> None:
    Path("sites.txt").write_text(site.url("stall/"))
    Path("folder").mkdir()

    done = run("discover", "sites.txt", "-o", "folder")

    assert (done.returncode, done.stderr) == (2, "trioscrape: folder: is a directory\n")
    assert not site.requested.is_set()
