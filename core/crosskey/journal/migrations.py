"""The schema: numbered steps forward, each in one transaction, with a backup before an existing file is touched."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from crosskey.errors import StorageError
from crosskey.journal.database import Database, stamp
from crosskey.journal.failures import RESTORE, os_failure
from crosskey.journal.files import sync, touch_private
from crosskey.journal.schema_audit import AUDIT
from crosskey.journal.schema_drift import DRIFT
from crosskey.journal.schema_holds import HOLDS
from crosskey.journal.schema_operation import OPERATION
from crosskey.journal.schema_rollout import ROLLOUT
from crosskey.journal.schema_sso import SSO

__all__ = ("APPLICATION_ID", "AUDITED", "MIGRATIONS", "Migration", "copy", "identify", "migrate")

APPLICATION_ID = 0x43524B59
"""``CRKY`` in the file's header: what tells a journal from any other SQLite file."""


class Migration(msgspec.Struct, frozen=True):
    """The statements that lead from the schema version before to ``version``."""

    version: int
    statements: tuple[str, ...]


_FIRST = (
    """CREATE TABLE meta (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        lineage TEXT NOT NULL,
        created_at TEXT NOT NULL,
        head_seq INTEGER NOT NULL,
        head_hash TEXT NOT NULL
    ) STRICT""",
    # One row a connection: its lease (holder columns are NULL while nobody holds it), its epoch and its serial.
    """CREATE TABLE connection (
        name TEXT PRIMARY KEY,
        epoch INTEGER NOT NULL,
        serial INTEGER NOT NULL,
        host TEXT, boot TEXT, pid INTEGER, started TEXT,
        acquired_at TEXT, expires_at TEXT
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE config_generation (
        digest TEXT PRIMARY KEY,
        text TEXT NOT NULL,
        first_used_at TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE run (
        id TEXT PRIMARY KEY,
        connection TEXT NOT NULL REFERENCES connection,
        epoch INTEGER NOT NULL,
        kind TEXT NOT NULL,
        trigger TEXT NOT NULL,
        config_digest TEXT NOT NULL REFERENCES config_generation,
        plugins TEXT NOT NULL,
        sqlite_version TEXT NOT NULL,
        journal_mode TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        verdict TEXT,
        counts TEXT NOT NULL,
        note TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX run_connection ON run (connection, started_at)",
    """CREATE TABLE snapshot (
        id INTEGER PRIMARY KEY,
        run TEXT NOT NULL REFERENCES run,
        connection TEXT NOT NULL,
        side TEXT NOT NULL,
        stream TEXT NOT NULL,
        at TEXT NOT NULL,
        pages INTEGER NOT NULL,
        records INTEGER NOT NULL,
        complete INTEGER NOT NULL,
        reason TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX snapshot_stream ON snapshot (connection, side, stream, complete, id)",
    # Subjects are two columns, so that no separator inside an issuer or id can ever confuse two people.
    """CREATE TABLE link (
        connection TEXT NOT NULL REFERENCES connection,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        marker TEXT NOT NULL,
        active INTEGER NOT NULL,
        established_by TEXT NOT NULL,
        since TEXT NOT NULL,
        given TEXT NOT NULL,
        fields TEXT NOT NULL,
        disabled_by_us INTEGER NOT NULL,
        run TEXT NOT NULL REFERENCES run,
        PRIMARY KEY (connection, issuer, subject, kind)
    ) STRICT, WITHOUT ROWID""",
    "CREATE UNIQUE INDEX link_key ON link (connection, kind, key)",
    """CREATE TABLE leaver (
        connection TEXT NOT NULL REFERENCES connection,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        kind TEXT NOT NULL,
        since TEXT NOT NULL,
        PRIMARY KEY (connection, issuer, subject, kind)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE plan (
        id TEXT PRIMARY KEY,
        connection TEXT NOT NULL REFERENCES connection,
        run TEXT NOT NULL REFERENCES run,
        created_at TEXT NOT NULL,
        header TEXT NOT NULL,
        finished INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE plan_change (
        plan TEXT NOT NULL REFERENCES plan,
        position INTEGER NOT NULL,
        change TEXT NOT NULL,
        PRIMARY KEY (plan, position)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE event (
        seq INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        connection TEXT NOT NULL,
        run TEXT NOT NULL,
        kind TEXT NOT NULL,
        facts TEXT NOT NULL,
        hash TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX event_run ON event (run, seq)",
    # Also what refuses INSERT OR REPLACE, which deletes without asking the trigger on deletes.
    """CREATE TRIGGER event_is_appended BEFORE INSERT ON event
        WHEN NEW.seq <> (SELECT head_seq + 1 FROM meta)
        BEGIN SELECT RAISE(ABORT, 'events are only appended'); END""",
    "CREATE TRIGGER event_stays BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events never change'); END",
    "CREATE TRIGGER event_remains BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END",
    # `change` holds wanted values and pre-image; `event` is the link of the chain whose digest covers it.
    """CREATE TABLE operation (
        id INTEGER PRIMARY KEY,
        run TEXT NOT NULL REFERENCES run,
        connection TEXT NOT NULL,
        change_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        key TEXT,
        change TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        intent_at TEXT NOT NULL,
        settle_until TEXT NOT NULL,
        resolved_at TEXT,
        outcome_code TEXT NOT NULL,
        message TEXT NOT NULL,
        event INTEGER NOT NULL REFERENCES event,
        UNIQUE (run, change_id)
    ) STRICT""",
    "CREATE INDEX operation_subject ON operation (connection, issuer, subject)",
    "CREATE INDEX operation_key ON operation (connection, kind, key)",
    "CREATE INDEX operation_event ON operation (event)",
    # The database itself refuses a second write for somebody whose last one is not settled.
    """CREATE UNIQUE INDEX operation_unresolved ON operation (connection, kind, issuer, subject)
        WHERE state IN ('intent', 'uncertain')""",
)

_VOUCHERS = (
    """CREATE TABLE voucher (
        connection TEXT NOT NULL REFERENCES connection,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        lead_issuer TEXT NOT NULL,
        lead_subject TEXT NOT NULL,
        because TEXT NOT NULL,
        since TEXT NOT NULL,
        run TEXT NOT NULL REFERENCES run,
        PRIMARY KEY (connection, issuer, subject)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX voucher_lead ON voucher (connection, lead_issuer, lead_subject)",
)

# The OpenTelemetry trace that a run was recorded in; empty when nobody recorded any.
_TRACE = ("ALTER TABLE run ADD COLUMN trace TEXT NOT NULL DEFAULT ''",)

_WATCH = (
    # One row a connection: who watches (holder columns NULL: nobody), and what was asked of it from outside.
    """CREATE TABLE watcher (
        connection TEXT PRIMARY KEY REFERENCES connection,
        host TEXT, boot TEXT, pid INTEGER, started TEXT, since TEXT,
        beat_at TEXT,
        next_at TEXT,
        doing TEXT NOT NULL,
        asked TEXT NOT NULL,
        full_run TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    # One row while the last round of a connection failed; quarantined from step 0 on.
    """CREATE TABLE trouble (
        connection TEXT PRIMARY KEY REFERENCES connection,
        since TEXT NOT NULL,
        failures INTEGER NOT NULL,
        step INTEGER NOT NULL,
        next_try_at TEXT NOT NULL,
        code TEXT NOT NULL,
        place TEXT NOT NULL,
        text TEXT NOT NULL,
        fix TEXT NOT NULL,
        exit_code INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    # `reason` is what must change before the same key is told again.
    """CREATE TABLE notice (
        id INTEGER PRIMARY KEY,
        connection TEXT NOT NULL REFERENCES connection,
        key TEXT NOT NULL,
        reason TEXT NOT NULL,
        code TEXT NOT NULL,
        severity TEXT NOT NULL,
        at TEXT NOT NULL,
        subject TEXT NOT NULL,
        text TEXT NOT NULL,
        fix TEXT NOT NULL,
        run TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX notice_key ON notice (connection, key, id)",
    """CREATE TABLE delivery (
        notice INTEGER NOT NULL REFERENCES notice ON DELETE CASCADE,
        notifier TEXT NOT NULL,
        due_at TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        problem TEXT NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (notice, notifier)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX delivery_due ON delivery (due_at) WHERE state = 'waiting'",
    """CREATE TABLE credential (
        connection TEXT NOT NULL REFERENCES connection,
        instance TEXT NOT NULL,
        name TEXT NOT NULL,
        expires_at TEXT,
        fix TEXT NOT NULL,
        asked_at TEXT NOT NULL,
        PRIMARY KEY (connection, instance, name)
    ) STRICT, WITHOUT ROWID""",
)

# `run` is the one that confirmed last: a run counts once.
_ABSENCES = (
    """CREATE TABLE absence (
        connection TEXT NOT NULL REFERENCES connection,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        kind TEXT NOT NULL,
        since TEXT NOT NULL,
        confirmations INTEGER NOT NULL,
        told INTEGER NOT NULL,
        run TEXT NOT NULL REFERENCES run,
        PRIMARY KEY (connection, issuer, subject, kind)
    ) STRICT, WITHOUT ROWID""",
)

_UNDO = (
    # The run that an undo takes back.
    "ALTER TABLE run ADD COLUMN parent TEXT NOT NULL DEFAULT ''",
    # What crosskey owned before the write (JSON; `null`: nothing was linked), and the run that took the write back.
    # NULL of writes from before it was kept. `lapsed`: what was undone may be planned again.
    "ALTER TABLE operation ADD COLUMN link_before TEXT",
    "ALTER TABLE operation ADD COLUMN undone_by TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE operation ADD COLUMN lapsed INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX operation_undone ON operation (connection) WHERE state = 'undone' AND NOT lapsed",
    # One row while a plan is carried out in waves: how far it is verified.
    """CREATE TABLE ladder (
        connection TEXT PRIMARY KEY REFERENCES connection,
        run TEXT NOT NULL REFERENCES run,
        config_digest TEXT NOT NULL,
        waves TEXT NOT NULL,
        written INTEGER NOT NULL,
        classes TEXT NOT NULL,
        since INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
)
AUDITED = 9
"""From this version on a writer leaves beside the journal how far it came."""

MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, _FIRST),
    Migration(2, _VOUCHERS),
    Migration(3, _TRACE),
    Migration(4, _WATCH),
    Migration(5, HOLDS),
    Migration(6, _ABSENCES),
    Migration(7, _UNDO),
    Migration(8, DRIFT),
    Migration(AUDITED, AUDIT),
    Migration(10, SSO),
    Migration(11, OPERATION),
    Migration(12, ROLLOUT),
)


def identify(database: Database, *, newest: int = MIGRATIONS[-1].version) -> int:
    """The file's schema version. Raises :class:`StorageError` for a file that is not ours or too new for us."""
    where = str(database.path)
    application, version = database.value("PRAGMA application_id"), int(database.value("PRAGMA user_version"))
    if application != APPLICATION_ID:
        raise StorageError(
            "the file is an SQLite database of another program, not a crosskey journal",
            code="journal-foreign",
            where=where,
            fix="name another file for the journal",
        )
    if version > newest:
        raise StorageError(
            f"the journal was written by a newer crosskey (schema {version}, this one knows {newest})",
            code="journal-newer",
            where=where,
            fix="upgrade crosskey, or restore the backup that the upgrade left next to the journal",
        )
    if version < 1:
        raise StorageError(
            "the journal is damaged: it says of no version", code="journal-corrupt", where=where, fix=RESTORE
        )
    return version


def migrate(
    database: Database,
    now: datetime,
    *,
    version: int,
    migrations: Sequence[Migration] = MIGRATIONS,
    keep_copy: bool = True,
) -> Path | None:
    """Bring a journal of ``version`` (0: an empty file) to the newest one; the path of the backup made before, if any.

    Forward only; a step that fails leaves the version before it. Call only under the journal's lock. Without
    ``keep_copy`` no backup is made: for what is a copy itself.
    """
    pending = [migration for migration in migrations if migration.version > version]
    backup = _back_up(database, version, now) if pending and version and keep_copy else None
    for migration in pending:
        with database.transaction():
            for statement in migration.statements:
                database.run(statement)
            if not version:
                database.run("INSERT INTO meta VALUES (1, ?, ?, 0, '')", (secrets.token_hex(16), stamp(now)))
                database.value(f"PRAGMA application_id = {APPLICATION_ID}")
            database.value(f"PRAGMA user_version = {migration.version}")
        version = migration.version
    return backup


def _back_up(database: Database, version: int, now: datetime) -> Path:
    """A complete, synced copy next to the journal, private like it."""
    path = database.path
    final = path.with_name(f"{path.name}.v{version}-{now:%Y%m%dT%H%M%S}.bak")
    partial = final.with_name(final.name + ".partial")
    try:
        for left in path.parent.glob(f"{path.name}.v*.bak.partial*"):  # a kill in the middle of it leaves people's data
            left.unlink()
        copy(database, partial)
        partial.replace(final)
        sync(path.parent)
    except OSError as error:
        raise os_failure(error, final) from error
    return final


def copy(database: Database, path: Path) -> None:
    """A complete, synced copy of the journal in a new file, private like it."""
    try:
        touch_private(path)
        database.value("VACUUM INTO ?", (str(path),))
        sync(path)  # SQLite does not (https://sqlite.org/lang_vacuum.html)
    except OSError as error:
        raise os_failure(error, path) from error
