"""Asking the provider whether it still stands by a session that is in use.

Whoever was switched off there gets no new token: a leaver is found out within minutes, whatever signal was lost.
"""

from __future__ import annotations

from crosskey.clock import Clock
from crosskey.config import DoorSection
from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import RefreshesLogins, SsoFlow
from crosskey.errors import CrosskeyError
from crosskey.journal import Doorbook, SessionRecord
from crosskey.settings import Secret
from crosskey.sso.sessions import Kept, kept_of

__all__ = ("ask_again", "is_due")

_ENDS = frozenset({"refresh-refused", "refresh-mismatch"})


def is_due(section: DoorSection, session: SessionRecord, clock: Clock) -> bool:
    """Whether the provider has not been asked about a session for too long."""
    return clock.now() - session.asked_at >= section.rules.heartbeat


async def ask_again(flow: SsoFlow, book: Doorbook, session: SessionRecord, session_ticket: str) -> None:
    """Ask; one request at a time for each session, for a refresh token may be good for one use only.

    Raises :class:`SsoRefused` when the provider stands by it no longer: the session has ended then. A provider that
    cannot be asked ends nothing: the session's own limits do.
    """
    kept = kept_of(session, session_ticket)
    if not kept.refresh_token or not isinstance(flow, RefreshesLogins) or not book.claim_asking(session):
        return
    try:
        refreshed = await flow.refresh(
            Secret(kept.refresh_token), subject=session.person, issuer=session.iss, sub=session.sub
        )
    except CrosskeyError as error:
        if isinstance(error, SsoRefused) and error.code in _ENDS:
            book.end_session(session.id, error.code)
            book.spoke(session.door, "refresh", ended=True)
            raise
        return
    book.spoke(session.door, "refresh")
    if refreshed.refresh_token is not None:
        renewed = Kept(
            id_token=kept.id_token,
            refresh_token=refreshed.refresh_token.reveal(),
            logout_hint=kept.logout_hint,
        )
        book.reseal(session.id, renewed.sealed(session_ticket))
