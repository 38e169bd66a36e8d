"""An internet in virtual time: names, addresses and servers in memory, without a socket.

One object is both the resolver and the connector of a scrape, and records all lookups, connections and
requests. It is meant for ``trio.testing.MockClock(autojump_threshold=0)``: all delays pass in no time, and
the same scenario takes the same virtual time on every machine.
"""

from __future__ import annotations

import errno
import math
import socket
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import trio

from .._dns.caching import ResolvedAddresses
from ._site import Answer, Request, Site


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
    requests: list[Request] = field(default_factory=list)
    """Host, target and headers (names in lower case) of every request, in order."""
    open: int = 0
    """Connections that are open now."""
    _hosts: dict[str, str] = field(default_factory=dict)
    """By address, the host that was looked up first."""
    _made_up: dict[str, str] = field(default_factory=dict)
    """By host, the address that it was given."""
    _owners: dict[str, Site] = field(default_factory=dict)
    """By address, the first site that has it."""

    async def resolve(self, host: str) -> ResolvedAddresses:
        """See `trioscrape.Resolver.resolve`."""
        self.lookups.append(host)
        site = self.sites.get(host, Site(exists=False))
        began = trio.current_time()
        await trio.sleep(min(site.lookup, self.lookup_timeout))
        # Also a quick one has taken too long where a test has the clock jump.
        if max(site.lookup, trio.current_time() - began) >= self.lookup_timeout:
            raise TimeoutError(f"no answer within {self.lookup_timeout:g} s")
        if site.lookup_fails:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        if not site.exists:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return ResolvedAddresses(self._addresses(host, site), site.ttl)

    def _addresses(self, host: str, site: Site) -> Sequence[str]:
        addresses = site.addresses
        if not addresses:
            block, number = divmod(len(self._made_up), 250 * 256)
            made_up = f"198.{18 + block}.{number // 250}.{number % 250 + 1}"
            addresses = (self._made_up.setdefault(host, made_up),)
        for address in addresses:
            self._hosts.setdefault(address, host)
        return addresses

    def _first_at(self, address: str) -> Site:
        host = self._hosts.get(address)
        if host is not None and not self.sites[host].addresses:
            return self.sites[host]  # it was made up for this one
        owner = self._owners.get(address)
        if owner is None or address not in owner.addresses:
            # All sites are looked through once, not once for each connection.
            self._owners = {
                each: site for site in reversed(list(self.sites.values())) for each in site.addresses
            }
            owner = self._owners.get(address)
        if owner is not None:
            return owner
        return Site(connect=math.inf) if host is None else self.sites[host]

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

    def answer(self, request: Request, address: str) -> Answer:
        """What the server at `address` answers to `request`, which is recorded."""
        self.requests.append(request)
        return self._site_for(request.name, address).answer(request)


class _Connection(trio.abc.Stream):
    """The client's end of a connection, with the server inside of it.

    `send_all` passes the request to it; `receive_some` sleeps until the next part of the answer is due.
    """

    def __init__(self, internet: Internet, address: str) -> None:
        self._internet, self._address = internet, address
        self._received = b""
        self._due: deque[tuple[float, bytes | None, Answer]] = deque()
        """When which part of which answer comes; None is the end of the connection."""
        self._closed = False
        internet.open += 1

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head, self._received = self._received[:end], self._received[end + 4 :]
            answer = self._internet.answer(_request(head), self._address)
            self._due += _parts(answer, trio.current_time() + answer.first_byte)

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if not self._due:
            await trio.sleep_forever()
        due, data, answer = self._due[0]
        await trio.sleep_until(due)
        if self._closed:
            raise trio.ClosedResourceError
        if data is None:
            raise trio.BrokenResourceError from ConnectionResetError(
                errno.ECONNRESET, "Connection reset by peer"
            )
        if max_bytes is not None and len(data) > max_bytes:
            self._due[0] = (due, data[max_bytes:], answer)
            return data[:max_bytes]
        self._due.popleft()
        answer.ended = not self._due or self._due[0][2] is not answer
        return data

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._internet.open -= 1
            for _, _, answer in self._due:
                answer.ended = True
        await trio.lowlevel.checkpoint()


def _request(head: bytes) -> Request:
    """A request without a body, as any client of ours writes it."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    if method != "GET" or version != "HTTP/1.1":
        raise ValueError(f"not a GET of HTTP/1.1: {first!r}")
    fields = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip(" \t") for name, _, value in fields}
    return Request(headers["host"], target, headers)


def _parts(answer: Answer, due: float) -> Iterator[tuple[float, bytes | None, Answer]]:
    """The answer as it goes over the wire, and when."""
    body, status = answer.body, answer.status
    fields = [f"{name}: {value}\r\n" for name, value in answer.headers.items()]
    if status != 304:
        fields.append(f"Content-Length: {len(body)}\r\n")
    head = f"HTTP/1.1 {status} \r\n{''.join(fields)}\r\n".encode("latin-1")
    sent = body if answer.breaks_after is None else body[: answer.breaks_after]
    if answer.per_chunk == 0 and len(sent) <= answer.chunk:
        yield due, head + sent, answer
    else:
        yield due, head, answer
        for start in range(0, len(sent), answer.chunk):
            due += answer.per_chunk
            yield due, sent[start : start + answer.chunk], answer
    if answer.breaks_after is not None:
        yield due, None, answer
