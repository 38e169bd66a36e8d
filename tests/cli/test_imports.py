"""What is not imported before it is needed: that is what a start takes its time for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.command_line import Site, command

READERS = {"feedparser", "lxml", "nh3"}
"""Of documents: for worker processes."""
RARE = {"dns", "h2", "jinja2", "publicsuffixlist", "pyarrow", "pymongo", "rich", "trioscrape._demo"}
OTHERS = {f"trioscrape._cli.{name}" for name in ("copy", "demo", "export", "forget", "import_", "parquet")}

LOOK = """
import os, sys

def look(event, _):
    if event == "socket.connect" and not os.path.exists("seen"):
        with open("seen", "w") as seen:
            seen.write(" ".join(sys.modules))

sys.addaudithook(look)
"""
"""Writes down what has been imported when the first connection is made."""


def imported(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_the_version() -> None:
    """Of ours as little as of others."""
    code = "sys.argv = ['trioscrape', '--version']\nfrom trioscrape.__main__ import main"

    found = imported(f"{code}\ntry: main()\nexcept SystemExit: pass")

    assert not found & (READERS | RARE | OTHERS | {"httpx", "sqlite3", "trio", "trioscrape._cli.run"})


def test_the_package() -> None:
    assert not imported("import trioscrape") & (READERS | RARE | {"httpx", "sqlite3", "trio", "argparse"})


def test_a_public_name() -> None:
    """It brings the others, but not what only some scrapes need.

    Where click is installed, as it is with Dask, httpx brings its own command, with rich and argparse.
    """
    found = imported("sys.modules['click'] = None\nfrom trioscrape import Feed")

    assert "trio" in found
    assert not found & (READERS | RARE - {"h2"} | OTHERS | {"argparse"})


def test_the_command_until_its_first_request(site: Site) -> None:
    Path("feeds.txt").write_text(site.url("a"))
    Path("hooks").mkdir()
    Path("hooks/sitecustomize.py").write_text(LOOK)
    environment = os.environ | {"PYTHONPATH": "hooks"}

    subprocess.run(command("feeds.txt"), env=environment, timeout=60, check=True)

    found = set(Path("seen").read_text().split())
    assert {"httpx", "sqlite3", "trio"} <= found
    assert not found & (READERS | RARE | OTHERS)


def test_http2_can_still_be_imported() -> None:
    """Although the command hides it from httpcore at first."""
    code = """
import sys
from trioscrape._cli import process
process.begin()
with process.without_unused():
    import httpcore
assert not {"h2", "anyio"} & sys.modules.keys()
from httpcore._async.http2 import AsyncHTTP2Connection
"""
    assert "h2.connection" in imported(code)
