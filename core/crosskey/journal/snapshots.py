"""Reads: how much came, and whether all of it did."""

from __future__ import annotations

from crosskey.journal.database import Database, moment, stamp
from crosskey.journal.records import SnapshotRecord

__all__ = ("last_complete", "save")


def save(database: Database, connection: str, snapshot: SnapshotRecord) -> None:
    """Note a read inside the caller's transaction."""
    database.insert(
        "snapshot",
        {
            "run": snapshot.run,
            "connection": connection,
            "side": snapshot.side,
            "stream": snapshot.stream,
            "at": stamp(snapshot.at),
            "pages": snapshot.pages,
            "records": snapshot.records,
            "complete": snapshot.complete,
            "reason": snapshot.reason,
        },
    )


def last_complete(
    database: Database, connection: str, side: str, stream: str, *, full: bool = False
) -> SnapshotRecord | None:
    """The newest read of that stream that missed nothing; with ``full`` the newest of everything."""
    row = database.row(
        "SELECT run, at, pages, records, reason FROM snapshot"
        " WHERE connection = ? AND side = ? AND stream = ? AND complete = 1 AND (? OR reason = '')"
        " ORDER BY id DESC LIMIT 1",
        (connection, side, stream, not full),
    )
    if row is None:
        return None
    run, at, pages, records, reason = row
    return SnapshotRecord(
        run=run, side=side, stream=stream, at=moment(at), pages=pages, records=records, complete=True, reason=reason
    )
