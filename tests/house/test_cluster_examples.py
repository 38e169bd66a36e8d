"""The files in ``examples/cluster``: their commands exist, and the cluster with TLS refuses strangers."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from distributed.cli import dask_scheduler, dask_worker
from distributed.security import Security

from distributed import Client
from trioscrape._cli.command import parse
from trioscrape._cli.config_options import config
from trioscrape._cli.shard import shard

from support.cluster import LIMIT, serving_hosts
from support.mongod import free_port

FOLDER = Path(__file__).parents[2] / "examples/cluster"
README = (FOLDER / "README.md").read_text(encoding="utf-8")
STORE = "mongodb://db.example/news"
PARTS = ("scheduler", "worker", "client")
DASK = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def check(arguments: list[str]) -> Any:
    """What the command understands; it is an error if it does not."""
    _, given = parse(arguments)
    config(given)
    return given


@pytest.fixture
def bin_with_echo(tmp_path: Path) -> str:
    """A PATH with a ``trioscrape`` that prints its store and its arguments."""
    program = tmp_path / "bin/trioscrape"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$TRIOSCRAPE_STORE" "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.defpath}"


def printed(command: list[str], environment: dict[str, str]) -> list[str]:
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()


def test_kubernetes_runs_each_share_once(bin_with_echo: str) -> None:
    job = read("kubernetes.yaml")["spec"]
    (container,) = job["template"]["spec"]["containers"]
    found = []
    for index in range(job["completions"]):
        environment = {"PATH": bin_with_echo, "JOB_COMPLETION_INDEX": str(index), "TRIOSCRAPE_STORE": STORE}
        store, *arguments = printed([*container["command"], *container["args"]], environment)
        assert store == STORE
        found.append(shard(check(arguments)))

    assert found == [(number + 1, job["completions"]) for number in range(job["completions"])]
    assert job["completionMode"] == "Indexed"


def test_kubernetes_gives_no_rights_and_keeps_the_store_secret() -> None:
    pod = read("kubernetes.yaml")["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert container["env"] == [
        {
            "name": "TRIOSCRAPE_STORE",
            "valueFrom": {"secretKeyRef": {"name": "trioscrape", "key": "store"}},
        }
    ]
    assert "ports" not in container
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()


def test_slurm_runs_each_share_once(bin_with_echo: str, tmp_path: Path) -> None:
    script = FOLDER / "slurm.sh"
    first, last = map(int, re.findall(r"^#SBATCH --array=(\d+)-(\d+)$", script.read_text(), re.MULTILINE)[0])
    (tmp_path / ".trioscrape-store").write_text(f"{STORE}\n")
    found = []
    for task in range(first, last + 1):
        environment = {"PATH": bin_with_echo, "HOME": str(tmp_path), "SLURM_ARRAY_TASK_ID": str(task)}
        store, *arguments = printed(["sh", str(script), "/shared/my feeds.txt"], environment)
        given = check(arguments)
        assert (store, given.feeds) == (STORE, "/shared/my feeds.txt")
        found.append(shard(given))

    assert found == [(number + 1, last + 1) for number in range(last + 1)]


def test_compose_runs_commands_that_exist() -> None:
    services = read("compose.yaml")["services"]
    program, *arguments = services["client"]["command"]
    assert program == "trioscrape"
    assert check(arguments).store is None
    for name, main in DASK.items():
        program, subcommand, *arguments = services[name]["command"]
        assert (program, subcommand) == ("dask", name)
        with main.make_context(name, arguments):
            pass


def test_compose_opens_nothing_to_the_network() -> None:
    compose = read("compose.yaml")

    for name in PARTS:
        service = compose["services"][name]
        assert not {"ports", "expose", "network_mode", "privileged", "cap_add"} & service.keys()
        assert service["environment"]["DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION"] == "True"
        keys = [volume for volume in service["volumes"] if ".key" in volume]
        assert keys == [f"./certificates/{name}.key:/certificates/{name}.key:ro"]
        if name != "client":
            assert "--no-dashboard" in service["command"]
    assert compose["services"]["scheduler"]["networks"] == ["dask"]
    assert compose["networks"]["dask"] == {"internal": True}


def test_commands_in_the_text() -> None:
    blocks = re.findall(r"```(?:console)?\n(.*?)```", README, re.DOTALL)
    lines = [re.sub(r"^[A-Z_]+=\S+ ", "", line) for block in blocks for line in block.splitlines()]
    commands = [line.removeprefix("trioscrape ") for line in lines if line.startswith("trioscrape ")]

    for command in commands:
        check(shlex.split(command))
    assert len(commands) == 3


def test_files_in_the_text() -> None:
    linked = set(re.findall(r"\]\(([\w.-]+)\)", README))

    assert linked == {path.name for path in FOLDER.iterdir()} - {"README.md"}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    return made(tmp_path_factory.mktemp("ours") / "certificates")


def made(folder: Path) -> Path:
    script = ["sh", str(FOLDER / "certificates.sh"), str(folder)]
    subprocess.run(script, check=True, capture_output=True, timeout=LIMIT)
    return folder


def test_no_key_is_left_that_others_can_read_or_sign_with(certificates: Path) -> None:
    assert {path.stat().st_mode & 0o777 for path in certificates.iterdir()} == {0o600}
    assert sorted(path.stem for path in certificates.glob("*.key")) == sorted(PARTS)
    certified = [str(path) for path in certificates.glob("*.pem")]
    authority = str(certificates / "authority.pem")
    verify = ["openssl", "verify", "-x509_strict", "-CAfile", authority, *certified]
    subprocess.run(verify, check=True, capture_output=True)


class Composed:
    """The services of ``compose.yaml`` as programs on this machine."""

    def __init__(self, certificates: Path, folder: Path, store: str) -> None:
        self._services = read("compose.yaml")["services"]
        self._certificates, self._folder, self._store = certificates, folder, store
        self.address = f"tls://127.0.0.1:{free_port()}"

    def start(self, name: str, *more: str) -> subprocess.Popen[str]:
        """A service, with its own environment."""
        _, *arguments = self._services[name]["command"]
        places = {
            "tls://0.0.0.0:8786": self.address,
            "tls://scheduler:8786": self.address,
            "/tmp": str(self._folder),
            "/feeds.txt": str(self._folder / "feeds.txt"),
        }
        module = "trioscrape" if name == "client" else "dask"
        command = [sys.executable, "-m", module, *(places.get(each, each) for each in arguments), *more]
        pipe = subprocess.PIPE if name == "client" else subprocess.DEVNULL
        return subprocess.Popen(
            command, env={**os.environ, **self.environment(name)}, stdout=pipe, stderr=pipe, text=True
        )

    def environment(self, name: str) -> dict[str, str]:
        given = self._services[name]["environment"].items()
        return {
            key: self._store
            if value.startswith("${TRIOSCRAPE_STORE:")
            else value.replace("/certificates", str(self._certificates))
            for key, value in given
        }


@pytest.fixture
def composed(certificates: Path, tmp_path: Path, mongodb_url: str) -> Iterator[Composed]:
    """The scheduler and a worker, on loopback."""
    composed = Composed(certificates, tmp_path, mongodb_url)
    with ExitStack() as stack:
        scheduler = stack.enter_context(composed.start("scheduler"))
        stack.callback(scheduler.kill)
        worker = stack.enter_context(composed.start("worker", "--host", "127.0.0.1"))
        stack.callback(worker.terminate)
        yield composed


def security(certificates: Path) -> Security:
    """Of a client."""
    return Security(
        require_encryption=True,
        tls_ca_file=str(certificates / "authority.pem"),
        tls_client_cert=str(certificates / "client.pem"),
        tls_client_key=str(certificates / "client.key"),
    )


@pytest.mark.heavy
def test_the_composed_cluster_scrapes_and_refuses_strangers(
    composed: Composed, certificates: Path, tmp_path: Path
) -> None:
    ours = security(certificates)
    with Client(composed.address, security=ours, timeout=LIMIT, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=LIMIT)
    with serving_hosts() as hosts:
        (tmp_path / "feeds.txt").write_text("\n".join(hosts.urls(5)))
        with composed.start("client") as process:
            out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["outcomes"]["new"] == 5

    strangers = security(made(tmp_path / "others"))
    with pytest.raises(OSError, match="TLS certificate does not match"):
        Client(composed.address, security=strangers, timeout=1, set_as_default=False)
    with pytest.raises(OSError, match=r"Timed out|ConnectionResetError"):
        Client(composed.address.replace("tls://", "tcp://"), timeout=1, set_as_default=False)
