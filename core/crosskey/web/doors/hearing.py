"""What providers send to end sessions: back-channel logout, security events, revocations. For programs, not people."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.responses import Response

from crosskey.connector.sso import SignalMessage
from crosskey.sso.signals import SignalReply
from crosskey.web.doors.answering import Asked

__all__ = ("back_channel", "security_events", "token_revocation")

_LARGEST = 128 * 1024


async def back_channel(asked: Asked) -> Response:
    """A logout token in a form (OpenID Connect Back-Channel Logout 1.0 §2.5)."""
    body = await asked.body(_LARGEST)
    found = parse_qs(body.decode("latin-1"), max_num_fields=16).get("logout_token", [])
    token = found[0] if len(found) == 1 else ""
    return await _told(asked, SignalMessage(channel="back-channel", token=token))


async def security_events(asked: Asked) -> Response:
    """A security event token as the body (RFC 8935 §2)."""
    body = await asked.body(_LARGEST)
    authorization = asked.request.headers.get("authorization", "")
    token = body.decode("latin-1").strip()
    return await _told(asked, SignalMessage(channel="security-event", token=token, authorization=authorization))


async def token_revocation(asked: Asked) -> Response:
    """Whom to sign out everywhere, as JSON, with a bearer token (draft-parecki-oauth-global-token-revocation)."""
    body = await asked.body(_LARGEST)
    scheme, _, token = asked.request.headers.get("authorization", "").partition(" ")
    message = SignalMessage(
        channel="token-revocation",
        token=token.strip() if scheme.lower() == "bearer" else "",
        endpoint=asked.door.keeper.addresses.token_revocation,
        body=body,
    )
    return await _told(asked, message)


async def _told(asked: Asked, message: SignalMessage) -> Response:
    reply: SignalReply = await asked.door.keeper.hear(message)
    if reply.look:
        asked.hall.look()
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(reply.body, reply.status, headers, reply.content_type if reply.body else None)
