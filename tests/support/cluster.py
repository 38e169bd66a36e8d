"""A Dask cluster on loopback for tests, and sites that count who asks how many feeds of a host at once."""

from __future__ import annotations

import logging
import math
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from distributed import Client, LocalCluster, Worker, WorkerPlugin
from trioscrape.distributed.worker import Lanes

from support.scenarios import rss

LIMIT = 120
"""Seconds until a test that hangs is killed."""
ENTRIES = 3


class Hosts(ThreadingHTTPServer):
    """A feed at each path of each name under .localhost; counts requests.

    Only the first `limit` requests are answered before `limit` is raised, and those of hosts that begin with
    ``stall`` only when `go_on` is set. Feeds of hosts that begin with ``gone`` are not there.
    """

    daemon_threads = True
    request_queue_size = 500

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: Counter[str] = Counter()
        """By URL."""
        self.at_once: Counter[str] = Counter()
        self.peaks: Counter[str] = Counter()
        """The most requests that a host has had at once."""
        self.limit: float = math.inf
        self.news = threading.Condition()
        self.go_on = threading.Event()

    @property
    def total(self) -> int:
        return sum(self.requests.values())

    def urls(self, count: int, name: str = "f", *, hosts: int | None = None) -> list[str]:
        """So many feeds, each on a host of its own or on so many hosts."""
        return [f"http://{name}{n % (hosts or count)}.localhost:{self.server_port}/{n}" for n in range(count)]

    def let_through(self, limit: float = math.inf) -> None:
        with self.news:
            self.limit = limit
            self.news.notify_all()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until this is so; it is looked at with each request."""
        with self.news:
            assert self.news.wait_for(condition, LIMIT)


class _Handler(BaseHTTPRequestHandler):
    server: Hosts

    def do_GET(self) -> None:
        hosts, host = self.server, self.headers["Host"].partition(":")[0]
        with hosts.news:
            hosts.requests[f"http://{self.headers['Host']}{self.path}"] += 1
            mine = hosts.total
            hosts.at_once[host] += 1
            hosts.peaks[host] = max(hosts.peaks[host], hosts.at_once[host])
            hosts.news.notify_all()
            hosts.news.wait_for(lambda: mine <= hosts.limit, LIMIT)
        if host.startswith("stall"):
            hosts.go_on.wait(LIMIT)
        try:
            self._answer(host)
        finally:
            with hosts.news:
                hosts.at_once[host] -= 1

    def _answer(self, host: str) -> None:
        body = rss(*(f"{host}{self.path}#{n}" for n in range(ENTRIES)))
        with suppress(OSError):  # the client was cancelled or killed
            self.send_response(404 if host.startswith("gone") else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving_hosts() -> Iterator[Hosts]:
    with Hosts() as hosts:
        thread = threading.Thread(target=hosts.serve_forever, args=[0.01])
        thread.start()
        try:
            yield hosts
        finally:
            hosts.let_through()
            hosts.go_on.set()
            hosts.shutdown()
            thread.join()


@contextmanager
def cluster(folder: Path, workers: int = 2, **scheduler: Any) -> Iterator[Client]:
    """A client of a cluster of processes with one thread each; nothing of it is left afterwards."""
    local = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        memory_limit=0,
        silence_logs=logging.CRITICAL,
        local_directory=str(folder),
        scheduler_kwargs={"dashboard_address": "127.0.0.1:0", **scheduler},
    )
    with local, Client(local, set_as_default=False) as client:
        yield client
        seen = set(pids(client).values())
    assert not {pid for pid in seen if is_alive(pid)}


def pids(client: Client) -> dict[str, int]:
    """Of the workers, by address."""
    return dict(client.run(os.getpid))


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def set_variable(name: str, value: str) -> None:
    """For `Client.run`."""
    os.environ[name] = value


def left_on_workers(client: Client) -> dict[str, list[str]]:
    """Threads and processes of ours that are still there on each worker."""
    return dict(client.run(_ours))


def _ours() -> list[str]:
    mine = os.getpid()
    children = Path(f"/proc/{mine}/task/{mine}/children").read_text().split()
    threads = [each.name for each in threading.enumerate() if each.name.startswith("trioscrape")]
    return threads + [f"process {child}" for child in children]


def stored(url: str, collection: str, where: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Documents of the store."""
    with MongoClient[Any](url) as mongo:
        return list(mongo.get_default_database()[collection].find(where or {}))


def shards_under_way(client: Client) -> int:
    """On all workers."""
    return sum(client.run(_shards_under_way).values())


def _shards_under_way(dask_worker: Worker) -> int:
    plugins = dask_worker.plugins.values()
    return sum(len(each._loop._tasks) for each in plugins if isinstance(each, Lanes))


class Poison(WorkerPlugin):
    """Kills a worker that begins a feed whose URL has ``poison`` in it."""

    name = "poison"

    def setup(self, worker: Worker) -> None:
        from trioscrape._run import pipeline

        real = pipeline.Pipeline.outcome

        async def outcome(self: Any, candidate: Any, *rest: Any) -> Any:
            if "poison" in candidate.feed.url:
                os.kill(os.getpid(), signal.SIGKILL)
            return await real(self, candidate, *rest)

        pipeline.Pipeline.outcome = outcome  # type: ignore[method-assign, assignment]


@dataclass
class Programs:
    """A scheduler and its workers, as programs of their own."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]

    def wait_for_workers(self) -> None:
        """Wait until they have ended by themselves."""
        for worker in self.workers:
            worker.wait(LIMIT)


@contextmanager
def scheduler_and_workers(folder: Path, workers: int = 2) -> Iterator[Programs]:
    """Programs on loopback, which are killed at the end of the block."""
    file, quiet = folder / "scheduler.json", subprocess.DEVNULL
    common = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
    alone = ["--nthreads", "1", "--local-directory", str(folder), "--death-timeout", "60"]

    def start(name: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *common, *options]
        path = os.pathsep.join(sys.path)
        return subprocess.Popen(command, stderr=quiet, stdout=quiet, env={**os.environ, "PYTHONPATH": path})

    with ExitStack() as stack:
        scheduler = stack.enter_context(start("scheduler", "--port", "0"))
        stack.callback(scheduler.kill)
        programs = []
        for _ in range(workers):
            programs.append(stack.enter_context(start("worker", *alone)))
            stack.callback(programs[-1].terminate)
        while not file.exists():
            assert scheduler.poll() is None
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=LIMIT)
            address = client.scheduler.address
        yield Programs(address, scheduler, programs)
