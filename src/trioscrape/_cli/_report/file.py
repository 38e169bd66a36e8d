"""The file that ``--report`` names."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ..._errors import UsageError


class ReportFile:
    """A file that is replaced when the report is complete; an older one stays until then.

    Args:
      path: of the file.

    Raises:
      UsageError: it can't be written there. Better now than at the end of a run.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        if self.path.is_dir():
            raise UsageError(f"--report {path}: it is a directory; name a file in it")
        if not os.access(self.path.parent, os.W_OK | os.X_OK):
            raise UsageError(f"--report {path}: there is no folder {self.path.parent}, or it is not writable")

    def write(self, page: str) -> None:
        """Replace the file. Blocks.

        Raises:
          OSError: it can't be written.
        """
        part = self.path.with_name(f"{self.path.name}.part")
        try:
            part.write_text(page, "utf-8")
            part.replace(self.path)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
