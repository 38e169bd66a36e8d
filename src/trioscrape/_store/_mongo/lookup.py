"""What is stored of the entries of a batch of feeds, read with as few commands as one feed would need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from pymongo.database import Database

from ..plan import Known
from ..records import CHUNK, chunks, text_or_none
from ..renames import NEWEST, Search, StoredKey
from .documents import Document, tolerant
from .errors import retried

_OF_KNOWN: Final = {"_id": 0, "feed": 1, "key": 1, "hash": 1, "updated": 1, "rewrites": 1}
_OF_STORED_KEY: Final = {**_OF_KNOWN, "link": 1, "title": 1, "published": 1}
_MANY: Final = 2000
"""Documents a reply. By default the first reply has 101, and the rest costs another round trip."""


def known_entries(
    database: Database[Document], wanted: Mapping[str, Iterable[str]]
) -> defaultdict[str, dict[str, Known]]:
    """What is stored of these keys, by feed and key."""
    entries = tolerant(database.entries)
    stored = defaultdict[str, dict[str, Known]](dict)
    clauses = [
        {"feed": feed, "key": {"$in": list(some)}}
        for feed, keys in wanted.items()
        for some in chunks(tuple(keys))
    ]
    for some in _up_to_a_chunk(clauses):
        found = retried(
            lambda query: entries.find(query, _OF_KNOWN, batch_size=_MANY).to_list(),
            {"$or": some},
        )
        for document in filter(_is_an_entry, found):
            stored[document["feed"]][document["key"]] = _known(document)
    return stored


def stored_keys(
    database: Database[Document], searches: Mapping[str, Search]
) -> defaultdict[str, list[StoredKey]]:
    """The stored entries that are wanted, by feed."""
    found = defaultdict[str, list[StoredKey]](list)
    clauses = [
        {"feed": feed, name: {"$in": list(some)}}
        for feed, wanted in searches.items()
        for name, values in {"key": wanted.keys, "published": wanted.dates}.items()
        for some in chunks(tuple(values))
    ]
    for some in _up_to_a_chunk(clauses):
        _add(database, {"$or": some}, None, NEWEST * len(some), found)
    for feed, wanted in searches.items():
        if wanted.newest:
            _add(database, {"feed": feed}, [("feed", 1), ("published", -1)], wanted.newest, found)
    return found


def _add(
    database: Database[Document],
    query: Document,
    order: list[tuple[str, int]] | None,
    limit: int,
    found: Mapping[str, list[StoredKey]],
) -> None:
    entries = tolerant(database.entries)
    documents = retried(
        lambda: entries.find(query, _OF_STORED_KEY, sort=order, limit=limit, batch_size=_MANY).to_list()
    )
    for document in filter(_is_an_entry, documents):
        found[document["feed"]].append(_stored_key(document))


def _is_an_entry(document: Document) -> bool:
    """Whether it has a feed and a key. A query for a value finds lists with that value in them, too."""
    return isinstance(document.get("feed"), str) and isinstance(document.get("key"), str)


def _stored_key(document: Document) -> StoredKey:
    published = document.get("published")
    return StoredKey(
        document["key"],
        text_or_none(document.get("link")),
        text_or_none(document.get("title")),
        published if isinstance(published, datetime) else None,
        _known(document),
    )


def _known(document: Document) -> Known:
    return Known.of(document.get("hash"), document.get("updated"), document.get("rewrites"))


def _up_to_a_chunk(clauses: Iterable[Document]) -> Iterator[list[Document]]:
    """The clauses in groups with about as many keys as a query should have."""
    some: list[Document] = []
    keys = 0
    for clause in clauses:
        some.append(clause)
        keys += sum(len(value["$in"]) for name, value in clause.items() if name != "feed")
        if keys >= CHUNK:
            yield some
            some, keys = [], 0
    if some:
        yield some
