"""Who loses what when a provider says so: sessions end at once, and what the directory says is looked at afterwards."""

from __future__ import annotations

from typing import Final

import msgspec

from crosskey.connector.reasons import AREAS, REASONS
from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import SignalChannel, SignalEvent
from crosskey.journal import Whom
from crosskey.model import Subject
from crosskey.sso.sessions import mail_of

__all__ = ("SignalReply", "accepted", "refused", "whom_it_ends")

_OF_TOKENS: Final = frozenset(
    reason.code for area in ("The shape of a token", "What a token says", "Metadata and keys") for reason in AREAS[area]
)
# Names of errors in the answer to a pushed SET (RFC 8935 §2.4).
_NAMES: Final = {
    "signal-unauthorized": "authentication_failed",
    "signal-refused": "access_denied",
    "iss-mismatch": "invalid_issuer",
    "aud-mismatch": "invalid_audience",
    "aud-untrusted": "invalid_audience",
    "key-unknown": "invalid_key",
    "key-ambiguous": "invalid_key",
    "signature-invalid": "invalid_key",
    "alg-refused": "invalid_key",
}


class SignalReply(msgspec.Struct, frozen=True, kw_only=True):
    """What to answer to a provider, always with ``Cache-Control: no-store``; ``look`` are people to read again soon.

    ``code`` is ``ended``, ``heard``, ``repeated`` or a reason, for logs and metrics.
    """

    status: int
    code: str
    body: bytes = b""
    content_type: str = "application/json"
    look: frozenset[Subject] = frozenset()


def whom_it_ends(event: SignalEvent) -> tuple[Whom, ...]:
    """Whose sessions a verified event ends: only those that began before it, and for a logout only of its client.

    Somebody named by session *and* person loses that session of that person. A person named by the id that the sync
    knows loses every session; one named by mail only those that this issuer vouched for.
    """
    if not event.ends:
        return ()
    narrow = Whom(client=event.client_id, began_by=event.at)
    if event.sid:
        return (msgspec.structs.replace(narrow, iss=event.issuer, sub=event.sub, sid=event.sid),)
    if event.email:
        return (msgspec.structs.replace(narrow, iss=event.issuer, mail=mail_of(event.email)),)
    found = [msgspec.structs.replace(narrow, iss=event.issuer, sub=event.sub)] if event.sub else []
    if event.subject is not None:
        found.append(msgspec.structs.replace(narrow, person=event.subject))
    return tuple(found)


def accepted(event: SignalEvent, ended: int | None) -> SignalReply:
    """The answer to a message that was believed; ``ended`` is how many sessions did, ``None`` for one heard before."""
    status = {"back-channel": 200, "front-channel": 200, "security-event": 202, "token-revocation": 204}[event.channel]
    code = "repeated" if ended is None else "ended" if ended else "heard"
    look = frozenset({event.subject} if event.look and event.subject is not None else ())
    return SignalReply(status=status, code=code, look=look)


def refused(channel: SignalChannel, error: SsoRefused) -> SignalReply:
    """The answer to a message that was not believed, in the words of its channel."""
    status = REASONS[error.code].status
    if channel == "token-revocation":
        status = 401 if error.code in _OF_TOKENS else status
        return SignalReply(status=status, code=error.code)
    if channel == "back-channel":
        body = {"error": "invalid_request", "error_description": error.code}
        return SignalReply(status=status if status >= 500 else 400, code=error.code, body=msgspec.json.encode(body))
    status = status if error.code == "signal-unauthorized" or status >= 500 else 400
    body = {"err": _NAMES.get(error.code, "invalid_request"), "description": error.code}
    return SignalReply(status=status, code=error.code, body=msgspec.json.encode(body))
