"""URLs of MongoDB: taken apart, checked, and redacted for messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, quote_plus

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

from ..._errors import UsageError

SRV: Final = "mongodb+srv://"
SCHEMES: Final = ("mongodb://", SRV)
DEFAULT_DATABASE: Final = "trioscrape"

_OF_MONGODB: Final = {"admin", "config", "local"}

# Options of mongodb+srv:// only; parse_uri looks such URLs up, so they are parsed as mongodb:// ones.
_SRV_OPTION: Final = re.compile(r"(?<=[?&])srv[^=&]*=[^&]*&?", re.IGNORECASE)
_SECRET_OPTION: Final = re.compile("password|passphrase|mechanismproperties", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MongoURL:
    """A URL that pymongo understands, taken apart without any lookup."""

    url: str = field(repr=False)
    redacted_url: str
    """Scheme, hosts and database: no user, and no options, which may hold secrets as well."""
    database: str
    options: Mapping[str, Any] = field(repr=False)
    """By pymongo's names in lower case."""
    secrets: frozenset[str] = field(repr=False)
    """What no message may contain: the password and the secret options, in every spelling."""

    def is_safe(self, text: str) -> bool:
        """Whether `text` contains no secret of this URL."""
        return not any(secret in text for secret in self.secrets)


def parse_mongo_url(url: str) -> MongoURL:
    """Take the URL apart, without any lookup or connection.

    Raises:
      UsageError: it is not valid for pymongo, or can't be that of a store.
    """
    scheme = next(scheme for scheme in SCHEMES if url.startswith(scheme))
    try:
        try:
            parsed = _parsed(url)
        except _INVALID:
            url = _with_encoded_user(url)
            parsed = _parsed(url)
    except _INVALID as error:
        reason = _reason(str(error), url)
        raise UsageError(f"invalid store URL {scheme}…: {reason}") from None
    problem = _problem(url, parsed)
    if problem:
        raise UsageError(f"invalid store URL {scheme}…: {problem}")
    database = parsed["database"] or DEFAULT_DATABASE
    hosts = ",".join(_host(*node) for node in parsed["nodelist"])
    return MongoURL(
        url,
        f"{scheme}{hosts}/{database}",
        database,
        {name.lower(): value for name, value in parsed["options"].items()},
        _secrets(parsed),
    )


_INVALID: Final = (PyMongoError, ValueError, TypeError, OSError)


def _parsed(url: str) -> Mapping[str, Any]:
    """What pymongo makes of `url`; raises one of `_INVALID`."""
    plain = _without_srv(url)
    parsed: Mapping[str, Any] = parse_uri(plain, default_port=None if url.startswith(SRV) else 27017)
    MongoClient[Any](plain, connect=False).close()
    return parsed


def _with_encoded_user(url: str) -> str:
    """`url`, with user and password percent-encoded; the last "@" ends them."""
    scheme, _, rest = url.partition("://")
    userinfo, at, hosts = rest.rpartition("@")
    if not at:
        return url
    user, colon, password = userinfo.partition(":")
    return f"{scheme}://{_encoded(user)}{colon}{_encoded(password)}@{hosts}"


def _encoded(text: str) -> str:
    # What is percent-encoded already stays; "+" is a space to pymongo.
    return quote(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", text), safe="%+!$&'()*,;=")


def _without_srv(url: str) -> str:
    if not url.startswith(SRV):
        return url
    return _SRV_OPTION.sub("", url.replace(SRV, "mongodb://", 1)).rstrip("?&")


def _problem(url: str, parsed: Mapping[str, Any]) -> str | None:
    """Why a URL that is valid for pymongo can't be that of a store; None when it can."""
    hosts = parsed["nodelist"]
    if any(not str(name).isprintable() or " " in str(name) for name, _ in hosts):
        return "a host contains a space or a control character"
    if url.startswith(SRV) and (len(hosts) > 1 or hosts[0][1] is not None):
        return f"{SRV} must have one host and no port"
    if parsed["collection"]:
        return "it names a collection; the path must be the name of a database"
    if parsed["database"] in _OF_MONGODB:
        return (
            f"{parsed['database']!r} is a database of MongoDB itself; name another one, and write"
            " ?authSource=admin if that is where the user is defined"
        )
    if parsed["options"].get("w") == 0:
        return "w=0 means that no write is acknowledged; leave it out"
    return None


def _host(name: str, port: int | None) -> str:
    if name.startswith("/"):  # a socket in the file system
        return quote(name, safe="")
    name = f"[{name}]" if ":" in name else name
    return name if port is None else f"{name}:{port}"


def _secrets(parsed: Mapping[str, Any]) -> frozenset[str]:
    secrets = {str(value) for name, value in parsed["options"].items() if _SECRET_OPTION.search(name)}
    secrets.add(parsed["password"] or "")
    spellings = (str, quote, quote_plus, lambda text: quote(text, safe=""), repr)
    return frozenset(spell(secret) for secret in secrets if secret for spell in spellings)


def _reason(text: str, url: str) -> str:
    """Pymongo's message, unless it quotes something that could be a secret.

    Where a URL is not valid, its password may begin and end anywhere: all that is before the last "@" may
    be part of it.
    """
    rest = url.partition("://")[2]
    userinfo, _, rest = rest.rpartition("@")
    pieces = [piece for piece in re.split(r"[:/?#@&=,]+", userinfo) if len(piece) > 2]
    pieces += [value for name, value in re.findall(r"([^?&=]+)=([^&]+)", rest) if _SECRET_OPTION.search(name)]
    if "@" in text or any(piece in text for piece in pieces):
        return "user and password must be percent-encoded"
    return text.replace(" or maybe a camelCase version of one? Refer to docstring.", "?")
