"""People who are missing from their source: since when, and how often "nobody of that id" was confirmed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from crosskey.journal.database import Database, moment, stamp
from crosskey.journal.lookups import lookups
from crosskey.journal.records import Absence
from crosskey.model import Subject

__all__ = ("any_of", "clear", "confirm", "find")


def find(database: Database, connection: str, kind: str, subjects: Iterable[Subject]) -> dict[Subject, Absence]:
    """Who of those subjects is missing, as far as that still stands."""
    found: dict[Subject, Absence] = {}
    for issuer, ids in lookups(subjects):
        rows = database.rows(
            "SELECT subject, since, confirmations, told FROM absence WHERE connection = ? AND issuer = ? AND kind = ?"
            " AND subject IN (SELECT value FROM json_each(?))",
            (connection, issuer, kind, ids),
        )
        found.update(
            (Subject(issuer, subject), Absence(moment(since), count, bool(told)))
            for subject, since, count, told in rows
        )
    return found


def any_of(database: Database, connection: str, kind: str) -> bool:
    """Whether anybody is missing at all."""
    sql = "SELECT 1 FROM absence WHERE connection = ? AND kind = ? LIMIT 1"
    return database.row(sql, (connection, kind)) is not None


def confirm(
    database: Database, connection: str, kind: str, subject: Subject, run: str, now: datetime, *, told: bool
) -> None:
    """Note one more confirmation; a run counts once. One that was noted later than now was noted by a wrong clock.

    ``told``: the source itself said that they were deleted.
    """
    at = stamp(now)
    database.run(
        "INSERT INTO absence (connection, issuer, subject, kind, since, confirmations, told, run)"
        " VALUES (?, ?, ?, ?, ?, 1, ?, ?)"
        " ON CONFLICT DO UPDATE SET since = min(since, excluded.since),"
        " confirmations = iif(since > excluded.since, 1, confirmations + (run <> excluded.run)),"
        " told = max(told, excluded.told),"
        " run = excluded.run",
        (connection, subject.issuer, subject.id, kind, at, int(told), run),
    )


def clear(database: Database, connection: str, kind: str, subjects: Iterable[Subject]) -> None:
    """Forget that they were missing: they were seen."""
    database.many(
        "DELETE FROM absence WHERE connection = ? AND issuer = ? AND subject = ? AND kind = ?",
        ((connection, subject.issuer, subject.id, kind) for subject in subjects),
    )
