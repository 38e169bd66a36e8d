"""The demo's sites and their documents."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import feedparser
import pytest

from trioscrape._demo.sites import sites

from support.demo import site_that


def test_there_are_500_with_a_name_and_an_address_each():
    assert len({site.host for site in sites()}) == len({site.address for site in sites()}) == 500


def test_the_three_kinds_and_all_behaviours_are_there():
    assert {site.kind for site in sites()} == {"rss", "atom", "rdf"}
    assert Counter(site.behaviour for site in sites()) == {
        "plain": 428, "slow": 30, "404": 7, "moved": 6, "no-name": 5, "truncated": 5,
        "410": 4, "500": 4, "html": 4, "reset": 4, "loop": 3,
    }  # fmt: skip


def test_sizes_are_from_2_to_300_kilobytes_and_cheap_to_parse_in_all():
    sizes = [len(site.body()) for site in sites() if site.behaviour not in ("html", "truncated")]

    assert 2_000 <= min(sizes) < 4_000
    assert 200_000 < max(sizes) <= 300_000
    assert sum(sizes) < 8_000_000


def test_another_process_makes_the_same_documents():
    code = (
        "import hashlib; from trioscrape._demo.sites import sites;"
        "print(hashlib.sha256(b''.join(s.body() for s in sites())).hexdigest())"
    )
    digests = {subprocess.check_output([sys.executable, "-c", code]) for _ in range(2)}

    assert len(digests) == 1


@pytest.mark.parametrize("kind", ["rss", "atom", "rdf"])
def test_documents_say_what_they_should_to_the_reference_parser(kind):
    site = site_that(kind=kind, behaviour="plain")

    parsed = feedparser.parse(site.body())

    assert not parsed.bozo
    assert len(parsed.entries) == site.entries
    assert parsed.feed.title == site.name.replace("-", " ").title()
    assert len({entry.link for entry in parsed.entries}) == site.entries
    for entry in parsed.entries:
        assert entry.title
        assert entry.author
        assert entry.tags
        # feedparser takes the dc:date of RSS 1.0 for the date of the last change.
        assert entry["updated_parsed" if kind == "rdf" else "published_parsed"].tm_year in (2025, 2026)
        assert "<p>" in (entry.content[0].value if "content" in entry else entry.summary)


def test_truncated_documents_can_be_repaired():
    for site in sites():
        if site.behaviour == "truncated":
            parsed = feedparser.parse(site.body())
            assert parsed.bozo
            assert parsed.entries
