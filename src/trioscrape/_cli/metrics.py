"""The figures of a watch for Prometheus, served over HTTP at an address that the user names.

The labels are bounded: lanes, outcomes and reasons, never a feed or a host.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

import trio

from .._errors import ResourceError, UsageError
from .._records import LaneStatistics, Quantiles, Statistics, WatchStatistics

PACKAGE: Final = "prometheus-client"
_LONGEST_HEAD: Final = 16_384
_TIMEOUT: Final = 10.0
"""Seconds for one request."""


def address(text: str) -> tuple[str, int]:
    """The host and port of ``127.0.0.1:9464`` or ``[::1]:9464``.

    Raises:
      UsageError: it is neither, or the extra is not installed.
    """
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65_536):
        raise UsageError(f"--metrics must be HOST:PORT, such as 127.0.0.1:9464, not {text!r}")
    try:
        import prometheus_client  # noqa: F401, PLC0415 - the extra ``metrics``
    except ImportError:
        raise UsageError(f"--metrics needs {PACKAGE}: python -m pip install 'trioscrape[metrics]'") from None
    return host, int(port)


async def serve(
    host: str,
    port: int,
    statistics: Callable[[], Awaitable[WatchStatistics]],
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answer every request with the figures of that moment, until cancelled; starts with the port.

    Raises:
      ResourceError: the address can't be listened at.
    """
    try:
        listeners = await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        raise ResourceError(f"--metrics {host}:{port}: {error.strerror or error}") from error
    task_status.started(listeners[0].socket.getsockname()[1])
    await trio.serve_listeners(partial(_answer, statistics=statistics), listeners)


async def _answer(stream: trio.SocketStream, *, statistics: Callable[[], Awaitable[WatchStatistics]]) -> None:
    head = b""
    with trio.move_on_after(_TIMEOUT):
        try:
            while b"\r\n\r\n" not in head and len(head) < _LONGEST_HEAD:
                if not (some := await stream.receive_some()):
                    return
                head += some
            body = exposition(await statistics())
            await stream.send_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body)
            )
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # whoever asked has gone


def exposition(now: WatchStatistics) -> bytes:
    """The figures in Prometheus's text format."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - an extra

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(now))
    return generate_latest(registry)


class _Figures:
    def __init__(self, now: WatchStatistics) -> None:
        self._now = now

    def collect(self) -> Iterator[Any]:
        """All of them, as prometheus-client has them."""
        now = self._now
        yield from _of_scrape(now.scrape)
        yield from _of_lanes(now.scrape.lanes)
        yield _gauge("feeds", "Feeds of the list.", now.feeds)
        yield _gauge("late_feeds", "Feeds that are due and have not begun.", now.late)
        yield _quantiles("lateness", "How much later than planned polls began.", now.lateness)
        yield _gauge("planned_polls", "Polls that are planned for the next hour.", now.next_hour)
        yield _gauge("price_seconds", "How long expected entries wait in all until a poll.", now.price)
        if now.expected_delay is not None:
            yield _gauge("expected_delay_seconds", "From publication to poll, planned.", now.expected_delay)
        yield _quantiles("delay", "From publication to poll, as measured.", now.measured_delay)


def _of_scrape(now: Statistics) -> Iterator[Any]:
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415

    entries = {"new": now.entries.new, "changed": now.entries.changed, "unchanged": now.entries.unchanged}
    yield _counters("polls", "Polls by outcome.", "outcome", now.outcomes)
    yield _counters("failures", "Polls by reason.", "reason", now.errors)
    yield _counters("entries", "Entries in documents, by what storing them changed.", "change", entries)
    yield CounterMetricFamily("trioscrape_gaps", "Polls before which entries may be missed.", value=now.gaps)
    yield _gauge("in_flight", "Feeds in flight.", now.in_flight)
    outage = now.outage.seconds if now.outage is not None else 0.0
    yield _gauge("store_outage_seconds", "For how long the store has been unavailable.", outage)
    yield _quantiles("loop_lag", "How late the event loop runs its timers.", now.loop_lag)


def _of_lanes(lanes: Mapping[str, LaneStatistics]) -> Iterator[Any]:
    widths = {name: lane.width for name, lane in lanes.items()}
    yield _gauges("lane_width", "Feeds that the lane serves at once.", widths)
    yield _gauges("lane_busy", "Feeds that have a slot.", {name: lane.busy for name, lane in lanes.items()})
    waiting = {name: lane.waiting for name, lane in lanes.items()}
    yield _gauges("lane_waiting", "Feeds that wait for a slot.", waiting)
    done = {name: lane.done for name, lane in lanes.items()}
    yield _counters("lane_turns", "Turns that have ended.", "lane", done)
    waited = {name: lane.waited for name, lane in lanes.items()}
    yield _lane_quantiles("lane_waited", "Time spent waiting for a slot.", waited)
    worked = {name: lane.worked for name, lane in lanes.items()}
    yield _lane_quantiles("lane_worked", "Time spent with a slot.", worked)


def _gauge(name: str, text: str, value: float) -> Any:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

    return GaugeMetricFamily(f"trioscrape_{name}", text, value=value)


def _gauges(name: str, text: str, values: Mapping[str, int]) -> Any:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

    family = GaugeMetricFamily(f"trioscrape_{name}", text, labels=["lane"])
    for lane, value in values.items():
        family.add_metric([lane], value)
    return family


def _counters(name: str, text: str, label: str, values: Mapping[str, int]) -> Any:
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415

    family = CounterMetricFamily(f"trioscrape_{name}", text, labels=[label])
    for value, count in values.items():
        family.add_metric([str(value)], count)
    return family


def _lane_quantiles(name: str, text: str, lanes: Mapping[str, Quantiles]) -> Any:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

    family = GaugeMetricFamily(f"trioscrape_{name}_seconds", text, labels=["lane", "quantile"])
    for lane, of in lanes.items():
        for quantile, value in _values(of):
            family.add_metric([lane, quantile], value)
    return family


def _quantiles(name: str, text: str, of: Quantiles) -> Any:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

    family = GaugeMetricFamily(f"trioscrape_{name}_seconds", text, labels=["quantile"])
    for quantile, value in _values(of):
        family.add_metric([quantile], value)
    return family


def _values(of: Quantiles) -> tuple[tuple[str, float], ...]:
    return ("0.5", of.p50), ("0.99", of.p99), ("1", of.max)
