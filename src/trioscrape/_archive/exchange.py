"""What is kept of a poll: each request with its answer, byte for byte, and how each fetch ended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Final
from uuid import uuid4

from .._errors import FeedFailed
from .._records import Feed

_TRANSFER_ENCODING: Final = re.compile(rb"^(?=transfer-encoding[ \t]*:)", re.IGNORECASE | re.MULTILINE)
_SECRETS: Final = {b"authorization", b"proxy-authorization"}
_TRUNCATED: Final = {
    "connection-lost": "disconnect",
    "protocol-error": "disconnect",
    "read-timeout": "time",
    "fetch-timeout": "time",
    "too-slow": "time",
    "too-large": "length",
    "decompression-bomb": "length",
}
"""Why a body is incomplete: the values of WARC-Truncated (ISO 28500:2017 §5.13) by reason of the failure."""
UNREAD: Final = "unspecified"
"""WARC-Truncated of a body that was not read, because it is that of a redirect or an error."""


def ids() -> Iterator[str]:
    """New ids for records: random, except for the last 12 digits, which count."""
    first = str(uuid4())[:24]
    return (f"<urn:uuid:{first}{number:012x}>" for number in count())


@dataclass(slots=True, eq=False)
class Exchange:
    """One request and its answer."""

    url: str
    """URL of the request, without credentials."""
    request: bytes
    """The head of the request, without credentials."""
    at: datetime
    """When the head of the answer was complete."""
    head: bytes
    """The head of the answer, from its status line to the blank line: see `answer_head`."""
    address: str | None
    """The IP address that the answer came from; None: it came through a proxy."""
    is_http2: bool = False
    body: list[bytes] = field(default_factory=list)
    """The pieces of the body: Transfer-Encoding is undone, Content-Encoding is not."""
    truncated: str | None = UNREAD
    """Why the body is incomplete, as a value of WARC-Truncated; None: it is complete."""
    id: str = ""
    """WARC-Record-ID of its record; empty until it is written."""

    @property
    def status(self) -> int:
        """HTTP status of the answer; 0: its status line could not be parsed."""
        parts = self.head.split(None, 2)
        return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0


@dataclass(slots=True, eq=False)
class KeptFetch:
    """One attempt to fetch a feed, or an older page of it: a request, and one more for each redirect."""

    exchanges: list[Exchange] = field(default_factory=list)
    failed: FeedFailed | None = None
    """Why the attempt failed; None: it succeeded."""
    again: bool = False
    """Whether the host asked for a pause, so that the feed waited and was fetched again."""
    of_older_page: bool = False
    """Whether an older page of the feed was fetched, because of a gap before its document."""

    @property
    def ids(self) -> list[str]:
        """The ids of the records of its exchanges."""
        return [exchange.id for exchange in self.exchanges]

    def end(self, failed: FeedFailed | None) -> None:
        """Note how the attempt ended, and if its last body is incomplete, why."""
        self.failed = failed
        if failed is not None and self.exchanges and (last := self.exchanges[-1]).body and last.truncated:
            last.truncated = _TRUNCATED.get(failed.reason, UNREAD)


@dataclass(slots=True, eq=False)
class KeptPoll:
    """One poll of a feed, which may have taken several attempts."""

    feed: Feed
    feed_id: str
    """The id of the feed in the store. It depends on the credentials in the URL, which are not kept here."""
    began: datetime
    """When the feed was admitted."""
    ended: datetime
    """When it was decided what to store."""
    next_run: datetime | None
    """The time before which the user wanted no further fetch of the feed; None: no such limit."""
    fetches: tuple[KeptFetch, ...]
    outcome: str
    reason: str | None = None
    put_off: FeedFailed | None = None
    """Why the feed was not fetched although it was due, because of its host; then `fetches` is empty."""
    took_turn: bool = False
    """Whether the feeds of its host took turns, because the host limits the rate of requests."""


def answer_head(head: bytes, status: int, reason: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The head of an answer as it is kept.

    It is byte for byte what the server sent, except that Transfer-Encoding is renamed
    ``X-Archive-Orig-Transfer-Encoding``, because the body is kept without it. If a head breaks the rules of
    HTTP, its repaired form is kept, so that other programs can read it. A head of HTTP/2 is written in the
    form of HTTP/1.1.

    Args:
      head: the bytes of a head of HTTP/1; empty for HTTP/2.
      status: of the answer; only used for HTTP/2, as are the following.
      reason: reason phrase of the status.
      headers: names and values.
    """
    if not head:
        head = _head(b"HTTP/1.1 %d %b" % (status, reason.encode("latin-1")), headers)
    return _TRANSFER_ENCODING.sub(b"X-Archive-Orig-", head)


def request_head(target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The head of a GET as it is kept: without passwords."""
    return _head(b"GET %b HTTP/1.1" % target, (each for each in headers if each[0].lower() not in _SECRETS))


def _head(first: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"\r\n".join([first, *(b"%b: %b" % header for header in headers), b"", b""])
