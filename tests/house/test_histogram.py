"""Quantiles from buckets."""

import random

import pytest

from trioscrape import Quantiles
from trioscrape._lane import Histogram


def test_nothing_counted() -> None:
    assert Histogram().quantiles() == Quantiles(0.0, 0.0, 0.0)


def test_exact_to_five_percent() -> None:
    rng = random.Random(1)
    durations = sorted(rng.lognormvariate(-3, 2) for _ in range(10_000))
    histogram = Histogram()
    for duration in durations:
        histogram.add(duration)

    found = histogram.quantiles()

    assert found.p50 == pytest.approx(durations[4999], rel=0.06)
    assert found.p99 == pytest.approx(durations[9899], rel=0.06)
    assert found.max == durations[-1]


def test_no_quantile_is_above_the_maximum() -> None:
    histogram = Histogram()
    histogram.add(0.0)
    histogram.add(1.0)

    assert histogram.quantiles() == Quantiles(1e-6, 1.0, 1.0)
