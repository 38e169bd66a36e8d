"""The kinds of text in stored records.

Limits are bytes of UTF-8; together they keep the largest possible entry below the 16 MiB that MongoDB
allows for a document.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from .._urls import problem_with, without_credentials
from .kinds import Form, Kind, Read, Several

_KIBIBYTE: Final = 2**10
_MEBIBYTE: Final = 2**20
_FIELD_VALUE: Final = re.compile("[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?")
"""RFC 9110 §5.5: no control characters, and no white space at its ends."""
_HEX: Final = re.compile("[0-9a-f]{32}")


class Text(Kind[str]):
    """Text; what is longer is cut, but never within a character."""

    expected = "text"

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def reader(self, form: Form) -> Read[str]:  # noqa: ARG002
        return _text

    def clean(self, value: str) -> tuple[str | None, bool]:
        if value.isascii():
            if len(value) <= self.limit:
                return value, False
        else:
            value = encodable(value)
            if 4 * len(value) <= self.limit:  # no character has more bytes in UTF-8
                return value, False
        raw = value.encode()
        return (value, False) if len(raw) <= self.limit else self.shortened(raw)

    def check(self, found: Sequence[Any]) -> None:
        """As in `Kind`. What has come as UTF-8 has no surrogates, which are not looked for."""
        if {*map(type, found)} != {str}:
            raise TypeError
        if 4 * max(map(len, found)) > self.limit and max(len(each.encode()) for each in found) > self.limit:
            raise ValueError

    def shortened(self, raw: bytes) -> tuple[str | None, bool]:
        """What is kept of text over the limit, and whether that counts as left out."""
        return raw[: self.limit].decode(errors="ignore"), True


class Whole(Text):
    """Text that may be HTML; what is too long is left out, because HTML that is cut is no longer safe.

    Parsers cut texts of entries to the limit before they make them safe, so nothing of theirs is left out.
    """

    def shortened(self, raw: bytes) -> tuple[None, bool]:  # noqa: ARG002
        return None, True


class Link(Whole):
    """A link as a feed has it; one that is too long is left out, because half of it leads elsewhere."""


class Url(Link):
    """A URL that trioscrape can fetch; never with credentials."""

    expected = "an http or https URL"

    def reader(self, form: Form) -> Read[str]:  # noqa: ARG002
        return _url

    check = Kind.check


class Validator(Link):
    """The value of a validator's header field, decoded as latin-1. What no header can hold counts as none.

    It may come from another program, and with a line break in it somebody else would write the request.
    """

    def reader(self, form: Form) -> Read[Any]:  # noqa: ARG002
        return _field_value

    check = Kind.check

    def clean(self, value: str) -> tuple[str | None, bool]:
        return super().clean(value) if _FIELD_VALUE.fullmatch(value) else (None, True)


class Key(Text):
    """An identity; when it is too long, its beginning and a digest."""

    expected = "text that is not empty"

    def reader(self, form: Form) -> Read[str]:  # noqa: ARG002
        return _some_text

    def check(self, found: Sequence[Any]) -> None:
        super().check(found)
        if "" in found:
            raise ValueError

    def shortened(self, raw: bytes) -> tuple[str, bool]:
        digest = hashlib.blake2b(raw, digest_size=16).hexdigest()
        return f"{raw[: self.limit - 33].decode(errors='ignore')}#{digest}", False


class FeedId(Kind[str]):
    """The identity of a feed, see `feed_id`."""

    expected = "32 hexadecimal digits"

    def reader(self, form: Form) -> Read[str]:  # noqa: ARG002
        return _feed_id


class Day(Kind[str]):
    """A day, as ``2026-02-28``."""

    expected = "a day like 2026-02-28"

    def reader(self, form: Form) -> Read[str]:  # noqa: ARG002
        return _day


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _some_text(value: Any) -> str:
    text = _text(value)
    if not text:
        raise ValueError
    return text


def _url(value: Any) -> str:
    url = _text(value)
    if problem_with(url) is not None:
        raise ValueError
    return without_credentials(url)


def _field_value(value: Any) -> str | None:
    text = _text(value)
    return text if not text or _FIELD_VALUE.fullmatch(text) else None


def _feed_id(value: Any) -> str:
    found = _HEX.fullmatch(value)
    if found is None:
        raise ValueError
    return found[0]


def _day(value: Any) -> str:
    return date.fromisoformat(value).isoformat()


FEED_ID: Final = FeedId()
KEY: Final = Key(2 * _KIBIBYTE)
NAME: Final = Text(2 * _KIBIBYTE)
NAMES: Final = Several(NAME, "texts")
TITLE: Final = Text(64 * _KIBIBYTE)
SUMMARY: Final = Whole(2 * _MEBIBYTE)
CONTENT: Final = Whole(6 * _MEBIBYTE)
LINK: Final = Link(16 * _KIBIBYTE)
URL: Final = Url(16 * _KIBIBYTE)
VALIDATOR: Final = Validator(64 * _KIBIBYTE)
DAYS: Final = Several(Day(), "days like 2026-02-28")


def clean_key(key: str) -> str:
    """A key or a hash as it is stored."""
    if key.isascii() and len(key) <= KEY.limit:  # nearly every one, and this is called three times an entry
        return key
    return KEY.clean(key)[0] or ""


def encodable(text: str) -> str:
    """`text` as UTF-8 can have it: halves of a surrogate pair are joined, lone ones become U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
