"""Trio's default limiter of threads, in other hands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio


@contextmanager
def default_limiter_filled() -> Iterator[None]:
    """All of its tokens are taken meanwhile."""
    limiter = trio.to_thread.current_default_thread_limiter()
    owners = [object() for _ in range(int(limiter.available_tokens))]
    for owner in owners:
        limiter.acquire_on_behalf_of_nowait(owner)
    try:
        yield
    finally:
        for owner in owners:
            limiter.release_on_behalf_of(owner)
