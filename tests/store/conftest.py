"""Each store of the contract in turn."""

from collections.abc import AsyncIterator

import pytest

from support.stores import STORES, Opened


@pytest.fixture(params=STORES)
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    async with STORES[request.param](request) as opened:
        yield opened
