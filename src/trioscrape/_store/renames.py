"""Entries whose URL has changed: a feed has gone from http to https, or to another host.

Keys that are URLs change then, all at once, and each entry of the document would be stored a second
time. So where more than half of the document of a known feed is unknown, the feed's stored keys are
compared with it, and an entry whose URL differs in nothing but scheme and host is *renamed*: it gets the new
key and stays the same entry, with the moment at which it was first seen.

A wrong guess would overwrite an old entry, so what is only likely is not done. With the same host, path
and query are enough. Blogs share paths (``/?p=1``), and a feed may gather many blogs: a change of host
counts only when one and the same change explains more than half of the document.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple


class _URL(NamedTuple):
    host: str
    path: str
    """And query, and whatever follows the URL in the key."""


def may_have_renames(keys: Collection[str], stored: Collection[str]) -> bool:
    """Whether it is worth while to look for renames.

    Args:
      keys: of the document.
      stored: those of them that are stored.
    """
    unknown = [key for key in keys if key not in stored]
    return 2 * len(unknown) > len(keys) and any(_url(key) for key in unknown)


def find_renames(keys: Collection[str], stored: Collection[str], all_stored: Iterable[str]) -> dict[str, str]:
    """The old key by the new one, for each entry of the document that is stored under another URL.

    Args:
      keys: of the document.
      stored: those of them that are stored.
      all_stored: every stored key of the feed, in any order; only those that match are kept in memory.
    """
    unknown = {key: url for key in keys if key not in stored and (url := _url(key))}
    paths = {url.path for url in unknown.values()}
    in_document = set(keys)
    old = {
        key: url for key in all_stored if key not in in_document and (url := _url(key)) and url.path in paths
    }
    same_host = _pairs(unknown, old)
    taken = set(same_host.values())
    by_path = _pairs(
        {key: url.path for key, url in unknown.items() if key not in same_host},
        {key: url.path for key, url in old.items() if key not in taken},
    )
    hosts = {after: (old[before].host, unknown[after].host) for after, before in by_path.items()}
    common = {change for change, entries in Counter(hosts.values()).items() if 2 * entries > len(keys)}
    other_host = {after: before for after, before in by_path.items() if hosts[after] in common}
    return same_host | other_host


def _pairs(new: Mapping[str, object], old: Mapping[str, object]) -> dict[str, str]:
    """The old key by the new one, where exactly one of each has the same value."""
    after, before = _by_value(new), _by_value(old)
    return {
        keys[0]: before[value][0]
        for value, keys in after.items()
        if len(keys) == 1 and len(before[value]) == 1
    }


def _by_value(keys: Mapping[str, object]) -> defaultdict[object, list[str]]:
    found = defaultdict[object, list[str]](list)
    for key, value in keys.items():
        found[value].append(key)
    return found


def _url(key: str) -> _URL | None:
    """Host and path of a key that is a URL; None of any other. A repeated key has its link behind it."""
    parts = [part.partition("://") for part in key.split(" ")]
    if parts[0][0].lower() not in {"http", "https"} or not parts[0][1]:
        return None
    host = parts[0][2].partition("/")[0].lower()
    return _URL(host, " ".join(rest.partition("/")[2] if mark else word for word, mark, rest in parts))
