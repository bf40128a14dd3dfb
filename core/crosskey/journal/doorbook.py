"""The journal as doors use it: sign-ins, sessions and what providers say, beside whatever run is at work.

Like :class:`crosskey.journal.Watchbook` it writes its own tables only and needs neither the lock nor the lease of a
run: SQLite keeps transactions apart. Several processes may have one open.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

import msgspec

from crosskey.clock import Clock
from crosskey.connector.sso import Door, Pinned, SignalEvent
from crosskey.journal import attempts, events, heard, logins, pins, revocations, sessions, standing, steps
from crosskey.journal.attempts import AttemptRecord
from crosskey.journal.database import Database
from crosskey.journal.heard import Channel, ChannelRecord
from crosskey.journal.journal import Journal
from crosskey.journal.logins import LoginRecord, Purpose
from crosskey.journal.opening import open_to_note, open_to_read
from crosskey.journal.revocations import Who
from crosskey.journal.sessions import SessionRecord, Whom
from crosskey.journal.standing import Standing
from crosskey.journal.steps import BreakGlass, Step, StepRecord
from crosskey.model import Subject

__all__ = ("Doorbook",)


class Doorbook(Journal):
    """A journal read, and noted in, for the doors. Use it from one thread."""

    def __init__(self, database: Database, connection: str, clock: Clock) -> None:
        super().__init__(database, connection)
        self._clock = clock

    @classmethod
    def reading(cls, path: Path, *, clock: Clock, connection: str) -> Doorbook:
        """Open to read; make and change nothing. Raises :class:`crosskey.errors.StorageError`."""
        return cls._on(open_to_read(path), connection, clock)

    @classmethod
    def noting(cls, path: Path, *, clock: Clock, connection: str) -> Doorbook:
        """Open an existing journal of this version to note in; a run may be writing meanwhile.

        Raises :class:`crosskey.errors.StorageError`; :meth:`crosskey.journal.Watchbook.prepare` makes journals.
        """
        return cls._on(open_to_note(path), connection, clock)

    @classmethod
    def _on(cls, database: Database, connection: str, clock: Clock) -> Doorbook:
        try:
            return cls(database, connection, clock)
        except BaseException:
            database.close()
            raise

    @property
    def is_older(self) -> bool:
        """Whether the file is of an older version: it is read as if it were of this one, and must not be noted in."""
        return self._database.upgraded

    # -- signing in ---------------------------------------------------------------------------------------------------

    def begin_login(self, login: LoginRecord) -> None:
        """Note that a browser was sent away, and forget what is long over."""
        now = self._clock.now()
        with self._database.transaction():
            for noun in (logins, sessions, revocations, attempts, heard):
                noun.tidy(self._database, now)
            logins.begin(self._database, self.connection, login)

    def login(self, state: str) -> LoginRecord | None:
        """The sign-in of a state (its hash)."""
        return logins.find(self._database, self.connection, state)

    def use_login(self, state: str) -> bool:
        """Use a sign-in up; ``False`` when it was used before."""
        with self._database.transaction():
            return logins.use(self._database, self.connection, state, self._clock.now())

    def standing(self, person: Subject, kind: str) -> Standing:
        """How somebody stands with the sync."""
        return standing.standing(self._database, self.connection, person, kind)

    def admit(
        self,
        draft: SessionRecord,
        attempt: AttemptRecord,
        decide: Callable[[Standing, str | None], None],
        *,
        replaces: str = "",
        pilot: bool = False,
    ) -> SessionRecord:
        """Open a session if ``decide`` does not raise, in place of the one that it ``replaces``; the session as it is.

        What ``decide`` is told (how the person stands, and why they were told to go since, if they were) holds in the
        moment in which the session comes to be: whoever is switched off or told to go before it gets none, and
        whatever switches them off afterwards finds the session and ends it. ``pilot``: they are of the door's pilot.
        """
        with self._database.transaction():
            now = standing.standing(self._database, self.connection, draft.person, draft.kind)
            decide(now, self._told_to_go(draft))
            key = now.key or ""
            first = not attempts.came_before(self._database, self.connection, draft.kind, key)
            session = msgspec.structs.replace(draft, subject=now.subject, key=key, first=first)
            if replaces:
                sessions.end_one(self._database, self._clock.now(), self.connection, replaces, "replaced")
            number = sessions.add(self._database, self.connection, session)
            told = msgspec.structs.replace(attempt, session=number, key=session.key, subject=session.person)
            attempts.add(self._database, self.connection, told)
            if pilot:
                steps.note_pilot(self._database, self._clock.now(), self.connection, draft.door, now.subject)
        return msgspec.structs.replace(session, number=number)

    def _told_to_go(self, draft: SessionRecord) -> str | None:
        """Why the person was told to go after they were sent to the provider; some providers date tokens back."""
        person, vouched_at = draft.person, max(draft.issued_at, draft.asked_at)
        token = Who(iss=draft.iss, sub=draft.sub, sid=draft.sid, mail=draft.mail, client=draft.client)
        for who in (token, Who(iss=person.issuer, sub=person.id, client=draft.client)):
            because = revocations.find(self._database, self.connection, who, issued_at=vouched_at)
            if because is not None:
                return because
        return None

    def note_attempt(self, attempt: AttemptRecord, *, noise: bool = False) -> int:
        """Keep an attempt that came to no session; its number. ``noise``: it belongs to no sign-in of ours."""
        with self._database.transaction():
            return attempts.add(self._database, self.connection, attempt, noise=noise)

    def attempts(self, door: Door | None = None, limit: int = 50) -> list[AttemptRecord]:
        """The newest attempts first."""
        return attempts.latest(self._database, self.connection, door, limit)

    def attempts_after(self, number: int, door: Door | None = None, limit: int = 500) -> list[AttemptRecord]:
        """Attempts that came after the one of a number, the oldest first."""
        return attempts.after(self._database, self.connection, door, number, limit)

    def latest_attempt(self, door: Door, purpose: Purpose, code: str) -> AttemptRecord | None:
        """The newest attempt at a door that was made for that and came to that."""
        return attempts.latest_of(self._database, self.connection, door, purpose, code)

    # -- sessions -----------------------------------------------------------------------------------------------------

    def session(self, id: str) -> SessionRecord | None:
        """The session of a token's hash, with the state of its account as it is now."""
        return sessions.find(self._database, self.connection, id)

    def sessions(self, *, ended: bool = False, limit: int = 1_000) -> list[SessionRecord]:
        """The newest sessions first; ``ended``: also those that are over."""
        return sessions.latest(self._database, self.connection, self._clock.now(), ended=ended, limit=limit)

    def note_seen(self, id: str) -> None:
        """Note that something was done in a session."""
        with self._database.transaction():
            sessions.note_seen(self._database, self.connection, id, self._clock.now())

    def claim_asking(self, session: SessionRecord) -> bool:
        """Note that the provider is being asked about a session; ``False`` when somebody else does it already."""
        with self._database.transaction():
            return sessions.claim_asking(self._database, self.connection, session, self._clock.now())

    def reseal(self, id: str, sealed: bytes) -> None:
        """Replace what only the browser can open."""
        with self._database.transaction():
            sessions.reseal(self._database, self.connection, id, sealed)

    def has_sessions(self, whom: Whom) -> bool:
        """Whether there was ever such a session, as far as it is kept."""
        return sessions.any_of(self._database, self.connection, whom)

    def end_session(self, id: str, because: str) -> int:
        """End one session; how many it was, which is none for one that is over."""
        with self._database.transaction():
            return sessions.end_one(self._database, self._clock.now(), self.connection, id, because)

    def end_sessions(self, whom: Whom, because: str) -> int:
        """End sessions, and keep sign-ins that are still under way from coming to one; how many sessions there were."""
        with self._database.transaction():
            return self._end(whom, because, self._clock.now())

    def _end(self, whom: Whom, because: str, now: datetime) -> int:
        told: list[Who] = []
        if whom.sub or whom.sid or whom.mail or (whom.everybody and whom.door is None):
            told.append(Who(iss=whom.iss, sub=whom.sub, sid=whom.sid, mail=whom.mail, client=whom.client))
        if whom.person is not None:
            told.append(Who(iss=whom.person.issuer, sub=whom.person.id, client=whom.client))
        for who in told:
            before = whom.began_by or now
            revocations.note(self._database, now, self.connection, who, before=before, because=because)
        return sessions.end(self._database, now, self.connection, whom, because)

    # -- what providers say -------------------------------------------------------------------------------------------

    def hear(self, door: Door, event: SignalEvent, whom: tuple[Whom, ...], because: str) -> int | None:
        """Note a verified message and end whom it is about, in one transaction; ``None``: it was heard before."""
        now = self._clock.now()
        with self._database.transaction():
            if event.id and not heard.note(self._database, self.connection, event, now):
                heard.spoke(self._database, self.connection, door, event.channel, now, ended=False)
                return None
            ended = sum(self._end(each, because, now) for each in whom)
            heard.spoke(self._database, self.connection, door, event.channel, now, ended=ended > 0)
            facts = {"door": door, "channel": event.channel, "kind": event.kind, "ended": ended}
            events.append(self._database, now, self.connection, "", "signal.heard", facts)
            return ended

    def note_poll(self, door: Door, *, problem: str = "") -> bool:
        """Note that a transmitter was asked for events, and by its code what kept it from answering, if anything did.

        Whether that is news, which is in the chain then.
        """
        now = self._clock.now()
        with self._database.transaction():
            news = heard.polled(self._database, self.connection, door, now, answered=not problem)
            if news:
                kind = "signals.unreachable" if problem else "signals.reachable"
                events.append(self._database, now, self.connection, "", kind, {"door": door, "code": problem})
        return news

    def spoke(self, door: Door, channel: Channel, *, ended: bool = False) -> None:
        """Note that a channel works."""
        with self._database.transaction():
            heard.spoke(self._database, self.connection, door, channel, self._clock.now(), ended=ended)

    def channels(self) -> list[ChannelRecord]:
        """When each channel of each door last spoke."""
        return heard.channels(self._database, self.connection)

    # -- pins ---------------------------------------------------------------------------------------------------------

    def pinned(self, issuer: str) -> Pinned | None:
        """What is pinned of a provider."""
        return pins.find(self._database, self.connection, issuer)

    def pin(self, seen: Pinned) -> None:
        """Pin what was seen of a provider."""
        with self._database.transaction():
            pins.save(self._database, self.connection, seen)
            events.append(self._database, self._clock.now(), self.connection, "", "provider.pinned", {})

    def unpin(self, issuer: str) -> bool:
        """Let the next look at a provider pin what it sees; whether anything was pinned."""
        with self._database.transaction():
            return pins.forget(self._database, self.connection, issuer)

    # -- how far doors are rolled out ---------------------------------------------------------------------------------

    def move(self, door: Door, to: Step, *, before: Step, by: str, reason: str = "") -> StepRecord:
        """Move a door from one step to another; at the first step nobody is inside.

        Raises :class:`crosskey.errors.StaleError` when somebody else moved it meanwhile.
        """
        now = self._clock.now()
        with self._database.transaction():
            moved = steps.move(self._database, now, self.connection, door, to, before=before, by=by, reason=reason)
            if to == "test":
                self._end(Whom(door=door, everybody=True), "door-testing", now)
        return moved

    def pilots(self, door: Door, since: datetime) -> Collection[Subject]:
        """Who of a door's pilot came in since then."""
        return steps.pilots(self._database, self.connection, door, since)

    def prove(self, proven: BreakGlass) -> None:
        """Keep that the desk's own sign-in lets an account in that no sync touches."""
        with self._database.transaction():
            steps.prove(self._database, self.connection, proven)
