"""The journal as its only writer sees it: on disk, synced, when a method returns (but for one option of `record`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from crosskey.clock import Clock
from crosskey.errors import CrosskeyError
from crosskey.events import Event
from crosskey.journal import (
    absences,
    approvals,
    drifts,
    events,
    ladders,
    leavers,
    links,
    operations,
    plans,
    runs,
    segments,
    settlement,
    snapshots,
    vouchers,
    waiting,
)
from crosskey.journal.database import stamp
from crosskey.journal.headfile import write_head
from crosskey.journal.journal import Journal
from crosskey.journal.ladders import Ladder
from crosskey.journal.migrations import copy
from crosskey.journal.opening import Writing, open_to_write
from crosskey.journal.records import Absence, Drift, Link, RunKind, SnapshotRecord, Voucher
from crosskey.journal.retention import DAILY, prune, return_space
from crosskey.journal.settlement import Resolution
from crosskey.journal.signing import Signer
from crosskey.model import Scalar, Subject
from crosskey.plan import Change, Held, Outcome, PlanHeader

__all__ = ("JournalWriter",)


class JournalWriter(Journal):
    """The only writer. Everything is on disk, synced, when a method returns.

    Every method may also raise :class:`crosskey.errors.LockedError` when another run took the journal over meanwhile.
    """

    def __init__(self, opened: Writing, clock: Clock) -> None:
        super().__init__(opened.database, opened.lease.holder.connection)
        self._lock = opened.lock
        self._lease = opened.lease
        self._clock = clock
        self._links = opened.links
        self._head = opened.head
        self._size = self.size

    @classmethod
    def open(cls, path: Path, *, clock: Clock, connection: str = "") -> JournalWriter:
        """Open a journal as its only writer, making it where it is missing; runs left open by a crash are closed.

        Raises :class:`StorageError` as :meth:`Journal.open` does, or :class:`crosskey.errors.LockedError` naming who
        holds it.
        """
        opened = open_to_write(path, clock, connection)
        try:
            return JournalWriter(opened, clock)
        except BaseException:
            opened.database.close()
            if opened.lock is not None:
                opened.lock.release()
            raise

    @property
    def epoch(self) -> int:
        """Which turn of writing this is: grows each time the journal is opened to write."""
        return self._lease.epoch

    def time_commits(self, tell: Callable[[float], None]) -> None:
        """From now on, tell how many seconds the disk takes for each commit."""
        self._database.time_commits(tell)

    def close(self) -> None:
        """Give lease and lock back and close the file. Runs still open stay so; the next writer calls them crashed."""
        try:
            with self._database.transaction():
                if self._links.is_due:
                    self._append("", "links.summed", self._links.facts())
                self._lease.release()
            self._leave(self._database.path, closed=True, grew=max(0, self.size - self._size) or self._head.grew)
        except CrosskeyError:
            pass  # fenced or failed: already told to whoever was writing, and the kernel frees the lock in any case
        finally:
            self._database.close()
            if self._lock is not None:
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
        parent: str = "",
    ) -> str:
        """Open a run; its id. ``config_text`` is kept once a digest and holds references instead of secrets.

        ``trace`` is the OpenTelemetry trace that the run is recorded in, ``parent`` the run that it takes back.
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
                parent=parent,
            )
            facts: dict[str, Scalar] = {"kind": kind, "config_digest": config_digest, "epoch": self.epoch}
            self._append(run, "run.opened", {**facts, "parent": parent} if parent else facts)
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
            if verdict in ("aborted", "failed"):
                approvals.release(self._database, self._clock.now(), self.connection, run)
            self._append(run, "run.closed", {"verdict": verdict, **self._links.facts()})

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

    def keep_waiting(self, run: str, found: Iterable[tuple[Held, Change | None]], *, whole: bool) -> None:
        """Note what a plan holds in place of what the last one held; ``whole``: it knows about everybody."""
        now = self._clock.now()
        with self._database.transaction():
            waiting.keep(self._database, now, connection=self.connection, run=run, found=found, whole=whole)

    def bind_approvals(self, run: str, ids: Collection[str]) -> None:
        """Use approvals up: no other run can. Call before anything is written that they let through.

        Raises :class:`crosskey.errors.StaleError` when one of them is not open any more.
        """
        with self._database.transaction():
            approvals.bind(self._database, self._clock.now(), self.connection, run, ids)

    def intend(self, run: str, changes: Sequence[Change], *, settle: timedelta) -> None:
        """Note what is about to be sent. Call before the request leaves; durable when it returns.

        ``settle`` is how long a lost write may take to become visible. Raises
        :class:`crosskey.errors.StorageError` for an account whose last write is not settled: look first.
        """
        with self._database.transaction():
            operations.intend(
                self._database, self._clock.now(), connection=self.connection, run=run, changes=changes, settle=settle
            )

    def record(
        self, run: str, changes: Sequence[Change], outcomes: Sequence[Outcome], *, with_next: bool = False
    ) -> list[Outcome]:
        """Note what became of changes that were intended, and the links that follow from it; the outcomes as noted.

        applied, already: done; rejected: failed; unknown: uncertain. A create without a key, or with that of somebody
        else's account (``key-taken``), is uncertain. ``with_next``: durable with whatever is noted next, or `flush`.
        """
        with self._database.transaction(with_next=with_next):
            return settlement.record(
                self._database,
                self._clock.now(),
                connection=self.connection,
                run=run,
                changes=changes,
                outcomes=outcomes,
            )

    def flush(self) -> None:
        """Make durable what was recorded ``with_next``."""
        self._database.flush()

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

    def wait_no_longer(self, ids: Sequence[str], until: datetime, *, run: str) -> None:
        """Let unresolved writes wait until then and no longer: the clock was ahead when they were noted."""
        with self._database.transaction():
            facts = operations.wait_no_longer(self._database, ids, until)
            self._append(run, "writes.awaited", {"count": len(ids), **facts})

    def lapse(self, operations_: Sequence[str], *, run: str) -> None:
        """Note that these writes, which a person took back, may be made again: their reason ended meanwhile."""
        with self._database.transaction():
            facts = operations.lapse(self._database, operations_)
            self._append(run, "undo.lapsed", {"count": len(operations_), **facts})

    def climb(self, ladder: Ladder) -> Ladder:
        """Note how far a plan is that is carried out in waves; the ladder as it was noted."""
        with self._database.transaction():
            return ladders.save(self._database, self.connection, ladder)

    def end_ladder(self) -> None:
        """Note that no plan is carried out in waves any more."""
        with self._database.transaction():
            ladders.remove(self._database, self.connection)

    def mark_leaving(self, kind: str, subjects: Sequence[Subject]) -> None:
        """Note that people were seen leaving; the first time stands."""
        with self._database.transaction():
            leavers.mark(self._database, self.connection, kind, subjects, self._clock.now())

    def clear_leaving(self, kind: str, subjects: Sequence[Subject]) -> None:
        """Forget that people were leaving."""
        with self._database.transaction():
            leavers.clear(self._database, self.connection, kind, subjects)

    def confirm_absent(self, kind: str, subject: Subject, *, run: str, told: bool) -> Absence:
        """Note one more confirmation that somebody is missing; a run counts once. What that comes to.

        ``told``: the source itself said that they were deleted.
        """
        with self._database.transaction():
            absences.confirm(self._database, self.connection, kind, subject, run, self._clock.now(), told=told)
        return self.absences(kind, [subject])[subject]

    def clear_absences(self, kind: str, subjects: Sequence[Subject]) -> None:
        """Forget that people were missing: they were seen."""
        with self._database.transaction():
            absences.clear(self._database, self.connection, kind, subjects)

    def note_active(self, kind: str, subject: Subject) -> None:
        """Note that somebody else switched an account on that crosskey had switched off."""
        with self._database.transaction():
            links.note_active(self._database, self.connection, kind, subject)

    def note_known(self, links_known: Sequence[Link]) -> None:
        """Note what is known of the values of these links' accounts: applied, given, or seen as the rules say."""
        with self._database.transaction():
            links.note_known(self._database, self.connection, links_known)

    def note_drift(
        self, run: str, *, new: Sequence[Drift], still: Sequence[Drift], over: Sequence[Drift]
    ) -> list[Event]:
        """Note drift: what is new (an event each, returned), what still stands otherwise than noted, what is over."""
        now = self._clock.now()
        told = [
            Event(
                kind="drift.noticed",
                at=now,
                run=run,
                facts={"kind": one.kind, "key": one.key, "part": one.part, "policy": one.policy},
            )
            for one in new
        ]
        with self._database.transaction():
            drifts.save(self._database, self.connection, (*new, *still))
            drifts.end(self._database, self.connection, over)
            for event in told:
                events.append(self._database, event.at, self.connection, run, event.kind, event.facts)
        return told

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
        """Write a complete copy of the journal into a new, private file, and beside it how far it goes."""
        copy(self._database, path)
        self._leave(path, closed=True, grew=self._head.grew)

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

    # -- upkeep -------------------------------------------------------------------------------------------------------

    def settle_restore(self, run: str) -> Event:
        """Note that a run read everything and that whatever it found has been decided: what is known counts again."""
        event = Event(kind="restore.settled", at=self._clock.now(), run=run)
        with self._database.transaction():
            self._database.run("UPDATE connection SET restored = -restored WHERE name = ?", (self.connection,))
            self._append(run, event.kind, event.facts)
        return event

    def keep_up(self, *, keep: timedelta, keep_plans: timedelta, signer: Signer | None = None) -> list[Event]:
        """Seal what is long or old enough; once a day remove what is too old. The events that say so, for listeners."""
        now, told = self._clock.now(), list[Event]()
        if segments.is_due(self._database, now):
            with self._database.transaction():
                facts = segments.seal(self._database, now, self.connection, signer)
            told.append(Event(kind="segment.sealed", at=now, run="", facts=facts))
        if self._head.tidied_at is None or now - self._head.tidied_at >= DAILY:
            gone = prune(self._database, now, connection=self.connection, keep=keep, keep_plans=keep_plans)
            if gone:
                told.append(Event(kind="journal.pruned", at=now, run="", facts=gone))
            return_space(self._database)
            self._head = msgspec.structs.replace(self._head, tidied_at=now)
        return told

    def _leave(self, path: Path, *, closed: bool, grew: int) -> None:
        seq, mark = self._database.rows("SELECT head_seq, head_hash FROM meta")[0]
        self._head = msgspec.structs.replace(
            self._head, lineage=self.lineage, seq=seq, hash=mark, closed=closed, grew=grew
        )
        write_head(path, self._head)

    def _append(self, run: str, kind: str, facts: Mapping[str, Scalar]) -> None:
        events.append(self._database, self._clock.now(), self.connection, run, kind, facts)
