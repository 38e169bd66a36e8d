"""An answer's headers and status: what each says, and whether there may be a whole document behind them."""

from __future__ import annotations

import re
from collections import UserDict
from collections.abc import Iterable
from typing import Final

from .._errors import FeedFailed
from ._transport import Answer

_LISTS: Final = {"cache-control", "content-encoding"}
"""Headers that may have several lines, which are one list then (RFC 9110 §5.3)."""
_SINGLE: Final = {
    "age",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "location",
    "retry-after",
}
_RANGE: Final = re.compile(r"bytes[ =]*([0-9]+)-([0-9]+)/([0-9]+|\*)", re.IGNORECASE)


class Fields(UserDict[str, str]):
    """Headers by lower-case name, decoded as latin-1, which keeps every byte (RFC 9110 §5.5).

    Of a header that can only have one value the first counts that is not empty. Joined, as lists are, two
    of them would be a value that no server has meant.
    """

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self.data = fields = dict[str, str]()
        self.repeated = False
        """Whether one came twice that can only have one value."""
        self.cookies: list[str] = []
        """Those of Set-Cookie, which is neither (RFC 6265 §3)."""
        for raw_name, raw_value in raw:
            name, value = raw_name.lower().decode("latin-1"), raw_value.decode("latin-1")
            if name == "set-cookie":
                self.cookies.append(value)
            elif not (before := fields.get(name)):
                self.repeated = self.repeated or (before is not None and name in _SINGLE)
                fields[name] = value
            elif name in _LISTS:
                fields[name] = f"{before}, {value}"
            elif name in _SINGLE:
                self.repeated = True


def may_have_document(status: int) -> bool:
    """Whether the answer is to be read: any success that has a body (RFC 9110 §15.3).

    A status says how a server feels about the request; whether there is a feed in the body only that can say.
    """
    return 200 <= status < 300 and status not in (204, 205)


def check_for_challenge(answer: Answer, fields: Fields) -> None:
    """Raise `FeedFailed` when this is a puzzle for a browser; Cloudflare sends one with any status."""
    if fields.get("cf-mitigated") == "challenge":
        raise FeedFailed("challenge", f"{answer.status} {answer.reason_phrase}".rstrip())


def check_is_whole(fields: Fields) -> None:
    """Raise `FeedFailed` when a 206 has a part of the document (RFC 9110 §14.4); nobody has asked for one."""
    if fields.get("content-type", "").lower().startswith("multipart/byteranges"):
        raise FeedFailed("http-206", "the server sent parts of the document, though all of it was asked for")
    said = _RANGE.match(fields.get("content-range", "").strip())
    if said is None:
        return  # it says nothing that could be understood: then the parser sees what is there
    first, last, size = said.groups()
    if int(first) != 0 or (size != "*" and int(last) + 1 < int(size)):
        raise FeedFailed(
            "http-206",
            f"the server sent bytes {first[:20]} to {last[:20]} of {size[:20]}, though all were asked for; "
            "a cache or proxy on the way may be the cause",
        )


def words_of(answer: Answer) -> str:
    """Why there is no document, for the `detail` of a result: what the status of the answer means."""
    words = answer.reason_phrase
    if 200 <= answer.status < 300:
        said = "the server sent no document; a browser shows whether it wants cookies or a script first"
        return f"{words}: {said}".removeprefix(": ")
    return words
