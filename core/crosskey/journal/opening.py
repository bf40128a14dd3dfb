"""Opening a journal: to read what is there, or to write as the only one who may."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from crosskey.clock import Clock
from crosskey.errors import ConfigError, StorageError
from crosskey.journal import approvals, events, runs
from crosskey.journal.database import Database
from crosskey.journal.failures import RESTORE
from crosskey.journal.filelock import FileLock
from crosskey.journal.files import check_existing, prepare_directory, put_in_place, refuse_network
from crosskey.journal.holder import this_process
from crosskey.journal.lease import Lease
from crosskey.journal.migrations import identify, migrate

__all__ = ("Writing", "only_connection", "open_to_read", "open_to_write")


class Writing(msgspec.Struct, frozen=True):
    """An open journal and the two things that make this process its only writer."""

    database: Database
    lock: FileLock
    lease: Lease


def open_to_read(path: Path) -> Database:
    """Open an existing journal; nothing is made or changed. Raises :class:`StorageError`."""
    path = Path(os.path.realpath(path))
    check_existing(path)
    database = Database(path, writable=False)
    try:
        identify(database)
    except BaseException:
        database.close()
        raise
    return database


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
        if not path.exists():
            put_in_place(path, lambda fresh: _build(fresh, clock))
        check_existing(path)
        database = Database(path, writable=True)
        try:
            version = identify(database)
            database.make_durable()
            _check_content(database)
            migrate(database, clock.now(), version=version)
            with database.transaction():
                lease = Lease(database, holder, clock)
                _begin(database, lease)
            database.guard_with(lease.check)
        except BaseException:
            database.close()
            raise
    except BaseException:
        lock.release()
        raise
    return Writing(database, lock, lease)


def _build(fresh: Path, clock: Clock) -> None:
    with Database(fresh, writable=True) as database:
        migrate(database, clock.now(), version=0)


def _check_content(database: Database) -> None:
    finding = database.value("PRAGMA quick_check(1)")
    if finding != "ok":
        raise StorageError(
            f"the journal is damaged ({finding})",
            code="journal-corrupt",
            where=str(database.path),
            fix=RESTORE,
        )


def _begin(database: Database, lease: Lease) -> None:
    """Say in the chain who writes from now on, and which runs never ended."""
    holder, dead = lease.holder, lease.replaced
    facts = {"epoch": lease.epoch, "pid": holder.pid, "replaced_pid": None if dead is None else dead.pid}
    events.append(database, holder.since, holder.connection, "", "lease.taken", facts)
    for run in runs.close_crashed(database, holder.since, holder.connection):
        events.append(database, holder.since, holder.connection, run, "run.crashed", {})
        approvals.release(database, holder.since, holder.connection, run)


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
