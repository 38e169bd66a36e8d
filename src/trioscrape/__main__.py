"""``python -m trioscrape``, and the installed command."""

from __future__ import annotations

import sys

from ._cli import command, process


def main() -> int:
    """Run the command with the arguments of the process, and return its exit status."""
    status = 1
    try:
        status = command.main()
    finally:
        process.end(status)
    return status


# Worker processes import this module as well, and must not start a run of their own.
if __name__ == "__main__":
    sys.exit(main())
