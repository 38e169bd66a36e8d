"""The samples of a scrape: bounded, whatever its length, and what they say of the last seconds."""

from __future__ import annotations

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from trioscrape._cli.series import LONGEST, SHORTEST, STRETCHES, WINDOW, Load, Series

from support.run_pages import Played, statistics


def test_a_run_of_any_length_takes_so_many_stretches_and_nothing_is_lost() -> None:
    played, samples = Played(10), 10 * STRETCHES + 3
    for number in range(1, samples):
        full = {"busy": 8, "waiting": 6} if number % 4 else {}
        played.sample(statistics(number, number, http=full))

    stretches = played.series.stretches
    assert STRETCHES / 2 < len(stretches) <= STRETCHES
    assert sum(each.samples for each in stretches) == samples
    assert [each.until for each in stretches] == sorted(each.until for each in stretches)
    assert stretches[-1].until == stretches[-1].finished == samples - 1
    name, share, waiting = played.series.bottleneck()
    assert name == "http"
    assert share == pytest.approx(0.75, abs=0.01)
    assert waiting == pytest.approx(4.5, abs=0.05)


def test_a_stretch_has_the_averages_of_its_samples() -> None:
    played = Played(10)
    for number in range(1, 2 * STRETCHES):
        played.sample(statistics(number, 0, store={"busy": 8, "waiting": 2} if number % 2 else {}))

    assert played.series.stretches[5].samples == 2
    assert played.series.stretches[5].loads[3] == Load(6, 1, 0.5)


def test_rates_are_those_of_the_last_seconds() -> None:
    played = Played(1000)
    for tenth in range(1, 201):
        seconds = tenth / 10
        finished = round(100 * seconds) if seconds <= 10 else round(1000 + 20 * (seconds - 10)) - 800
        played.sample(statistics(seconds, finished, dns={"done": 3 * finished}))

    moment = played.series.moment()
    assert moment.rate == pytest.approx(20)
    assert moment.lane_rates["dns"] == pytest.approx(60)
    assert moment.lane_rates["http"] == 0
    assert moment.seconds_left == pytest.approx((1000 - moment.now.finished) / 20)


def test_before_a_rate_is_known_nothing_is_said_of_it() -> None:
    played = Played(1000)
    played.sample(statistics(0.5, 500))

    assert (played.series.moment().rate, played.series.moment().seconds_left) == (None, None)


def test_at_a_standstill_no_time_left_is_known() -> None:
    played = Played(1000)
    for second in range(20):
        played.sample(statistics(second, 500))

    assert (played.series.moment().rate, played.series.moment().seconds_left) == (0, None)


def test_the_bottleneck_of_a_moment_is_that_of_the_last_seconds() -> None:
    played = Played(1000)
    for tenth in range(400):
        lane = "dns" if tenth < 300 else "store"
        played.sample(statistics(tenth / 10, 0, **{lane: {"busy": 8, "waiting": 5}}))

    assert played.series.moment().bottleneck == "store"
    assert played.series.bottleneck()[0] == "dns"


async def test_samples_are_close_at_first(autojump_clock: MockClock) -> None:
    began, at = trio.current_time(), []

    def look():
        at.append(trio.current_time() - began)
        return statistics(at[-1])

    series = Series(look, 10)
    with trio.move_on_after(60):
        await series.watch()

    steps = [later - earlier for earlier, later in pairwise(at)]
    assert steps[0] == pytest.approx(SHORTEST, rel=0.1)
    assert steps[-1] == pytest.approx(LONGEST)
    assert len(series._recent) <= WINDOW / LONGEST + 2
