"""An internet that knows how many connections there were to each address at once."""

from __future__ import annotations

from collections import Counter

import trio

from trioscrape.testing import Internet


class Counting(Internet):
    """Knows how many connections there were to each address at once, at the most."""

    async def connect(self, address: str, port: int) -> trio.abc.Stream:
        stream = await super().connect(address, port)
        self.now[address] += 1
        self.most[address] = max(self.most[address], self.now[address])
        return Counted(stream, self, address)

    def count(self) -> Counting:
        self.now, self.most = Counter[str](), Counter[str]()
        return self


class Counted(trio.abc.Stream):
    def __init__(self, inner: trio.abc.Stream, internet: Counting, address: str) -> None:
        self.inner, self.internet, self.address = inner, internet, address

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self.inner.receive_some(max_bytes)

    async def aclose(self) -> None:
        if self.address:
            self.internet.now[self.address] -= 1
            self.address = ""
        await self.inner.aclose()
