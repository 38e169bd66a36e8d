"""Servers that break HTTP/2 on purpose, all at once, beside healthy ones.

A new one is a line of ``HTTP2`` in ``tests/support/hostile_http2.py``. Those that only end by a timeout are
left to the long form.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trustme

from support.adversary import HEALTHY, LIMITS, LONG, STORES, assert_none, broken_promises, program, read, some
from support.hostile_http2 import HTTP2, Http2, Script, fine, http2_context
from support.servers import open_server

TIMEOUTS = {"read-timeout", "fetch-timeout", "connect-timeout"}
"""These may come before the reason that is expected, on a machine that is busy."""


@pytest.mark.parametrize("store", STORES)
async def test_http2(store: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'x.db'}" if store == "sqlite" else request.getfixturevalue("mongodb_url")
    rows = dict(some([(name, row) for name, row in HTTP2.items() if LONG or row[1] not in TIMEOUTS]))
    healthy = [f"healthy{number}" for number in range(HEALTHY)]
    scripts: dict[str, Script] = {name: script for name, (script, _) in rows.items()}
    scripts = {healthy[0]: fine, **scripts, **dict.fromkeys(healthy[1:], fine)}
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = http2_context(authority, *(f"{name}.localhost" for name in scripts))
    async with AsyncExitStack() as stack:
        feeds = {}
        for name, script in scripts.items():
            server = await stack.enter_async_context(open_server(Http2(context, script)))
            feeds[name] = f"https://{name}.localhost:{server.port}/"
        (tmp_path / "feeds.txt").write_text("".join(f"{url}\n" for url in feeds.values()))
        options = ("--http2", "--ca-file", "ca.pem", "--minimum-rate", "0", *LIMITS)
        ended = await program(tmp_path, "run", "feeds.txt", "--store", url, *options)
        stored = await read(url)

    assert_none(broken_promises(ended, 0))
    found = {name: ended.ends[feeds[name]] for name in feeds}
    expected = {name: {reason, *TIMEOUTS} for name, (_, reason) in rows.items()}
    assert {name: found[name] for name in healthy} == dict.fromkeys(healthy, "new")
    assert_none({name: end for name, end in found.items() if name in rows and end not in expected[name]})
    assert {each.feed_url for each in stored.entries} == {feeds[name] for name in healthy}
