"""How often a watch polls: a least interval, each feed's rhythm, or a goal."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from .._errors import UsageError
from .config import Range, check

RANGES: Final = {
    "every": Range(60, 7 * 86400, "s"),
    "fresh": Range(60, 7 * 86400, "s"),
    "budget": Range(0.001, 10_000),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """How often a watch polls feeds. What a feed or its server asks for comes before all of it.

    Raises:
      UsageError: a value is out of its range, or a goal is given without the rhythm that it needs.
    """

    every: float = 900.0
    """Seconds: the least time between two polls of a feed; without `by_rhythm`, the time between them."""
    by_rhythm: bool = True
    """Poll a feed when it usually publishes, and less often at other times: a day apart at most."""
    fresh: float | None = None
    """A goal: the seconds from the publication of an entry to its storage, on average. None: none."""
    budget: float | None = None
    """The most polls a second, over all feeds, which are given where they shorten that time most. None: no
    limit. With `fresh` no more are made than that needs."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name in RANGES and value is not None:
                check(each.name, value, RANGES[each.name])
        if not self.by_rhythm and (self.fresh is not None or self.budget is not None):
            raise UsageError("fresh and budget need by_rhythm")
