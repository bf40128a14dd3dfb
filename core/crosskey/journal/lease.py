"""The lease: who may write for a connection, fenced by an epoch that only grows.

Three layers keep a second writer out: the file lock (this machine), this row (other machines and readers), and the
epoch check inside every writing transaction (a writer that slept through its own replacement).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from crosskey.clock import Clock
from crosskey.errors import LockedError
from crosskey.journal.database import Database, moment, stamp
from crosskey.journal.holder import Holder, is_alive

__all__ = ("LEASE", "Lease", "lease_holder")

LEASE = timedelta(minutes=15)
"""How long a holder on another machine may be silent: longer than any pause between two batches (desks make callers
wait five minutes at most), short enough that a lost machine does not stop the next night's run."""


class Lease:
    """The right to write for one connection, taken in the caller's transaction and renewed by every later one."""

    def __init__(self, database: Database, holder: Holder, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.holder = holder
        self.replaced, self.epoch = self._take()
        self._expires = self._extend(holder.since)

    def _take(self) -> tuple[Holder | None, int]:
        """The holder that was found dead, if any, and the new epoch. Raises :class:`LockedError` for a live one."""
        mine, database = self.holder, self._database
        row = database.row("SELECT epoch, expires_at FROM connection WHERE name = ?", (mine.connection,))
        if row is None:
            database.run("INSERT INTO connection (name, epoch, serial) VALUES (?, 0, 0)", (mine.connection,))
        previous = lease_holder(database, mine.connection)
        if row is not None and previous is not None and self._may_live(previous, moment(row[1])):
            raise LockedError(
                f"another run holds the journal: {previous}",
                where=str(database.path),
                fix=f"stop it, or wait until its lease ends at {moment(row[1]):%Y-%m-%d %H:%M:%S} UTC, then run again",
            )
        epoch = 1 if row is None else int(row[0]) + 1
        database.run(
            "UPDATE connection SET epoch = ?, host = ?, boot = ?, pid = ?, started = ?, acquired_at = ? WHERE name = ?",
            (epoch, mine.host, mine.boot, mine.pid, mine.started, stamp(mine.since), mine.connection),
        )
        return previous, epoch

    def _may_live(self, previous: Holder, expires: datetime) -> bool:
        """Whether the last holder may still write. We hold the file lock, so on this machine it can only be dead."""
        mine = self.holder
        if (previous.host, previous.boot, previous.pid, previous.started) == (
            mine.host,
            mine.boot,
            mine.pid,
            mine.started,
        ):
            return False
        if previous.boot == mine.boot and previous.boot:
            # Alive all the same when somebody removed its lock file. Another host name is another container, whose
            # process ids mean nothing here; the kernel, and so its locks, are the same.
            return previous.host == mine.host and is_alive(previous)
        return previous.host != mine.host and expires > self._clock.now()

    def _extend(self, now: datetime) -> datetime:
        expires = now + LEASE
        self._database.run(
            "UPDATE connection SET expires_at = ? WHERE name = ?", (stamp(expires), self.holder.connection)
        )
        return expires

    def check(self) -> None:
        """Fence: raise :class:`LockedError` when somebody else took over; renew the lease when half of it is gone."""
        connection = self.holder.connection
        epoch = self._database.value("SELECT epoch FROM connection WHERE name = ?", (connection,))
        if epoch != self.epoch:
            successor = lease_holder(self._database, connection)
            raise LockedError(
                "another run took the journal over while this one was silent"
                + (f": {successor}" if successor else "")
                + "; this run writes nothing more",
                code="fenced",
                where=str(self._database.path),
                fix="let that run end, then run again: it settles what this one left open",
            )
        now = self._clock.now()
        if self._expires - now < LEASE / 2:
            self._expires = self._extend(now)

    def release(self) -> None:
        """Give the lease back; the epoch stays. Call inside a transaction, which fences it."""
        self._database.run(
            "UPDATE connection SET host = NULL, boot = NULL, pid = NULL, started = NULL, acquired_at = NULL,"
            " expires_at = NULL WHERE name = ?",
            (self.holder.connection,),
        )


def lease_holder(database: Database, connection: str) -> Holder | None:
    """Who has the lease of a connection; ``None``: it was given back."""
    row = database.row(
        "SELECT host, boot, pid, started, acquired_at FROM connection WHERE name = ? AND host IS NOT NULL",
        (connection,),
    )
    if row is None:
        return None
    host, boot, pid, started, since = row
    return Holder(host=host, boot=boot, pid=pid, started=started, connection=connection, since=moment(since))
