"""The journal's two doors: :class:`Journal` reads, :class:`JournalWriter` is the one who writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from crosskey.clock import Clock
from crosskey.errors import CrosskeyError
from crosskey.events import Event
from crosskey.journal import events, leavers, links, operations, plans, runs, settlement, snapshots, vouchers
from crosskey.journal.database import Database, stamp
from crosskey.journal.migrations import copy
from crosskey.journal.opening import Writing, only_connection, open_to_read, open_to_write
from crosskey.journal.records import (
    EventRecord,
    Link,
    OperationRecord,
    RunKind,
    RunRecord,
    SnapshotRecord,
    Verification,
    Voucher,
)
from crosskey.journal.settlement import Resolution
from crosskey.model import Scalar, Subject
from crosskey.plan import Change, Outcome, PlanHeader

__all__ = ("Journal", "JournalWriter")


class Journal:
    """What was done and why, and which account is whose, for one connection. A context manager.

    Any method may raise :class:`crosskey.errors.StorageError`; iterators hold no lock between pages.
    """

    def __init__(self, database: Database, connection: str) -> None:
        self._database = database
        self.connection = connection
        self.lineage = str(database.value("SELECT lineage FROM meta"))
        """Names this journal's history: made once, never changed."""

    @classmethod
    def open(cls, path: Path, *, clock: Clock, connection: str = "") -> Journal:  # noqa: ARG003 - same shape as `writing`
        """Open an existing journal to read; make and change nothing. A run may be writing meanwhile.

        ``connection`` may be left out when the journal holds only one. Raises :class:`StorageError` when the file is
        missing, foreign, damaged, or of another version, :class:`ConfigError` when several connections are in it.
        """
        database = open_to_read(path)
        try:
            return Journal(database, connection or only_connection(database))
        except BaseException:
            database.close()
            raise

    @classmethod
    def writing(cls, path: Path, *, clock: Clock, connection: str) -> JournalWriter:
        """Open a journal as its only writer, making it where it is missing; runs left open by a crash are closed.

        Raises :class:`StorageError` as :meth:`open` does, or :class:`crosskey.errors.LockedError` naming who holds it.
        """
        opened = open_to_write(path, clock, connection)
        try:
            return JournalWriter(opened, clock)
        except BaseException:
            opened.database.close()
            opened.lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @property
    def serial(self) -> int:
        """Grows with everything that changes what crosskey knows of the target: a plan made before is stale."""
        return int(self._database.value("SELECT serial FROM connection WHERE name = ?", (self.connection,)) or 0)

    def runs(self, limit: int = 20) -> list[RunRecord]:
        """The newest runs first."""
        return runs.latest(self._database, self.connection, limit)

    def run(self, id: str) -> RunRecord:
        """The run of that id, or whose id begins so. Raises :class:`ConfigError` with close matches."""
        return runs.get(self._database, self.connection, id)

    def operations(
        self,
        *,
        run: str | None = None,
        subject: Subject | None = None,
        key: tuple[str, str] | None = None,
        limit: int = 100,
    ) -> list[OperationRecord]:
        """Writes of a run, about a person, or to an account (kind and key), newest first."""
        return operations.search(self._database, self.connection, run=run, subject=subject, key=key, limit=limit)

    def unresolved(self) -> list[OperationRecord]:
        """Writes that may or may not have happened, oldest first."""
        return operations.unresolved(self._database, self.connection)

    def links(self, kind: str, subjects: Sequence[Subject]) -> dict[Subject, Link]:
        """The links of those people who have one."""
        return links.find(self._database, self.connection, kind, subjects)

    def links_by_key(self, kind: str, keys: Sequence[str]) -> dict[str, Link]:
        """The links of those accounts that have one."""
        return links.find_by_key(self._database, self.connection, kind, keys)

    def all_links(self, kind: str | None = None) -> Iterator[Link]:
        """Every link, ordered by subject, a page at a time."""
        return links.stream(self._database, self.connection, kind)

    def link_count(self, kind: str, *, active_only: bool = False) -> int:
        """How many links there are, or how many whose account crosskey left active."""
        return links.count(self._database, self.connection, kind, active_only=active_only)

    def last_complete(self, side: str, stream: str, *, full: bool = False) -> SnapshotRecord | None:
        """The newest read of that stream that missed nothing; ``full``: leave out those that read only changes."""
        return snapshots.last_complete(self._database, self.connection, side, stream, full=full)

    def last_success(self) -> datetime | None:
        """When a run that writes last came to its end with nothing holding the whole of it."""
        return runs.last_success(self._database, self.connection)

    def last_applied(self) -> datetime | None:
        """When the target last took a change."""
        return operations.last_applied(self._database, self.connection)

    def unresolved_count(self) -> int:
        """How many writes may or may not have happened."""
        return operations.unresolved_count(self._database, self.connection)

    @property
    def size(self) -> int:
        """Bytes of the file, as the database counts its pages."""
        return int(self._database.value("PRAGMA page_count")) * int(self._database.value("PRAGMA page_size"))

    def leaving(self, kind: str, subjects: Sequence[Subject]) -> dict[Subject, datetime]:
        """When each of those people was first seen leaving, as far as that still stands."""
        return leavers.find(self._database, self.connection, kind, subjects)

    def all_vouchers(self) -> Iterator[tuple[Subject, Subject]]:
        """Every subject that vouches for somebody linked under another subject, and that lead."""
        return vouchers.stream(self._database, self.connection)

    def vouchers(self, leads: Sequence[Subject]) -> dict[Subject, list[Subject]]:
        """Who vouches for each of these leads besides the lead itself."""
        return vouchers.of_leads(self._database, self.connection, leads)

    def recognised(self, lead: Subject) -> list[Voucher]:
        """Who vouches for a lead, what told so, since when and by which run."""
        return vouchers.noted(self._database, self.connection, lead)

    def plan(self, id: str) -> PlanHeader:
        """The plan of that id, or whose id begins so.

        Raises :class:`ConfigError` with close matches, :class:`crosskey.errors.StaleError` when it was never finished.
        """
        return plans.get(self._database, self.connection, id)

    def changes(self, plan: str) -> Iterator[Change]:
        """A plan's changes, in order, a page at a time."""
        return plans.changes(self._database, plan)

    def events(self, run: str | None = None) -> Iterator[EventRecord]:
        """What happened, of one run or all, in order, a page at a time."""
        return events.stream(self._database, self.connection, run)

    def verify(self) -> Verification:
        """Walk the chain of events of the whole file: was anything edited, removed, inserted or reordered?"""
        return events.verify(self._database)


class JournalWriter(Journal):
    """The only writer. Everything is on disk, synced, when a method returns.

    Every method may also raise :class:`crosskey.errors.LockedError` when another run took the journal over meanwhile.
    """

    def __init__(self, opened: Writing, clock: Clock) -> None:
        super().__init__(opened.database, opened.lease.holder.connection)
        self._lock = opened.lock
        self._lease = opened.lease
        self._clock = clock

    @property
    def epoch(self) -> int:
        """Which turn of writing this is: grows each time the journal is opened to write."""
        return self._lease.epoch

    def time_commits(self, tell: Callable[[float], None]) -> None:
        """From now on, tell how many seconds the disk takes for each transaction."""
        self._database.time_commits(tell)

    def close(self) -> None:
        """Give lease and lock back and close the file. Runs still open stay so; the next writer calls them crashed."""
        try:
            with self._database.transaction():
                self._lease.release()
        except CrosskeyError:
            pass  # fenced or failed: already told to whoever was writing, and the kernel frees the lock in any case
        finally:
            self._database.close()
            self._lock.release()

    def start_run(
        self,
        kind: RunKind,
        *,
        trigger: str,
        config_digest: str,
        config_text: str,
        plugins: Mapping[str, str],
        trace: str = "",
    ) -> str:
        """Open a run; its id. ``config_text`` is kept once a digest and holds references instead of secrets.

        ``trace`` is the OpenTelemetry trace that the run is recorded in.
        """
        now, by = self._clock.now(), runs.Configuration(config_digest, config_text, plugins)
        with self._database.transaction():
            run = runs.start(
                self._database,
                now,
                connection=self.connection,
                epoch=self.epoch,
                kind=kind,
                trigger=trigger,
                by=by,
                trace=trace,
            )
            self._append(run, "run.opened", {"kind": kind, "config_digest": config_digest, "epoch": self.epoch})
        return run

    def end_run(
        self,
        run: str,
        verdict: Literal["clean", "partial", "held", "aborted", "failed"],
        counts: Mapping[str, int],
        note: str = "",
    ) -> None:
        """Close a run with its verdict."""
        with self._database.transaction():
            runs.end(self._database, self._clock.now(), run, verdict, counts, note)
            self._append(run, "run.closed", {"verdict": verdict})

    def record_snapshot(
        self, run: str, *, side: str, stream: str, complete: bool, reason: str = "", pages: int, records: int
    ) -> None:
        """Note how much a read brought, and whether it missed anything."""
        snapshot = SnapshotRecord(
            run=run,
            side=side,
            stream=stream,
            at=self._clock.now(),
            pages=pages,
            records=records,
            complete=complete,
            reason=reason,
        )
        with self._database.transaction():
            snapshots.save(self._database, self.connection, snapshot)

    def event(self, run: str, kind: str, facts: Mapping[str, Scalar]) -> Event:
        """Add an event to the chain; the same event, to hand to listeners."""
        event = Event(kind=kind, at=self._clock.now(), run=run, facts=dict(facts))
        with self._database.transaction():
            events.append(self._database, event.at, self.connection, run, kind, facts)
        return event

    def save_plan(self, header: PlanHeader) -> None:
        """Begin a plan; it counts only once :meth:`finish_plan` was called."""
        with self._database.transaction():
            plans.save(self._database, self.connection, header)

    def add_changes(self, plan: str, changes: Sequence[Change]) -> None:
        """Append changes to a plan that was begun."""
        with self._database.transaction():
            plans.add(self._database, plan, changes)

    def finish_plan(self, header: PlanHeader) -> None:
        """Rewrite the plan's header, now that all its changes are in."""
        with self._database.transaction():
            plans.finish(self._database, header)

    def intend(self, run: str, changes: Sequence[Change], *, settle: timedelta) -> None:
        """Note what is about to be sent. Call before the request leaves; durable when it returns.

        ``settle`` is how long a lost write may take to become visible. Raises
        :class:`crosskey.errors.StorageError` for an account whose last write is not settled: look first.
        """
        with self._database.transaction():
            operations.intend(
                self._database, self._clock.now(), connection=self.connection, run=run, changes=changes, settle=settle
            )

    def record(self, run: str, changes: Sequence[Change], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Note what became of changes that were intended, and the links that follow from it; the outcomes as noted.

        applied, already: done; rejected: failed; unknown: uncertain. A create without a key is uncertain, one whose key
        is somebody else's account failed (``key-taken``).
        """
        with self._database.transaction():
            return settlement.record(
                self._database,
                self._clock.now(),
                connection=self.connection,
                run=run,
                changes=changes,
                outcomes=outcomes,
            )

    def resolve(
        self, operation: str, state: Resolution, *, run: str, key: str | None = None, found: Change | None = None
    ) -> None:
        """Note what looking told about an unresolved write; a present one is linked as if just applied.

        ``found`` is the part of the change that is there, where that is not all of it.
        """
        with self._database.transaction():
            settlement.resolve(
                self._database,
                self._clock.now(),
                connection=self.connection,
                run=run,
                operation=operation,
                resolution=state,
                key=key,
                found=found,
            )

    def mark_leaving(self, kind: str, subjects: Sequence[Subject]) -> None:
        """Note that people were seen leaving; the first time stands."""
        with self._database.transaction():
            leavers.mark(self._database, self.connection, kind, subjects, self._clock.now())

    def clear_leaving(self, kind: str, subjects: Sequence[Subject]) -> None:
        """Forget that people were leaving."""
        with self._database.transaction():
            leavers.clear(self._database, self.connection, kind, subjects)

    def note_active(self, kind: str, subject: Subject) -> None:
        """Note that somebody else switched an account on that crosskey had switched off."""
        with self._database.transaction():
            links.note_active(self._database, self.connection, kind, subject)

    def vouch(self, run: str, found: Sequence[Voucher]) -> None:
        """Note subjects of several sources that are one person; what is known stays, except for another lead."""
        with self._database.transaction():
            vouchers.save(self._database, self.connection, found, stamp(self._clock.now()), run)
            self._append(run, "person.recognised", {"count": len(found)})

    def forget_voucher(self, subject: Subject) -> None:
        """Note that a subject vouches for nobody any more: a person said that it is somebody else."""
        with self._database.transaction():
            vouchers.forget(self._database, self.connection, subject)

    def move_vouchers(self, moves: Sequence[tuple[Subject, Subject]], *, run: str) -> None:
        """Note that people bear other subjects from now on (old, new): whatever they vouch for goes along."""
        with self._database.transaction():
            for old, new in moves:
                vouchers.rename(self._database, self.connection, old, new)
            self._append(run, "vouchers.moved", {"count": len(moves)})

    def copy_to(self, path: Path) -> None:
        """Write a complete copy of the journal into a new, private file."""
        copy(self._database, path)

    def unlink(self, kind: str, subject: Subject, *, run: str, reason: str) -> None:
        """Forget whose account it is; the account itself stays. Nothing happens when there is no link."""
        with self._database.transaction():
            settlement.forget(
                self._database,
                self._clock.now(),
                connection=self.connection,
                run=run,
                kind=kind,
                subject=subject,
                reason=reason,
            )

    def _append(self, run: str, kind: str, facts: Mapping[str, Scalar]) -> None:
        events.append(self._database, self._clock.now(), self.connection, run, kind, facts)
