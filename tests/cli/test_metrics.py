"""The figures of a watch for Prometheus."""

from __future__ import annotations

import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from trioscrape import (
    EntryCounts,
    LaneStatistics,
    Quantiles,
    ResourceError,
    Statistics,
    UsageError,
    WatchStatistics,
)
from trioscrape._cli.metrics import address, exposition, serve

LANE = LaneStatistics("dns", 32, 3, 7, 9, 1000, Quantiles(0.1, 0.2, 0.3), Quantiles(1, 2, 3))
SCRAPE = Statistics(
    accepted=60,
    in_flight=4,
    finished=56,
    seconds=3600,
    lanes={"dns": LANE},
    loop_lag=Quantiles(0.001, 0.002, 0.003),
    outcomes={"new": 50, "failed": 6},
    errors={"http-404": 6},
    entries=EntryCounts(500, 3, 100),
    gaps=2,
)
NOW = WatchStatistics(SCRAPE, 100, 5, Quantiles(1, 2, 3), 400, 300.0, 1200.0, Quantiles(900, 5000, 9000))


async def statistics() -> WatchStatistics:
    return NOW


def figures(text: str) -> dict[str, float]:
    return {
        f"{sample.name}{sample.labels or ''}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_figure_has_a_name_and_bounded_labels() -> None:
    found = figures(exposition(NOW).decode())
    assert found["trioscrape_polls_total{'outcome': 'new'}"] == 50
    assert found["trioscrape_failures_total{'reason': 'http-404'}"] == 6
    assert found["trioscrape_entries_total{'change': 'new'}"] == 500
    assert found["trioscrape_gaps_total"] == 2
    assert found["trioscrape_lane_waiting{'lane': 'dns'}"] == 7
    assert found["trioscrape_lane_worked_seconds{'lane': 'dns', 'quantile': '0.99'}"] == 2
    assert found["trioscrape_loop_lag_seconds{'quantile': '1'}"] == 0.003
    assert found["trioscrape_feeds"] == 100
    assert found["trioscrape_late_feeds"] == 5
    assert found["trioscrape_expected_delay_seconds"] == 1200
    assert found["trioscrape_delay_seconds{'quantile': '0.5'}"] == 900
    assert all(name.startswith("trioscrape_") for name in found)


@pytest.mark.parametrize(
    ("text", "expected"), [("127.0.0.1:9464", ("127.0.0.1", 9464)), ("[::1]:0", ("::1", 0))]
)
def test_an_address(text: str, expected: tuple[str, int]) -> None:
    assert address(text) == expected


@pytest.mark.parametrize("text", ["9464", ":9464", "127.0.0.1", "127.0.0.1:", "a:99999", "a:²"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="must be HOST:PORT"):
        address(text)


async def test_it_answers_whoever_asks() -> None:
    async with trio.open_nursery() as nursery:
        port = await nursery.start(serve, "127.0.0.1", 0, statistics)
        for _ in range(2):
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                await stream.send_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n")
                await stream.send_all(b"\r\n")
                answer = b"".join([some async for some in stream])
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert figures(body.decode())["trioscrape_feeds"] == 100
        nursery.cancel_scope.cancel()


async def test_an_address_that_is_taken() -> None:
    async with trio.open_nursery() as nursery:
        port = await nursery.start(serve, "127.0.0.1", 0, statistics)
        with pytest.raises(ResourceError, match="metrics 127"):
            await serve("127.0.0.1", port, statistics)
        nursery.cancel_scope.cancel()
