"""What must be true of every run is true in worlds that nobody has thought of. `nox -s worlds` has more."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import pytest
import trio

from trioscrape.testing import run_in_virtual_time

from support.worlds import Story

pytestmark = pytest.mark.heavy

LONG = bool(os.environ.get("TRIOSCRAPE_TEST_LONG"))
FEEDS = 240
"""Not more than are read from a list at once, see `Story`."""
SEEDS = range(1, 51 if LONG else 4)
SHOWN = 20


def told(story: Story) -> str:
    """What was not as it must be, and how to see it again: nothing but the seed decides."""
    test = os.environ["PYTEST_CURRENT_TEST"].partition(" ")[0]
    again = f"TRIOSCRAPE_TEST_LONG=1 pytest '{test}'"
    return "\n".join([f"seed {story.seed}; again with {again}", *story.broken[:SHOWN]])


async def played(seed: int, feeds: int) -> Story:
    return await Story(seed, feeds).play()


@pytest.mark.parametrize("seed", SEEDS)
def test_all_invariants_hold(seed: int) -> None:
    story = run_in_virtual_time(played, seed, FEEDS, seed=seed)

    assert not story.broken, told(story)


async def cancelled(seed: int, feeds: int) -> Story:
    """Three runs that are cancelled somewhere, and one that is not."""
    story = Story(seed, feeds)
    story.world.freeze()
    moments = random.Random(f"cancel {seed}")
    for _ in range(3):
        await story.run(cancel_after=moments.uniform(0, 30))
    await trio.sleep_until(86_400)
    await story.run()
    story.check_what_is_stored()
    return story


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cancelled_run_loses_nothing(seed: int) -> None:
    """The next one has it all."""
    story = run_in_virtual_time(cancelled, seed, FEEDS, seed=seed)

    assert not story.broken, told(story)


async def lived(seed: int, feeds: int) -> Story:
    """A run a day for three weeks: feeds publish, correct, change their ids, come back and are moved."""
    story = Story(seed, feeds)
    for day in range(21):
        await trio.sleep_until(day * 86_400)
        await story.run()
    story.check_what_is_stored()
    story.check_what_has_moved()
    return story


@pytest.mark.parametrize("seed", SEEDS)
def test_three_weeks(seed: int) -> None:
    story = run_in_virtual_time(lived, seed, 40, seed=seed)

    assert not story.broken, told(story)


def test_the_same_seed_is_the_same_story() -> None:
    """The same results at the same moments, and the same requests, in the same order."""
    stories = [run_in_virtual_time(played, seed, 100, seed=seed) for seed in (7, 7, 8)]
    command = [sys.executable, "-m", "support.tell_stories", "100", "7"]
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    other = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)

    assert stories[0].fingerprint == stories[1].fingerprint
    assert stories[0].fingerprint in other.stdout
    assert stories[0].fingerprint != stories[2].fingerprint
