"""Everybody is inside by a door while somebody leaves: whom the desk has switched off must be out, whatever was hit."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from crosskey.clock import SystemClock
from crosskey.connector.sso import MfaEvidence
from crosskey.journal import AttemptRecord, Doorbook, SessionRecord
from crosskey.sso.linking import require_account
from crosskey.sso.tickets import fingerprint, ticket
from proofs.crash.vendors import Facts

__all__ = ("everybody_inside", "still_inside")

_CONNECTION = "desk"


def everybody_inside(journal: Path) -> None:
    """Open a session for each account that is on, as the doors do."""
    clock = SystemClock()
    now = clock.now()
    with Doorbook.noting(journal, clock=clock, connection=_CONNECTION) as book:
        for link in [link for link in book.all_links() if link.active]:
            draft = SessionRecord(
                id=fingerprint(ticket()),
                door="agents" if link.kind == "agent" else "portal",
                flow="oidc",
                subject=link.subject,
                kind=link.kind,
                key="",
                person=link.subject,
                iss=link.subject.issuer,
                sub=link.subject.id,
                sid="",
                client="door",
                mail="",
                mfa=MfaEvidence(verdict="unasked"),
                authenticated_at=now,
                issued_at=now,
                begun_at=now,
                seen_at=now,
                ends_at=now + timedelta(hours=10),
                idle=timedelta(hours=2),
                asked_at=now,
            )
            attempt = AttemptRecord(door=draft.door, at=now, code="signed-in", reference="proof")
            book.admit(draft, attempt, require_account)


def still_inside(journal: Path, facts: Facts) -> list[str]:
    """Who is inside, or could come in, though the desk has their account switched off; who is out though it is on.

    It looks as `crosskey serve` does, before anything has recovered.
    """
    marked = {(kind, mark): key for kind, mark, key in facts.marks}
    off = {(row[0], marked[row[0], row[1]]) for row in facts.image if row[-1] == "True"}
    with Doorbook.noting(journal, clock=SystemClock(), connection=_CONNECTION) as book:
        inside = {(session.kind, session.key) for session in book.sessions() if session.account_active}
        links = {(link.kind, link.key): link for link in book.all_links()}
        wrong = [f"{kind} {key} is off at the desk, and still inside" for kind, key in sorted(off & inside)]
        for kind, key in sorted(off & links.keys()):
            if book.standing(links[kind, key].subject, kind).active:
                wrong.append(f"{kind} {key} is off at the desk, and could sign in")
        leaving = {(each.change.kind, each.change.key) for each in book.unresolved()}
        leaving |= {key for key, link in links.items() if not link.active}
        wrong += [f"{kind} {key} is out, and nobody leaves" for kind, key in sorted(links.keys() - inside - leaving)]
    return wrong
