"""The package as it was in a revision."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path


def unpacked(revision: str, folder: Path) -> Path:
    """Where to import it from: anything that git knows, unpacked into a folder."""
    archive = subprocess.run(["git", "archive", revision, "src"], stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder / "src"
