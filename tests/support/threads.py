"""A machine without a thread for us."""

from __future__ import annotations

import threading

import pytest
import trio


def no_thread(patched: pytest.MonkeyPatch) -> None:
    """None can be started from now on, and none is waiting for work."""

    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    patched.setattr(trio._core._thread_cache.THREAD_CACHE, "_idle_workers", {})
    patched.setattr(threading.Thread, "start", start)
