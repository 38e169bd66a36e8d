"""Feeds with one fault planted at random: entries keep their keys, and only the damaged text is another."""

from __future__ import annotations

from functools import cache

import pytest

from support.planted_faults import WHOLE
from support.random_faults import CUT, FAULTS, Draw, Whole, draws, parse, real_feeds

SMALL = 60_000
"""Bytes: a real feed of which hundreds can be read here. `nox -s faults` takes all."""


@cache
def written(name: str) -> Whole:
    document = WHOLE[name].encode()
    return Whole(name, document, parse(document))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", WHOLE)
def test_one_fault_damages_one_text(name: str, fault: str) -> None:
    found = [(seed, Draw(written(name), fault, seed).problem()) for seed in range(25)]

    assert [(seed, words) for seed, words in found if words] == []


def test_one_fault_in_a_real_feed_damages_one_text() -> None:
    feeds = [feed for feed in real_feeds() if len(feed.document) < SMALL]
    if not feeds:
        pytest.skip("no real feeds")
    found = [(draw.whole.name, draw.fault, draw.seed, draw.problem()) for draw in draws(feeds, 150, seed=12)]

    assert [each for each in found if each[-1]] == []


def test_damage_is_seen() -> None:
    whole = written("RSS")
    other = whole._replace(says=parse(whole.document.replace(b"One", b"Eins").replace(b"Three", b"Drei")))

    assert all(Draw(other, fault, seed).problem() for fault in FAULTS if fault != CUT for seed in range(3))
    assert any(Draw(other, CUT, seed).problem() for seed in range(10))
