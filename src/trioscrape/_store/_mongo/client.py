"""How a client of MongoDB is set up."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from pymongo import MongoClient

from .documents import Document
from .pools import Pools
from .url import MongoURL


def make_client(url: MongoURL, pools: Pools, connections: int, timeout: float) -> MongoClient[Document]:
    """A client with exactly so many connections. The options of the URL override those set here.

    Args:
      url: of the server.
      pools: listens to the events of its connection pools.
      connections: at most and at least.
      timeout: seconds for a connection to be made, and for a call to find a server.

    Raises:
      PyMongoError, ValueError: the options of the URL contradict each other.
    """
    milliseconds = int(timeout * 1000)
    defaults: dict[str, Any] = {
        "appname": "trioscrape",
        "connectTimeoutMS": milliseconds,
        "maxConnecting": connections,
        # Takes one connection and one lookup less than "stream".
        "serverMonitoringMode": "poll",
        "serverSelectionTimeoutMS": milliseconds,
        "retryWrites": True,
        # An administrator may have set another default for the cluster.
        "w": "majority",
    }
    return MongoClient(
        url.url,
        event_listeners=[pools],
        maxPoolSize=connections,
        minPoolSize=connections,
        tz_aware=True,
        tzinfo=UTC,
        **{name: value for name, value in defaults.items() if name.lower() not in url.options},
    )
