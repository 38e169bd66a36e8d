"""When a feed goes to https or to another host, its entries are still its entries."""

import pytest

from trioscrape._store.renames import may_have_moved, moved

OLD = [f"http://a.test/{number}?p={number}" for number in range(5)]
NEW = [key.replace("http://", "https://") for key in OLD]
ELSEWHERE = [key.replace("http://a.test", "https://www.b.test") for key in OLD]


def moves(document: list[str], stored: list[str]) -> dict[str, str]:
    """The old key by the new one."""
    known = [key for key in document if key in stored]
    return moved(document, known, stored) if may_have_moved(document, known) else {}


def test_http_that_has_become_https() -> None:
    assert moves(NEW, OLD) == dict(zip(NEW, OLD, strict=True))
    assert moves(OLD, NEW) == dict(zip(OLD, NEW, strict=True))


def test_another_host() -> None:
    assert moves(ELSEWHERE, OLD) == dict(zip(ELSEWHERE, OLD, strict=True))


def test_entries_that_are_really_new_are_new() -> None:
    assert moves([*NEW, "https://a.test/new"], OLD) == dict(zip(NEW, OLD, strict=True))


def test_case_of_the_host_and_of_the_scheme() -> None:
    assert moves(["HTTPS://A.Test/x"], ["http://a.test/x"]) == {"HTTPS://A.Test/x": "http://a.test/x"}
    assert moves(["https://a.test/X"], ["http://a.test/x"]) == {}


def test_a_repeated_guid_with_its_link_behind_it() -> None:
    before, after = "http://a.test/g http://a.test/1 2", "https://a.test/g https://a.test/1 2"
    assert moves([after], [before]) == {after: before}


def test_half_of_the_document_is_not_enough() -> None:
    """One that is known by its key is enough to know that the others have not moved."""
    assert moves([NEW[0], "k"], [OLD[0], "k"]) == {}
    assert moves([NEW[0], NEW[1], "k"], [*OLD, "k"]) == {NEW[0]: OLD[0], NEW[1]: OLD[1]}


@pytest.mark.parametrize(
    ("document", "stored"),
    [
        pytest.param(["tag:a.test,2024:1"], ["tag:b.test,2024:1"], id="keys that are no URLs"),
        pytest.param(["ftp://a.test/1"], ["http://a.test/1"], id="another scheme"),
        pytest.param(["//a.test/1"], ["http://a.test/1"], id="no scheme"),
        pytest.param(["https://a.test/1"], ["http://a.test/1?"], id="another query"),
        pytest.param(NEW[:2], [], id="nothing stored"),
        pytest.param([], OLD, id="an empty document"),
    ],
)
def test_what_is_not_the_same(document: list[str], stored: list[str]) -> None:
    assert moves(document, stored) == {}


def test_what_the_document_names_itself_is_not_taken_from_it() -> None:
    document = [NEW[0], OLD[0], "https://a.test/new", "https://a.test/newer"]
    assert moves(document, [OLD[0]]) == {}


def test_two_that_could_be_it_are_left_alone() -> None:
    """Of two hosts with the same path; the same host of two is not in doubt."""
    assert moves(["https://c.test/1"], ["http://a.test/1", "http://b.test/1"]) == {}
    assert moves(["https://b.test/1"], ["http://a.test/1", "http://b.test/1"]) == {
        "https://b.test/1": "http://b.test/1"
    }
    assert moves(["https://b.test/1", "https://c.test/1"], ["http://a.test/1"]) == {}


def test_blogs_of_a_planet_that_share_paths() -> None:
    """Another blog's entry must not become the one that has left the document."""
    stored = [f"https://{blog}.test/?p=1" for blog in "abc"]
    document = [f"https://{blog}.test/?p={number}" for blog in "de" for number in (1, 2)]
    assert moves(document, stored) == {}
    assert moves(document, ["https://a.test/?p=2", *stored[1:]]) == {}
    assert moves(["https://d.test/?p=1", *NEW[1:]], stored[:1]) == {}


def test_a_planet_whose_blogs_have_all_gone_to_https() -> None:
    stored = [f"http://{blog}.test/?p=1" for blog in "abc"]
    document = [f"https://{blog}.test/?p=1" for blog in "abc"]
    assert moves(document, stored) == dict(zip(document, stored, strict=True))
