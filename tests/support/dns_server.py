"""A name server of our own on loopback, UDP and TCP, that behaves as it is told by the names it is asked."""

from __future__ import annotations

import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import trio


@dataclass(frozen=True, kw_only=True)
class Zone:
    """What there is of one name, and how the server tells it."""

    a: tuple[str, ...] = ()
    aaaa: tuple[str, ...] = ()
    cname: str | None = None
    ttl: int = 300
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    silent: frozenset[str] = frozenset()
    """Types that are never answered for."""
    delay: float = 0.0
    truncated: bool = False
    """Over UDP; all of it is there over TCP."""
    garbage: bool = False
    """A datagram that is no message, and one with a forged id, come before the answer."""
    broken_tcp: bool = False
    """The connection is closed in the middle of the answer."""


ANY = frozenset({"A", "AAAA"})
DEAD = Zone(silent=ANY)


@dataclass
class DnsServer:
    zones: Mapping[str, Zone]
    """By name without the last dot; any other name does not exist."""
    asked: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How often: name, type, ``udp`` or ``tcp``."""
    ports: set[int] = field(default_factory=set)
    """Where questions came from."""
    open: int = 0
    """TCP connections."""
    address: tuple[str, int] = ("", 0)

    def _response(self, query: dns.message.QueryMessage, how: str) -> tuple[Zone, dns.message.Message | None]:
        question = query.question[0]
        name, rdtype = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        self.asked[name, rdtype, how] += 1
        zone = self.zones.get(name, Zone(rcode=dns.rcode.NXDOMAIN))
        if rdtype in zone.silent:
            return zone, None
        response = dns.message.make_response(query)
        response.set_rcode(zone.rcode)
        if zone.truncated and how == "udp":
            response.flags |= dns.flags.TC
            return zone, response
        owner, answered = name, zone
        while answered.cname is not None:
            target = f"{answered.cname}."
            response.answer.append(dns.rrset.from_text(f"{owner}.", answered.ttl, "IN", "CNAME", target))
            owner = answered.cname
            answered = self.zones.get(owner, Zone())
        if addresses := {"A": answered.a, "AAAA": answered.aaaa}.get(rdtype):
            response.answer.append(dns.rrset.from_text(f"{owner}.", answered.ttl, "IN", rdtype, *addresses))
        return zone, response

    async def _serve_udp(self, sock: trio.socket.SocketType, nursery: trio.Nursery) -> None:
        while True:
            wire, peer = await sock.recvfrom(4096)
            self.ports.add(peer[1])
            nursery.start_soon(self._answer_udp, sock, wire, peer)

    async def _answer_udp(self, sock: trio.socket.SocketType, wire: bytes, peer: tuple[str, int]) -> None:
        zone, response = self._response(dns.message.from_wire(wire), "udp")  # type: ignore[arg-type]
        await trio.sleep(zone.delay)
        if response is None:
            return
        answer = response.to_wire()
        if zone.garbage:
            forged = bytes([answer[0] ^ 1]) + answer[1:]
            await sock.sendto(b"\xff" * 40, peer)
            await sock.sendto(forged.replace(b"\xc0\x00\x02", b"\xcb\x00\x71"), peer)
        await sock.sendto(answer, peer)

    async def _serve_tcp(self, stream: trio.SocketStream) -> None:
        self.open += 1
        try:
            async with stream:
                head = await stream.receive_some(2)
                if len(head) < 2:
                    return  # the client has given up
                [length] = struct.unpack("!H", head)
                query = dns.message.from_wire(await stream.receive_some(length))
                zone, response = self._response(query, "tcp")  # type: ignore[arg-type]
                await trio.sleep(zone.delay)
                if response is None:
                    await stream.receive_some(1)
                    return
                wire = response.to_wire()
                sent = wire[:20] if zone.broken_tcp else wire
                await stream.send_all(struct.pack("!H", len(wire)) + sent)
        except trio.BrokenResourceError:
            pass
        finally:
            self.open -= 1


@asynccontextmanager
async def open_dns(zones: Mapping[str, Zone]) -> AsyncIterator[DnsServer]:
    """A server for `zones` on a free port of 127.0.0.1 that is the same for UDP and TCP."""
    server = DnsServer(zones)
    with trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        async with trio.open_nursery() as nursery:
            serve = partial(trio.serve_tcp, host="127.0.0.1")
            [listener] = await nursery.start(serve, server._serve_tcp, 0)
            server.address = ("127.0.0.1", listener.socket.getsockname()[1])
            await udp.bind(server.address)
            nursery.start_soon(server._serve_udp, udp, nursery)
            yield server
            nursery.cancel_scope.cancel()
