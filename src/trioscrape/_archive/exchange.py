"""What is kept of a poll: each request with its answer, byte for byte, and how each fetch ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Final
from uuid import uuid4

from .._errors import FeedFailed
from .._records import Feed

_TRANSFER_ENCODING: Final = re.compile(rb"^(?=transfer-encoding[ \t]*:)", re.IGNORECASE | re.MULTILINE)
_STATUS: Final = re.compile(rb"\S+\s+([0-9]{3})(?![0-9])")
_LOCATION: Final = re.compile(
    rb"^((?:content-)?location[ \t]*:(?:[ \t]|\r?\n[ \t])*(?:https?:[/\\]*|(?:[a-z][a-z0-9+.-]*:)?[/\\]{2,}))"
    rb"[^/\\?#\r\n]*@",
    re.IGNORECASE | re.MULTILINE,
)
"""Up to the end of the userinfo of the URL, which may be on the next line (RFC 9112 §5.2). As in browsers,
backslashes are slashes, and one or none of them is enough."""
_OTHER_URLS: Final = re.compile(
    rb"^(?:link|refresh)[ \t]*:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*", re.IGNORECASE | re.MULTILINE
)
"""Headers with URLs in the middle of their value."""
_USERINFO: Final = re.compile(rb"""(?<=//)[^/\\?#<>"'\s]*@""")
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
    """Of its record."""
    read_body: Callable[[], bytes] | None = None
    """Reads the body from the archive that this comes from, and blocks meanwhile. None: it has none, or it is
    in `body`."""

    @property
    def status(self) -> int:
        """Of the answer; 0: it has none that could be understood."""
        found = _STATUS.match(self.head)
        return int(found[1]) if found is not None else 0


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

    It is byte for byte what came, but for two things: Transfer-Encoding is called
    ``X-Archive-Orig-Transfer-Encoding``, because the body is kept without it, and URLs in Location and the
    like are without user names and passwords. A head that breaks the rules
    of HTTP is as it was repaired, so that others can read it; one of HTTP/2 is written as HTTP/1.1 has it.

    Args:
      head: the bytes of a head of HTTP/1; empty for HTTP/2.
      status: of the answer; only used for HTTP/2, as are the following.
      reason: reason phrase of the status.
      headers: names and values.
    """
    if not head:
        head = _head(b"HTTP/1.1 %d %b" % (status, reason.encode("latin-1")), headers)
    if b"@" in head:
        head = _LOCATION.sub(rb"\1", head)
        head = _OTHER_URLS.sub(lambda found: _USERINFO.sub(b"", found[0]), head)
    return _TRANSFER_ENCODING.sub(b"X-Archive-Orig-", head)


def request_head(target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The head of a GET as it is kept: without passwords."""
    return _head(b"GET %b HTTP/1.1" % target, (each for each in headers if each[0].lower() not in _SECRETS))


def _head(first: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"\r\n".join([first, *(b"%b: %b" % header for header in headers), b"", b""])
