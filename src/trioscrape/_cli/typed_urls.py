"""URLs as people type and paste them, and the URLs that they mean."""

from __future__ import annotations

import codecs
import re
import string
from contextlib import suppress
from typing import Final
from urllib.parse import quote

from .._urls import ascii_host, problem_with, with_scheme

_LIST_MARK: Final = re.compile(r"(?:[-*+\u2022\u2013]|\d{1,6}[.)])\s+")
_QUOTED: Final = re.compile(
    r"""(?:<([^<>]+)> | "([^"]+)" | '([^']+)' | \u201c([^\u201d]+)\u201d | `([^`]+)`) [\s,;]* (.*)""",
    re.VERBOSE | re.DOTALL,
)
# Schemes that browsers and podcast programs use to say that a URL is that of a feed, in front of it
# (feed:https://…) or instead of http (feed://…).
_FEED_SCHEME: Final = re.compile(r"(?:feeds?|rss|podcast|pcast|itpc):(?://)?(?=.)", re.IGNORECASE)

_HOST: Final = re.compile(r"(?<=://)[^/?#:\[\]]+")
"""Of a URL without user name and password."""


def split_line(line: str) -> tuple[str, str | None]:
    """The URL of a line as it is typed, and the title after it.

    A mark such as ``-`` or ``1.`` in front of the URL is left out, and so are quotes or angle brackets
    around it (RFC 3986 appendix C).
    """
    line = line.strip()
    if mark := _LIST_MARK.match(line):
        line = line[mark.end() :]
    if match := _QUOTED.fullmatch(line):
        *urls, title = match.groups()
        return next(filter(None, urls)), title.strip() or None
    url, *rest = line.split(maxsplit=1)
    return url, rest[0] if rest else None


def typed_url(text: str) -> str | None:
    """The http or https URL in `text`, which may lack its scheme; None when there is none.

    A space in it is percent-encoded, as browsers do (WHATWG URL).
    """
    url = re.sub(r"[\t\r\n]\s*", "", text.strip()).replace(" ", "%20")
    if scheme := _FEED_SCHEME.match(url):
        url = url[scheme.end() :]
        url = url if "://" in url.partition("?")[0] else f"http://{url}"
    return url if with_scheme(url) or problem_with(url) is None else None


def meant_url(text: str) -> str | None:
    """The same with a scheme: https where it has none."""
    url = typed_url(text)
    return url and (with_scheme(url) or url)


def written_url(url: str, encoding: str = "utf-8") -> str:
    """A URL as it is written to a list, so that the URL that is read from there leads to the same feed.

    A URL that has spaces or characters that are not printable is written in ASCII: percent-encoded
    (RFC 3987 §3.1), with the host as it is in DNS. So is any URL if the encoding is not a Unicode one,
    because lists are read as UTF-8. Otherwise it is not changed, because it identifies the feed.
    """
    if url.isascii() or (url.isprintable() and codecs.lookup(encoding).name.startswith("utf-")):
        return url
    with suppress(ValueError):  # no name can be made of the host, so that it can't be fetched either
        url = _HOST.sub(lambda host: ascii_host(host[0]), url, count=1)
    return quote(url, safe=string.punctuation)
