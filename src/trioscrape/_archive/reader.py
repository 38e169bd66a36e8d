"""Reads the polls of an archive in the order in which they ended. Blocks, so it belongs in a thread.

It goes through the files once. What it remembers meanwhile is where answers and payloads are, in a temporary
file. A poll has the heads of its answers; bodies are read when they are needed, one at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from .._errors import UsageError
from .exchange import Exchange, KeptPoll
from .poll_record import moment, read_poll
from .records import HEAD_LIMIT, Damaged, Record, divided, members, record_in
from .warc_file import NOT_MODIFIED, OPEN, POLL

SHOWN: Final = 10
_BESIDE_BODY: Final = 2 * HEAD_LIMIT + 2**20
"""Bytes of a record beside a body that is as large as allowed: its heads, and the piece of a body that was
too large which had come when that was seen."""
_SHOWN_URL: Final = 200
"""Characters of a URL in a message."""
_HEADS: Final = 16 * 2**20
"""Bytes of the heads of all answers of a poll."""


class _Place(NamedTuple):
    """Where a record is: the number of its file, and the offset in it."""

    file: int
    offset: int


class ArchiveReader:
    """The polls of an archive. One iteration at a time.

    Args:
      folder: with WARC files, whose names give their order.
      body_limit: bytes of the largest body. A record that is larger is left out.

    Raises:
      UsageError: there are no WARC files in it.
      OSError: the folder can't be read.
    """

    def __init__(self, folder: Path, body_limit: int) -> None:
        # A file that is closed meanwhile gets its other name: it may be in both lists, but is in one of them.
        found = [*folder.glob(f"*.warc.gz{OPEN}"), *folder.glob("*.warc.gz")]
        self._files = sorted({path.with_name(path.name.removesuffix(OPEN)) for path in found})
        if not self._files:
            raise UsageError(f"{folder} has no WARC files (*.warc.gz)")
        self.files = len(self._files)
        self._largest = body_limit + _BESIDE_BODY
        self.damage: list[str] = []
        """The first messages about files and polls that can't be read to their end."""
        self.damaged = 0
        """All of them."""
        self._places = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._places.execute("PRAGMA journal_mode = OFF")
        self._places.execute("CREATE TABLE payloads (digest PRIMARY KEY, file, offset) WITHOUT ROWID")
        self._places.execute("CREATE TABLE answers (id PRIMARY KEY, file, offset) WITHOUT ROWID")

    def __iter__(self) -> Iterator[KeptPoll]:
        """Each poll with its exchanges. If one of a fetch is missing, that fetch has only those before it.

        Raises:
          OSError: a file can't be read.
        """
        for number, path in enumerate(self._files):
            try:
                with _opened(path) as file:
                    for offset, data in members(file, self._largest):
                        if data is None:
                            self._note_damage(f"{path.name}: a record of it is larger than the body limit")
                            continue
                        record = record_in(data)
                        self._note(record, _Place(number, offset))
                        if record.fields.get("content-type") == POLL:
                            try:
                                poll = self._poll(record)
                            except Damaged as damage:
                                self._note_damage(f"{path.name}: {damage}")
                            else:
                                yield poll
            except Damaged as damage:
                self._note_damage(f"{path.name}: {damage}; the rest of this file is left out")

    def close(self) -> None:
        """Forget what is remembered."""
        self._places.close()

    def _note_damage(self, line: str) -> None:
        self.damaged += 1
        if len(self.damage) < SHOWN:
            self.damage.append(line)

    def _note(self, record: Record, place: _Place) -> None:
        fields = record.fields
        if record.kind not in ("response", "revisit"):
            return
        name, digest = fields.get("warc-record-id", ""), fields.get("warc-payload-digest")
        self._execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", name, *place)
        if record.kind == "response" and digest and "warc-truncated" not in fields:
            self._execute("INSERT OR IGNORE INTO payloads VALUES (?, ?, ?)", digest, *place)

    def _poll(self, record: Record) -> KeptPoll:
        poll, records = read_poll(record.block)
        room = _HEADS
        for fetch, names in zip(poll.fetches, records, strict=True):
            for name in names:
                if (place := self._taken(name)) is None:
                    break
                exchange = self._exchange(place)
                room -= len(exchange.head)
                if room < 0:
                    raise Damaged(f"the heads of the answers of a poll have more than {_HEADS:,} bytes")
                fetch.exchanges.append(exchange)
        return poll

    def _taken(self, name: str) -> _Place | None:
        """Where the answer of this id is. Each belongs to one poll."""
        found = self._execute("SELECT file, offset FROM answers WHERE id = ?", name)
        self._execute("DELETE FROM answers WHERE id = ?", name)
        return found

    def _execute(self, statement: str, *values: object) -> _Place | None:
        """The place that is found, if any."""
        try:
            found = self._places.execute(statement, values).fetchone()
        except sqlite3.Error as error:  # the temporary folder is full
            raise OSError(f"its temporary index: {error}") from error
        return None if found is None else _Place(*found)

    def _exchange(self, place: _Place) -> Exchange:
        record = self._at(place)
        fields, (head, payload) = record.fields, divided(record.block)
        url, address = fields.get("warc-target-uri", ""), fields.get("warc-ip-address")
        if record.kind == "revisit" and fields.get("warc-profile") != NOT_MODIFIED:
            digest = fields.get("warc-payload-digest")
            body = self._execute("SELECT file, offset FROM payloads WHERE digest = ?", digest)
            if body is None:
                raise Damaged(f"the payload of {url[:_SHOWN_URL]} is not in the archive")
        else:
            body = place if payload else None
        try:
            if address is not None:
                ip_address(address)
            at = moment(fields.get("warc-date", ""))
        except (ValueError, TypeError, OverflowError) as error:
            raise Damaged(f"an answer can't be understood ({error})") from error
        return Exchange(
            url,
            b"",
            at,
            head,
            address,
            is_http2=fields.get("warc-protocol") == "h2",
            truncated=fields.get("warc-truncated"),
            read_body=None if body is None else partial(self._payload, body),
        )

    def _payload(self, place: _Place) -> bytes:
        """The body of an answer; it may be called while another thread iterates.

        Raises:
          OSError: it can't be read, although it could be before.
        """
        try:
            return divided(self._at(place).block)[1]
        except Damaged as damage:
            raise OSError(f"{self._files[place.file].name}: {damage}") from damage

    def _at(self, place: _Place) -> Record:
        with _opened(self._files[place.file]) as file:
            file.seek(place.offset)
            _, data = next(members(file, self._largest), (0, None))
        if data is None:
            raise Damaged("it has changed since")
        return record_in(data)


def _opened(path: Path) -> BinaryIO:
    """A file, which has another name while somebody writes to it, and may be closed at any moment.

    Raises:
      OSError: it can't be opened.
    """
    for name in (path.name, path.name + OPEN):
        with suppress(FileNotFoundError):
            return path.with_name(name).open("rb")
    return path.open("rb")
