"""The file that ``--report`` names."""

from __future__ import annotations

from pathlib import Path

from ..._errors import ResourceError, UsageError
from ..output import is_special, new_file, opened_file
from ..unbuffered import write_all


class ReportFile:
    """A file that is replaced when the report is complete; an older one stays until then.

    Args:
      path: of the file.

    Raises:
      UsageError: it can't be written there. Better now than at the end of a run.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        """The path as the user gave it."""
        self._name = path
        try:
            if not is_special(path):
                with new_file(path):
                    pass  # it is not kept
        except (OSError, ResourceError, UsageError) as error:
            raise UsageError(f"--report {error}") from error

    def write(self, page: str) -> None:
        """Replace the file. Blocks.

        Raises:
          OSError: it can't be written.
        """
        with opened_file(self._name) as file:
            write_all(file.descriptor, page.encode())
            file.keep()
