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
from crosskey.journal.settlement import link_done

__all__ = ("KeptRows", "as_it_was", "catch_up", "large_state", "marks", "marks_after", "small_state")

_LOGS: Final = ("run", "snapshot", "plan", "operation", "event")
_NOT_LOOKED_AT: Final = frozenset(
    {"meta", "connection", "config_generation", "plan_change", "segment"}
    | {"watcher", "trouble", "notice", "delivery", "credential"}
)
"""What planning does not look at, or what is copied as it is."""
_LARGE: Final = ("link", "voucher")
"""One row a person: kept only once a moment is known to be worth it."""
_CHUNK: Final = 500


class KeptRows(msgspec.Struct, frozen=True, array_like=True):
    """Some rows of one table, by column. One without rows tells that the table was empty."""

    table: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def marks(database: Database) -> dict[str, int]:
    """Where each log ends now."""
    return {log: int(database.value(f"SELECT coalesce(max(rowid), 0) FROM {log}")) for log in _LOGS}  # noqa: S608 - constants


def marks_after(database: Database, run: str, until: datetime) -> dict[str, int]:
    """Where the logs of runs and writes ended when a run had: ``until`` is its end."""
    written = database.value("SELECT coalesce(max(id), 0) FROM operation WHERE intent_at <= ?", (stamp(until),))
    return {"run": int(database.value("SELECT rowid FROM run WHERE id = ?", (run,)) or 0), "operation": int(written)}


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


def catch_up(database: Database, connection: str, *, after: int, until: datetime) -> None:
    """Add to a journal in memory what its writes from ``after`` to ``until`` did to links, and what they took back."""
    known = [
        (one, one.resolved_at, one.key)
        for one in operations.done_since(database, connection, after)
        if one.resolved_at is not None and one.resolved_at <= until and one.key is not None
    ]
    with database.transaction():
        database.run(
            "UPDATE operation SET state = 'uncertain', resolved_at = NULL WHERE resolved_at > ?", (stamp(until),)
        )
        for (at, run), batch in groupby(known, lambda each: (each[1], each[0].run)):  # as they were recorded
            done = [(one.change, Settled(operation=int(one.id), state=one.state, key=key)) for one, _, key in batch]
            link_done(database, at, connection, run, done)
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
