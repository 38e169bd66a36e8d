"""Conditional requests: headers to send, and what an answer's headers say. Pure functions."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from .._errors import FeedFailed
from .._records import FeedState
from .._schedule.freshness import forgets
from ._decode import ACCEPT_ENCODING

ACCEPT: Final = (
    "application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json, "
    "application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
)

_BREAKAGES: Final = {"connection-lost", "protocol-error", "bad-encoding", "not-a-feed", "malformed"}


@dataclass(frozen=True, slots=True)
class Validators:
    """ETag and Last-Modified: opaque, byte for byte as they came (RFC 9110 §8.8)."""

    etag: str | None = None
    last_modified: str | None = None


def request_headers(state: FeedState | None, user_agent: str) -> list[tuple[bytes, bytes]]:
    """The headers of a GET, conditional when there are validators: both are sent (RFC 9110 §13.1.2–3)."""
    headers = {"User-Agent": user_agent, "Accept": ACCEPT, "Accept-Encoding": ACCEPT_ENCODING}
    if state is not None and state.etag is not None:
        headers["If-None-Match"] = state.etag
    if state is not None and state.last_modified is not None:
        headers["If-Modified-Since"] = state.last_modified
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


def is_conditional(state: FeedState | None) -> bool:
    """Whether a request with this state has validators: only such a one may be answered with 304."""
    return state is not None and (state.etag is not None or state.last_modified is not None)


def may_break_on_validators(failed: FeedFailed) -> bool:
    """Whether a conditional request may have failed for no other reason than that it was one.

    Servers answer it with 412, 400 or 500, with a page for people or nothing at all, or hang up. One that
    asks for a pause means it.
    """
    return (
        failed.postponed_by is None
        and failed.not_before is None
        and (failed.reason in _BREAKAGES or failed.reason.startswith("http-"))
    )


def basic_auth(userinfo: bytes) -> bytes:
    """``user:password`` of a URL as an Authorization value (RFC 7617 §2)."""
    user, _, password = userinfo.partition(b":")
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return b"Basic " + b2a_base64(pair, newline=False)


def _sendable(value: str | None) -> str | None:
    """None for what HTTP/2 can deliver but nobody may send: control characters (RFC 9110 §5.5)."""
    return value if value and all(char == "\t" or " " <= char != "\x7f" for char in value) else None


def validators(headers: Mapping[str, str], before: FeedState | None, status: int) -> Validators:
    """What to send next time: nothing, if the server asks for nothing to be kept.

    A 304 need not repeat what it confirms (RFC 9110 §15.4.5).
    """
    if forgets(headers):
        return Validators()
    etag, last_modified = (_sendable(headers.get(name)) for name in ("etag", "last-modified"))
    if status == 304 and before is not None:
        return Validators(etag or before.etag, last_modified or before.last_modified)
    return Validators(etag, last_modified)
