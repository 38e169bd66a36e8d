"""Feeds with one fault: their entries keep their keys and texts, and only the damaged text differs."""

from __future__ import annotations

from dataclasses import fields, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trioscrape._parse import FeedDocument, parse_document
from trioscrape._records import Entry, ParsedFeed

from support.planted_faults import FAULTS, WHOLE


def parse(document: str, bad: bytes = b"") -> ParsedFeed:
    return parse_document(FeedDocument(document.encode().replace(b"\xef\xbf\xbe", bad), "http://a.test/feed"))


def differing(one: Entry, other: Entry) -> list[str]:
    names = [field.name for field in fields(Entry) if field.name != "hash"]
    return [name for name in names if getattr(one, name) != getattr(other, name)]


@pytest.mark.parametrize("fault", [*FAULTS, "a bad byte"])
@pytest.mark.parametrize("name", WHOLE)
@given(seed=st.integers(0, 2**32))
def test_one_fault_damages_one_text(name: str, fault: str, seed: int) -> None:
    random, document = Random(seed), WHOLE[name].replace("three", "dreißig Käfer, größer")
    before = parse(document)
    if fault == "a bad byte":
        at = random.randrange(document.index("<title>") + 7, len(document))
        at = document.index(">", at) if ">" in document[at:] else at
        broken, bad = (
            document[: at + 1] + "\ufffe" + document[at + 1 :],
            random.choice((b"\xff", b"\xc3", b"\x80")),
        )
    else:
        broken, bad = FAULTS[fault](random, document), b""

    after = parse(broken, bad)

    assert len(after.entries) == len(before.entries)
    pairs = zip(before.entries, after.entries, strict=True)
    damaged = [differing(one, other) for one, other in pairs if one != other]
    if all(names == ["authors"] for names in damaged):
        del damaged[1:]  # Those who have none inherit them from the feed.
    around = replace(before, entries=(), repaired=True) != replace(after, entries=(), repaired=True)
    assert len(damaged) + around <= 1
    assert all(len(names) <= 2 for names in damaged)


@pytest.mark.parametrize("name", WHOLE)
@given(data=st.data())
def test_a_cut_end_costs_what_is_missing(name: str, data: st.DataObject) -> None:
    document = WHOLE[name]
    before = parse(document).entries
    complete = [at for at in range(len(document)) if document.startswith(("</item>", "</entry>"), at)]
    cut = data.draw(st.integers(complete[0] + 8, len(document)))

    after = parse(document[:cut]).entries

    whole = sum(at + 8 <= cut for at in complete)
    assert after[:whole] == before[:whole]
    assert {entry.key for entry in after} <= {entry.key for entry in before} | {
        entry.link for entry in before
    }
