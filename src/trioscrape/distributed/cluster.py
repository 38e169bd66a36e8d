"""Which workers of a cluster can scrape, and a cluster of this machine's own."""

from __future__ import annotations

import logging
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any, Final

from distributed import Client, LocalCluster, Security

from .._config.version import VERSION
from .._errors import ClusterError, UsageError

PACKAGE: Final = "trioscrape"


@contextmanager
def connected(address: str, timeout: float) -> Iterator[Client]:
    """A client of the cluster at `address`, ``tcp://HOST:8786``.

    Args:
      address: of the scheduler.
      timeout: seconds to connect.

    Raises:
      ClusterError: no scheduler answers there.
      UsageError: it uses TLS, and Dask's configuration names no certificates.
    """
    if address.startswith("tls:") and not Security().get_connection_args("client").get("ssl_context"):
        raise UsageError(
            f"{address} needs certificates; name them in Dask's configuration, distributed.comm.tls"
        )
    try:
        client = Client(address, timeout=timeout, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        # Dask tries again until then, whatever the error is.
        raise ClusterError(f"no Dask scheduler answers at {address} within {timeout:g} s") from error
    with client:
        yield client


@contextmanager
def local_cluster(workers: int) -> Iterator[Client]:
    """A client of a cluster of this machine: so many processes of one thread each, that end with the block.

    It listens on loopback, has no dashboard, and writes no log. Ctrl-C, which a terminal sends to all
    processes, does not reach its workers: what it means is for the client to say.
    """
    with (
        tempfile.TemporaryDirectory(prefix="trioscrape-dask-") as folder,
        _started(workers, folder) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _started(workers: int, folder: str) -> LocalCluster:
    with _without_interrupts():
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            # It has an HTTP server all the same, on a port that is the same for all clusters.
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
            memory_limit=0,  # that of the machine is the limit, as for one process
            silence_logs=logging.CRITICAL,
            local_directory=folder,
        )


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Threads and processes that are started in the block get no SIGINT: they inherit that it is blocked.

    So it is for workers from their first moment on, and for those that take the place of one that has died. A
    module that ignores the signal would have to be imported first.
    """
    resource_tracker.ensure_running()  # else it would be started in the block, and end it for the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def check_versions(client: Client) -> None:
    """Raise `ClusterError` unless all workers have this version of trioscrape: they get our own objects."""
    versions: Any = client.get_versions(packages=[PACKAGE])
    found: dict[str, Any] = versions["workers"]
    for address, versions in found.items():
        version = (versions or {}).get("packages", {}).get(PACKAGE)
        if version is None:
            raise ClusterError(f"the worker {address} has no trioscrape; install {VERSION} on all workers")
        if version != VERSION:
            raise ClusterError(
                f"the worker {address} has trioscrape {version}, and this is {VERSION}; install the same"
                " version on all workers"
            )
