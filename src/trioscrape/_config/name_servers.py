"""Reads which resolver to use: ``system``, ``dns`` or ``dns:192.0.2.53:5353``."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

NameServer = tuple[str, int]
"""An IP address and a port."""
PORT: Final = 53


def name_servers(text: str) -> tuple[NameServer, ...] | None:
    """The name servers in ``dns:SERVER[:PORT][,…]``; none for ``dns`` alone, None for ``system``.

    Raises:
      ValueError: it is none of these. A server is given by its address, as nothing could look up its name.
    """
    if text == "system":
        return None
    if text == "dns":
        return ()
    kind, _, servers = text.partition(":")
    if kind != "dns":
        raise ValueError(text)
    return tuple(_name_server(server.strip()) for server in servers.split(","))


def _name_server(text: str) -> NameServer:
    try:
        return str(ip_address(text.removeprefix("[").removesuffix("]"))), PORT
    except ValueError:
        host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ValueError(text)
    return str(ip_address(host.removeprefix("[").removesuffix("]"))), int(port)
