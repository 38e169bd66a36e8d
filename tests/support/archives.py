"""What is in a WARC file, as readers see it that are not ours."""

from __future__ import annotations

import hashlib
import json
import resource
import subprocess
import sys
from base64 import b32encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Record:
    """A WARC record."""

    kind: str
    fields: dict[str, str]
    block: bytes

    @property
    def head(self) -> bytes:
        """Of an HTTP message, with its blank line."""
        return self.block.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

    @property
    def payload(self) -> bytes:
        return self.block.partition(b"\r\n\r\n")[2]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.warc.gz"))


READ = """
import json, sys
from warcat.model import WARC
for path in sys.argv[1:]:
    file, has_more = WARC.open(path), True
    while has_more:
        record, has_more = WARC.read_record(file, preserve_block=True)
        block = b"".join(record.content_block.iter_bytes())
        print(json.dumps([record.warc_type, record.header.fields.list(), block.decode("latin-1")]))
"""
"""A process of its own, because warcat leaves the closing of its files to the garbage collector."""


def records(folder: Path) -> list[Record]:
    """All records of an archive, read by warcat; each response has the digest that it says."""
    command = [sys.executable, "-c", READ, *map(str, files(folder))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = []
    for kind, fields, text in map(json.loads, done.stdout.splitlines()):
        record = Record(kind, dict(fields), text.encode("latin-1"))
        if kind == "response":
            digest = b32encode(hashlib.sha1(record.payload).digest()).decode()
            assert record.fields["WARC-Payload-Digest"] == f"sha1:{digest}"
        found.append(record)
    return found


def checked(folder: Path) -> str:
    """What ``warcio check`` says of the files: nothing, if all is well."""
    command = [sys.executable, "-m", "warcio.cli", "check", *map(str, files(folder))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may become larger; what would be written fails, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
