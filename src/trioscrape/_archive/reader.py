"""Reads the polls of an archive in the order in which they ended. Blocks, so it belongs in a thread.

The files are read once, from beginning to end. Two things are remembered meanwhile: where payloads are that
later records may refer to, in a temporary file, and where answers are whose poll has not been read yet.
"""

from __future__ import annotations

import json
import re
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from .._errors import FeedFailed, UsageError
from .._records import Feed
from .exchange import Exchange, KeptFetch, KeptPoll
from .warc_file import NOT_MODIFIED, OPEN, POLL

SHOWN: Final = 10
_CHUNK: Final = 2**16
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")


class _Place(NamedTuple):
    """Where a record is: the number of its file, and the offset in it."""

    file: int
    offset: int


@dataclass(frozen=True, slots=True)
class _Record:
    """A WARC record."""

    fields: Mapping[str, str]
    """By lower-case name."""
    block: bytes

    @property
    def kind(self) -> str:
        return self.fields.get("warc-type", "")


class _Damaged(Exception):
    """Something is not a complete WARC record, or can't be understood."""


class ArchiveReader:
    """The polls of an archive. One iteration at a time.

    Args:
      folder: with WARC files; they are read in the order of their names.

    Raises:
      UsageError: there are no WARC files in it.
      OSError: the folder can't be read.
    """

    def __init__(self, folder: Path) -> None:
        found = [*folder.glob("*.warc.gz"), *folder.glob(f"*.warc.gz{OPEN}")]
        self._files = sorted(found, key=lambda path: path.name.removesuffix(OPEN))
        if not self._files:
            raise UsageError(f"{folder} has no WARC files (*.warc.gz)")
        self.files = len(self._files)
        self.damage: list[str] = []
        """The first messages about files and polls that can't be read to their end."""
        self.damaged = 0
        """How many such files and polls there are."""
        self._answers: dict[str, _Place] = {}
        self._payloads = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._payloads.execute("PRAGMA journal_mode = OFF")
        self._payloads.execute("CREATE TABLE payloads (digest PRIMARY KEY, file, offset) WITHOUT ROWID")

    def __iter__(self) -> Iterator[KeptPoll]:
        """Each poll with its exchanges. If one of a fetch is missing, that fetch has only those before it.

        Raises:
          OSError: a file can't be read.
        """
        for number, path in enumerate(self._files):
            try:
                with path.open("rb") as file:
                    for offset, data in _members(file):
                        record = _record(data)
                        self._note(record, _Place(number, offset))
                        if record.fields.get("content-type") == POLL:
                            try:
                                poll = self._poll(record)
                            except _Damaged as damage:
                                self._note_damage(f"{path.name}: {damage}")
                            else:
                                yield poll
            except _Damaged as damage:
                self._note_damage(f"{path.name}: {damage}; the rest of this file is left out")

    def close(self) -> None:
        """Delete the temporary file."""
        self._payloads.close()

    def _note_damage(self, line: str) -> None:
        self.damaged += 1
        if len(self.damage) < SHOWN:
            self.damage.append(line)

    def _note(self, record: _Record, place: _Place) -> None:
        fields = record.fields
        if record.kind not in ("response", "revisit"):
            return
        self._answers[fields.get("warc-record-id", "")] = place
        digest = fields.get("warc-payload-digest")
        if record.kind == "response" and digest and "warc-truncated" not in fields:
            self._payloads.execute("INSERT OR IGNORE INTO payloads VALUES (?, ?, ?)", (digest, *place))

    def _poll(self, record: _Record) -> KeptPoll:
        try:
            said = json.loads(record.block)
            return KeptPoll(
                Feed(**{**said["feed"], "tags": tuple(said["feed"]["tags"])}),
                said["feed_id"],
                _moment(said["began"]),
                _moment(said["ended"]),
                said["next_run"] and _moment(said["next_run"]),
                tuple(self._fetch(fetch) for fetch in said["fetches"]),
                said["outcome"],
                said["reason"],
                said["put_off"] and _failure(said["put_off"]),
                said["took_turn"],
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _Damaged(f"the record of a poll can't be read ({error!r})") from error

    def _fetch(self, said: Mapping[str, Any]) -> KeptFetch:
        failed = _failure(said["failed"]) if "failed" in said else None
        exchanges = []
        for name in said["records"]:
            if (place := self._answers.pop(name, None)) is None:
                break
            exchanges.append(self._exchange(self._at(place)))
        again, older = said.get("again", False), said.get("older_page", False)
        return KeptFetch(exchanges, failed, again=again, of_older_page=older)

    def _exchange(self, record: _Record) -> Exchange:
        fields = record.fields
        head, payload = _divided(record.block)
        truncated = fields.get("warc-truncated")
        if record.kind == "revisit" and fields.get("warc-profile") != NOT_MODIFIED:
            found = self._payloads.execute(
                "SELECT file, offset FROM payloads WHERE digest = ?", (fields.get("warc-payload-digest"),)
            ).fetchone()
            if found is None:
                raise _Damaged(f"the payload of {fields.get('warc-target-uri')} is not in the archive")
            _, payload = _divided(self._at(_Place(*found)).block)
        return Exchange(
            fields.get("warc-target-uri", ""),
            b"",
            _moment(fields.get("warc-date", "")),
            head,
            fields.get("warc-ip-address"),
            is_http2=fields.get("warc-protocol") == "h2",
            body=[payload],
            truncated=truncated,
        )

    def _at(self, place: _Place) -> _Record:
        with self._files[place.file].open("rb") as file:
            file.seek(place.offset)
            _, data = next(_members(file))
        return _record(data)


def _members(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The offset and the contents of each gzip member.

    Raises:
      _Damaged: one of them is cut off or damaged.
    """
    begin, left = file.tell(), b""
    while left := left or file.read(_CHUNK):
        member, parts = zlib.decompressobj(zlib.MAX_WBITS + 16), []
        size = 0
        while not member.eof:
            if not left and not (left := file.read(_CHUNK)):
                raise _Damaged("it ends in the middle of a record")
            try:
                parts.append(member.decompress(left))
            except zlib.error as error:
                raise _Damaged(f"it is damaged ({error})") from error
            size += len(left) - len(member.unused_data)
            left = member.unused_data
        yield begin, b"".join(parts)
        begin += size


def _record(data: bytes) -> _Record:
    head, payload = _divided(data)
    first, *lines = head.decode("utf-8", "replace").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = fields.get("content-length", "")
    if not first.startswith("WARC/") or not length.isdigit() or len(payload) < int(length):
        raise _Damaged("it has something in it that is not a WARC record")
    return _Record(fields, payload[: int(length)])


def _divided(message: bytes) -> tuple[bytes, bytes]:
    """The head of a message, with the blank line at its end, and what follows."""
    found = _BLANK_LINE.search(message)
    end = len(message) if found is None else found.end()
    return message[:end], message[end:]


def _failure(said: Mapping[str, Any]) -> FeedFailed:
    return FeedFailed(
        said["reason"],
        said["detail"],
        not_before=said["not_before"] and _moment(said["not_before"]),
        postponed_by=said["postponed_by"],
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
