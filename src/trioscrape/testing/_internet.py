"""An internet in virtual time: names, addresses and servers in memory, without a socket.

One object is both the resolver and the connector of a scrape, and records all lookups, connections and
requests. It is meant for ``trio.testing.MockClock(autojump_threshold=0)``: all delays pass in no time, and
the same scenario takes the same virtual time on every machine.
"""

from __future__ import annotations

import errno
import math
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import h11
import trio

from .._dns.caching import ResolvedAddresses


@dataclass(kw_only=True)
class Site:
    """How one host behaves. Durations are seconds; `math.inf` means never."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    lookup: float = 0.0
    """How long its name server takes."""
    ttl: float = 300.0
    """For how long its addresses are valid."""
    connect: float = 0.0
    first_byte: float = 0.0
    """From the request to the head of the answer."""
    per_chunk: float = 0.0
    """Between two chunks of the body."""
    chunk: int = 65_536
    """Bytes."""
    exists: bool = True
    listens: bool = True
    addresses: Sequence[str] = ()
    """If there are none, it gets one of 198.18.0.0/15."""


@dataclass
class Internet:
    """Sites by host name; any other name does not exist.

    Sites may share an address. The first of them decides how connecting to it works, and answers requests
    for hosts that are not at that address; all other requests are answered by the site of their host.

    Its `resolve` is a `Resolver`, its `connect` a `Connector`.
    """

    sites: Mapping[str, Site]
    lookup_timeout: float = 5.0
    lookups: list[str] = field(default_factory=list)
    """Every name that was looked up, in order."""
    connects: list[tuple[str, int]] = field(default_factory=list)
    """Every address and port that was connected to, in order."""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Host, target and headers (names in lower case) of every request, in order."""
    open: int = 0
    """Connections that are open now."""
    _hosts: dict[str, str] = field(default_factory=dict)
    """By address, the host that was looked up first."""

    async def resolve(self, host: str) -> ResolvedAddresses:
        """See `trioscrape.Resolver.resolve`."""
        self.lookups.append(host)
        site = self.sites.get(host, Site(exists=False))
        with trio.move_on_after(self.lookup_timeout):
            await trio.sleep(site.lookup)
            if not site.exists:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return ResolvedAddresses(self._addresses(host, site), site.ttl)
        raise TimeoutError(f"no answer within {self.lookup_timeout:g} s")

    def _addresses(self, host: str, site: Site) -> Sequence[str]:
        number = len(self._hosts)
        made_up = f"198.18.{number // 250}.{number % 250 + 1}"
        addresses = site.addresses or [a for a, known in self._hosts.items() if known == host] or [made_up]
        for address in addresses:
            self._hosts.setdefault(address, host)
        return addresses

    def _first_at(self, address: str) -> Site:
        known = self.sites[self._hosts[address]] if address in self._hosts else Site(connect=math.inf)
        if address in self._hosts and not known.addresses:
            return known  # it was made up for this one
        return next((site for site in self.sites.values() if address in site.addresses), known)

    def _site_for(self, host: str, address: str) -> Site:
        site = self.sites.get(host)
        if site is not None and (address in site.addresses or self._hosts.get(address) == host):
            return site
        return self._first_at(address)

    async def connect(self, address: str, port: int) -> trio.abc.Stream:
        """See `trioscrape.Connector`."""
        self.connects.append((address, port))
        first = self._first_at(address)
        await trio.sleep(first.connect)
        if not first.listens:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        return _Connection(self, address)


class _Connection(trio.abc.Stream):
    """The client's end of a connection, with the server inside of it as a state machine of h11.

    `send_all` passes the request to it; `receive_some` sleeps until the next part of the answer is due.
    """

    def __init__(self, internet: Internet, address: str) -> None:
        self._internet, self._address = internet, address
        self._server = h11.Connection(h11.SERVER)
        self._due: list[tuple[float, bytes]] = []
        self._closed = False
        internet.open += 1

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        self._server.receive_data(bytes(data))
        while (event := self._server.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Request):
                self._answer(event)
        self._next_cycle()

    def _answer(self, request: h11.Request) -> None:
        headers = {name.decode(): value.decode("latin-1") for name, value in request.headers}
        self._internet.requests.append((headers["host"], request.target.decode(), headers))
        name = headers["host"].rpartition(":")[0] or headers["host"]
        site = self._internet._site_for(name, self._address)
        etag = site.headers.get("ETag")
        unmodified = etag is not None and headers.get("if-none-match") == etag
        status, body = (304, b"") if unmodified else (site.status, site.body)
        due = trio.current_time() + site.first_byte
        length = [] if status == 304 else [("Content-Length", str(len(body)))]
        head = h11.Response(status_code=status, headers=[*site.headers.items(), *length])
        self._due.append((due, self._server.send(head) or b""))
        for start in range(0, len(body), site.chunk):
            due += site.per_chunk
            part = self._server.send(h11.Data(data=body[start : start + site.chunk]))
            self._due.append((due, part or b""))
        self._server.send(h11.EndOfMessage())

    def _next_cycle(self) -> None:
        if self._server.our_state is h11.DONE and self._server.their_state is h11.DONE:
            self._server.start_next_cycle()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if not self._due:
            await trio.sleep_forever()
        due, data = self._due[0]
        await trio.sleep_until(due)
        if self._closed:
            raise trio.ClosedResourceError
        size = len(data) if max_bytes is None else max_bytes
        self._due[:1] = [(due, data[size:])] if len(data) > size else []
        return data[:size]

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._internet.open -= 1
        await trio.lowlevel.checkpoint()
