"""MongoDB servers of one's own: found, started on free ports, stopped by their own pids."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure

START_DEADLINE = 60


def find_mongod() -> str | None:
    """The path of a ``mongod``: on the PATH, or the one in the wheel of the test dependencies."""
    if installed := shutil.which("mongod"):
        return installed
    spec = importlib.util.find_spec("fiftyone")
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / "db" / "bin" / "mongod"
        if path.is_file():
            if not os.access(path, os.X_OK):  # some installers drop the executable bit
                path.chmod(0o755)
            return str(path)
    return None


class Mongod:
    """One server on loopback with its data in `folder`; it can be killed, frozen and started again."""

    def __init__(self, program: str, folder: Path, *options: str) -> None:
        self._program = program
        self._folder = folder
        self._options = options
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on the port it had before if any, and return when it answers."""
        command = [
            self._program,
            *("--dbpath", str(self._folder), "--logpath", str(self._folder / "log")),
            *("--bind_ip", "127.0.0.1", "--port", str(self.port)),
            *("--wiredTigerCacheSizeGB", "0.25", "--nounixsocket"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            *("--setParameter", "enableTestCommands=1"),
            *self._options,
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        self._wait_until_it_answers(self._process)

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_DEADLINE
        # Directly: a member of a replica set that there is not yet answers nobody else.
        with MongoClient[Any](self.url, serverSelectionTimeoutMS=500, directConnection=True) as client:
            while time.monotonic() < deadline:
                if process.poll() is not None:
                    raise RuntimeError(f"mongod ended with {process.returncode}: {self._folder / 'log'}")
                try:
                    client.admin.command("ping")
                except ConnectionFailure:
                    continue
                return
        self.stop()
        raise RuntimeError(f"mongod did not answer within {START_DEADLINE} s")

    def fail(self, command: str, times: int | None = None, *, after: int = 0, **how: Any) -> None:
        """Let the next `times` commands of that name fail, or all after the first few; of the stores only."""
        mode: object = {"skip": after} if times is None else {"times": times}
        self._fail_point(mode, {"failCommands": [command], "appName": "trioscrape", **how})

    def heal(self) -> None:
        """Let no command fail any more."""
        self._fail_point("off", {})

    def _fail_point(self, mode: object, data: dict[str, Any]) -> None:
        with MongoClient[Any](self.url, directConnection=True) as client:
            client.admin.command("configureFailPoint", "failCommand", mode=mode, data=data)

    def freeze(self) -> None:
        """Connections are still accepted, nothing is answered."""
        self._send(signal.SIGSTOP)
        if self._process is not None:  # a thread that runs elsewhere stops a moment later
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        """End it without a chance to write anything more."""
        self._send(signal.SIGKILL)
        self._wait()

    def stop(self) -> None:
        """End it, frozen or not; nothing happens when it has ended."""
        self._send(signal.SIGCONT)
        self._send(signal.SIGTERM)
        self._wait()

    def _send(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _wait(self) -> None:
        if self._process is not None:
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def running(program: str, folder: Path, *options: str) -> Iterator[Mongod]:
    """A server that answers, started with more options of its command line; it ends with the block."""
    server = Mongod(program, folder, *options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class ReplicaSet:
    """Three members on loopback that elect a new primary within two seconds or so."""

    def __init__(self, program: str, folder: Path) -> None:
        self.members = []
        for name in ("a", "b", "c"):
            (folder / name).mkdir()
            self.members.append(Mongod(program, folder / name, "--replSet", "rs", "--oplogSize", "64"))

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{member.port}" for member in self.members)
        return f"mongodb://{hosts}/trioscrape?replicaSet=rs"

    def start(self) -> None:
        for member in self.members:
            member.start()
        members = [{"_id": n, "host": f"127.0.0.1:{each.port}"} for n, each in enumerate(self.members)]
        settings = {"electionTimeoutMillis": 1000, "heartbeatIntervalMillis": 200}
        with MongoClient[Any](self.members[0].url, directConnection=True) as client:
            client.admin.command("replSetInitiate", {"_id": "rs", "members": members, "settings": settings})
        self.primary()

    def primary(self) -> Mongod:
        """The member that is the primary, once there is one."""
        with MongoClient[Any](self.url, serverSelectionTimeoutMS=START_DEADLINE * 1000) as client:
            client.admin.command("ping")
            assert client.primary is not None
            return next(member for member in self.members if member.port == client.primary[1])

    def step_down(self) -> None:
        """Let the primary give up its office, and not stand again for a while."""
        with MongoClient[Any](self.primary().url, directConnection=True) as client:
            client.admin.command("replSetStepDown", 20, secondaryCatchUpPeriodSecs=5)

    def stop(self) -> None:
        """End all members, with no regard to what they hold: the polite way takes 15 seconds each."""
        for member in self.members:
            member.kill()
