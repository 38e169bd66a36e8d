"""URLs as trioscrape sees them: what is a feed URL, when two are one, what may be shown."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import SplitResult, urlsplit, urlunsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
# The authority of anything URL-like, up to the last "@" before the path (RFC 3986 §3.2.1).
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")


def without_credentials(text: str) -> str:
    """`text` with the user name and password of every URL in it removed.

    User names go too: many services put their only secret there.
    """
    return _USERINFO.sub("", text)


def problem_with(url: str) -> str | None:
    """Why `url` is no http(s) URL, or None when it is one."""
    if url.partition("://")[0].lower() not in _DEFAULT_PORTS:
        return "it does not begin with http:// or https://"
    if any(ord(char) <= 32 or ord(char) == 127 for char in url):
        return "it has a space or a control character in it"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return str(error)
    if not parts.hostname:
        return "it has no host"
    return "port 0 does not exist" if port == 0 else None


def normalised(url: str) -> str:
    """The URL by which two spellings of one feed are the same (RFC 3986 §6.2.2–3).

    Scheme and host in lower case, no default port, no fragment, no password; a path at least ``/``.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    user = f"{parts.username}@" if parts.username else ""
    port = parts.port
    colon_port = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    netloc = f"{user}{host}{colon_port}"
    return urlunsplit(SplitResult(parts.scheme, netloc, parts.path or "/", parts.query, ""))


def feed_id(url: str) -> str:
    """A feed's identity in the store: 32 hex digits of its normalised first URL."""
    return hashlib.blake2b(normalised(url).encode(), digest_size=16).hexdigest()
