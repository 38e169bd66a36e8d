"""One host of an internet in virtual time: how it answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Request(NamedTuple):
    """One request, as a server sees it."""

    host: str
    """The Host header: with the port, if it is not the usual one."""
    target: str
    """The path, with the query."""
    headers: dict[str, str]
    """Names in lower case."""

    @property
    def name(self) -> str:
        """The host without the port."""
        return self.host.rpartition(":")[0] or self.host


@dataclass(slots=True, kw_only=True)
class Answer:
    """What a server answers to one request, and when. Durations are seconds; `math.inf` means never."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    """Content-Length is added, but for a 304."""
    body: bytes = b""
    first_byte: float = 0.0
    """From the request to the head of the answer."""
    per_chunk: float = 0.0
    """Between two chunks of the body."""
    chunk: int = 65_536
    """Bytes."""
    breaks_after: int | None = None
    """Bytes of the body after which the connection is reset; None: it is not."""
    ended: bool = False
    """Whether the client has read all of it, or has closed the connection."""

    @property
    def is_whole(self) -> bool:
        """Whether all of it comes one day."""
        return self.breaks_after is None and not math.isinf(self.first_byte + self.per_chunk)


@dataclass(kw_only=True)
class Site:
    """How one host behaves. Durations are seconds; `math.inf` means never.

    For a server that does not always answer the same, override `answer`.
    """

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
    lookup_fails: bool = False
    """Whether its name server answers that it has failed (SERVFAIL), which says nothing about the name."""
    addresses: Sequence[str] = ()
    """If there are none, it gets one of 198.18.0.0/15."""

    def answer(self, request: Request) -> Answer:
        """The answer to `request`, which comes now: a 304 where its If-None-Match has the ETag."""
        etag = self.headers.get("ETag")
        unmodified = etag is not None and request.headers.get("if-none-match") == etag
        status, body = (304, b"") if unmodified else (self.status, self.body)
        return Answer(
            status=status,
            headers=self.headers,
            body=body,
            first_byte=self.first_byte,
            per_chunk=self.per_chunk,
            chunk=self.chunk,
        )
