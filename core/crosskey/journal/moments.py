"""The journal as it was at one moment of the past: what a run knew when it planned, for whoever asks again later.

Logs only grow, so a mark (their last row) is enough to cut them there. Everything else is state that later runs change:
it is kept, row by row, with what that run read. A table that nobody named here is state, so that whatever planning
learns to look at next is kept too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import msgspec

from crosskey.errors import StorageError
from crosskey.journal import operations
from crosskey.journal.database import Database, stamp
from crosskey.journal.failures import sqlite_failure
from crosskey.journal.lookups import in_json
from crosskey.journal.operations import Settled
from crosskey.journal.records import RunRecord
from crosskey.journal.settlement import link_done

__all__ = ("KeptRows", "RunEnd", "as_it_was", "catch_up", "end_of", "large_state", "marks", "small_state")

_LOGS: Final = ("run", "snapshot", "plan", "operation", "event")
_NOT_LOOKED_AT: Final = frozenset(
    {"meta", "connection", "config_generation", "plan_change", "segment"}
    | {"watcher", "trouble", "notice", "delivery", "credential"}
)
"""What planning does not look at, or what is copied as it is."""
_LARGE: Final = ("link", "voucher")
"""One row a person: kept only once a moment is known to be worth it."""
_CHUNK: Final = 500
_LAST_BY: Final = """SELECT id FROM operation WHERE connection = ?
    AND (SELECT rowid FROM run WHERE run.id = operation.run) <= ? ORDER BY id DESC LIMIT 1"""
# What an event by then told was known; so was the outcome of a write that another to the same account came after. Who
# takes a write back tells of it anew: of such only the clock knows.
_NOT_KNOWN_YET: Final = """SELECT id FROM operation AS one
    WHERE connection = ?1 AND id <= ?2 AND resolved_at IS NOT NULL AND told > ?3
    AND NOT EXISTS (SELECT 1 FROM operation AS later WHERE later.connection = one.connection
        AND later.issuer = one.issuer AND later.subject = one.subject AND later.kind = one.kind
        AND later.id > one.id AND later.id <= ?2)
    AND (resolved_at > ?4 OR ?3 > 0 AND NOT EXISTS (SELECT 1 FROM operation AS back
        WHERE back.connection = one.connection AND back.issuer = one.issuer AND back.subject = one.subject
        AND json_extract(back.change, '$.undoes') = CAST(one.id AS TEXT)))"""


class KeptRows(msgspec.Struct, frozen=True, array_like=True):
    """Some rows of one table, by column. One without rows tells that the table was empty."""

    table: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def marks(database: Database) -> dict[str, int]:
    """Where each log ends now."""
    return {log: int(database.value(f"SELECT coalesce(max(rowid), 0) FROM {log}")) for log in _LOGS}  # noqa: S608 - constants


class RunEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The moment at which a run had ended: the last run and the last write by then, and whose outcome came later.

    Numbers tell what came before, and times do not: a clock may be set back.
    """

    connection: str
    run: int
    operation: int
    unknown: tuple[int, ...]

    @property
    def marks(self) -> dict[str, int]:
        """Where the logs of runs and writes ended."""
        return {"run": self.run, "operation": self.operation}


def end_of(database: Database, run: RunRecord, now: datetime) -> RunEnd:
    """When a run had ended; one that is under way has by ``now``."""
    number = int(database.value("SELECT rowid FROM run WHERE id = ?", (run.id,)) or 0)
    last = int(database.value(_LAST_BY, (run.connection, number)) or 0)
    ended = "SELECT coalesce(max(seq), 0) FROM event WHERE run = ? AND kind IN ('run.closed', 'run.crashed')"
    event = database.value(ended, (run.id,))  # 0 where it was pruned, or never came
    unknown = database.rows(_NOT_KNOWN_YET, (run.connection, last, event, stamp(run.ended_at or now)))
    return RunEnd(connection=run.connection, run=number, operation=last, unknown=tuple(int(row[0]) for row in unknown))


def small_state(database: Database, connection: str) -> Iterator[KeptRows]:
    """What later runs change, but for what holds a row for everybody; and every write that is open, or undone."""
    for table in _tables(database):
        if table not in (*_LOGS, *_LARGE, *_NOT_LOOKED_AT):
            yield from _rows(database, table, "1", connection)
    yield from _rows(database, "connection", "name = ?", connection, connection)
    yield from _rows(database, "operation", "state IN ('intent', 'uncertain', 'undone')", connection)


def large_state(database: Database, connection: str, subjects: Iterable[str] | None = None) -> Iterator[KeptRows]:
    """What holds a row for everybody: who is linked, and who vouches for whom. All, or of people with these ids."""
    for table in _LARGE:
        if subjects is None:
            yield from _rows(database, table, "1", connection)
        else:
            ids = in_json(sorted(subjects))
            yield from _rows(database, table, "subject IN (SELECT value FROM json_each(?))", connection, ids)


def as_it_was(
    path: Path, *, connection: str, marks: Mapping[str, int], state: Iterable[KeptRows], version: int
) -> Database:
    """A journal in memory as the one at ``path`` was when its logs ended at ``marks``, with the ``state`` kept then.

    Nothing is written to the file. Raises :class:`StorageError` where what was kept does not fit this version.
    """
    database = Database(path, writable=True, in_memory=True)
    try:
        _copy(database, path, marks)
        _put_back(database, connection, state)
        database.run("UPDATE connection SET host = NULL, boot = NULL, pid = NULL, started = NULL, expires_at = NULL")
        database.value(f"PRAGMA user_version = {version}")
    except sqlite3.Error as error:
        database.close()
        raise sqlite_failure(error, path) from error
    except BaseException:
        database.close()
        raise
    return database


def catch_up(database: Database, end: RunEnd, *, after: int) -> None:
    """Add to a journal in memory what its writes after ``after`` did to links by that end, and what they took back."""
    with database.transaction():
        database.many(
            "UPDATE operation SET state = 'uncertain', resolved_at = NULL WHERE id = ?", ((id_,) for id_ in end.unknown)
        )
        known = [
            (one, one.resolved_at, one.key)
            for one in operations.done_since(database, end.connection, after)
            if one.resolved_at is not None and one.key is not None
        ]
        for (at, run), batch in groupby(known, lambda each: (each[1], each[0].run)):  # as they were recorded
            done = [(one.change, Settled(operation=int(one.id), state=one.state, key=key)) for one, _, key in batch]
            link_done(database, at, end.connection, run, done)
            if undone := {one.undoes: run for one, _ in done if one.undoes}:
                operations.take_back(database, undone)


def _copy(database: Database, path: Path, marks: Mapping[str, int]) -> None:
    db = database.connection
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("ATTACH ? AS now", (f"{path.absolute().as_uri()}?mode=ro",))
    made = db.execute("SELECT type, name, sql FROM now.sqlite_master WHERE sql IS NOT NULL").fetchall()
    for _, name, sql in (row for row in made if row[0] == "table" and not row[1].startswith("sqlite_")):
        db.execute(sql)
        if name in _LOGS:
            db.execute(f"INSERT INTO main.{name} SELECT * FROM now.{name} WHERE rowid <= ?", (marks.get(name, 0),))  # noqa: S608 - constants
        elif name in ("meta", "connection", "config_generation"):
            db.execute(f"INSERT INTO main.{name} SELECT * FROM now.{name}")  # noqa: S608 - constants
    # the run that planned was under way
    db.execute("UPDATE main.run SET ended_at = NULL, verdict = NULL WHERE rowid = ?", (marks.get("run", 0),))
    # what had been taken back by then is put back with the state
    db.execute("UPDATE main.operation SET state = 'done', undone_by = '', lapsed = 0 WHERE state = 'undone'")
    db.execute(
        "UPDATE main.meta SET head_seq = (SELECT coalesce(max(seq), 0) FROM main.event),"
        " head_hash = coalesce((SELECT hash FROM main.event ORDER BY seq DESC LIMIT 1), '')"
    )
    for _, _, sql in (row for row in made if row[0] != "table"):
        db.execute(sql)
    db.execute("DETACH now")


def _put_back(database: Database, connection: str, state: Iterable[KeptRows]) -> None:
    known = set(_tables(database))
    for kept in state:
        if kept.table not in known or not kept.rows:
            continue
        columns, places = ", ".join(kept.columns), ", ".join("?" * len(kept.columns))
        try:
            database.connection.executemany(
                f"INSERT OR REPLACE INTO {kept.table} ({columns}) VALUES ({places})",  # noqa: S608 - names of the schema
                kept.rows,
            )
        except sqlite3.Error as error:
            raise StorageError(
                f"what was kept of the journal ({kept.table}) does not fit this version of crosskey",
                code="past-unfit",
                where=str(database.path),
                fix=f"ask about a later run of {connection}",
            ) from error


def _tables(database: Database) -> Sequence[str]:
    sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    return [str(row[0]) for row in database.rows(sql)]


def _rows(database: Database, table: str, condition: str, connection: str, *values: str) -> Iterator[KeptRows]:
    columns = tuple(str(row[1]) for row in database.rows(f"PRAGMA table_info({table})"))
    own, of = (" AND connection = ?", (connection,)) if "connection" in columns else ("", ())
    rows = database.rows(f"SELECT * FROM {table} WHERE {condition}{own}", (*values, *of))  # noqa: S608 - names of the schema
    for start in range(0, len(rows), _CHUNK):
        yield KeptRows(table, columns, rows[start : start + _CHUNK])
