"""Keys of entries and the hash that says whether one has changed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from trioscrape._parse import Document, parse_document
from trioscrape._parse._identity import LONGEST_KEY, change_hash, identified
from trioscrape._types import Enclosure, Entry

ENTRY = Entry(
    key="k",
    hash="h",
    link="http://a.test/1",
    title="t",
    summary="s",
    summary_type="text",
    content="c",
    content_type="html",
    authors=("a", "b"),
    published=datetime(2020, 1, 1, tzinfo=UTC),
    updated=datetime(2020, 1, 2, tzinfo=UTC),
    tags=("x",),
    enclosures=(Enclosure("http://a.test/e", "audio/mpeg", 1),),
    language="en",
)
BARE = Entry(key="", hash="")


def keys(*entries: tuple[str | None, Entry]) -> list[str]:
    return [entry.key for entry in identified(entries)]


def test_the_key_is_the_trimmed_guid_else_the_link_else_a_hash() -> None:
    guid, link, hashed = keys((" \n1 ", ENTRY), ("  ", ENTRY), (None, replace(ENTRY, link=None)))

    assert (guid, link) == ("1", "http://a.test/1")
    assert hashed.startswith("hash:")


@pytest.mark.parametrize("field", ["title", "published", "content"])
def test_a_hashed_key_depends_on_title_published_and_content_only(field: str) -> None:
    one = replace(ENTRY, link=None)
    (key,) = keys((None, one))

    assert keys((None, replace(one, **{field: None}))) != [key]
    assert keys((None, replace(one, summary="!", tags=(), authors=(), updated=None))) == [key]


def test_a_key_that_is_taken_gets_the_link_and_then_a_number() -> None:
    a, b = replace(BARE, link="http://a.test/"), replace(BARE, link="http://b.test/")

    assert keys(("1", a), ("1", b), ("1", b), ("1", b), ("1", BARE), ("1", BARE), ("2", a)) == [
        "1",
        "1 http://b.test/",
        "1 http://b.test/ 2",
        "1 http://b.test/ 3",
        "1 2",
        "1 3",
        "2",
    ]


def test_a_number_never_meets_the_guid_of_another_entry() -> None:
    assert keys(("1 2", BARE), ("1", BARE), ("1", BARE), ("1 3", BARE)) == ["1 2", "1", "1 3", "1 3 2"]


def test_a_hundred_thousand_entries_of_one_guid_have_a_key_each() -> None:
    assert len(set(keys(*[("1", BARE)] * 100_000))) == 100_000


def test_an_endless_guid_becomes_a_short_key_of_its_own() -> None:
    first, second = keys(("x" * 10**6, BARE), ("x" * 10**6 + "y", BARE))

    assert first != second
    assert len(first) < 50
    assert all(len(key) <= LONGEST_KEY + 10 for key in keys(("g" * 900, ENTRY), ("g" * 900, ENTRY)))


@pytest.mark.parametrize("field", [field.name for field in fields(Entry)])
def test_the_hash_is_over_all_fields_but_key_and_hash(field: str) -> None:
    other: dict[str, Any] = {"authors": ("a",), "tags": (), "enclosures": ()}
    changed = replace(ENTRY, **{field: other.get(field, "other" if field in {"key", "hash"} else None)})

    assert (change_hash(changed) == change_hash(ENTRY)) == (field in {"key", "hash"})


def test_fields_that_run_together_are_different_entries() -> None:
    assert change_hash(replace(BARE, authors=("ab", "c"))) != change_hash(replace(BARE, authors=("a", "bc")))
    assert change_hash(replace(BARE, title="x")) != change_hash(replace(BARE, summary="x"))
    assert change_hash(replace(BARE, title="")) != change_hash(BARE)


def test_another_process_finds_the_same_hash() -> None:
    program = (
        "from trioscrape._types import Entry; from trioscrape._parse._identity import change_hash;"
        "print(change_hash(Entry('', '', title='Käfer', tags=('a', 'b'))))"
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert there.stdout.strip() == change_hash(replace(BARE, title="Käfer", tags=("a", "b")))


def test_duplicate_guids_in_a_document_lose_no_entry() -> None:
    items = "".join(
        f"<item><guid isPermaLink='false'>same</guid><link>http://a.test/{i}</link></item>" for i in (1, 2)
    )
    feed = parse_document(
        Document(f"<rss version='2.0'><channel>{items}</channel></rss>".encode(), "http://a.test/")
    )

    assert [entry.key for entry in feed.entries] == ["same", "same http://a.test/2"]
