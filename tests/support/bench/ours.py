"""trioscrape as a program over a list, and what it says about itself at its end."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .measuring import Used, run

OUTCOMES = {"new": "new", "304": "not_modified"}
"""How each feed has to end, in a first run and in a second one."""


def scrape(
    feeds: Path, count: int, store: str, what: str, source: Path | None = None, more: Sequence[str] = ()
) -> tuple[Used, dict[str, Any]]:
    """Run it over a list of so many feeds; what it has used, and its report.

    Args:
      what: a key of `OUTCOMES`; it is an error if a single feed ends in any other way.
      source: see `run`.
      more: options.
    """
    options = ("--store", store, "--all", "--json", "--address-policy", "any", *more)
    used = run(["trioscrape", str(feeds), *options], feeds.parent, source)
    report: dict[str, Any] = json.loads(used.output.splitlines()[-1])
    if report["outcomes"][OUTCOMES[what]] != count:
        sys.exit(f"{store}, {what}: {report['outcomes']} of {count} feeds")
    return used, report
