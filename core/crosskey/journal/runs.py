"""Runs: started, ended, and found unfinished after a crash."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from crosskey.errors import ConfigError
from crosskey.journal.database import Database, Row, moment, stamp
from crosskey.journal.lookups import in_json
from crosskey.journal.naming import full_id
from crosskey.journal.records import RunKind, RunRecord, Verdict

__all__ = (
    "Configuration",
    "at",
    "close_crashed",
    "configuration",
    "end",
    "get",
    "in_order",
    "last_success",
    "latest",
    "newest_start",
    "start",
)

_COLUMNS = """id, connection, kind, trigger, started_at, ended_at, verdict, counts, config_digest, plugins, note, epoch,
    sqlite_version, journal_mode, trace, parent"""
_GET = f"SELECT {_COLUMNS} FROM run WHERE connection = ? AND id = ?"  # noqa: S608 - constants of this module
_LATEST = f"SELECT {_COLUMNS} FROM run WHERE connection = ? ORDER BY rowid DESC LIMIT ?"  # noqa: S608 - constants of this module

_counts = msgspec.json.Decoder(dict[str, int])
_plugins = msgspec.json.Decoder(dict[str, str])


class Configuration(msgspec.Struct, frozen=True):
    """What a run works by: the configuration's digest and canonical text (secrets as references), plugins' versions."""

    digest: str
    text: str
    plugins: Mapping[str, str]


def start(
    database: Database,
    now: datetime,
    *,
    connection: str,
    epoch: int,
    kind: RunKind,
    trigger: str,
    by: Configuration,
    trace: str,
    parent: str = "",
) -> str:
    """Open a run inside the caller's transaction; its id sorts by time and is short enough to type."""
    run = _new_id(now)
    while database.row("SELECT 1 FROM run WHERE id = ?", (run,)):
        run = _new_id(now)
    database.run(
        "INSERT INTO config_generation (digest, text, first_used_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (by.digest, by.text, stamp(now)),
    )
    database.insert(
        "run",
        {
            "id": run,
            "connection": connection,
            "epoch": epoch,
            "kind": kind,
            "trigger": trigger,
            "config_digest": by.digest,
            "plugins": msgspec.json.encode(dict(by.plugins)).decode(),
            "sqlite_version": sqlite3.sqlite_version,
            "journal_mode": database.journal_mode,
            "started_at": stamp(now),
            "ended_at": None,
            "verdict": None,
            "counts": "{}",
            "note": "",
            "trace": trace,
            "parent": parent,
        },
    )
    return run


def _new_id(now: datetime) -> str:
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def end(database: Database, now: datetime, run: str, verdict: Verdict, counts: Mapping[str, int], note: str) -> None:
    """Close a run inside the caller's transaction."""
    database.run(
        "UPDATE run SET ended_at = ?, verdict = ?, counts = ?, note = ? WHERE id = ?",
        (stamp(now), verdict, msgspec.json.encode(dict(counts)).decode(), note, run),
    )


def close_crashed(database: Database, now: datetime, connection: str) -> list[str]:
    """Close every run that was left open as crashed; their ids, oldest first."""
    rows = database.rows(
        "SELECT id FROM run WHERE connection = ? AND ended_at IS NULL ORDER BY started_at, id", (connection,)
    )
    for (run,) in rows:
        end(database, now, run, "crashed", {}, "found unfinished by the next run")
    return [str(run) for (run,) in rows]


def newest_start(database: Database, connection: str, but: str) -> datetime | None:
    """The latest moment at which a run began, leaving one out."""
    row = database.row(
        "SELECT started_at FROM run WHERE connection = ? AND id <> ? ORDER BY started_at DESC LIMIT 1",
        (connection, but),
    )
    return moment(row[0]) if row else None


def last_success(database: Database, connection: str) -> datetime | None:
    """When the newest run that wrote what it should came to its end, unless something held the whole of it."""
    row = database.row(
        "SELECT ended_at FROM run WHERE connection = ? AND kind NOT IN ('plan', 'undo')"
        " AND (verdict IN ('clean', 'partial') OR verdict = 'held' AND NOT EXISTS ("
        "  SELECT 1 FROM plan, json_each(plan.header, '$.held') AS hold"
        "  WHERE plan.id = run.id AND json_extract(hold.value, '$.scope') = 'run'))"
        " ORDER BY rowid DESC LIMIT 1",
        (connection,),
    )
    return moment(row[0]) if row else None


def latest(database: Database, connection: str, limit: int) -> list[RunRecord]:
    """The newest runs first."""
    return [_record(row) for row in database.rows(_LATEST, (connection, limit))]


def get(database: Database, connection: str, typed: str) -> RunRecord:
    """The run whose id is or begins with ``typed``. Raises :class:`crosskey.errors.ConfigError`."""
    run = full_id(database, connection, "run", typed)
    return _record(database.rows(_GET, (connection, run))[0])


def at(database: Database, connection: str, when: datetime) -> RunRecord:
    """The newest run that had begun at that time. Raises :class:`crosskey.errors.ConfigError` when there is none."""
    rows = database.rows(
        f"SELECT {_COLUMNS} FROM run WHERE connection = ? AND started_at <= ? ORDER BY rowid DESC LIMIT 1",  # noqa: S608 - constants of this module
        (connection, stamp(when)),
    )
    if not rows:
        raise ConfigError(
            f"no run had begun by {when:%Y-%m-%d %H:%M} UTC",
            code="run-unknown",
            where=str(database.path),
            fix="list the runs with `crosskey history`",
        )
    return _record(rows[0])


def in_order(database: Database, connection: str, ids: Iterable[str]) -> list[str]:
    """Those runs, as they began one after the other: a clock may be set back, and ids tell seconds."""
    sql = "SELECT id FROM run WHERE connection = ? AND id IN (SELECT value FROM json_each(?)) ORDER BY rowid"
    return [str(row[0]) for row in database.rows(sql, (connection, in_json(list(ids))))]


def configuration(database: Database, digest: str) -> str:
    """The canonical text of the configuration of that digest; empty when no run worked by it."""
    return str(database.value("SELECT text FROM config_generation WHERE digest = ?", (digest,)) or "")


def _record(row: Row) -> RunRecord:
    (run, connection, kind, trigger, started_at, ended_at, verdict) = row[:7]
    (counts, config_digest, plugins, note, epoch, sqlite_version, journal_mode, trace, parent) = row[7:]
    return RunRecord(
        id=run,
        connection=connection,
        kind=kind,
        trigger=trigger,
        started_at=moment(started_at),
        ended_at=moment(ended_at) if ended_at else None,
        verdict=verdict,
        counts=_counts.decode(counts),
        config_digest=config_digest,
        plugins=_plugins.decode(plugins),
        note=note,
        epoch=epoch,
        sqlite_version=sqlite_version,
        journal_mode=journal_mode,
        trace=trace,
        parent=parent,
    )
