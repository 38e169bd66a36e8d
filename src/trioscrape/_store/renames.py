"""The same entry under another URL: a feed that has gone from http to https, or to another host.

Keys that are URLs change then, all at once, and each entry of the document would be stored a second
time. So where more than half of a known feed's document is unknown, its stored keys are looked
through, and an entry whose URL is the same but for scheme and host gets the new key. It is *renamed*,
so that the next run finds it at once, and keeps the moment at which it was first seen.

What is only almost certain is not done, because a wrong guess would overwrite an old entry. With the
same host, path and query are enough. Blogs share paths (``/?p=1``), and a feed may gather many
blogs: another host is believed only when it is one host that has become one other in more than half
of the document.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple


class _Alias(NamedTuple):
    host: str
    path: str
    """And query, and whatever follows the URL in the key."""


def may_have_moved(keys: Collection[str], stored: Collection[str]) -> bool:
    """Whether it is worth while to look through the stored keys of a feed that is known.

    Args:
      keys: of the document.
      stored: those of them that are stored.
    """
    unknown = [key for key in keys if key not in stored]
    return 2 * len(unknown) > len(keys) and any(_alias(key) for key in unknown)


def moved(keys: Collection[str], stored: Collection[str], all_stored: Iterable[str]) -> dict[str, str]:
    """The old key by the new one, for each entry of the document that is stored under another URL.

    Args:
      keys: of the document.
      stored: those of them that are stored.
      all_stored: every stored key of the feed, in any order; only those that match are kept.
    """
    unknown = {key: alias for key in keys if key not in stored and (alias := _alias(key))}
    paths = {alias.path for alias in unknown.values()}
    named = set(keys)
    old = {
        key: alias
        for key in all_stored
        if key not in named and (alias := _alias(key)) and alias.path in paths
    }
    same_host = _pairs(unknown, old)
    taken = set(same_host.values())
    by_path = _pairs(
        {key: alias.path for key, alias in unknown.items() if key not in same_host},
        {key: alias.path for key, alias in old.items() if key not in taken},
    )
    moves = Counter((old[before].host, unknown[after].host) for after, before in by_path.items())
    believed = {hosts for hosts, entries in moves.items() if 2 * entries > len(keys)}
    other_host = {
        after: before
        for after, before in by_path.items()
        if (old[before].host, unknown[after].host) in believed
    }
    return same_host | other_host


def _pairs(new: Mapping[str, object], old: Mapping[str, object]) -> dict[str, str]:
    """Old key by new key, where exactly one of each has the same value."""
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


def _alias(key: str) -> _Alias | None:
    """Host and path of a key that is a URL; None of any other. A repeated key has its link behind it."""
    parts = [part.partition("://") for part in key.split(" ")]
    if parts[0][0].lower() not in {"http", "https"} or not parts[0][1]:
        return None
    host = parts[0][2].partition("/")[0].lower()
    return _Alias(host, " ".join(rest.partition("/")[2] if mark else word for word, mark, rest in parts))
