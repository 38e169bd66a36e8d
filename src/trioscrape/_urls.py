"""URLs: which are valid for feeds, when two are the same, and how credentials are removed."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import SplitResult, urlsplit, urlunsplit

import idna

DEFAULT_PORTS = {"http": 80, "https": 443}
# The userinfo of a URL's authority, up to its last "@" (RFC 3986 §3.2.1).
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
_NO_CHARACTER = re.compile("[\x00-\x20\x7f\ud800-\udfff]")
_SCHEME = re.compile(r"\s*([a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_HOST_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_WITHOUT_SCHEME = re.compile(
    rf"""(?://)?
    (?: (?:{_HOST_LABEL}\.)+ (?:[^\W\d_]{{2,}} | xn--[\w-]+) | localhost | \d{{1,3}}(?:\.\d{{1,3}}){{3}} )
    \.? (?::\d{{1,5}})? (?:[/?\#].*)?""",
    re.VERBOSE | re.IGNORECASE,
)


def without_credentials(url: str) -> str:
    """`url` without user name and password; user names go too: many services put their secret there.

    In what is no URL as it stands, whatever is before the last ``@`` may be a password that nobody
    has escaped (``http://me:p/ss@host``): there all of it goes, but for the scheme.
    """
    if "@" not in url:
        return url
    if problem_with(url) is None:
        return _USERINFO.sub("", url)
    before, _, after = url.rpartition("@")
    scheme = _SCHEME.match(before)
    return f"{scheme[0] if scheme else ''}{after}"


def without_secrets(message: str) -> str:
    """`message` with what may be credentials in any URL of it removed."""
    return re.sub(r"(?<=//)\S*@", "", message)


def problem_with(url: str) -> str | None:
    """Why `url` is no http(s) URL, or None when it is one."""
    if url.partition("://")[0].lower() not in DEFAULT_PORTS:
        return "it does not begin with http:// or https://"
    if _NO_CHARACTER.search(url):
        return "it contains a space or a control character"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "it has a malformed IPv6 address"
    host = parts.hostname  # Found anew each time that it is asked for.
    if not host:
        return "it has no host"
    if ":" in host and "%" in host:
        return "its IPv6 address has a zone, which is only valid on one machine"
    try:
        port = parts.port
    except ValueError:  # its text quotes what may be a part of a password
        port = 0
    return "its port is not a number from 1 to 65535" if port == 0 else None


def with_scheme(url: str) -> str | None:
    """The https URL for one that lacks its scheme, such as ``example.org/feed``; None for any other text."""
    if url.startswith(("https://", "http://")) or not _WITHOUT_SCHEME.fullmatch(url):
        return None
    found = f"https://{url.removeprefix('//')}"
    return found if problem_with(found) is None else None


def normalised(url: str) -> str:
    """The URL by which two spellings of one feed are the same (RFC 3986 §6.2.2–3).

    Scheme and host in lower case, no default port, no fragment, no password; a path at least ``/``.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    user = f"{parts.username}@" if parts.username else ""
    port = parts.port
    colon_port = "" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}"
    netloc = f"{user}{host}{colon_port}"
    return urlunsplit(SplitResult(parts.scheme, netloc, parts.path or "/", parts.query, ""))


def spelling(url: str) -> str:
    """A URL without what two of one feed often differ in: the scheme, ``www.`` and a slash at the end."""
    parts = urlsplit(normalised(url))
    return f"{parts.netloc.removeprefix('www.')}{parts.path.rstrip('/')}?{parts.query}"


def ascii_host(host: str) -> str:
    """`host` as DNS and TLS have it: lower case, and a name in Unicode by UTS 46, as browsers encode it.

    A label that IDNA 2008 does not allow but UTS 46 does, an emoji for example, is encoded all the same:
    such names are registered, and browsers open them.

    Raises:
      ValueError: no name can be made of it.
    """
    if not host.isascii():
        host = idna.uts46_remap(host, std3_rules=False, transitional=False)
    labels = [_ascii_label(label) for label in host.lower().split(".")]
    if max(map(len, labels)) > 63:
        raise ValueError("a part of the host name is longer than 63 characters (RFC 1035 §2.3.4)")
    return ".".join(labels)


def _ascii_label(label: str) -> str:
    if label.isascii():
        return label
    try:
        return idna.alabel(label).decode("ascii")
    except idna.InvalidCodepoint:
        return f"xn--{label.encode('punycode').decode('ascii')}"


def feed_id(url: str) -> str:
    """A feed's identity in the store: 32 hex digits of its normalised first URL (https without a scheme)."""
    return identity(normalised(with_scheme(url) or url))


def identity(url: str) -> str:
    """The same of a URL that is normalised already."""
    return hashlib.blake2b(url.encode(), digest_size=16).hexdigest()
