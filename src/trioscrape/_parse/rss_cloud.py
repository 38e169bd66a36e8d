"""The server that notifies of changes in an RSS feed: its ``cloud`` element (RSS 2.0, rssCloud). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from .._urls import problem_with


def cloud(given: Mapping[str, str]) -> str | None:
    """The cloud as one text: protocol, URL, and the procedure if there is one. None: it does not say where.

    Args:
      given: the attributes of the element, their names in lower case.
    """
    names = ("protocol", "domain", "port", "path", "registerprocedure")
    protocol, domain, port, path, procedure = ("".join(given.get(name, "").split()) for name in names)
    scheme, default = ("https", "443") if port == "443" else ("http", "80")
    place = domain if port in ("", default) else f"{domain}:{port}"
    url = f"{scheme}://{place}/{path.removeprefix('/')}"
    if not protocol or "@" in domain or problem_with(url) is not None:
        return None
    return f"{protocol.lower()} {url} {procedure}".strip()
