"""The leases of an SQLite file: rows of a table, only one unless runs share a list."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from datetime import datetime
from typing import Any

from ..._records.kinds import Form, iso
from ..._records.lease import LEASE, Lease
from ..._records.table import InvalidRecord
from ..records import now
from .schema import INSERT_LEASE, SELECT_LEASE, lease_of_row


def acquire_lease(db: sqlite3.Connection, lease: Lease, expiry: float) -> Lease | None:
    """See `Store.acquire_lease`; within a transaction of the caller."""
    moment = now()
    rows = db.execute(SELECT_LEASE).fetchall()
    found = [_lease_in(row, moment, expiry) for row in rows]
    others = [other for other in found if other is not None and other.id != lease.id]
    for other in others:
        if other.excludes(lease):
            return other
    # Those that are over, or nothing that a run has written, go too.
    kept = [other.id for other in others]
    db.execute(f"DELETE FROM lease WHERE id NOT IN ({', '.join('?' * len(kept))})", kept)  # noqa: S608
    values = LEASE.write_cleaned(lease, Form.COLUMN)[0]
    db.execute(INSERT_LEASE, {**values, "renewed": iso(moment)})
    return None


def _lease_in(row: tuple[Any, ...], moment: datetime, expiry: float) -> Lease | None:
    """The lease; None when it is over, or when another program has written something else."""
    found = lease_of_row(row)
    with suppress(InvalidRecord, TypeError, ValueError):
        renewed = datetime.fromisoformat(found["renewed"])
        if abs((moment - renewed).total_seconds()) < expiry:
            return LEASE.read(found, Form.COLUMN)
    return None


def release_lease(db: sqlite3.Connection, lease: Lease) -> None:
    """See `Store.release_lease`; within a transaction of the caller."""
    db.execute("DELETE FROM lease WHERE id = ?", (lease.id,))
