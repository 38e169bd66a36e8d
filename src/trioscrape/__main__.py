"""``python -m trioscrape``."""

from __future__ import annotations

import sys

from ._cli.command import main

# Worker processes import this module as well, and must not start a run of their own.
if __name__ == "__main__":
    sys.exit(main())
