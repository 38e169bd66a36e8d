"""Rule 4 within a document: keys of entries, and the hash that says whether one has changed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trioscrape._parse import FeedDocument, parse_document
from trioscrape._parse.identity import (
    LONGEST_KEY,
    MOST_SHARED,
    change_hash,
    identified,
    kind_of,
    text_keys,
)
from trioscrape._records import Enclosure, Entry

ENTRY = Entry(
    key="",
    hash="",
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


def one(number: int, link: str | None = "http://a.test/{}") -> Entry:
    """An entry that is none of the others."""
    return replace(
        BARE,
        title=f"Title {number}",
        link=link.format(number) if link else None,
        published=datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=number),
    )


OTHERS = [(str(number), one(number)) for number in range(9, 20)]


def keys(*pairs: tuple[str | None, Entry], **how: Any) -> list[str]:
    return [entry.key for entry in identified(pairs, **how).entries]


def test_the_key_is_the_trimmed_guid_else_the_link_else_a_hash() -> None:
    assert keys((" \n1 ", one(1)), ("2", one(2)), ("  ", one(3))) == ["1", "2", "http://a.test/3"]
    assert keys((None, one(4, link=None)))[0].startswith("hash:")


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"content": "corrected"}, True),
        ({"summary": "corrected", "tags": ("a",), "updated": None}, True),
        ({"title": "other"}, False),
        ({"published": datetime(2021, 1, 1, tzinfo=UTC)}, False),
    ],
)
def test_without_guid_and_link_title_and_date_count(change: dict[str, Any], *, same: bool) -> None:
    entry = replace(ENTRY, link=None)

    assert (keys((None, entry)) == keys((None, replace(entry, **change)))) == same


@pytest.mark.parametrize("missing", ["title", "published"])
def test_without_one_of_these_the_text_counts(missing: str) -> None:
    entry = replace(ENTRY, link=None, **{missing: None})  # type: ignore[arg-type]

    assert keys((None, entry)) != keys((None, replace(entry, content="other")))
    assert keys((None, entry)) == keys((None, replace(entry, tags=(), authors=())))


def test_what_several_entries_have_says_nothing_wherever_they_stand() -> None:
    pairs = [("1", one(1)), ("2", one(2)), ("2", one(3)), ("3", one(4)), *OTHERS]

    found = identified(pairs)
    turned = identified(pairs[::-1])

    assert [entry.key for entry in found.entries][:4] == ["1", "http://a.test/2", "http://a.test/3", "3"]
    assert sorted(found.entries, key=str) == sorted(turned.entries, key=str)
    assert (found.shared, found.distrusts_ids) == (("2",), False)


def test_ids_and_links_that_are_the_same_everywhere_leave_title_and_date() -> None:
    page = "http://a.test/changelog"
    found = identified([("N/A", one(number, link=page)) for number in range(3)])

    assert [entry.key[:5] for entry in found.entries] == ["hash:"] * 3
    assert (set(found.shared), found.distrusts_ids) == ({"N/A", page}, False)


def test_what_was_shared_once_says_nothing_for_ever() -> None:
    before = identified([("N/A", one(1)), ("N/A", one(2, link=None)), *OTHERS])

    assert before.shared == ("N/A",)
    assert keys(("N/A", one(1)), shared=before.shared) == ["http://a.test/1"]


def test_entries_with_nothing_but_a_file_are_told_apart() -> None:
    files = [replace(BARE, enclosures=(Enclosure(f"http://a.test/{number}"),)) for number in range(3)]

    assert len(set(keys(*((None, file) for file in files)))) == 3


def test_entries_that_differ_in_their_ids_alone_are_told_apart_by_them() -> None:
    pairs = [("A", one(1)), ("B", one(1)), ("A", one(2)), ("B", one(3))]

    assert len(set(keys(*pairs))) == 4


def test_an_endless_guid_becomes_a_short_key_of_its_own() -> None:
    first, second = keys(("x" * 10**6, one(1)), ("x" * 10**6 + "y", one(2)))

    assert first != second
    assert len(first) < 50
    assert all(
        len(key) <= LONGEST_KEY for key in keys(("g" * 900, one(1)), (None, one(2, "http://a/" + "x" * 9**4)))
    )


def test_an_exact_double_is_one_entry() -> None:
    pairs = [("1", ENTRY), ("1", ENTRY), ("2", one(2)), ("1", replace(ENTRY))]

    assert keys(*pairs) == ["1", "2"]
    assert keys((None, one(3)), (None, one(3))) == ["http://a.test/3"]
    assert len(keys((None, BARE), (None, BARE))) == 1


def test_of_two_versions_the_one_that_was_updated_last_counts() -> None:
    """RFC 4287 §4.1.1: entries with the same id are the same entry."""
    old, new = (
        replace(ENTRY, content="old"),
        replace(ENTRY, content="new", updated=datetime(2020, 2, 1, tzinfo=UTC)),
    )

    for pairs in ([("1", old), ("1", new)], [("1", new), ("1", old)]):
        (entry,) = identified(pairs).entries
        assert (entry.key, entry.content) == ("1", "new")
    (entry,) = identified([("1", replace(old, updated=None)), ("1", replace(new, updated=None))]).entries
    assert entry.content == "old"


# Documents whose ids are not believed


@pytest.mark.parametrize(
    ("ids", "distrusted"),
    [
        ([], False),
        (["1"], False),
        ([None], False),
        (["1", "1"], True),
        ([None, "1"], False),
        ([None, None], True),
        (["1", "1", "1", "1", "1"], True),
        ([*map(str, range(8)), None, None], False),  # 2 of 10 are 20 %
        ([*map(str, range(7)), None, None], True),
        ([*map(str, range(10)), "x", "x"], False),
    ],
)
def test_ids_are_not_believed_when_more_than_a_fifth_is_bad(
    ids: list[str | None], *, distrusted: bool
) -> None:
    found = identified([(guid, one(number)) for number, guid in enumerate(ids)])

    assert found.distrusts_ids is distrusted
    if distrusted:
        assert [entry.key for entry in found.entries] == [f"http://a.test/{n}" for n in range(len(ids))]


@pytest.mark.parametrize("link", [None, "http://a.test/page"])
def test_they_are_where_links_are_no_better(link: str | None) -> None:
    found = identified([("1", one(1, link)), ("1", one(2, link)), ("2", one(3, link))])

    assert not found.distrusts_ids
    assert [entry.key.partition(":")[0] for entry in found.entries] == ["hash", "hash", "2"]


def test_more_shared_ids_than_can_be_remembered_are_none() -> None:
    pairs = [(str(number // 2), one(number, "http://a.test/{}")) for number in range(2 * MOST_SHARED + 2)]
    pairs += [(f"x{number}", one(number, None)) for number in range(1000, 1900)]

    found = identified(pairs)

    assert (found.distrusts_ids, found.shared) == (True, ())
    assert found.entries[0].key == "http://a.test/0"


@pytest.mark.heavy
def test_a_hundred_thousand_entries_of_one_guid_have_a_key_each() -> None:
    pairs = [("1", replace(BARE, title=str(number))) for number in range(100_000)]

    assert len(set(keys(*pairs))) == 100_000


def test_a_broken_document_says_nothing_about_its_publisher() -> None:
    """Ids that are missing in it may have been lost; those that are there are believed."""
    found = identified([("1", one(1)), (None, one(2)), (None, one(3))], broken=True)

    assert not found.distrusts_ids
    assert [entry.key for entry in found.entries] == ["1", "http://a.test/2", "http://a.test/3"]


# What a store needs to find its entries under other keys


def test_what_a_key_is_made_of() -> None:
    by_id, by_text = identified([("1", one(1)), (None, one(2, link=None))]).entries
    (by_link,) = identified([(None, one(3))]).entries

    assert [kind_of(entry.key, entry.link) for entry in (by_id, by_link, by_text)] == ["id", "link", "text"]
    assert by_text.key in set(text_keys(replace(by_text, link="http://a.test/2", summary="corrected")))


# The hash


@pytest.mark.parametrize("field", [field.name for field in fields(Entry)])
def test_the_hash_is_over_all_fields_but_key_and_hash(field: str) -> None:
    other: dict[str, Any] = {"authors": ("a",), "tags": (), "enclosures": (), "explicit": False}
    value = "other" if getattr(ENTRY, field) in {"", None} else None
    changed = replace(ENTRY, **{field: other.get(field, value)})

    assert (change_hash(changed) == change_hash(ENTRY)) == (field in {"key", "hash"})


def test_an_entry_without_the_fields_that_came_later_has_the_hash_that_it_had() -> None:
    assert change_hash(ENTRY) == "e01c9cc192187dfc5568ecaf39af9c97"


def test_fields_that_run_together_are_different_entries() -> None:
    assert change_hash(replace(BARE, authors=("ab", "c"))) != change_hash(replace(BARE, authors=("a", "bc")))
    assert change_hash(replace(BARE, title="x")) != change_hash(replace(BARE, summary="x"))
    assert change_hash(replace(BARE, title="")) != change_hash(BARE)


def test_another_process_finds_the_same_hash() -> None:
    program = (
        "from trioscrape._records import Entry; from trioscrape._parse.identity import change_hash;"
        "print(change_hash(Entry('', '', title='Käfer', tags=('a', 'b'))))"
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert there.stdout.strip() == change_hash(replace(BARE, title="Käfer", tags=("a", "b")))


def test_keys_of_a_document() -> None:
    items = "".join(
        f"<item><guid isPermaLink='false'>same</guid><link>http://a.test/{number}</link></item>"
        for number in (1, 2)
    )
    body = f"<rss version='2.0'><channel>{items}</channel></rss>".encode()
    feed = parse_document(FeedDocument(body, "http://a.test/"))
    again = parse_document(FeedDocument(body, "http://a.test/", shared_keys=("http://a.test/1",)))

    assert [entry.key for entry in feed.entries] == ["http://a.test/1", "http://a.test/2"]
    assert (feed.distrusts_ids, feed.shared_keys) == (True, ())
    assert again.entries[0].key.startswith("hash:")
