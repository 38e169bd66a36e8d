"""Programs in virtual time that do the same each time.

Trio itself runs tasks that are ready at the same moment in a random order, so that nobody relies on any. A
failure that depends on this order then comes once in a hundred runs. `run_in_virtual_time` takes the order,
and all other random numbers, from a seed.
"""

from __future__ import annotations

import random
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, TypeVarTuple, Unpack
from unittest.mock import patch

import trio
from trio.testing import MockClock

from .._run import loop_lag, wiring

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def run_in_virtual_time(async_function: Callable[[Unpack[Ts]], Awaitable[T]], *args: *Ts, seed: int = 0) -> T:
    """`trio.run` with a clock that begins at 0, and jumps to the next timer when all tasks wait.

    The same seed gives the same order of events, whatever the machine, its load and ``PYTHONHASHSEED`` are,
    as long as the program uses neither threads nor sockets; a scrape with an `Internet`, a `MemoryStore` and
    an `InlineParser` does not. Meanwhile this has effects on the whole process, which other threads see:
    `random`'s functions and trio's scheduler go by the seed, and scrapes do not measure how late the event
    loop is, which can't be late.

    Args:
      async_function: as for `trio.run`, like `args`.
      args: its arguments.
      seed: of the order in which tasks run, and of `random`'s functions.

    Returns: what it returns. Raises what it raises.
    """
    with _deterministic(seed), _cheap_runs():
        return trio.run(async_function, *args, clock=MockClock(autojump_threshold=0))


@contextmanager
def _deterministic(seed: int) -> Iterator[None]:
    # Trio has these two for Hypothesis, and no public way to them.
    scheduler = trio._core._run
    state, own = random.getstate(), scheduler._r.getstate()
    random.seed(seed)
    scheduler._r.seed(seed)
    try:
        with patch.object(scheduler, "_ALLOW_DETERMINISTIC_SCHEDULING", new=True):
            yield
    finally:
        random.setstate(state)
        scheduler._r.setstate(own)


@contextmanager
def _cheap_runs() -> Iterator[None]:
    """Without what would be most of the work in months of virtual time: 50 timers a second, certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # an `Internet` has no TLS
    with (
        patch.object(loop_lag, "PERIOD", 10 * 365 * 86_400.0),
        patch.object(wiring, "client_context", lambda _: context),
    ):
        yield
