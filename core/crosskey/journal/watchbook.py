"""The journal's third door: for whoever watches or approves, between runs and while another one writes.

It writes the watcher's own tables and approvals only, so it needs neither the lock nor the lease of a run: SQLite keeps
transactions apart, and a run that is at work looks at an approval once more when it binds it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from crosskey.clock import Clock
from crosskey.connector.credential import Credential
from crosskey.connector.notifier import Notice
from crosskey.journal import approvals, drifts, events, expiries, heard, outbox, rounds, sessions, troubles, watchers
from crosskey.journal.approvals import Approval, Approved
from crosskey.journal.condition import Keeping, keeping
from crosskey.journal.database import Database, moment
from crosskey.journal.heard import Channel, ChannelRecord
from crosskey.journal.holder import Holder, this_process
from crosskey.journal.journal import Journal
from crosskey.journal.lease import lease_holder
from crosskey.journal.opening import open_to_note, open_to_read
from crosskey.journal.outbox import Cause, Delivery, Outbox
from crosskey.journal.rounds import Rounds
from crosskey.journal.troubles import Trouble
from crosskey.journal.watchers import Ask, WatcherRecord
from crosskey.journal.writer import JournalWriter
from crosskey.model import Scalar, Subject

__all__ = ("Watchbook",)


class Watchbook(Journal):
    """A journal read with what its watcher notes, and, opened with :meth:`noting`, where the watcher notes it."""

    def __init__(self, database: Database, connection: str, clock: Clock) -> None:
        super().__init__(database, connection)
        self._clock = clock

    @classmethod
    def reading(cls, path: Path, *, clock: Clock, connection: str) -> Watchbook:
        """Open to read; make and change nothing. Raises :class:`crosskey.errors.StorageError`."""
        return cls._on(open_to_read(path), connection, clock)

    @classmethod
    def noting(cls, path: Path, *, clock: Clock, connection: str) -> Watchbook:
        """Open an existing journal of this version to note in; a run may be writing meanwhile.

        Raises :class:`crosskey.errors.StorageError`; :meth:`prepare` makes and upgrades journals.
        """
        return cls._on(open_to_note(path), connection, clock)

    @staticmethod
    def prepare(path: Path, *, clock: Clock, connection: str) -> None:
        """Make or upgrade the journal, as its only writer for a moment.

        Raises :class:`crosskey.errors.StorageError`, or :class:`crosskey.errors.LockedError` while a run is at work.
        """
        JournalWriter.open(path, clock=clock, connection=connection).close()

    @classmethod
    def _on(cls, database: Database, connection: str, clock: Clock) -> Watchbook:
        try:
            return cls(database, connection, clock)
        except BaseException:
            database.close()
            raise

    @property
    def is_known(self) -> bool:
        """Whether the journal has ever been written for this connection."""
        return self._database.row("SELECT 1 FROM connection WHERE name = ?", (self.connection,)) is not None

    # -- reading ------------------------------------------------------------------------------------------------------

    def watcher(self) -> WatcherRecord | None:
        """Who watches; ``None`` where nobody ever did."""
        return watchers.get(self._database, self.connection)

    def sought(self) -> tuple[Subject, ...]:
        """Whom somebody asked the watcher to look at, and it has not yet."""
        return watchers.sought(self._database, self.connection)

    def trouble(self) -> Trouble | None:
        """Why the last rounds failed; ``None`` when the last one was fine."""
        return troubles.get(self._database, self.connection)

    def rounds(self) -> Rounds:
        """When runs last did their work, and what they held since."""
        watcher = self.watcher()
        return rounds.look_back(self._database, self.connection, watcher.full_run if watcher else "")

    def credentials(self) -> list[tuple[str, Credential]]:
        """Every credential that instances told about, with its instance."""
        return expiries.get(self._database, self.connection)

    def credentials_asked_at(self) -> datetime | None:
        """When instances were asked about them last."""
        return expiries.asked_at(self._database, self.connection)

    def drifts_noticed(self, since: datetime) -> int:
        """How many values runs that began since then found changed by somebody else, each counted once."""
        return drifts.noticed_since(self._database, self.connection, since)

    def outbox(self) -> Outbox:
        """How many notices wait."""
        return outbox.look(self._database, self.connection)

    def told(self) -> list[Notice]:
        """What was told and still lasts."""
        return [notice for _, notice in outbox.open_causes(self._database, self.connection).values()]

    def due(self, notifiers: Collection[str]) -> list[Delivery]:
        """Notices that should be sent now."""
        return outbox.due(self._database, self.connection, self._clock.now(), notifiers)

    @property
    def version(self) -> int:
        """The schema version, as it is read."""
        return int(self._database.value("PRAGMA user_version"))

    def keeping(self) -> Keeping:
        """How much is kept, and whether anything keeps old events from being removed."""
        return keeping(self._database)

    def lease_holder(self) -> Holder | None:
        """Who holds the right to write, or was killed with it."""
        return lease_holder(self._database, self.connection)

    def last_event_at(self) -> datetime | None:
        """When the newest event happened."""
        at = self._database.value("SELECT at FROM event ORDER BY seq DESC LIMIT 1")
        return moment(at) if at else None

    def channels(self) -> list[ChannelRecord]:
        """When each channel by which doors hear of leavers last spoke."""
        return heard.channels(self._database, self.connection)

    def asked_last(self) -> dict[str, datetime]:
        """By door, when the provider was last asked about a session that is not over."""
        return sessions.asked_last(self._database, self.connection, self._clock.now())

    # -- noting -------------------------------------------------------------------------------------------------------

    def begin_watch(self) -> Holder:
        """Note that this process watches from now on."""
        holder = this_process(self.connection, self._clock.now())
        with self._database.transaction():
            watchers.begin(self._database, holder)
            self._event("watch.began", {"pid": holder.pid})
        return holder

    def beat(self, *, doing: str, next_at: datetime | None) -> Ask:
        """Note a sign of life; what somebody asked for since the last one."""
        with self._database.transaction():
            watchers.beat(self._database, self.connection, self._clock.now(), doing=doing, next_at=next_at)
            return watchers.take_ask(self._database, self.connection)

    def end_watch(self) -> None:
        """Note that nobody watches any more, in good order."""
        with self._database.transaction():
            watchers.end(self._database, self.connection, self._clock.now())
            self._event("watch.ended", {})

    def ask(self, wanted: Ask) -> None:
        """Ask the watcher for a round."""
        with self._database.transaction():
            watchers.ask(self._database, self.connection, wanted)

    def spoke(self, where: str, channel: Channel) -> None:
        """Note that a channel works, by the path of the section that it belongs to."""
        with self._database.transaction():
            heard.spoke(self._database, self.connection, where, channel, self._clock.now())

    def seek(self, person: Subject) -> bool | None:
        """Ask the watcher to look at one person; ``False``: it is to already, ``None``: at too many."""
        with self._database.transaction():
            return watchers.seek(self._database, self.connection, person)

    def found(self, people: Collection[Subject]) -> None:
        """Note that these were looked at."""
        with self._database.transaction():
            watchers.found(self._database, self.connection, people)

    def note_full(self, run: str) -> None:
        """Note which run read everything."""
        with self._database.transaction():
            watchers.note_full(self._database, self.connection, run)

    def note_switch(self, *, stopped: bool, because: str = "") -> None:
        """Note that a person stopped all writes, or lets them go on."""
        with self._database.transaction():
            if stopped:
                self._event("writes.stopped", {"because": because})
            else:
                self._event("writes.resumed", {})

    def note_trouble(self, trouble: Trouble) -> None:
        """Note that a round failed, and when the next may be."""
        with self._database.transaction():
            before = troubles.get(self._database, self.connection)
            troubles.save(self._database, self.connection, trouble)
            if trouble.quarantined and (before is None or before.step != trouble.step):
                facts = {"failures": trouble.failures} if trouble.given_up else {"step": trouble.step}
                kind = "quarantine.given-up" if trouble.given_up else "quarantine.entered"
                self._event(kind, {"code": trouble.code, **facts})

    def clear_trouble(self, *, by: str) -> bool:
        """Note that all is well again, or that a person says so; whether there was trouble."""
        with self._database.transaction():
            before = troubles.get(self._database, self.connection)
            if before is not None and before.quarantined:
                self._event("quarantine.left", {"by": by})
            return troubles.clear(self._database, self.connection)

    def tell(self, causes: Iterable[Cause], *, notifiers: Collection[str]) -> list[Notice]:
        """Compare what is so with what was told; put notices about the difference into the outbox."""
        with self._database.transaction():
            return outbox.tell(self._database, self.connection, self._clock.now(), causes, notifiers=notifiers)

    def delivered(self, delivery: Delivery) -> None:
        """Note that a notice arrived."""
        with self._database.transaction():
            outbox.delivered(self._database, delivery)

    def not_delivered(self, delivery: Delivery, problem: str) -> None:
        """Note that it did not."""
        with self._database.transaction():
            outbox.failed(self._database, delivery, self._clock.now(), problem)

    def approve(
        self,
        rail: str,
        *,
        items: Sequence[Approved] = (),
        words: Sequence[str] = (),
        by: str,
        reason: str,
        lasts: timedelta,
    ) -> Approval:
        """Let exactly this through a rail: the next run that writes makes use of it, once."""
        now = self._clock.now()
        with self._database.transaction():
            return approvals.give(
                self._database,
                now,
                self.connection,
                rail=rail,
                items=items,
                words=words,
                by=by,
                reason=reason,
                expires_at=now + lasts,
            )

    def withdraw(self, approval: str) -> Approval:
        """Take an approval back. Raises :class:`crosskey.errors.ConfigError` when no run can use it any more."""
        with self._database.transaction():
            return approvals.withdraw(self._database, self._clock.now(), self.connection, approval)

    def note_credentials(self, told: Mapping[str, Sequence[Credential]]) -> None:
        """Note when credentials end, by instance."""
        with self._database.transaction():
            expiries.save(self._database, self.connection, self._clock.now(), told)

    def _event(self, kind: str, facts: Mapping[str, Scalar]) -> None:
        events.append(self._database, self._clock.now(), self.connection, "", kind, facts)
