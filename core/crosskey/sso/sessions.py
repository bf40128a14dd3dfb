"""Sessions of a door: checked at every request against the account as the sync knows it, ended by whoever says so."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from crosskey.clock import Clock
from crosskey.config import DoorSection
from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import Identity
from crosskey.journal import Doorbook, SessionRecord
from crosskey.sso.tickets import fingerprint, is_ticket, seal, ticket, unseal

__all__ = ("Kept", "check_session", "draft_session", "kept_of", "mail_of")

_NOTED: Final = timedelta(minutes=1)
"""How exactly it is known when somebody was last seen: a write a minute, not one a request."""


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is sealed under a session's own ticket: needed to sign out and to ask the provider, of no use to others."""

    id_token: str = ""
    refresh_token: str = ""
    logout_hint: str = ""

    def sealed(self, session_ticket: str) -> bytes:
        """As the journal keeps it."""
        return seal(session_ticket, msgspec.json.encode(self))


def kept_of(session: SessionRecord, session_ticket: str) -> Kept:
    """What was sealed, or nothing where it cannot be opened."""
    content = unseal(session_ticket, session.sealed)
    return Kept() if content is None else msgspec.json.decode(content, type=Kept)


def mail_of(address: str) -> str:
    """What a session is found by when a provider names somebody by mail only to end their sessions."""
    return fingerprint(address.strip().casefold()) if address.strip() else ""


def draft_session(
    section: DoorSection, identity: Identity, clock: Clock, *, asked_at: datetime
) -> tuple[str, SessionRecord]:
    """A session for a verified person, with the ticket that goes to the browser; nobody has opened it yet.

    ``asked_at`` is when the browser was sent to the provider.
    """
    now, fresh = clock.now(), ticket()
    claims = identity.claims
    kept = Kept(
        id_token=identity.id_token.reveal() if identity.id_token else "",
        refresh_token=identity.refresh_token.reveal() if identity.refresh_token else "",
        logout_hint=str(claims.get("login_hint", "")),
    )
    return fresh, SessionRecord(
        id=fingerprint(fresh),
        door=section.door,
        flow=section.provided.value.name,
        subject=identity.subject,
        kind=section.kind,
        key="",
        person=identity.subject,
        iss=identity.issuer,
        sub=identity.sub,
        sid=identity.sid,
        client=identity.client_id,
        mail=mail_of(identity.email),
        mfa=identity.mfa,
        authenticated_at=identity.authenticated_at,
        issued_at=identity.issued_at,
        begun_at=now,
        seen_at=now,
        ends_at=now + section.lasts,
        idle=section.idle,
        asked_at=asked_at,
        sealed=kept.sealed(fresh),
    )


def check_session(
    book: Doorbook, section: DoorSection, clock: Clock, session_ticket: str, *, fresh: timedelta | None = None
) -> SessionRecord:
    """The session behind a ticket, if it still stands now. Raises :class:`SsoRefused`.

    ``fresh``: the provider must have signed the person in no longer ago, with a second factor where the door demands
    one (RFC 9470). Costs one look into the journal, and a write a minute.
    """
    if not section.rules.enabled:
        raise SsoRefused("door-off")
    session = book.session(fingerprint(session_ticket)) if is_ticket(session_ticket) else None
    if session is None:
        raise SsoRefused("session-unknown")
    now = clock.now()
    if session.door != section.door or session.kind != section.kind:
        raise SsoRefused("session-door", f"the session is of {session.door} for {session.kind}")
    if session.revoked_at is not None:
        raise SsoRefused("session-revoked", f"the session was ended: {session.revoked_because}")
    if now >= min(session.ends_at, session.begun_at + section.lasts):
        raise SsoRefused("session-over")
    if now - session.seen_at >= min(session.idle, section.idle):
        raise SsoRefused("session-idle")
    if not session.account_active:
        raise SsoRefused("session-account", f"the account {session.key} is off, or no longer the person's")
    if section.rules.mfa == "required" and session.mfa.verdict != "proven":
        raise SsoRefused("session-assurance")
    if fresh is not None and (session.authenticated_at is None or now - session.authenticated_at > fresh):
        raise SsoRefused("session-stale")
    if now - session.seen_at >= min(_NOTED, section.idle / 10):
        book.note_seen(session.id)
    return session
