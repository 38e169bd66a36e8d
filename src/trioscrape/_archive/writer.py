"""Writes exchanges and polls as WARC records (ISO 28500:2017). Blocks, so it belongs in a thread.

Each exchange is written as a ``response`` and a ``request``. Instead of the response there is a ``revisit``
if the archive already has the same payload, or for a 304. After the exchanges of a poll, a ``metadata``
record says which feed was polled, when, and how each fetch ended: see `poll_record`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Final

from .._config.version import VERSION
from .exchange import Exchange, KeptPoll, ids
from .payloads import Kept, PayloadIndex
from .poll_record import poll_record
from .warc_file import NOT_MODIFIED, OPEN, POLL, SAME_PAYLOAD, WarcFile

LARGEST: Final = 2**30
"""Bytes; when a file has this size, the next one is begun."""
_FIELDS: Final = "application/warc-fields"
_REQUEST: Final = "application/http; msgtype=request"
_RESPONSE: Final = "application/http; msgtype=response"
_PAIRS: Final = ["".join(pair) for pair in product("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", repeat=2)]
_SHIFTS: Final = range(150, -1, -10)
_CODED: Final = re.compile(rb"^content-encoding:", re.IGNORECASE | re.MULTILINE)


class WarcWriter:
    """Writes to the files of one archive. Only one thread at a time may use it.

    Args:
      folder: of the archive; it is created if it does not exist.

    Raises:
      OSError: it can't be written to.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._ids = folder, ids()
        self._index = PayloadIndex(folder)
        try:
            _finish_files(folder, self._index)
        except BaseException:
            self._index.close()
            raise
        self._file: WarcFile | None = None
        self.answers = self.revisits = self._before = 0

    @property
    def written(self) -> int:
        """Bytes written so far."""
        return self._before + (0 if self._file is None else self._file.size)

    def write(self, items: Iterable[Exchange | KeptPoll]) -> None:
        """Write `items`, all of them or none.

        Raises:
          OSError: the disk is full, or fails.
        """
        file = self._next_file()
        before, answers, revisits = file.size, 0, 0
        try:
            if not file.size:
                self._add_info(file)
            for item in items:
                if isinstance(item, Exchange):
                    answers += 1
                    revisits += self._add_exchange(item, file)
                else:
                    self._add_poll(item, file)
            file.save()
            self._index.note(file.name, file.size)
        except OSError:
            file.drop()
            file.cut(before)
            self._index.undo()
            raise
        self.answers += answers
        self.revisits += revisits

    def close(self) -> None:
        """Close the file and the index. Closing twice does nothing."""
        try:
            self._close_file()
        finally:
            self._index.close()

    def _close_file(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            self._before += file.size
            file.close()

    def _next_file(self) -> WarcFile:
        """The file to write to; a new one if there is none, or if the last one has reached `LARGEST`."""
        serial = 1
        if self._file is not None:
            if self._file.size < LARGEST:
                return self._file
            serial = self._file.serial + 1
            self._close_file()
        self._file = WarcFile(self._folder, serial)
        return self._file

    def _add_info(self, file: WarcFile) -> None:
        said = f"software: trioscrape/{VERSION}\r\nformat: WARC File Format 1.1\r\n".encode()
        fields = {
            "WARC-Record-ID": next(self._ids),
            "WARC-Date": _date(datetime.now(UTC)),
            "WARC-Filename": file.name,
        }
        file.add("warcinfo", fields, _FIELDS, said)

    def _add_exchange(self, exchange: Exchange, file: WarcFile) -> bool:
        """Add its records. Returns whether the answer is a revisit."""
        fields = {"WARC-Target-URI": exchange.url, "WARC-Date": _date(exchange.at)}
        if exchange.address is not None:
            fields["WARC-IP-Address"] = exchange.address
        if exchange.is_http2:
            fields["WARC-Protocol"] = "h2"
        is_revisit = self._add_answer(exchange, {"WARC-Record-ID": exchange.id, **fields}, file)
        fields |= {"WARC-Record-ID": next(self._ids), "WARC-Concurrent-To": exchange.id}
        file.add("request", fields, _REQUEST, exchange.request)
        return is_revisit

    def _add_answer(self, exchange: Exchange, fields: dict[str, str], file: WarcFile) -> bool:
        head, payload = exchange.head, b"".join(exchange.body)
        if exchange.status == 304:
            fields["WARC-Profile"] = NOT_MODIFIED
            file.add("revisit", fields, _RESPONSE, head)
            return True
        digest = hashlib.sha1(payload, usedforsecurity=False).digest()
        fields["WARC-Payload-Digest"] = digest_text(digest)
        if exchange.truncated is not None:
            fields["WARC-Truncated"] = exchange.truncated
        elif payload and (known := self._index.find(digest)) is not None:
            fields["WARC-Profile"] = SAME_PAYLOAD
            fields["WARC-Refers-To"] = known.record
            fields["WARC-Refers-To-Target-URI"] = known.url
            fields["WARC-Refers-To-Date"] = known.date
            file.add("revisit", fields, _RESPONSE, head)
            return True
        elif payload:
            self._index.add(digest, Kept(exchange.id, exchange.url, fields["WARC-Date"]), file.name)
        # What a server has compressed gets no smaller.
        file.add("response", fields, _RESPONSE, head + payload, compress=not _CODED.search(head))
        return False

    def _add_poll(self, poll: KeptPoll, file: WarcFile) -> None:
        fields = {"WARC-Record-ID": next(self._ids), "WARC-Target-URI": poll.feed.redacted_url}
        fields["WARC-Date"] = _date(poll.ended)
        if answers := [record for fetch in poll.fetches for record in fetch.ids]:
            fields["WARC-Concurrent-To"] = answers[-1]
        file.add("metadata", fields, POLL, poll_record(poll))


def digest_text(digest: bytes) -> str:
    """A SHA-1 digest as WARC files have it, in base 32; `base64.b32encode` takes ten times as long."""
    number = int.from_bytes(digest)
    return "sha1:" + "".join([_PAIRS[number >> shift & 0x3FF] for shift in _SHIFTS])


def _date(moment: datetime) -> str:
    """A WARC-Date; WARC 1.1 allows microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _finish_files(folder: Path, index: PayloadIndex) -> None:
    """Close the files of a process that was killed, and cut off the record that it was writing."""
    for left in folder.glob(f"*.warc.gz{OPEN}"):
        whole = left.with_name(left.name.removesuffix(OPEN))
        if (size := index.size(whole.name)) is not None:
            with left.open("r+b") as file:
                file.truncate(size)
        left.rename(whole)
    index.forget_missing(path.name for path in folder.glob("*.warc.gz"))
