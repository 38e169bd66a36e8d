"""Who may write to a store for a long time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from .kinds import MOMENT, SIZE
from .table import Table
from .texts import NAME


@dataclass(frozen=True, slots=True)
class Lease:
    """A run that has a store for itself, as far as writing for a long time goes. Nothing in it is secret."""

    id: Annotated[str, NAME]
    """Random, so that each run has another one."""
    host: Annotated[str, NAME]
    """The name of its machine."""
    process: Annotated[int, SIZE]
    """Its process id."""
    since: Annotated[datetime, MOMENT]
    """When the run began."""
    system: Annotated[str | None, NAME] = None
    """Where its process id has a meaning: the same for all processes of one boot of a machine, and of one
    container; None: unknown."""

    def __str__(self) -> str:
        return f"process {self.process} on {self.host} (since {self.since:%Y-%m-%d %H:%M:%S} UTC)"


LEASE: Final = Table(Lease)
