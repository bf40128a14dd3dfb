"""Opening a journal: to read what is there, or to write as the only one who may."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from crosskey.clock import Clock
from crosskey.errors import ConfigError, StorageError
from crosskey.journal import approvals, events, evidence, runs
from crosskey.journal.database import Database
from crosskey.journal.failures import RESTORE
from crosskey.journal.filelock import FileLock
from crosskey.journal.files import check_existing, prepare_directory, put_in_place, refuse_network, sync_names
from crosskey.journal.headfile import HeadFile, look_for_restore, read_head, write_head
from crosskey.journal.holder import Holder, this_process
from crosskey.journal.lease import Lease
from crosskey.journal.linksum import LinkSum
from crosskey.journal.migrations import AUDITED, MIGRATIONS, identify, migrate
from crosskey.journal.moments import KeptRows, as_it_was
from crosskey.model import Scalar

__all__ = ("Writing", "only_connection", "open_past", "open_to_note", "open_to_read", "open_to_write")

_DAY: Final = timedelta(days=1)


class Writing(msgspec.Struct, frozen=True):
    """An open journal, the two things that make this process its only writer, and what it must know to go on."""

    database: Database
    lock: FileLock | None
    lease: Lease
    links: LinkSum
    head: HeadFile


def open_to_read(path: Path) -> Database:
    """Open an existing journal; nothing is made or changed. Raises :class:`StorageError`."""
    path = Path(os.path.realpath(path))
    check_existing(path)
    database = Database(path, writable=False)
    try:
        version = identify(database)
        if version < MIGRATIONS[-1].version:
            _upgrade_in_memory(database, version)
    except BaseException:
        database.close()
        raise
    return database


def open_to_note(path: Path) -> Database:
    """Open an existing journal of this version to note in beside a run. Raises :class:`StorageError`."""
    path = Path(os.path.realpath(path))
    check_existing(path)
    database = Database(path, writable=True)
    try:
        identify(database)
        database.make_durable()
    except BaseException:
        database.close()
        raise
    return database


def _upgrade_in_memory(database: Database, version: int) -> None:
    """Read an older journal as if it had been upgraded; the file is left for the next writer."""
    database.go_on_in_memory()
    migrate(database, datetime.min.replace(tzinfo=UTC), version=version, keep_copy=False)  # it was made long ago
    database.read_only()


def open_to_write(path: Path, clock: Clock, connection: str) -> Writing:
    """Make the journal where it is missing, lock it, upgrade it, and close what a crash left open.

    Raises :class:`StorageError`, or :class:`crosskey.errors.LockedError` naming who holds it.
    """
    path = Path(os.path.realpath(path))  # one file has one lock, however it is called
    prepare_directory(path.parent)
    refuse_network(path.parent)
    holder = this_process(connection, clock.now())
    lock = FileLock(path.with_name(path.name + ".lock"), holder)
    try:
        fresh = not path.exists()
        if fresh:
            put_in_place(path, lambda fresh: _build(fresh, clock))
        check_existing(path)
        database = Database(path, writable=True)
        try:
            version = identify(database)
            database.make_durable()
            head = read_head(path)
            restored = "" if fresh or version < AUDITED else look_for_restore(database, head)
            checked_at = _check_content(database, None if restored else head, clock.now())
            upgraded = migrate(database, clock.now(), version=version) is not None
            _check_chain(database)
            with database.transaction():
                lease = Lease(database, holder, clock)
                if restored:
                    _note_restore(database, holder, restored)
                crashed = _begin(database, lease)
                links = LinkSum(database, afresh=upgraded or crashed or bool(restored) or not (head and head.closed))
            sync_names(path.parent)  # the rollback journal stays from here on: all files are there
            left = _left(database, head, checked_at, restored=bool(restored))
            write_head(path, left)
            database.guard_with(lease.check)
        except BaseException:
            database.close()
            raise
    except BaseException:
        lock.release()
        raise
    return Writing(database, lock, lease, links, left)


def open_past(
    path: Path, clock: Clock, connection: str, *, marks: Mapping[str, int], state: Iterable[KeptRows]
) -> Writing:
    """The journal as it was when its logs ended at ``marks``, in memory: whoever writes it changes nothing on disk."""
    with open_to_read(path) as now:  # rolls back what a killed writer left, and refuses what is not ours
        version = int(now.value("PRAGMA user_version"))
    database = as_it_was(path, connection=connection, marks=marks, state=state, version=version)
    try:
        with database.transaction():
            lease = Lease(database, this_process(connection, clock.now()), clock)
    except BaseException:
        database.close()
        raise
    return Writing(database, None, lease, LinkSum(database, afresh=True), HeadFile(lineage="", seq=0, hash=""))


def _build(fresh: Path, clock: Clock) -> None:
    with Database(fresh, writable=True) as database:
        migrate(database, clock.now(), version=0)


def _check_content(database: Database, head: HeadFile | None, now: datetime) -> datetime:
    """Look at every page once a day, and after a writer that did not come to its end; when that was done last."""
    if head is not None and head.closed and head.checked_at is not None and now - head.checked_at < _DAY:
        return head.checked_at
    finding = database.value("PRAGMA quick_check(1)")
    if finding != "ok":
        raise StorageError(
            f"the journal is damaged ({finding})",
            code="journal-corrupt",
            where=str(database.path),
            fix=RESTORE,
        )
    return now


def _check_chain(database: Database) -> None:
    """Refuse to go on from what is not what was written since the last segment was sealed."""
    found = evidence.verify(database, since_sealed=True)
    if not found.ok:
        raise StorageError(
            f"the journal is not what was written: {found.reason}",
            code="journal-altered",
            where=str(database.path),
            fix="`crosskey audit verify` says what can be trusted; " + RESTORE,
        )


def _note_restore(database: Database, holder: Holder, reason: str) -> None:
    """Begin a new history: what comes after a backup was put back must never pass for what the backup missed."""
    former, fresh = str(database.value("SELECT lineage FROM meta")), secrets.token_hex(16)
    facts = {"former": former, "lineage": fresh, "reason": reason}
    seq = events.append(database, holder.since, holder.connection, "", "journal.restored", facts)
    database.run("UPDATE meta SET lineage = ?", (fresh,))
    database.run("UPDATE connection SET restored = ?", (seq,))


def _name(database: Database) -> dict[str, Scalar]:
    """Which history this is, once in each segment, so that the name in the file can be compared with it."""
    lineage, created_at = database.rows("SELECT lineage, created_at FROM meta")[0]
    told = database.row(
        "SELECT 1 FROM event WHERE seq > (SELECT coalesce(max(last_seq), 0) FROM segment) AND kind = 'lease.taken'"
        " AND json_extract(facts, '$.lineage') = ?",
        (lineage,),
    )
    return {} if told else {"lineage": lineage, "created_at": created_at}


def _left(database: Database, head: HeadFile | None, checked_at: datetime, *, restored: bool) -> HeadFile:
    """What this writer leaves beside the journal, should it never come to its end."""
    lineage, seq, mark = database.rows("SELECT lineage, head_seq, head_hash FROM meta")[0]
    before = None if restored else head
    return HeadFile(
        lineage=lineage,
        seq=seq,
        hash=mark,
        checked_at=checked_at,
        tidied_at=before.tidied_at if before else None,
        grew=before.grew if before else 0,
    )


def _begin(database: Database, lease: Lease) -> bool:
    """Say in the chain who writes from now on, and which runs never ended; whether there were any."""
    holder, dead = lease.holder, lease.replaced
    facts: dict[str, Scalar] = {
        "epoch": lease.epoch,
        "pid": holder.pid,
        "replaced_pid": None if dead is None else dead.pid,
        **_name(database),
    }
    events.append(database, holder.since, holder.connection, "", "lease.taken", facts)
    crashed = runs.close_crashed(database, holder.since, holder.connection)
    for run in crashed:
        events.append(database, holder.since, holder.connection, run, "run.crashed", {})
        approvals.release(database, holder.since, holder.connection, run)
    return bool(crashed) or dead is not None


def only_connection(database: Database) -> str:
    """The one connection that a journal serves, ``""`` while there is none. Raises :class:`ConfigError` for several."""
    names = [str(row[0]) for row in database.rows("SELECT name FROM connection ORDER BY name")]
    if len(names) > 1:
        raise ConfigError(
            f"the journal serves several connections: {', '.join(names)}",
            code="connection-ambiguous",
            where=str(database.path),
            fix=f'say which one, like "{names[0]}"',
        )
    return names[0] if names else ""
