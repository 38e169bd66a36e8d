"""Who may write to a store for a long time: one run, or one for each share of a list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from .kinds import COUNT, MOMENT, SIZE
from .table import Table
from .texts import NAME


@dataclass(frozen=True, slots=True)
class Lease:
    """A run that has a store for itself, as far as writing for a long time goes. Nothing in it is secret.

    Runs on different shares of a list that is divided into as many may use a store at once: no feed is in two
    of them.
    """

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
    shard: Annotated[int | None, COUNT] = None
    """Which share of its list the run has, from 1; None: all of it."""
    shards: Annotated[int | None, COUNT] = None
    """How many shares there are; None: it is not shared."""

    def excludes(self, other: Lease) -> bool:
        """Whether the two runs can't use a store at once."""
        return self.shard is None or self.shards != other.shards or self.shard == other.shard

    def __str__(self) -> str:
        shard = "" if self.shard is None else f"shard {self.shard}/{self.shards}, "
        return f"process {self.process} on {self.host} ({shard}since {self.since:%Y-%m-%d %H:%M:%S} UTC)"


LEASE: Final = Table(Lease)
