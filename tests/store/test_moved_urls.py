"""When a feed goes to another host, its entries are still its entries."""

from trioscrape._store.moved_urls import find_moved_urls

OLD = [f"http://a.test/{number}?p={number}" for number in range(5)]
NEW = [key.replace("http://a.test", "https://www.b.test") for key in OLD]


def moved(document: list[str], stored: list[str]) -> dict[str, str]:
    """The old key by the new one."""
    unknown = [key for key in document if key not in stored]
    return find_moved_urls(unknown, [key for key in stored if key not in document], len(document))


def test_another_host() -> None:
    assert moved(NEW, OLD) == dict(zip(NEW, OLD, strict=True))


def test_entries_that_are_really_new_are_new() -> None:
    assert moved([*NEW, "https://www.b.test/new"], OLD) == dict(zip(NEW, OLD, strict=True))


def test_half_of_the_document_is_not_enough() -> None:
    """One that is stored under its key shows that the others are new."""
    assert moved([NEW[0], "k"], [OLD[0], "k"]) == {}
    assert moved([NEW[0], NEW[1], "k"], [*OLD, "k"]) == {NEW[0]: OLD[0], NEW[1]: OLD[1]}


def test_two_that_could_be_it_are_left_alone() -> None:
    assert moved(["https://c.test/1"], ["http://a.test/1", "http://b.test/1"]) == {}
    assert moved(["https://b.test/1", "https://c.test/1"], ["http://a.test/1"]) == {}


def test_blogs_of_a_planet_that_share_paths() -> None:
    """Another blog's entry must not become the one that has left the document."""
    stored = [f"https://{blog}.test/?p=1" for blog in "abc"]
    document = [f"https://{blog}.test/?p={number}" for blog in "de" for number in (1, 2)]
    assert moved(document, stored) == {}
    assert moved(document, ["https://a.test/?p=2", *stored[1:]]) == {}
    assert moved(["https://d.test/?p=1", *NEW[1:]], stored[:1]) == {}
