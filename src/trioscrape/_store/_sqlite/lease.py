"""The lease of an SQLite file: the only row of its table."""

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
    for row in db.execute(SELECT_LEASE).fetchall():
        other = _lease_in(row, moment, expiry)
        if other is not None and other.id != lease.id:
            return other
    values = LEASE.write_cleaned(lease, Form.COLUMN)[0]
    db.execute("DELETE FROM lease")
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
