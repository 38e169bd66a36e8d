"""How many feeds, host slots and lookups are in use: the state that admission waits on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from trio_util import AsyncValue


class State(NamedTuple):
    """A scrape at one moment, as far as admission goes by it."""

    in_flight: int = 0
    """Feeds that have been admitted and have no result yet."""
    slots: int = 0
    """Host slots in use: one for each feed in flight, except those that wait for a slot of another host."""
    stuck: int = 0
    """Lookups that are overdue."""
    locating: int = 0
    """Feeds whose host is looked up before they can queue for it."""
    doubtful: int = 0
    """Feeds in flight that have failed, perhaps because there is no network."""
    reached: bool = False
    """Whether any server has answered, or at least been connected to."""
    hungry: bool = False
    """Whether nothing that has been read of the list can be started."""
    read: bool = False
    """Whether the list has been read to its end."""
    draining: bool = False
    """Whether no more feeds are admitted."""


class Flow:
    """Counts what is in flight, and wakes whoever waits for the counts to change.

    It is the one place where those who know something (a feed that ends, a host's slot that becomes
    free, a lookup that is stuck) tell it to the one who waits for it, without knowing each other.
    """

    def __init__(self) -> None:
        # `now` is the same, within reach of mypy and of a fast look.
        self._state: Any = AsyncValue(State())
        self.now = State()

    def add(
        self, *, in_flight: int = 0, slots: int = 0, stuck: int = 0, locating: int = 0, doubtful: int = 0
    ) -> None:
        """Change the counts by so much."""
        now = self.now
        self._set(
            State(
                now.in_flight + in_flight,
                now.slots + slots,
                now.stuck + stuck,
                now.locating + locating,
                now.doubtful + doubtful,
                now.reached,
                now.hungry,
                now.read,
                now.draining,
            )
        )

    def note(self, **facts: bool) -> None:
        """Change what is not counted: ``reached``, ``hungry``, ``read`` or ``draining``."""
        self._set(self.now._replace(**facts))

    async def change(self) -> None:
        """Wait until anything changes.

        Nothing is missed between a look at `now` and this call, unless there is a checkpoint between them.
        """
        await self._state.wait_transition()

    async def until(self, condition: Callable[[State], bool]) -> None:
        """Wait until `condition` is true of the state; it is checked again with each change."""
        await self._state.wait_value(condition)

    def _set(self, state: State) -> None:
        self.now = state
        self._state.value = state
