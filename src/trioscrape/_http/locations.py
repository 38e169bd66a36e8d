"""Where a Location header leads, read as browsers read it: the URL parser of the WHATWG URL Standard.

It takes what servers write: backslashes, too many slashes or too few, characters that belong percent-encoded.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

import httpx

from .._urls import ascii_host

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_AROUND: Final = "".join(map(chr, range(0x21)))
_REMOVED: Final = str.maketrans("", "", "\t\r\n")
_CONTROL: Final = re.compile("[\0-\x1f\x7f]")
# The forbidden domain code points.
_NO_HOST: Final = re.compile(r'[\0-\x20"#%/:<>?@\[\\\]^`{|}\x7f]')


def absolute(location: bytes, base: httpx.URL) -> str:
    """The URL that `location` stands for in an answer from `base`, without fragment and credentials.

    Bytes that are not UTF-8 stay what they are, percent-encoded. The text may still be no http(s) URL.

    Raises:
      ValueError: it has a host that nobody can have.
    """
    text = _text(location).strip(_AROUND).translate(_REMOVED)
    scheme, rest = base.scheme, text
    if found := _SCHEME.match(text):
        scheme, rest = found[0].lower(), text[found.end() + 1 :]
        if scheme not in ("http", "https"):
            return text
    path, mark, query = rest.partition("#")[0].partition("?")
    path = path.replace("\\", "/")
    query = mark + query
    netloc = base.netloc.decode("ascii")
    if path.startswith("//") or (found and (scheme != base.scheme or _has_host_first(path))):
        authority, slash, path = path.lstrip("/").partition("/")
        netloc, path = ascii_netloc(authority.rpartition("@")[2]), slash + path
    elif not path.startswith("/"):
        before, _, query_before = base.raw_path.decode("ascii").partition("?")
        if path:
            path = f"{before.rpartition('/')[0]}/{path}"
        else:
            path, query = before, query or (query_before and f"?{query_before}")
    # Here browsers differ from the rest only in what they encode: httpx encodes all but control characters.
    encoded = _CONTROL.sub(lambda match: f"%{ord(match[0]):02X}", f"{path}{query}")
    return f"{scheme}://{netloc}{encoded}"


def _text(location: bytes) -> str:
    try:
        return location.decode()
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in location)


def _has_host_first(path: str) -> bool:
    """Whether ``http:/HOST/path`` is meant.

    After the scheme of the page itself, browsers take one slash for the beginning of a path, and curl for
    that of a host. Servers that lose a slash mean a host; it is taken for one where it looks like one.
    """
    host, slash, _ = path.removeprefix("/").partition("/")
    return bool(slash) and path.startswith("/") and ("." in host or ":" in host or host == "localhost")


def ascii_netloc(netloc: str) -> str:
    """A host and port as they go over the wire; see `ascii_host`.

    Raises:
      ValueError: nobody can have this host.
    """
    if netloc.startswith("["):  # an IPv6 address, or else httpx says that it is none
        return netloc
    host, colon, port = netloc.partition(":")
    host = ascii_host(unquote(host, errors="strict"))
    if _NO_HOST.search(host):
        raise ValueError("its host has a character that no host can have")
    return f"{host}{colon}{port}"


@lru_cache(maxsize=2048)  # a URL is parsed when its feed queues, and when it is fetched
def listed(url: str) -> httpx.URL:
    """A URL of a feed list; a host in Unicode is encoded as browsers do, one in ASCII stays as it is.

    Raises:
      httpx.InvalidURL: it is none.
      ValueError: nobody can have its host.
    """
    before, slashes, rest = url.partition("://")
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    if authority.isascii():
        return httpx.URL(url)
    userinfo, at, netloc = authority.rpartition("@")
    return httpx.URL(f"{before}{slashes}{userinfo}{at}{ascii_netloc(netloc)}{rest[len(authority) :]}")
