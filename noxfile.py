"""Everything that is checked. Plain ``nox`` runs it all, in about a quarter of an hour on two cores.

What takes minutes has a short form there, and a session of its own, which plain ``nox`` leaves out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "virtualenv"
# Making seven of them takes two minutes; `nox --reuse-venv=no` begins afresh.
nox.options.reuse_venv = "yes"
# One that is missing is named, and its sessions are skipped; the oldest must be there.
nox.options.error_on_missing_interpreters = False

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
OLDEST, *NEWER = PYTHONS
ON_DEMAND = ("compare", "counts", "dask", "memory", "profile")
"""Benchmarks that need an argument or half an hour, or explain the figures of the others."""
QUICK = tuple(f"tests/{room}" for room in ("config", "parse", "schedule"))
"""Where the standard library's own changes would show: dates, texts, URLs."""


FLAKE8_ASYNC = (
    # 127 wants httpx's successor; 9xx wants a checkpoint in every function that is async.
    "--disable=ASYNC127,ASYNC900,ASYNC910,ASYNC911,ASYNC912,ASYNC913",
    "--transform-async-generator-decorators=as_safe_channel",
)


def install(session: nox.Session, group: str) -> None:
    """The package as a user gets it, and a group of what checks it."""
    session.install(".", *nox.project.dependency_groups(PROJECT, group))


def put_interpreters_on_the_path() -> None:
    """Let nox find the Pythons that pyenv has, and not only its shims.

    Those are on the PATH for versions too that the user has not switched on, and then only say so.
    """
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for version in PYTHONS:
        found = [
            path for path in root.glob(f"versions/{version}.*/bin") if (path / f"python{version}").exists()
        ]
        if found and not _runs(f"python{version}"):
            newest = max(
                found, key=lambda path: [int(number) for number in re.findall(r"\d+", path.parent.name)]
            )
            os.environ["PATH"] = f"{newest}{os.pathsep}{os.environ['PATH']}"


def _runs(python: str) -> bool:
    path = shutil.which(python)
    return (
        path is not None and not subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode
    )


put_interpreters_on_the_path()
if not _runs(f"python{OLDEST}"):
    sys.exit(f"Python {OLDEST}, the oldest that is supported, is not installed")


# Most tests wait for something most of the time: three at once take half as long on two cores.
_MOST = ("pytest", "-n", "3", "-m", "not alone and not heavy")


def _suite(session: nox.Session) -> None:
    session.run(*_MOST)
    session.run("pytest", "-n", "3", "-m", "heavy")
    session.run("pytest", "-m", "alone")


@nox.session(python=OLDEST)
def tests(session: nox.Session) -> None:
    """The test suite, against a real mongod; with arguments, pytest with those."""
    install(session, "tests")
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    _suite(session)


@nox.session(python=OLDEST, default=False)
def coverage(session: nox.Session) -> None:
    """Which lines and branches the test suite reaches; it fails below 95 %. It takes half as long again."""
    install(session, "tests")
    session.run(*_MOST, "--cov", "--cov-report=")
    session.run("pytest", "-m", "alone", "--cov", "--cov-append", "--cov-report=term")


@nox.session(python=NEWER)
def quick(session: nox.Session) -> None:
    """A quick form of the suite on each newer Python that is installed: no database, no servers."""
    install(session, "tests")
    session.run(
        "pytest", "-q", "-n", "3", "-m", "not alone and not heavy", "--hypothesis-profile=quick", *QUICK
    )


@nox.session(python=PYTHONS, default=False, name="tests-all")
def tests_all(session: nox.Session) -> None:
    """The whole suite on each Python that is installed: about ten minutes each."""
    install(session, "tests")
    _suite(session)


@nox.session(python=OLDEST)
def typing(session: nox.Session) -> None:
    """mypy --strict on the package, on how it is used and on the examples."""
    install(session, "typing")
    session.run("mypy")


@nox.session(python=OLDEST)
def lint(session: nox.Session) -> None:
    """ruff and flake8-async: the second knows trio better."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    files = [*Path("src").rglob("*.py"), *Path("examples").glob("*.py")]
    # It takes half a second a file; two thirds of them have nothing that it looks for.
    asynchronous = [path for path in files if re.search(r"\b(async|await|trio)\b", path.read_text("utf-8"))]
    session.run("flake8-async", *FLAKE8_ASYNC, *map(str, sorted(asynchronous)))


@nox.session(python=OLDEST)
def examples(session: nox.Session) -> None:
    """Each example is run; those that take long take a short form."""
    install(session, "tests")
    folder = session.create_tmp()
    session.run("python", "examples/embed.py", f"sqlite:{folder}/embed.db")
    session.run("python", "examples/read_back.py", f"sqlite:{folder}/embed.db")
    session.run("python", "examples/hobbled_resolver.py", "--feeds", "80", env={"PYTHONPATH": "tests"})


@nox.session(python=OLDEST, default=False)
def story(session: nox.Session) -> None:
    """The story that trioscrape comes from, in full: 500 feeds, 100 ms a lookup, about three minutes."""
    install(session, "tests")
    session.run("python", "examples/hobbled_resolver.py", env={"PYTHONPATH": "tests"})


@nox.session(python=OLDEST, default=False)
def many(session: nox.Session) -> None:
    """Thousands of feeds where plain ``nox`` has hundreds, and CPU time beside counts: about ten minutes.

    Lists that a host's rate limit spreads over days, 5,000 feeds in flight, memory by the byte, and whether
    eight times the feeds take eight times the CPU time.
    """
    install(session, "tests")
    rooms = ("run/test_rate_limits", "run/test_bounded", "run/test_complexity", "cli/test_main_job")
    files = session.posargs or [f"tests/{name}.py" for name in rooms]
    session.run("pytest", "-n", "2", *files, env={"TRIOSCRAPE_TEST_LONG": "1"})


@nox.session(python=OLDEST, default=False)
def hostile(session: nox.Session) -> None:
    """Every hostile server many times over, in the middle of a healthy scrape: about four minutes."""
    install(session, "tests")
    files = (
        *(f"tests/http/test_hostile{name}.py" for name in ("", "_habits", "_http2", "_reasons")),
        "tests/run/test_hostile_scrape.py",
    )
    session.run("pytest", *files, env={"TRIOSCRAPE_TEST_LONG": "1"})


@nox.session(python=OLDEST, default=False)
def pathological(session: nox.Session) -> None:
    """Documents made to break parsers, in their full size: 200,000 levels, texts of 50 MB; a minute."""
    install(session, "tests")
    session.run("pytest", "tests/parse/test_pathological.py", env={"TRIOSCRAPE_TEST_LONG": "1"})


@nox.session(python=OLDEST, default=False)
def adversary(session: nox.Session) -> None:
    """All rows of the tables in ``tests/adversary``, against the running program: some minutes.

    With arguments, pytest with those: ``-- tests/adversary/test_markup.py``.
    """
    install(session, "tests")
    files = session.posargs or ["tests/adversary"]
    session.run("pytest", "-n", "2", *files, env={"TRIOSCRAPE_TEST_LONG": "1"})


@nox.session(python=OLDEST, default=False)
def soak(session: nox.Session) -> None:
    """200 scrapes in one process, with random trouble: what it holds stays level. Up to twenty minutes.

    It prints its seed; ``-- SEED`` repeats a run.
    """
    install(session, "tests")
    seed = {"TRIOSCRAPE_TEST_SEED": session.posargs[0]} if session.posargs else {}
    session.run("pytest", "-s", "tests/run/test_soak.py", env={"TRIOSCRAPE_TEST_LONG": "1", **seed})


@nox.session(python=OLDEST, default=False)
def fuzz(session: nox.Session) -> None:
    """Documents that nobody has thought of, for a minute, or for so many seconds: ``-- 600``.

    What it finds is made small and kept in ``tests/parse/seeds``.
    """
    install(session, "tests")
    end = time.monotonic() + float(session.posargs[0] if session.posargs else 60)
    while time.monotonic() < end:
        seed = f"--hypothesis-seed={time.time_ns()}"  # printed, so that the round can be run again
        files = ("tests/parse/test_any_document.py", "tests/parse/test_written_feeds.py")
        session.run("pytest", "-q", *files, "--hypothesis-profile=fuzz", seed)


@nox.session(python=OLDEST, default=False)
def bench(session: nox.Session) -> None:
    """Benchmarks with their tables: those of ``tests/bench``, or one with its options; about 15 minutes.

    ``-- peers --rounds 5`` for one. These are only run when they are named: ``-- compare REVISION`` for this
    code beside another, ``-- memory`` for the peak of 100,000 feeds, in half an hour, ``-- profile`` for the
    CPU time of a feed by stage, ``-- counts --against REVISION`` for what a feed makes the program do, and
    ``-- dask --rounds 5`` for a Dask cluster beside plain processes, two minutes a round.
    """
    install(session, "bench")
    name, *options = session.posargs or ["all"]
    for path in sorted(Path("tests/bench").glob("*.py")):
        # Beside a file dask.py, the others would import that instead of Dask: it is dask_.py.
        bench = path.stem.removesuffix("_")
        if bench == name or (name == "all" and bench not in ON_DEMAND):
            session.run("python", str(path), *options, env={"PYTHONPATH": "tests"})


@nox.session(python=OLDEST, default=False)
def dask(session: nox.Session) -> None:
    """A scrape on Dask clusters of this machine, whose parts are killed: about three minutes."""
    install(session, "tests")
    session.run("pytest", "tests/distributed", env={"TRIOSCRAPE_TEST_LONG": "1"})


@nox.session(python=OLDEST, default=False)
def crash(session: nox.Session) -> None:
    """The program is killed at 100 random moments with each store, and run again: about ten minutes."""
    install(session, "tests")
    session.run("pytest", "tests/cli/test_crash.py", env={"TRIOSCRAPE_TEST_LONG": "1"})


@nox.session(python=OLDEST, default=False)
def outage(session: nox.Session) -> None:
    """Servers are killed, restarted, away or voted out while the program runs: about three minutes."""
    install(session, "tests")
    session.run("pytest", "tests/cli/test_outage.py", env={"TRIOSCRAPE_TEST_LONG": "1"})


@nox.session(python=OLDEST, default=False)
def memory(session: nox.Session) -> None:
    """The program runs with too little memory, at forty limits with each store: about six minutes."""
    install(session, "tests")
    session.run("pytest", "tests/cli/test_memory.py", env={"TRIOSCRAPE_TEST_LONG": "1"})


@nox.session(python=OLDEST, default=False)
def scale(session: nox.Session) -> None:
    """A store with 2,000,000 entries, and a run that finds nothing new: about fifteen minutes."""
    install(session, "tests")
    session.run("python", "tests/support/scale.py", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session(python=OLDEST, default=False)
def faults(session: nox.Session) -> None:
    """Faults planted at random in real feeds: 5,000, or so many (``-- 500``); a few minutes.

    A second number is the seed, which repeats a run.
    """
    install(session, "tests")
    session.run(
        "python",
        "tests/support/random_faults.py",
        *(session.posargs or ["5000"]),
        env={"PYTHONPATH": "tests"},
    )


@nox.session(python=OLDEST, default=False)
def conformance(session: nox.Session) -> None:
    """The reader against feedparser, on its own 2,000 test documents and on real feeds: two minutes."""
    install(session, "tests")
    folder = session.create_tmp()
    show = "import importlib.metadata; print(importlib.metadata.version('feedparser'))"
    version = session.run("python", "-c", show, silent=True).strip()
    sdist = f"feedparser-{version}"
    options = ("--no-deps", "--no-binary", ":all:", "--dest", folder)
    session.run("python", "-m", "pip", "download", *options, f"feedparser=={version}", silent=True)
    session.run("tar", "-xzf", f"{folder}/{sdist}.tar.gz", "-C", folder, external=True)
    session.run(
        "python", "tests/support/conformance.py", f"{folder}/{sdist}/tests", env={"PYTHONPATH": "tests"}
    )


@nox.session(python=OLDEST, default=False)
def peers(session: nox.Session) -> None:
    """The test documents of five other readers, which must find no more in them: half a minute.

    ``$TRIOSCRAPE_PEERS`` is a folder with clones of their repositories, see CONTRIBUTING.md.
    """
    folder = os.environ.get("TRIOSCRAPE_PEERS")
    if not folder or not Path(folder).is_dir():
        session.skip("$TRIOSCRAPE_PEERS names no folder with clones of other readers, see CONTRIBUTING.md")
    install(session, "peers")
    session.run("python", "tests/support/peers.py", folder, env={"PYTHONPATH": "tests"})


@nox.session(python=OLDEST, default=False)
def pages(session: nox.Session) -> None:
    """The reports of runs in headless Chromium, on a phone and on a desk, light and dark: half a minute.

    A Chromium has to be on the PATH (Debian's package is chromium-headless-shell), or at
    ``$TRIOSCRAPE_TEST_CHROMIUM``. ``-- FOLDER`` keeps pictures there.
    """
    install(session, "pages")
    pictures = {"TRIOSCRAPE_TEST_SCREENSHOTS": session.posargs[0]} if session.posargs else {}
    session.run("pytest", "tests/cli/test_report_in_a_browser.py", env=pictures)


@nox.session(python=OLDEST, default=False)
def months(session: nox.Session) -> None:
    """60 days of 2,000 feeds by the planner of a watch, and two weeks of 200 by all of it: ten minutes."""
    install(session, "tests")
    files = ("tests/schedule/test_months.py", "tests/run/test_watch_days.py")
    session.run("pytest", "-s", *files, env={"TRIOSCRAPE_TEST_LONG": "1"})


@nox.session(python=OLDEST, default=False)
def worlds(session: nox.Session) -> None:
    """Fifty made-up worlds with all invariants, then one of 100,000 feeds in virtual time: some minutes.

    With arguments, those of ``tests/support/tell_stories.py``: ``-- 10000 1 2 --profile``.
    """
    install(session, "tests")
    if not session.posargs:
        session.run("pytest", "-n", "2", "tests/testing/test_worlds.py", env={"TRIOSCRAPE_TEST_LONG": "1"})
    arguments = session.posargs or ["100000", "1", "--wide"]
    session.run("python", "tests/support/tell_stories.py", *arguments, env={"PYTHONPATH": "tests"})
