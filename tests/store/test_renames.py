"""Which stored entries are in a document under another key: what is enough, and what speaks against it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from trioscrape import Entry, FeedState, FeedUpdate
from trioscrape._parse.identity import identified
from trioscrape._store.plan import Document, Known
from trioscrape._store.renames import NEWEST, Renames, StoredKey, find_renames, search

FEED = FeedState("f" * 32, "http://a.test/dir/feed.xml")
DAY = datetime(2024, 1, 1, tzinfo=UTC)
ENTRY = Entry("id", "hash", "http://a.test/1", "Title", published=DAY, summary="Text")
PAGE = "http://a.test/"


def found(document: list[Entry], stored: list[Entry], **state: Any) -> Renames:
    """What is found of what is looked up."""
    entries = {entry.key: entry for entry in document}
    known = {entry.key for entry in stored} & entries.keys()
    feed = replace(FEED, **state)
    wanted = search(entries, known, feed)
    if wanted is None:
        return Renames()
    looked_up = [
        StoredKey(each.key, each.link, each.title, each.published, Known(each.hash))
        for each in stored
        if wanted.newest or each.key in wanted.keys or each.published in wanted.dates
    ]
    return find_renames(entries, known, looked_up, feed, newest=wanted.newest > 0)


def renamed(new: Entry, old: Entry, *others: Entry, **state: Any) -> bool:
    """Whether `old` becomes `new`, beside others that are in the document."""
    return found([new, *others], [old, *others], **state).renamed == {new.key: old.key}


def kept(new: Entry, old: Entry, *others: Entry, **state: Any) -> bool:
    """Whether `new` is stored under the key of `old`."""
    return found([new, *others], [old, *others], **state).kept == {new.key: old.key}


def other(number: int, **changes: Any) -> Entry:
    """An entry that is none of the others."""
    entry = Entry(f"id {number}", f"hash {number}", f"{PAGE}{number}", f"Title {number}", summary="Text")
    return replace(entry, published=DAY.replace(day=number), **changes)


OTHERS = [other(number) for number in range(2, 9)]


def by_link(entry: Entry = ENTRY, **changes: Any) -> Entry:
    entry = replace(entry, **changes)
    return replace(entry, key=entry.link or "")


def by_text(entry: Entry = ENTRY, **changes: Any) -> Entry:
    """As a document without ids and links has it."""
    (made,) = identified([(None, replace(entry, link=None, **changes))]).entries
    return replace(made, hash="hash of text")


def test_nothing_is_looked_up_where_every_key_is_stored() -> None:
    assert search({"id": ENTRY}, {"id"}, FEED) is None
    assert search({}, set(), FEED) is None


def test_a_new_entry_with_an_id_costs_a_few_keys_and_a_date() -> None:
    entries = {each.key: each for each in [ENTRY, *OTHERS]}

    wanted = search(entries, entries.keys() - {"id"}, FEED)

    assert wanted is not None
    assert (set(wanted.dates), wanted.newest) == ({DAY}, 0)
    assert {"http://a.test/1", "https://a.test/1"} < set(wanted.keys)
    assert len(wanted.keys) <= 5


def test_the_newest_entries_are_looked_up_where_links_may_be_all_that_is_left() -> None:
    entries = {each.key: each for each in [by_link(published=None), *OTHERS]}
    wanted = search(entries, entries.keys() - {"http://a.test/1"}, FEED)
    many = search({each.link or "": by_link(each) for each in OTHERS}, set(), FEED)

    assert wanted is not None
    assert many is not None
    assert wanted.newest == many.newest == NEWEST


# Keys that say more, or less


def test_an_entry_that_was_known_by_its_link_has_an_id_now() -> None:
    assert renamed(ENTRY, by_link())
    assert renamed(replace(ENTRY, title="New", hash="new"), by_link(), *OTHERS)
    assert renamed(replace(ENTRY, link="https://a.test/1"), by_link(), *OTHERS)


def test_an_entry_that_was_known_by_its_text_has_an_id_or_a_link_now() -> None:
    assert renamed(replace(ENTRY, link=None), by_text(), *OTHERS)
    assert renamed(by_link(), by_text(), *OTHERS)
    assert renamed(by_link(published=None), by_text(published=None), *OTHERS)


def test_entries_without_links_and_dates_that_have_ids_now() -> None:
    """By their texts, whatever else has changed."""
    plain = [replace(each, link=None, published=None) for each in OTHERS]
    old = [by_text(each) for each in plain]
    new = [replace(each, tags=("new",)) for each in plain]

    assert found(new, old).renamed == {after.key: before.key for after, before in zip(new, old, strict=True)}


@pytest.mark.parametrize("others", [[], OTHERS], ids=["all", "one"])
def test_an_entry_that_has_lost_its_id_keeps_it(others: list[Entry]) -> None:
    assert kept(by_link(), ENTRY, *others)
    assert kept(by_link(title="New", hash="new"), ENTRY, *others)
    assert kept(by_text(), ENTRY, *others)
    assert kept(by_text(), by_link(), *others)
    assert kept(by_text(published=None), replace(ENTRY, published=None, hash="hash of text"), *others)


def test_it_does_not_where_ids_are_not_believed_any_more() -> None:
    assert renamed(by_link(), ENTRY, *map(by_link, OTHERS), distrusts_ids=True)
    assert renamed(by_link(), ENTRY, *OTHERS, shared_keys=("id",))
    assert renamed(by_text(), by_link(), *OTHERS, shared_keys=("http://a.test/1",))


def test_what_is_kept_is_written_under_the_stored_key() -> None:
    corrected = by_link(summary="New", hash="new")
    renames = found([corrected], [ENTRY])
    document = renames.document(Document.of(FeedUpdate(FEED, (corrected,))))

    plan = renames.plan(document, {})

    assert plan.changed == (("id", 1),)
    assert document["id"] == replace(corrected, key="id")
    assert (plan.new, plan.renamed) == ((), {})


# Ids and links that change


def test_an_id_or_a_link_that_goes_to_https() -> None:
    """Whether all of the document does or not."""
    for others in ([], OTHERS):
        assert renamed(Entry("https://a.test/g", "new"), Entry("http://a.test/g", "old"), *others)
        assert renamed(Entry("http://a.test/g", "new"), Entry("https://a.test/g", "old"), *others)
    assert renamed(Entry("HTTPS://A.Test/x", "new"), Entry("http://a.test/x", "old"))


def test_an_id_that_has_changed_where_all_the_rest_is_the_same() -> None:
    new = replace(ENTRY, key="i\ufffd", hash="new")

    assert renamed(new, ENTRY, *OTHERS)
    assert not renamed(replace(new, title="Title!"), ENTRY)
    assert not renamed(replace(new, published=DAY.replace(day=2)), ENTRY)
    assert not renamed(replace(new, link="http://a.test/2"), ENTRY)
    assert not renamed(replace(new, published=None), replace(ENTRY, published=None))
    assert not renamed(replace(new, link=None), replace(ENTRY, link=None))
    assert renamed(replace(new, link=None, hash="hash"), replace(ENTRY, link=None))


def test_an_id_that_says_that_it_is_another_entry() -> None:
    """A podcast whose episodes have one page, and a title that comes again."""
    old, new = replace(ENTRY, link=PAGE), replace(ENTRY, link=PAGE, key="id 2", hash="hash 2")

    assert not renamed(new, replace(old, published=DAY.replace(day=2)))
    assert not renamed(new, old, other(3, link=PAGE))


def test_a_link_that_says_that_it_is_another_entry() -> None:
    assert not renamed(by_link(link="http://a.test/2", hash="new"), by_link())
    assert not renamed(replace(ENTRY, link="http://a.test/2", hash="new"), by_link())
    assert not renamed(by_link(title="New", published=DAY.replace(day=2)), ENTRY)


def test_a_feed_that_goes_to_another_host() -> None:
    """And one of many blogs, which shares a path with another one."""
    old = [by_link(each) for each in OTHERS]
    new = [by_link(each, hash="new", link=(each.link or "").replace("http://a", "https://b")) for each in old]

    assert found(new, old).renamed == {after.key: before.key for after, before in zip(new, old, strict=True)}
    assert found(new[:1], old[:1], title="Planet").renamed == {new[0].key: old[0].key}
    assert found([new[0], *old[1:]], old) == Renames()


# What is only likely


def test_what_several_entries_have_is_not_enough() -> None:
    one, two = by_text(hash="1", summary="1"), by_text(hash="2", summary="2")
    one, two = replace(one, key="hash:1", hash="1"), replace(two, key="hash:2", hash="2")

    assert found([replace(ENTRY, link=None)], [one, two]) == Renames()
    assert found([one, two], [replace(ENTRY, link=None)]) == Renames()
    assert found([one, two], [by_text()]) == Renames()
    undated = replace(ENTRY, published=None, hash="new")
    assert renamed(undated, by_link(), *OTHERS)
    assert not renamed(undated, by_link(), *OTHERS, shared_keys=("http://a.test/1",))
    assert (
        found([by_link(link=PAGE, published=None)], [other(2, link=PAGE), other(3, link=PAGE)]) == Renames()
    )


def test_what_the_document_has_itself_is_not_taken_from_it() -> None:
    assert found([ENTRY, by_link(hash="new", title="New")], [ENTRY]) == Renames()


@pytest.mark.parametrize(
    ("new", "old"),
    [
        pytest.param("tag:a.test,2024:1", "tag:b.test,2024:1", id="keys that are no URLs"),
        pytest.param("ftp://a.test/1", "http://a.test/1", id="another scheme"),
        pytest.param("https://a.test/1", "http://a.test/1?", id="another query"),
        pytest.param("https://a.test/X", "http://a.test/x", id="another case"),
    ],
)
def test_keys_that_are_not_the_same(new: str, old: str) -> None:
    assert found([Entry(new, "new")], [Entry(old, "old")]) == Renames()


# Keys as earlier versions made them


def test_ids_that_were_resolved_as_links() -> None:
    for guid, key in {
        "1": "http://a.test/dir/1",
        "/1": "http://a.test/1",
        "x/1": "http://a.test/dir/x/1",
    }.items():
        assert renamed(Entry(guid, "new", title="Title"), Entry(key, "old", key, "Title"), *OTHERS)
    elsewhere = replace(ENTRY, key="http://b.test/base/1")
    assert renamed(replace(ENTRY, key="1", link=None, hash="new"), elsewhere, *OTHERS)


def test_ids_that_had_a_link_or_a_number_behind_them() -> None:
    shared = {"shared_keys": ("N/A",)}

    for key in ("N/A http://a.test/1", "N/A http://a.test/1 2", "N/A 2"):
        assert renamed(by_link(), replace(ENTRY, key=key), *OTHERS, **shared)
        assert renamed(by_text(), replace(ENTRY, key=key, link=None), *OTHERS, **shared)
    before, after = "http://a.test/g http://a.test/1 2", "https://a.test/g https://a.test/1 2"
    assert renamed(Entry(after, "new"), Entry(before, "old"))
