"""``trioscrape --dask``: what it prints, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymongo import MongoClient

from trioscrape._cli.command import main
from trioscrape.distributed.cluster import local_cluster

from support.cluster import LIMIT, Hosts, scheduler_and_workers, stored
from support.command_line import command, records, run
from support.long import only_in
from support.survival import contents, marked

pytestmark = [pytest.mark.heavy]


@pytest.fixture
def feeds(hosts: Hosts, tmp_path: Path) -> str:
    """A list of 40 feeds, ten of them on one host."""
    path = tmp_path / "feeds.txt"
    path.write_text("\n".join(hosts.urls(30) + hosts.urls(10, "giant", hosts=1)))
    return str(path)


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process group of its own, and a mark that all its processes have."""
    mark = uuid.uuid4().hex
    pipe, env = subprocess.PIPE, {**os.environ, "TRIOSCRAPE_TEST_RUN": mark}
    with subprocess.Popen(
        command(*arguments), text=True, stdout=pipe, stderr=pipe, env=env, start_new_session=True
    ) as process:
        try:
            yield process, mark
        finally:
            process.kill()
    wait_until_gone(mark)


def wait_until_gone(mark: str) -> None:
    """Wait until no process is left that has the mark, or for the time limit."""
    while list(marked(mark)):
        pass


def test_it_stores_and_prints_what_one_process_does(
    hosts: Hosts, feeds: str, mongodb_url: str, tmp_path: Path
) -> None:
    other, page = f"{mongodb_url}_one", tmp_path / "run.html"
    arguments = (feeds, "--store", mongodb_url, "--dask", "local:2", "--json", "--report", str(page))
    with running(*arguments) as (process, _):
        out, err = process.communicate(timeout=LIMIT)
    try:
        expected = records(run(feeds, "--store", other, "--json").stdout)
        assert contents(mongodb_url) == contents(other)
    finally:
        with MongoClient(other) as mongo:
            mongo.drop_database(other.rpartition("/")[2])

    assert process.returncode == 0, err
    found = records(out)
    names = ("url", "outcome", "reason", "entries", "stored", "status", "bytes", "final_url")
    by_url = {record["url"]: [record[name] for name in names] for record in expected[:-1]}
    assert {record["url"]: [record[name] for name in names] for record in found[:-1]} == by_url
    assert found[-1]["cluster"] == {"workers": 2, "shards": 1, "repeated_shards": 0}
    assert {**found[-1]["outcomes"]} == expected[-1]["outcomes"]
    assert err.splitlines()[1:] == [f"Fetching 40 feeds into {mongodb_url}", f"report written to {page}"]
    assert 'data-of="cluster.workers"' in page.read_text()
    assert len(stored(mongodb_url, "runs")) == 1


def test_workers_get_no_ctrl_c() -> None:
    """Nor does one that takes the place of another."""

    def blocked() -> set[int]:
        return set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    before = blocked()
    with local_cluster(1) as client:
        assert blocked() == before
        (first,) = client.run(os.getpid).values()
        assert signal.SIGINT in next(iter(client.run(signal.pthread_sigmask, signal.SIG_BLOCK, ()).values()))
        os.kill(first, signal.SIGKILL)
        while not (workers := client.run(os.getpid, on_error="ignore")) or first in workers.values():
            pass  # until the time limit
        assert signal.SIGINT in next(iter(client.run(signal.pthread_sigmask, signal.SIG_BLOCK, ()).values()))


@pytest.mark.parametrize("times", [pytest.param(1, marks=only_in("dask")), 2])
def test_ctrl_c_goes_to_all_processes(times: int, hosts: Hosts, feeds: str, mongodb_url: str) -> None:
    """Once: the feeds in flight finish. Twice: they are cancelled. Each has its line either way."""
    hosts.let_through(0)
    with running(feeds, "--store", mongodb_url, "--dask", "local:2", "--json") as (process, _):
        hosts.wait_for(lambda: hosts.total > 20)
        os.killpg(process.pid, signal.SIGINT)
        assert process.stderr is not None
        while "press Ctrl-C again" not in process.stderr.readline():
            assert process.poll() is None
        if times == 1:
            hosts.let_through()
        else:
            os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT)

    *found, last = records(out)
    assert process.returncode == 1, err
    assert {record["reason"] for record in found} == ({None} if times == 1 else {"cancelled"})
    assert sum(record["stored"] for record in found) == len(stored(mongodb_url, "feeds"))
    assert (last["feeds"], last["counted"]) == (40, True)
    assert last["not_started"] + len(found) == 40
    if times == 1:
        assert len(found) == hosts.total
    else:  # one that is cancelled may have a connection, and no request that its server has read
        assert len(found) >= hosts.total > 20
    assert stored(mongodb_url, "meta", {"_id": "lease"}) == []


def test_the_command_is_killed(hosts: Hosts, feeds: str, mongodb_url: str) -> None:
    """Its workers end by themselves, and the next run takes over."""
    hosts.let_through(0)
    with running(feeds, "--store", mongodb_url, "--dask", "local:2") as (process, mark):
        hosts.wait_for(lambda: hosts.total > 20)
        assert len(list(marked(mark))) > 3
        process.kill()
        process.communicate()
        wait_until_gone(mark)
    hosts.let_through()

    again = run(feeds, "--store", mongodb_url, "--quiet")

    assert (again.returncode, again.stdout) == (0, "")
    assert len(stored(mongodb_url, "feeds")) == 40


def test_a_cluster_with_tls_needs_certificates(feeds: str, mongodb_url: str) -> None:
    done = run(feeds, "--store", mongodb_url, "--dask", "tls://127.0.0.1:9")

    assert done.returncode == 2
    assert done.stderr.splitlines()[1:] == [
        "trioscrape: tls://127.0.0.1:9 needs certificates; name them in Dask's configuration,"
        " distributed.comm.tls"
    ]


@only_in("dask")
def test_on_a_cluster_that_is_there(hosts: Hosts, feeds: str, mongodb_url: str, tmp_path: Path) -> None:
    """When its scheduler is killed, that is one line."""
    with scheduler_and_workers(tmp_path) as programs:
        arguments = (feeds, "--store", mongodb_url, "--dask", programs.address)
        with running(*arguments, "--json") as (process, _):
            out, err = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, err
        assert records(out)[-1]["outcomes"]["new"] == 40

        hosts.let_through(0)
        with running(*arguments, "--all", "--quiet") as (process, _):
            hosts.wait_for(lambda: hosts.total > 60)
            programs.scheduler.kill()
            out, err = process.communicate(timeout=LIMIT)
        programs.wait_for_workers()

    assert process.returncode == 1
    line = "the Dask scheduler is gone, or the connection to it; run it again to fetch what is left"
    assert err == f"trioscrape: {line}\n"
    assert out.startswith("40 feeds in ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dask", "local:0"], "--dask must be tcp://HOST:8786 or local:N, not 'local:0'"),
        (
            ["--dask", "local:2", "--shard", "1/2"],
            "--shard and --dask can't be combined: a cluster divides the whole list",
        ),
        (["--dask", "host"], "--dask must be tcp://HOST:8786 or local:N, not 'host'"),
        (
            ["--dask", "local:2", "--store", "sqlite:x.db"],
            "on a cluster the store must be MongoDB: workers can't share an SQLite file",
        ),
    ],
)
def test_what_is_wrong_is_one_line(
    arguments: list[str], message: str, feeds: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([feeds, *arguments]) == 2
    assert capfd.readouterr() == ("", f"trioscrape: {message}\n")


def test_no_scheduler_answers(
    feeds: str, mongodb_url: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trioscrape._cli.dask.CONNECT_TIMEOUT", 0.2)
    assert main([feeds, "--dask", "tcp://127.0.0.1:1", "--store", mongodb_url, "--quiet"]) == 1
    line = "no Dask scheduler answers at tcp://127.0.0.1:1 within 0.2 s"
    assert capfd.readouterr() == ("", f"trioscrape: {line}\n")


def test_without_the_extra(
    feeds: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    for name in [name for name in sys.modules if name.startswith("trioscrape.distributed")]:
        monkeypatch.delitem(sys.modules, name)
    assert main([feeds, "--dask", "local:2"]) == 2
    assert capfd.readouterr().err.endswith(': pip install "trioscrape[dask]"\n')
