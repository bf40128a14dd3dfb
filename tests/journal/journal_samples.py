"""Invented people and changes for the journal's tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from crosskey.connector.sso import MfaEvidence
from crosskey.journal import AttemptRecord, Doorbook, Journal, JournalWriter, SessionRecord
from crosskey.model import Subject
from crosskey.plan import Change, FieldChange, Outcome, PlanHeader, ReferenceChange
from fake_clock import FakeClock

CONNECTION = "desk"
ISSUER = "https://acme.example.com"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SETTLE = timedelta(seconds=120)


def subject(number: int, issuer: str = ISSUER) -> Subject:
    return Subject(issuer, f"00u{number:04d}")


def create(number: int, *, kind: str = "user", references: dict[str, tuple[str, ...]] | None = None) -> Change:
    return Change(
        id=f"{kind}:{number}",
        action="create",
        kind=kind,
        subject=subject(number),
        label=f"Person {number}",
        marker=f"ck-{number}",
        active=FieldChange(False, True),
        fields={"emailaddress": FieldChange(None, f"p{number}@example.com")},
        references={name: ReferenceChange((), ids) for name, ids in (references or {}).items()},
        why={"": "in All Staff"},
    )


def change(number: int, action: str, key: str, *, tag: str = "", **parts: object) -> Change:
    return Change(
        id=f"user:{number}{tag}", action=action, kind="user", subject=subject(number), label="Ann", key=key, **parts
    )


def applied(one: Change, key: str | None = None) -> Outcome:
    return Outcome(change=one.id, result="applied", key=key)


def writing(path: Path, clock: FakeClock, connection: str = CONNECTION) -> JournalWriter:
    return JournalWriter.open(path, clock=clock, connection=connection)


def start(journal: JournalWriter, kind: str = "sync") -> str:
    return journal.start_run(
        kind, trigger="command", config_digest="sha-1", config_text="[sync]", plugins={"okta": "crosskey 0.1"}
    )


def apply(journal: JournalWriter, one: Change, key: str | None = None, *, run: str | None = None) -> str:
    """Intend and record one change as applied, in a run of its own unless told."""
    run = run or start(journal)
    journal.intend(run, [one], settle=SETTLE)
    journal.record(run, [one], [applied(one, key)])
    return run


def header(journal: Journal, run: str, id: str = "plan-1", **parts: object) -> PlanHeader:
    return PlanHeader(
        id=id,
        run=run,
        lineage=journal.lineage,
        serial=journal.serial,
        config_digest="sha-1",
        created_at=START,
        expires_at=START + timedelta(hours=1),
        **parts,
    )


def sign_in(path, clock, number, kind="user"):
    """Open a session of somebody's account; its id."""
    now, id_ = clock.now(), f"session-{kind}-{number}"
    draft = SessionRecord(
        id=id_,
        door="portal",
        flow="synthetic",
        subject=subject(number),
        kind=kind,
        key="",
        person=subject(number),
        iss=ISSUER,
        sub=subject(number).id,
        sid="",
        client="desk",
        mail="",
        mfa=MfaEvidence(verdict="unasked"),
        authenticated_at=None,
        issued_at=now,
        begun_at=now,
        seen_at=now,
        ends_at=now + timedelta(hours=8),
        idle=timedelta(hours=1),
        asked_at=now,
    )
    attempt = AttemptRecord(door="portal", at=now, code="signed-in", reference=id_)
    with Doorbook.noting(path, clock=clock, connection="desk") as book:
        book.admit(draft, attempt, lambda _standing, _because: None)
    return id_
