"""Keys of entries and the hash that says whether one has changed."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import fields, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trioscrape import Outcome
from trioscrape._parse import FeedDocument, parse_document
from trioscrape._parse.identity import LONGEST_KEY, change_hash, distrusts_ids, identified
from trioscrape._records import Enclosure, Entry
from trioscrape.testing import Internet, MemoryStore, Site

from support.scenarios import run_virtual

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
    assert keys(("1 2", BARE), ("1", BARE), ("1", BARE), ("1 3", BARE)) == ["1 2", "1", "1 4", "1 3"]


def test_an_id_comes_before_a_link_that_is_the_same() -> None:
    link = replace(BARE, link="http://a.test/1")

    assert keys((None, link), ("http://a.test/1", BARE)) == [
        "http://a.test/1 http://a.test/1",
        "http://a.test/1",
    ]


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
        "from trioscrape._records import Entry; from trioscrape._parse.identity import change_hash;"
        "print(change_hash(Entry('', '', title='Käfer', tags=('a', 'b'))))"
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert there.stdout.strip() == change_hash(replace(BARE, title="Käfer", tags=("a", "b")))


# Documents whose ids are not believed


def pairs(*ids: str | None, link: str | None = "http://a.test/{}") -> list[tuple[str | None, Entry]]:
    """Entries of these ids, each with a link of its own."""
    return [
        (guid, replace(BARE, link=link.format(number) if link else None, title=str(number)))
        for number, guid in enumerate(ids)
    ]


@pytest.mark.parametrize(
    ("ids", "distrusted"),
    [
        ([], False),
        (["1"], False),
        ([None], False),
        (["1", "1"], False),
        (["1", "1", "2"], False),
        (["1", "1", "1"], True),
        (["1", " 1 ", "1\n"], True),
        (["1", None, " "], True),
        ([None, None], True),
        (["1", "1", "2", "2"], True),
        ([*map(str, range(38)), "1", "2"], False),  # 2 of 40 are 5 %
        ([*map(str, range(37)), "1", "2"], True),
    ],
)
def test_ids_are_not_believed_when_more_than_five_percent_are_bad(
    ids: list[str | None], *, distrusted: bool
) -> None:
    assert distrusts_ids(pairs(*ids)) is distrusted


def test_ids_that_come_twice_are_believed_where_links_are_no_better() -> None:
    one_page = pairs("1", "1", "2", "2", "3", "4", link="http://a.test/")
    twice_over = pairs("1", "2", "3") * 2
    one_page_and_no_ids = pairs(None, None, None, link="http://a.test/")

    assert not distrusts_ids(one_page)
    assert not distrusts_ids(twice_over)
    assert distrusts_ids(one_page_and_no_ids)
    assert distrusts_ids(pairs("1", "1", "1", link=None))


def test_entries_of_a_feed_whose_ids_are_not_believed_are_known_by_link_else_by_hash() -> None:
    entries = identified([*pairs("1", "1"), *pairs("1", link=None)], by_link=True)

    assert [entry.key.partition(":")[0] for entry in entries] == ["http", "http", "hash"]
    assert [entry.key for entry in entries[:2]] == ["http://a.test/0", "http://a.test/1"]
    assert [entry.hash for entry in entries] == [
        entry.hash for entry in identified([*pairs("1", "1"), *pairs("1", link=None)])
    ]


# For any document

IDS = st.none() | st.sampled_from(["", " ", "1", " 1", "1 2", "1 3", "1 http://a.test/1", "http://a.test/1"])
LINKS = st.none() | st.sampled_from(["http://a.test/1", "http://a.test/2", "http://b.test/"])
ENTRIES = st.builds(
    Entry, key=st.just(""), hash=st.just(""), link=LINKS, title=st.none() | st.sampled_from("ab")
)
DOCUMENTS = st.lists(st.tuples(IDS, ENTRIES), max_size=12)


@settings(max_examples=400)
@given(DOCUMENTS, st.booleans())
def test_the_same_document_has_the_same_keys_and_each_of_them_once(
    document: list[tuple[str | None, Entry]], by_link: bool
) -> None:
    found = identified(document, by_link=by_link)

    assert found == identified(document, by_link=by_link)
    assert len({entry.key for entry in found}) == len(document)


@settings(max_examples=400)
@given(DOCUMENTS, st.randoms(use_true_random=False))
def test_an_entry_whose_id_is_unique_has_the_same_key_wherever_it_stands(
    document: list[tuple[str | None, Entry]], random: Random
) -> None:
    order = list(range(len(document)))
    random.shuffle(order)
    before, after = identified(document), identified(document[index] for index in order)

    ids = Counter((guid or "").strip() for guid, _entry in document)
    assert distrusts_ids(document) == distrusts_ids([document[index] for index in order])
    for place, index in enumerate(order):
        guid = (document[index][0] or "").strip()
        if guid and ids[guid] == 1:
            assert before[index].key == after[place].key == guid


def test_duplicate_guids_in_a_document_lose_no_entry() -> None:
    items = "".join(
        f"<item><guid isPermaLink='false'>same</guid><link>http://a.test/{i}</link></item>" for i in (1, 2)
    )
    feed = parse_document(
        FeedDocument(f"<rss version='2.0'><channel>{items}</channel></rss>".encode(), "http://a.test/")
    )

    assert [entry.key for entry in feed.entries] == ["same", "same http://a.test/2"]


@pytest.mark.usefixtures("autojump_clock")
async def test_a_feed_whose_ids_were_once_not_believed_is_known_by_links_for_ever() -> None:
    """Over a 304, over an unchanged document, and when its ids have become good."""
    item = "<item><guid isPermaLink='false'>{}</guid><link>http://a.test/{}</link></item>"

    def document(*ids: str) -> bytes:
        items = "".join(item.format(guid, number) for number, guid in enumerate(ids))
        return f"<rss version='2.0'><channel>{items}</channel></rss>".encode()

    site = Site(body=document("1", "1", "1"), headers={"ETag": '"1"'})
    internet, store = Internet({"a.test": site}), MemoryStore()

    async def run() -> tuple[Outcome, bool, set[str]]:
        (result,), _ = await run_virtual(["http://a.test/feed"], internet, store)
        ((feed_id, state),) = store.feeds.items()
        return result.outcome, state.distrusts_ids, set(store.entries[feed_id])

    by_link = {f"http://a.test/{number}" for number in range(3)}
    assert await run() == (Outcome.NEW, True, by_link)
    assert await run() == (Outcome.NOT_MODIFIED, True, by_link)
    site.headers = {"ETag": '"2"'}
    assert await run() == (Outcome.NOT_MODIFIED, True, by_link)
    site.headers, site.body = {"ETag": '"3"'}, document("1", "2", "3")
    assert await run() == (Outcome.NOT_MODIFIED, True, by_link)
