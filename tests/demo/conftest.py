"""The demo's sites, served."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio

from trioscrape._demo import Demo, open_demo


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    with trio.fail_after(30):
        async with open_demo() as demo:
            yield demo
