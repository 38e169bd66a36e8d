"""Pauses that hosts ask for: what is remembered of them, without a scrape."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from trioscrape._errors import FeedFailed
from trioscrape._flow import Flow
from trioscrape._hosts.queue import HostQueue
from trioscrape._hosts.retry_after import KEPT, Pauses
from trioscrape._hosts.slots import HostSlot, HostSlots


def test_pauses_end_and_are_bounded() -> None:
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    pauses = Pauses(HostQueue[Any](1), lambda: moment)
    for number in range(KEPT + 1):
        pauses.refused(f"{number}.test", 503, "http-503", {"retry-after": "3600"})

    pauses.check("0.test")  # forgotten
    with pytest.raises(FeedFailed) as caught:
        pauses.check("1.test")
    assert (caught.value.sent, caught.value.not_before) == (False, moment + timedelta(hours=1))
    moment += timedelta(hours=1)
    pauses.check("1.test")


@pytest.mark.parametrize(
    ("status", "headers"), [(503, {}), (500, {"retry-after": "60"}), (404, {"retry-after": "60"})]
)
def test_other_answers_pause_nobody_else(status: int, headers: dict[str, str]) -> None:
    pauses = Pauses(HostQueue[Any](1))
    pause = pauses.refused("a.test", status, f"http-{status}", headers)

    pauses.check("a.test")
    assert (pause is not None) == bool(headers)


async def test_a_short_pause_is_waited_for_by_redirected_feeds_too(autojump_clock: MockClock) -> None:
    queue = HostQueue[Any](1)
    slot = HostSlot(HostSlots(queue, Flow()), None)
    Pauses(queue).refused("b", 429, "rate-limited", {"retry-after": "5"})

    await slot.switch("b")

    assert trio.current_time() >= 5
