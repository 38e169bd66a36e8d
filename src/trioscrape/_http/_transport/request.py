"""What is sent: no more of a request than a feed needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import httpx

from ..._config.proxies import Proxy
from ..._lane import Phases


class Request(NamedTuple):
    """A GET. An `httpx.Request` copies and checks the headers twice, for all that it can have besides."""

    url: httpx.URL
    headers: list[tuple[bytes, bytes]]
    addresses: Sequence[str]
    """Those that may be connected to, best first."""
    phases: Phases
    """To be filled in while it is under way."""
    proxy: Proxy | None = None
    """Whose addresses they are; None: the host's own."""
