"""A web site and a Dask cluster."""

from __future__ import annotations

import faulthandler
from collections.abc import Iterator
from pathlib import Path

import pytest

from distributed import Client

from support.cluster import LIMIT, Hosts, cluster, serving_hosts


@pytest.fixture(autouse=True)
def time_limit() -> Iterator[None]:
    """A test that hangs ends, and says where it was."""
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    with serving_hosts() as hosts:
        yield hosts


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Of a cluster that no test does anything to."""
    with cluster(tmp_path_factory.mktemp("dask")) as client:
        yield client


@pytest.fixture
def own_client(tmp_path: Path) -> Iterator[Client]:
    """Of a cluster for one test alone."""
    with cluster(tmp_path / "dask") as client:
        yield client
