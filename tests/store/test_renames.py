"""When a feed goes to https or to another host, its entries are still its entries."""

import pytest

from trioscrape._store.renames import find_renames, may_have_renames

OLD = [f"http://a.test/{number}?p={number}" for number in range(5)]
NEW = [key.replace("http://", "https://") for key in OLD]
ELSEWHERE = [key.replace("http://a.test", "https://www.b.test") for key in OLD]


def renames(document: list[str], stored: list[str]) -> dict[str, str]:
    """The old key by the new one."""
    known = [key for key in document if key in stored]
    return find_renames(document, known, stored) if may_have_renames(document, known) else {}


def test_http_that_has_become_https() -> None:
    assert renames(NEW, OLD) == dict(zip(NEW, OLD, strict=True))
    assert renames(OLD, NEW) == dict(zip(OLD, NEW, strict=True))


def test_another_host() -> None:
    assert renames(ELSEWHERE, OLD) == dict(zip(ELSEWHERE, OLD, strict=True))


def test_entries_that_are_really_new_are_new() -> None:
    assert renames([*NEW, "https://a.test/new"], OLD) == dict(zip(NEW, OLD, strict=True))


def test_case_of_the_host_and_of_the_scheme() -> None:
    assert renames(["HTTPS://A.Test/x"], ["http://a.test/x"]) == {"HTTPS://A.Test/x": "http://a.test/x"}
    assert renames(["https://a.test/X"], ["http://a.test/x"]) == {}


def test_a_repeated_guid_with_its_link_behind_it() -> None:
    before, after = "http://a.test/g http://a.test/1 2", "https://a.test/g https://a.test/1 2"
    assert renames([after], [before]) == {after: before}


def test_half_of_the_document_is_not_enough() -> None:
    """One that is stored under its key shows that the others are new."""
    assert renames([NEW[0], "k"], [OLD[0], "k"]) == {}
    assert renames([NEW[0], NEW[1], "k"], [*OLD, "k"]) == {NEW[0]: OLD[0], NEW[1]: OLD[1]}


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
    assert renames(document, stored) == {}


def test_what_the_document_names_itself_is_not_taken_from_it() -> None:
    document = [NEW[0], OLD[0], "https://a.test/new", "https://a.test/newer"]
    assert renames(document, [OLD[0]]) == {}


def test_two_that_could_be_it_are_left_alone() -> None:
    """Of two hosts with the same path; the same host of two is not in doubt."""
    assert renames(["https://c.test/1"], ["http://a.test/1", "http://b.test/1"]) == {}
    assert renames(["https://b.test/1"], ["http://a.test/1", "http://b.test/1"]) == {
        "https://b.test/1": "http://b.test/1"
    }
    assert renames(["https://b.test/1", "https://c.test/1"], ["http://a.test/1"]) == {}


def test_blogs_of_a_planet_that_share_paths() -> None:
    """Another blog's entry must not become the one that has left the document."""
    stored = [f"https://{blog}.test/?p=1" for blog in "abc"]
    document = [f"https://{blog}.test/?p={number}" for blog in "de" for number in (1, 2)]
    assert renames(document, stored) == {}
    assert renames(document, ["https://a.test/?p=2", *stored[1:]]) == {}
    assert renames(["https://d.test/?p=1", *NEW[1:]], stored[:1]) == {}


def test_a_planet_whose_blogs_have_all_gone_to_https() -> None:
    stored = [f"http://{blog}.test/?p=1" for blog in "abc"]
    document = [f"https://{blog}.test/?p=1" for blog in "abc"]
    assert renames(document, stored) == dict(zip(document, stored, strict=True))
