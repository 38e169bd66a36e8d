"""Tell the stories of made-up worlds, as many and as large as you like: the long form of ``test_worlds.py``.

    python tests/support/tell_stories.py FEEDS SEED [SEED ...] [--wide] [--profile]

``--wide`` takes trioscrape's own widths instead of narrow ones, in which every lane is full now and then, and
makes two runs instead of four.
Ends with 1 when anything was not as it must be.
"""

from __future__ import annotations

import cProfile
import pstats
import resource
import sys
import time
from collections.abc import Sequence

from trioscrape.testing import run_in_virtual_time

from support.worlds import FROZEN, HOUR, Story

LINES = 30


async def played(seed: int, feeds: int, wide: bool) -> Story:
    """One story to its end."""
    if wide:
        return await Story(seed, feeds, {}, starts=(FROZEN, FROZEN + 24 * HOUR)).play()
    return await Story(seed, feeds).play()


def tell(seed: int, feeds: int, *, wide: bool) -> bool:
    """Print one; whether all was as it must be."""
    began = time.process_time()
    story = run_in_virtual_time(played, seed, feeds, wide, seed=seed)
    seconds, polls = time.process_time() - began, len(story.world.polls)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"seed {seed}, {feeds:,} feeds of {len(story.world.hosts):,} hosts: {story.fingerprint}")
    print(
        f"  {polls:,} requests, {seconds:.0f} s CPU, {1000 * seconds / polls:.2f} ms each, {megabytes:.0f} MB"
    )
    for report in story.reports:
        outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in report.outcomes.items() if count)
        print(f"  {report.seconds:,.0f} virtual s: {outcomes}; {report.entries.new:,} new entries")
    for words in story.broken:
        print(f"  WRONG: {words}")
    return not story.broken


def main(arguments: Sequence[str]) -> int:
    """Tell them all."""
    feeds, *seeds = (int(each) for each in arguments if not each.startswith("--"))
    profile = cProfile.Profile()
    if "--profile" in arguments:
        profile.enable()
    told = [tell(seed, feeds, wide="--wide" in arguments) for seed in seeds]
    profile.disable()
    if "--profile" in arguments:
        pstats.Stats(profile).sort_stats("tottime").print_stats(LINES)
    return 0 if all(told) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
