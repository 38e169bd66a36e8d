"""The story of the design's first section, scaled down; `nox -s story` tells it in full.

All `getaddrinfo` calls of the process stand behind one lock. The naive shape is the control: if it
did not starve here, the lanes would have nothing to show.
"""

import tempfile

import pytest

import hobbled_resolver as story

pytestmark = pytest.mark.alone

FEEDS = 100
LOOKUP = 0.1
"""Seconds."""


async def test_the_story(mongodb_url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with story.open_feeds(FEEDS) as feeds:
            with story.hobbled(LOOKUP), story.naive_writer(mongodb_url, folder) as write:
                naive = await story.naive(feeds, write)
            with story.hobbled(LOOKUP) as lookups:
                lanes = await story.through_lanes(feeds, mongodb_url)

    assert naive.failed > FEEDS / 4, "the control starves"
    assert lanes.failed == 0
    assert lanes.slowest_write < naive.slowest_write / 5
    assert lookups.count == FEEDS
    assert lookups.busy > 0.9 * lookups.wall, "the next lookup always waits at the lock"
