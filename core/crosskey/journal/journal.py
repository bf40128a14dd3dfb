"""The journal as readers see it; :class:`crosskey.journal.JournalWriter` is the one who writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from crosskey.clock import Clock
from crosskey.connector.sso import Door
from crosskey.journal import (
    absences,
    approvals,
    drifts,
    events,
    evidence,
    heads,
    ladders,
    leavers,
    links,
    moments,
    operations,
    past,
    plans,
    refusals,
    runs,
    snapshots,
    steps,
    vouchers,
    waiting,
)
from crosskey.journal.approvals import Approval
from crosskey.journal.database import Database
from crosskey.journal.headfile import look_for_restore, read_head
from crosskey.journal.heads import Head
from crosskey.journal.ladders import Ladder
from crosskey.journal.moments import KeptRows
from crosskey.journal.opening import only_connection, open_to_read
from crosskey.journal.records import (
    Absence,
    Drift,
    EventRecord,
    Link,
    OperationRecord,
    RunRecord,
    SnapshotRecord,
    Verification,
    Voucher,
)
from crosskey.journal.refusals import Refusal
from crosskey.journal.steps import BreakGlass, StepRecord
from crosskey.journal.waiting import Waiting
from crosskey.model import Subject
from crosskey.plan import Action, Change, PlanHeader

__all__ = ("Journal",)


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
    def open(cls, path: Path, *, clock: Clock, connection: str = "") -> Journal:  # noqa: ARG003 - same shape as the writer's
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

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the newest event, of all connections."""
        seq, mark = self._database.rows("SELECT head_seq, head_hash FROM meta")[0]
        return int(seq), str(mark)

    def went_through(self, seq: int, hash: str) -> bool:
        """Whether this is the event that the chain once ended with. Of what was pruned nobody can tell any more."""
        return self._database.value("SELECT hash FROM event WHERE seq = ?", (seq,)) == hash

    @property
    def is_restored(self) -> bool:
        """Whether the journal came from a backup, and no run has found its way again since."""
        return self._restored > 0

    @property
    def was_restored(self) -> bool:
        """Whether it ever came from a backup: an account that it does not know may still be there, and be ours."""
        return self._restored != 0

    @property
    def _restored(self) -> int:
        """The event that tells of it, below 0 once a run found its way again."""
        return int(self._database.value("SELECT restored FROM connection WHERE name = ?", (self.connection,)) or 0)

    def runs(self, limit: int = 20) -> list[RunRecord]:
        """The newest runs first."""
        return runs.latest(self._database, self.connection, limit)

    def run(self, id: str) -> RunRecord:
        """The run of that id, or whose id begins so. Raises :class:`ConfigError` with close matches."""
        return runs.get(self._database, self.connection, id)

    def run_at(self, at: datetime) -> RunRecord:
        """The newest run that had begun at that time. Raises :class:`ConfigError` when there is none."""
        return runs.at(self._database, self.connection, at)

    def in_order(self, runs_: Iterable[str]) -> list[str]:
        """Those of these runs that the journal knows, as they began one after the other."""
        return runs.in_order(self._database, self.connection, runs_)

    def configuration(self, digest: str) -> str:
        """The canonical text of a configuration that some run worked by; references stand in place of secrets."""
        return runs.configuration(self._database, digest)

    def marks(self) -> dict[str, int]:
        """Where each log ends now: with the state beside, what :meth:`JournalWriter.past` needs."""
        return moments.marks(self._database)

    def small_state(self) -> Iterator[KeptRows]:
        """What later runs change, without that of which there is a row for everybody."""
        return moments.small_state(self._database, self.connection)

    def large_state(self, subjects: Iterable[str] | None = None) -> Iterator[KeptRows]:
        """That of which there is a row for everybody: links and vouchers; all, or of people with these ids."""
        return moments.large_state(self._database, self.connection, subjects)

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

    def writes(self, run: str) -> Iterator[OperationRecord]:
        """All writes of a run, newest first, a page at a time."""
        return operations.stream(self._database, self.connection, run)

    def undone(self, config_digest: str) -> list[OperationRecord]:
        """Writes of a configuration that a person took back and that must not simply be made again, newest first."""
        return operations.undone(self._database, self.connection, config_digest)

    def ladder(self) -> Ladder | None:
        """How far a plan is that is carried out in waves; ``None`` when none is under way."""
        return ladders.get(self._database, self.connection)

    def since(self, operation: int) -> list[OperationRecord]:
        """Writes of runs that apply, later than an operation and known to have happened, oldest first."""
        return operations.since(self._database, self.connection, operation)

    def written_to(self, word: str) -> list[Subject]:
        """People whose id is the word, or to whose account it was once written as a whole value."""
        return operations.written_to(self._database, self.connection, word)

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

    def leaving_count(self, kind: str) -> int:
        """How many people are leaving, or missing, while their account is still on."""
        return leavers.count(self._database, self.connection, kind)

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

    def absences(self, kind: str, subjects: Sequence[Subject]) -> dict[Subject, Absence]:
        """Who of those people is missing from the source, since when, and how often that was confirmed."""
        return absences.find(self._database, self.connection, kind, subjects)

    def any_absences(self, kind: str) -> bool:
        """Whether anybody is missing from the source at all."""
        return absences.any_of(self._database, self.connection, kind)

    def refused_creates(self, kind: str, subjects: Sequence[Subject]) -> dict[Subject, list[Refusal]]:
        """The creates that the target refused, of each of those people, since anything else was done; newest first."""
        return refusals.creates(self._database, self.connection, kind, subjects)

    def newest_run_at(self, *, but: str) -> datetime | None:
        """When the newest run began by the clock of its time, leaving one out."""
        return runs.newest_start(self._database, self.connection, but)

    def drifts(self, kind: str, subjects: Sequence[Subject]) -> dict[tuple[Subject, str], Drift]:
        """Owned values of those people's accounts that somebody else changed, by person and part."""
        return drifts.find(self._database, self.connection, kind, subjects)

    def all_drifts(self) -> Iterator[Drift]:
        """Everything that somebody else changed and that still stands, ordered by person, a page at a time."""
        return drifts.stream(self._database, self.connection)

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

    def waiting(self) -> list[Waiting]:
        """Everything that the newest plan holds."""
        return waiting.everything(self._database, self.connection)

    def waiting_about(self, subject: Subject) -> list[Waiting]:
        """What the newest plan holds that concerns one person."""
        return waiting.about(self._database, self.connection, subject)

    def approvals(self, limit: int = 20) -> list[Approval]:
        """The newest approvals first, whatever became of them."""
        return approvals.latest(self._database, self.connection, limit)

    def usable_approvals(self, now: datetime) -> list[Approval]:
        """Approvals that a run may make use of."""
        return approvals.usable(self._database, self.connection, now)

    def passed_over(self, kind: str) -> list[tuple[str, Action, Subject]]:
        """Who of a kind still waits since somebody let others of the same class through: rail, action, person."""
        return approvals.passed_over(self._database, self.connection, kind)

    def applied_configuration(self, kind: str) -> str | None:
        """The configuration of the last run that applied rules for a kind of account; ``None`` when none ever did."""
        return past.applied_configuration(self._database, self.connection, kind)

    def tried_to_make(self, kind: str, subjects: Iterable[Subject]) -> set[Subject]:
        """Those of the people for whom a run has sent a new account before, whatever became of it."""
        return past.tried_to_make(self._database, self.connection, kind, subjects)

    def disabled_since(self, kind: str, since: datetime) -> int:
        """How many accounts were disabled since then, or may have been, without a person's word, and still are."""
        return past.disabled_since(self._database, self.connection, kind, since)

    def step(self, door: Door) -> StepRecord:
        """How far a door is rolled out."""
        return next(iter(self.moves(door, 1)), StepRecord(door=door))

    def moves(self, door: Door, limit: int = 20) -> list[StepRecord]:
        """How a door came to its step, the newest move first."""
        return steps.moves(self._database, self.connection, door, limit)

    def break_glass(self, door: Door) -> BreakGlass | None:
        """The newest proof that the desk's own sign-in lets somebody in while the door's provider is down."""
        return steps.proof(self._database, self.connection, door)

    def events(self, run: str | None = None) -> Iterator[EventRecord]:
        """What happened, of one run or all, in order, a page at a time."""
        return events.stream(self._database, self.connection, run)

    def verify(self) -> Verification:
        """Walk the chain of events of the whole file: was anything edited, removed, inserted or reordered?"""
        return evidence.verify(self._database)

    def audit(self, against: Sequence[Head] = ()) -> Verification:
        """As :meth:`verify`, and: is every page sound, and is it the history that heads kept elsewhere are of?"""
        damage = self._database.value("PRAGMA integrity_check(1)")
        found = heads.compare(self._database, self.verify(), against)
        left = read_head(self._database.path)
        lost = look_for_restore(self._database, left) if left is not None else ""
        if lost and found.ok:
            found = msgspec.structs.replace(found, first_bad=found.events + 1, reason=lost)
        return msgspec.structs.replace(found, damage="" if damage == "ok" else str(damage))

    def heads(self) -> list[Head]:
        """The heads of the chain, to be kept elsewhere."""
        return heads.export(self._database)
