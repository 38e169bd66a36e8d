"""Keys that are URLs, when a feed has gone to another host: all of them change at once.

Blogs share paths (``/?p=1``), and a feed may gather many blogs: a change of host counts only when one and the
same change explains more than half of the document.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class URL(NamedTuple):
    """An http or https URL without its scheme."""

    host: str
    """In lower case."""
    path: str
    """And query, and whatever follows the URL in the key."""


def same_url(key: str) -> URL | None:
    """What is equal for keys that are URLs and differ in the scheme alone; None for any other key.

    Up to schema version 3, a repeated id was followed by a space and the link.
    """
    parts = [part.partition("://") for part in key.split(" ")]
    if parts[0][0].lower() not in {"http", "https"} or not parts[0][1]:
        return None
    host = parts[0][2].partition("/")[0].lower()
    return URL(host, " ".join(rest.partition("/")[2] if mark else word for word, mark, rest in parts))


def find_moved_urls(new: Iterable[str], old: Iterable[str], entries: int) -> dict[str, str]:
    """The old key by the new one, where the host alone has changed.

    Args:
      new: keys of the document that are not stored.
      old: stored keys that are not in the document.
      entries: in the document.
    """
    after, before = _urls(new), _urls(old)
    pairs = _pairs(_paths(after), _paths(before))
    hosts = {key: (before[stored].host, after[key].host) for key, stored in pairs.items()}
    common = {change for change, count in Counter(hosts.values()).items() if 2 * count > entries}
    return {key: stored for key, stored in pairs.items() if hosts[key] in common}


def _urls(keys: Iterable[str]) -> dict[str, URL]:
    return {key: url for key in keys if (url := same_url(key))}


def _paths(urls: Mapping[str, URL]) -> dict[str, str]:
    return {key: url.path for key, url in urls.items()}


def _pairs(new: Mapping[str, str], old: Mapping[str, str]) -> dict[str, str]:
    """The old key by the new one, where exactly one of each has the same value."""
    after, before = _by_value(new), _by_value(old)
    return {
        keys[0]: before[value][0]
        for value, keys in after.items()
        if len(keys) == 1 and len(before.get(value, ())) == 1
    }


def _by_value(keys: Mapping[str, str]) -> Mapping[str, list[str]]:
    found = defaultdict[str, list[str]](list)
    for key, value in keys.items():
        found[value].append(key)
    return found
