"""What a token must be to be believed: its kind, its signature, and every claim that decides something.

One place verifies all tokens: ID tokens, logout tokens, security event tokens and the bearer of a token revocation. A
token of one kind is none of another (RFC 8725 §3.11), however well it is signed.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, cast

import msgspec

from crosskey.connector.refusal import SsoRefused
from crosskey.sso.jws import ALGORITHMS, Parsed, parse_token, verify_signature
from crosskey.sso.keys import KeyRing, PublicKey

__all__ = (
    "LEEWAY",
    "TokenKind",
    "TokenRules",
    "Verified",
    "number",
    "require_sign_in",
    "require_subject",
    "verify_token",
)

LEEWAY: Final = timedelta(seconds=60)
"""How far the clocks of provider and door may be apart."""
STALE: Final = timedelta(minutes=10)
"""How long before its sign-in began an ID token may have been made: some providers date theirs back by five minutes."""

TokenKind = Literal["id", "logout", "event", "revocation"]

_TYPES: Final[dict[TokenKind, frozenset[str]]] = {
    "id": frozenset({"", "jwt"}),
    "logout": frozenset({"", "jwt", "logout+jwt"}),  # OpenID Connect Back-Channel Logout §2.4
    "event": frozenset({"secevent+jwt"}),  # RFC 8417 §2.3, Shared Signals Framework 1.0 §4.1
    "revocation": frozenset({"global-token-revocation+jwt"}),  # draft-parecki-oauth-global-token-revocation
}
_LONGEST_SUB: Final = 255  # OpenID Connect Core §2


class TokenRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a token of one provider for one client must say.

    ``issuer`` gives the one issuer that it must be of, told its claims: a provider of several tenants writes the tenant
    into it. ``trusted`` are further audiences that it may be for. ``narrow`` limits which keys may have signed it.
    """

    kind: TokenKind
    algorithms: frozenset[str]
    issuer: Callable[[dict[str, Any]], str]
    audience: str
    trusted: frozenset[str] = frozenset()
    narrow: Callable[[PublicKey, str], bool] = lambda key, issuer: not key.issuer or key.issuer == issuer


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A token that its issuer made for us, in time. What it is used for has checks of its own."""

    alg: str
    claims: dict[str, Any]
    issuer: str
    issued_at: datetime


async def verify_token(text: str, rules: TokenRules, keys: KeyRing, now: datetime) -> Verified:
    """Believe a token. Raises :class:`SsoRefused` with the first thing that is wrong with it."""
    parsed = parse_token(text)
    _require_type(parsed, rules.kind)
    if parsed.alg not in rules.algorithms & ALGORITHMS:
        raise SsoRefused("alg-refused", f"signed with {parsed.alg[:20]}, not {', '.join(sorted(rules.algorithms))}")
    issuer = rules.issuer(parsed.claims)
    key = await keys.find(parsed, lambda each: rules.narrow(each, issuer))
    verify_signature(parsed, key.key)
    _require_issuer(parsed.claims, issuer)
    _require_audience(parsed.claims, rules)
    issued_at = _require_time(parsed.claims, rules.kind, now)
    return Verified(alg=parsed.alg, claims=parsed.claims, issuer=issuer, issued_at=issued_at)


def _require_type(parsed: Parsed, kind: TokenKind) -> None:
    said = parsed.header.get("typ", "")
    if not isinstance(said, str):
        raise SsoRefused("typ-refused", "the type is no text")
    if said.lower().removeprefix("application/") not in _TYPES[kind]:
        raise SsoRefused("typ-refused", f"of the type {said[:40]}" if said else "without a type")


def _require_issuer(claims: dict[str, Any], issuer: str) -> None:
    said = claims.get("iss")
    if said != issuer:
        raise SsoRefused("iss-mismatch", f"of {str(said)[:200]}, not {issuer}" if said else "without an issuer")


def _require_audience(claims: dict[str, Any], rules: TokenRules) -> None:
    said = claims.get("aud")
    audiences = cast("list[object]", said) if isinstance(said, list) else [said]
    if rules.audience not in audiences:
        raise SsoRefused("aud-mismatch", "for another audience")
    others = [each for each in audiences if each != rules.audience]
    if any(not isinstance(each, str) or each not in rules.trusted for each in others):
        raise SsoRefused("aud-untrusted", "for a further audience that nobody trusts")
    azp = claims.get("azp")
    if azp is not None and azp != rules.audience:
        raise SsoRefused("azp-mismatch", "given to another client")
    if others and azp is None:
        raise SsoRefused("azp-mismatch", "for several audiences, and none of them says that it is its own")


def _require_time(claims: dict[str, Any], kind: TokenKind, now: datetime) -> datetime:
    """When the token was made; refused where it is not valid now. Only security event tokens never end."""
    seconds = now.timestamp()
    leeway = LEEWAY.total_seconds()
    issued = number(claims.get("iat"))
    if issued is None or issued > seconds + leeway:
        raise SsoRefused("iat-invalid", _apart(issued, seconds))
    ends = number(claims.get("exp"))
    if kind == "event":
        if "exp" in claims:
            raise SsoRefused("signal-exp")
    elif ends is None:
        raise SsoRefused("exp-invalid")
    elif ends <= seconds - leeway:
        raise SsoRefused("token-expired", _apart(ends, seconds))
    if "nbf" in claims:
        begins = number(claims["nbf"])
        if begins is None or begins > seconds + leeway:
            raise SsoRefused("nbf-future", _apart(begins, seconds))
    return datetime.fromtimestamp(issued, UTC)


def number(value: object) -> float | None:
    """The value as a number of seconds that a date can be made of; ``None`` for whatever else it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 2**33 else None


def _apart(said: float | None, now: float) -> str:
    return "it says no usable time" if said is None else f"it says a time {said - now:+.0f} s from now"


def require_subject(claims: dict[str, Any]) -> str:
    """The token's ``sub``. Raises :class:`SsoRefused` where it is no name that tells people apart."""
    sub = claims.get("sub")
    if not isinstance(sub, str) or not sub.strip() or len(sub) > _LONGEST_SUB:
        raise SsoRefused("sub-invalid")
    return sub


def require_sign_in(verified: Verified, *, nonce: str, asked_at: datetime, max_age: int | None, now: datetime) -> None:
    """Raise :class:`SsoRefused` unless an ID token belongs to the sign-in that was begun then, with that nonce.

    Whatever a token says about not supporting nonces: one was sent, so one must come back.
    """
    said = verified.claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise SsoRefused("nonce-mismatch", "it holds another nonce" if said else "it holds no nonce")
    if verified.issued_at < asked_at - STALE:
        raise SsoRefused("iat-stale", f"made {(asked_at - verified.issued_at).total_seconds():.0f} s before")
    if max_age is not None:
        signed_in = number(verified.claims.get("auth_time"))
        if signed_in is None or signed_in < now.timestamp() - max_age - LEEWAY.total_seconds():
            raise SsoRefused("auth-time-stale", _apart(signed_in, now.timestamp()))
