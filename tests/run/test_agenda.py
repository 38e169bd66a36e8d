"""The agenda of a watch: what is due, in order, in bounded memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from trioscrape import Feed
from trioscrape._run import agenda as module
from trioscrape._run.agenda import Agenda, Due


def feed(number: int) -> tuple[str, Feed]:
    return f"{number:032x}", Feed(f"https://me:secret@a.test/{number}", f"T{number}", number, ("News",))


@pytest.fixture(params=["in memory", "in a file"])
async def agenda(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Agenda]:
    if request.param == "in a file":
        monkeypatch.setattr(module, "IN_MEMORY", -1)
    opened = Agenda()
    yield opened
    await opened.aclose()


async def test_feeds_come_as_they_fall_due(agenda: Agenda) -> None:
    feeds = [feed(number) for number in range(5)]
    assert await agenda.listed(feeds, 1) == [feed_id for feed_id, _ in feeds]
    assert await agenda.next_due() is None
    await agenda.plan([(feed_id, 100.0 - number) for number, (feed_id, _) in enumerate(feeds)])

    assert (await agenda.next_due(), await agenda.late(98.0)) == (96.0, 3)
    assert await agenda.take(95.0, 10) == []
    taken = await agenda.take(98.0, 2)
    assert taken == [Due(feeds[4][1], 96.0), Due(feeds[3][1], 97.0)]
    assert taken[0].feed.redacted_url == "https://a.test/4"
    assert [due.moment for due in await agenda.take(1000.0, 10)] == [98.0, 99.0, 100.0]
    assert await agenda.take(1000.0, 10) == [], "each is taken once"


async def test_an_edition_of_the_list_replaces_the_one_before(agenda: Agenda) -> None:
    await agenda.listed([feed(number) for number in range(4)], 1)
    assert await agenda.plan([(feed(number)[0], 50.0 + number) for number in range(4)]) == [50, 51, 52, 53]
    await agenda.take(50.0, 1)

    renamed = Feed("https://a.test/2", "Another title")
    assert await agenda.listed([(feed(2)[0], renamed), feed(9)], 2) == [feed(9)[0]]
    assert sorted(await agenda.forget_older(2)) == [51, 53], "the one in flight was planned for no time"
    assert agenda.size == 3
    assert await agenda.plan([(feed(0)[0], 60.0), (feed(9)[0], 61.0)]) == [61], "it has left the list"
    assert agenda.size == 2
    assert await agenda.take(100.0, 10) == [Due(renamed, 52.0), Due(feed(9)[1], 61.0)]


async def test_a_feed_that_is_listed_again_while_it_is_taken_is_not_new(agenda: Agenda) -> None:
    await agenda.listed([feed(0)], 1)
    await agenda.plan([(feed(0)[0], 50.0)])
    await agenda.take(50.0, 1)
    assert await agenda.forget_older(2) == []

    assert await agenda.listed([feed(0)], 3) == []
    assert await agenda.forget_older(3) == []
    assert await agenda.plan([(feed(0)[0], 60.0)]) == [60]
    assert agenda.size == 1
