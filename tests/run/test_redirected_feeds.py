"""A host with feeds of its own, to which those of other hosts are redirected, in virtual time over days."""

from __future__ import annotations

from collections import Counter

import pytest
from trio.testing import MockClock

from trioscrape.testing import Site

from support.limited_hosts import Cron, Limited, make_cheap


@pytest.fixture(autouse=True)
def cheap_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Days of them."""
    make_cheap(monkeypatch)


@pytest.mark.parametrize(("own", "redirected", "allowed"), [(4, 4, 1), (8, 2, 1), (2, 8, 1), (6, 6, 3)])
async def test_neither_starves_the_other(
    autojump_clock: MockClock, own: int, redirected: int, allowed: int
) -> None:
    """The host allows a few requests an hour: all feeds take turns, wherever their URLs begin."""
    limited = Limited(allowed, 3500)
    cron = Cron(limited, own, seconds=3600)
    sites = {
        f"f{number}.test": Site(status=302, headers={"Location": f"http://reddit.test/of{number}"})
        for number in range(redirected)
    }
    cron.internet.sites = {"reddit.test": limited, **sites}
    cron.feeds += [f"http://{host}/" for host in sites]
    cron.fetched = Counter(dict.fromkeys(cron.feeds, 0))
    await cron.runs(4 * (own + redirected) // allowed)

    assert cron.spread <= 2, cron.fetched
    assert {state.failures for state in cron.store.feeds.values()} == {0}
