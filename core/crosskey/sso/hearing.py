"""What a provider sends to end sessions: verified like every token, and read into one kind of event.

A message can end and ask for a second look; whatever it says, nothing here begins, enables or links anything.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import Provider, SignalEvent, SignalMessage
from crosskey.settings import Secret
from crosskey.sso.dialect import Dialect
from crosskey.sso.keys import KeyRing
from crosskey.sso.strict_json import NotStrict, strict_object
from crosskey.sso.subjects import Named, read_subject
from crosskey.sso.token import LEEWAY, TokenKind, TokenRules, Verified, number, require_subject, verify_token

if TYPE_CHECKING:
    from crosskey.sso.oidc import OidcClient
    from crosskey.sso.provider import OpenProvider

__all__ = ("SignalSettings", "hear_signal")

_LOGOUT: Final = "http://schemas.openid.net/event/backchannel-logout"
_FAMILIES: Final = ("caep", "risc", "ssf", "sse")
_OLDEST: Final = timedelta(minutes=10)
"""How long a logout token may have been on its way (Back-Channel Logout 1.0 §2.6 leaves it to us)."""
_LONGEST: Final = timedelta(minutes=5)
"""How long the bearer of a token revocation may live."""
_LARGEST: Final = 64 * 1024

_ENDS: Final = frozenset(
    {
        "session-revoked",
        "sessions-revoked",
        "account-disabled",
        "account-purged",
        "account-credential-change-required",
        "credential-compromise",
    }
)
"""Events (CAEP, RISC) after which nobody stays inside. Those that depend on what they say are in :func:`_ends`."""
_ANSWERED: Final = frozenset({"verification", "stream-updated"})


class SignalSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a transmitter of security events is known; what is empty is as for sign-in tokens.

    ``authorization`` is what it must send in the header of a push: without it none is taken. ``stream`` is the id of
    the stream, where only messages of one are to be believed.
    """

    issuer: str = ""
    audience: str = ""
    keys_url: str = ""
    authorization: Secret | None = None
    stream: str = ""


async def hear_signal(
    message: SignalMessage, client: OidcClient, dialect: Dialect, provider: OpenProvider, now: datetime
) -> SignalEvent:
    """Verify and read one message. Raises :class:`SsoRefused`."""
    ear = _Ear(client, dialect, provider, await provider.metadata(), now)
    if message.channel == "back-channel":
        return await ear.logout(message.token)
    if message.channel == "token-revocation":
        return await ear.revocation(message)
    if message.channel == "security-event":
        _require_authorization(message, client.signals.authorization)
        return await ear.event(message.token)
    raise SsoRefused("signal-body", "nothing is signed in this channel")


def _require_authorization(message: SignalMessage, secret: Secret | None) -> None:
    if message.polled:
        return
    said = message.authorization.encode()
    wanted = secret.reveal().encode() if secret is not None else b""
    if not wanted or not (hmac.compare_digest(said, wanted) or hmac.compare_digest(said, b"Bearer " + wanted)):
        raise SsoRefused("signal-unauthorized")


class _Ear:
    """One message's turn."""

    def __init__(
        self, client: OidcClient, dialect: Dialect, provider: OpenProvider, metadata: Provider, now: datetime
    ) -> None:
        self._client = client
        self._dialect = dialect
        self._provider = provider
        self._metadata = metadata
        self._now = now

    async def logout(self, text: str) -> SignalEvent:
        """A logout token (OpenID Connect Back-Channel Logout 1.0 §2.6)."""
        token = await self._verify(text, "logout", audience=self._client.client_id)
        claims = token.claims
        _one_event(claims, _LOGOUT)
        if "nonce" in claims:
            raise SsoRefused("signal-nonce")
        if self._now - token.issued_at > _OLDEST:
            raise SsoRefused("signal-stale")
        sub = require_subject(claims) if "sub" in claims else ""
        sid = claims.get("sid", "")
        if not isinstance(sid, str) or not (sub or sid):
            raise SsoRefused("signal-subject", "it names neither a person nor a session")
        return SignalEvent(
            channel="back-channel",
            kind="logout",
            id=_id(claims),
            issuer=token.issuer,
            client_id=self._client.client_id,
            at=token.issued_at,
            sub=sub,
            sid=sid,
        )

    async def event(self, text: str) -> SignalEvent:
        """A security event token (RFC 8417), one event each."""
        signals = self._client.signals
        token = await self._verify(
            text,
            "event",
            audience=signals.audience or self._client.client_id,
            issuer=signals.issuer,
            keys_url=signals.keys_url,
        )
        uri, said = _one_event(token.claims)
        family, _, kind = uri.removeprefix("https://schemas.openid.net/secevent/").partition("/event-type/")
        kind = kind if family in _FAMILIES else "unknown"
        named = read_subject(token.claims.get("sub_id", said.get("subject")))
        if kind in _ANSWERED:
            return self._answered(token, kind, named, said)
        event = self._about(token, named, kind=kind, at=self._when(token, said), ends=_ends(kind, said))
        return msgspec.structs.replace(event, id=_id(token.claims))

    async def revocation(self, message: SignalMessage) -> SignalEvent:
        """A token revocation (draft-parecki-oauth-global-token-revocation): who asks, then whom it is about."""
        if not message.token:
            raise SsoRefused("signal-unauthorized", "no bearer token came")
        token = await self._verify(message.token, "revocation", audience=message.endpoint)
        if token.claims.get("sub") != self._client.client_id:
            raise SsoRefused("signal-refused", "the bearer is not for this client")
        ends = number(token.claims.get("exp")) or 0.0
        if ends - token.issued_at.timestamp() > (_LONGEST + LEEWAY).total_seconds():
            raise SsoRefused("signal-refused", "the bearer lives too long")
        try:
            body = strict_object(message.body, most=_LARGEST)
        except NotStrict as error:
            raise SsoRefused("signal-body", f"the body: {error}") from None
        named = read_subject(body.get("sub_id"))
        if not named.known:
            raise SsoRefused("signal-subject", "it names somebody in a way that is not understood")
        event = self._about(token, named, kind="token-revocation", at=token.issued_at, ends=True)
        id_ = _id(token.claims) if "jti" in token.claims else ""
        return msgspec.structs.replace(event, channel="token-revocation", id=id_)

    async def _verify(
        self, text: str, kind: TokenKind, *, audience: str, issuer: str = "", keys_url: str = ""
    ) -> Verified:
        rules = TokenRules(
            kind=kind,
            algorithms=self._client.algorithms,
            issuer=lambda claims: issuer or self._dialect.token_issuer(self._metadata, claims),
            audience=audience,
            narrow=self._dialect.key_fits,
        )
        keys: KeyRing = self._provider.keys(keys_url or self._metadata.jwks_uri)
        return await verify_token(text, rules, keys, self._now)

    def _answered(self, token: Verified, kind: str, named: Named, said: dict[str, Any]) -> SignalEvent:
        """What is only to be acknowledged: a test of the stream, or that it was switched."""
        if self._client.signals.stream and named.opaque != self._client.signals.stream:
            raise SsoRefused("signal-refused", "of another stream")
        state = said.get("state", "")
        return SignalEvent(
            channel="security-event",
            kind=kind,
            id=_id(token.claims),
            issuer=token.issuer,
            client_id=self._client.client_id,
            at=token.issued_at,
            state=state[:1024] if isinstance(state, str) else "",
            ends=False,
        )

    def _about(self, token: Verified, named: Named, *, kind: str, at: datetime, ends: bool) -> SignalEvent:
        """An event about somebody; one of another issuer, or named in an unknown way, concerns nobody here."""
        ours = named.known and named.iss in ("", token.issuer, self._metadata.issuer, self._dialect.people)
        someone = ours and bool(named.sub or named.sid or named.email)
        return SignalEvent(
            channel="security-event",
            kind=kind,
            id="",
            issuer=token.issuer,
            client_id="",
            at=at,
            subject=self._dialect.signalled(named.sub) if ours and named.sub else None,
            sub=named.sub if ours else "",
            sid=named.sid if ours else "",
            email=named.email if ours else "",
            ends=ends and someone,
            look=someone,
        )

    def _when(self, token: Verified, said: dict[str, Any]) -> datetime:
        """When it happened: in seconds as the standard has it, or in milliseconds; never later than now."""
        value = said.get("event_timestamp", token.claims.get("toe"))
        milliseconds = isinstance(value, int | float) and value > 10**11
        at = number(cast("float", value) / 1000 if milliseconds else value)
        happened = token.issued_at if at is None else datetime.fromtimestamp(at, UTC)
        return min(happened, self._now)


def _one_event(claims: dict[str, Any], wanted: str = "") -> tuple[str, dict[str, Any]]:
    """The one event of a token and what it says. Raises :class:`SsoRefused` for none, several, or another one."""
    events = claims.get("events")
    if not isinstance(events, dict) or len(cast("dict[str, Any]", events)) != 1:
        raise SsoRefused("signal-events", "it holds no event, or several")
    uri, said = next(iter(cast("dict[str, Any]", events).items()))
    if (wanted and uri != wanted) or not isinstance(said, dict):
        raise SsoRefused("signal-events", "it holds an event of another kind")
    return uri, cast("dict[str, Any]", said)


def _id(claims: dict[str, Any]) -> str:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti or len(jti) > 255:
        raise SsoRefused("signal-id")
    return jti


def _ends(kind: str, said: dict[str, Any]) -> bool:
    """Whether an event ends sessions. One that says only that something was added or got better does not."""
    if kind == "credential-change":
        return said.get("change_type") in ("revoke", "update", "delete")
    if kind == "assurance-level-change":
        return said.get("change_direction") == "decrease"
    if kind == "device-compliance-change":
        return said.get("current_status") == "not-compliant"
    return kind in _ENDS
