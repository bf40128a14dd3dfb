"""Signed tokens: taken apart by our own rules, their signature verified by joserfc. Compact form only."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode
from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from crosskey.connector.refusal import SsoRefused
from crosskey.sso.strict_json import NotStrict, strict_object
from crosskey.sso.tickets import base64url

__all__ = ("ALGORITHMS", "LARGEST", "Parsed", "parse_token", "verify_signature")

LARGEST: Final = 64 * 1024
"""Characters of a token. One with the most groups that a provider puts in is a quarter of that."""

ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"})
"""Whatever a provider's metadata says: never ``none``, and no secret that two parties share."""

_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """A token taken apart; nothing in it is to be believed yet."""

    text: str
    header: dict[str, Any]
    claims: dict[str, Any]
    alg: str
    kid: str | None


def parse_token(text: str) -> Parsed:
    """Take a token apart. Raises :class:`SsoRefused` for what has another form than three segments of JSON.

    Keys and addresses of keys in the header are not looked at: whoever made the token put them there.
    """
    if len(text) > LARGEST:
        raise SsoRefused("token-too-large", f"{len(text)} characters")
    segments = text.split(".")
    if len(segments) == 5:
        raise SsoRefused("token-encrypted")
    if len(segments) != 3:
        raise SsoRefused("token-malformed", f"{len(segments)} segments")
    header = _object(segments[0], "header")
    claims = _object(segments[1], "payload")
    _bytes(segments[2], "signature")
    if "crit" in header or "b64" in header:  # RFC 7515 §4.1.11: whoever does not understand all of it must refuse
        raise SsoRefused("header-refused", "the header holds crit or b64")
    alg, kid = header.get("alg"), header.get("kid")
    if not isinstance(alg, str):
        raise SsoRefused("alg-refused", "the header names no algorithm")
    if kid is not None and not isinstance(kid, str):
        raise SsoRefused("header-refused", "the key's name is no text")
    return Parsed(text=text, header=header, claims=claims, alg=alg, kid=kid)


def verify_signature(parsed: Parsed, key: RSAKey | ECKey) -> None:
    """Raise :class:`SsoRefused` unless the key made the token's signature."""
    try:
        jws.deserialize_compact(parsed.text, key, registry=_registry(parsed.alg))
    except (JoseError, ValueError, TypeError) as error:
        raise SsoRefused("signature-invalid", f"the signature does not fit ({type(error).__name__})") from None


class _Registry(JWSRegistry):
    """Our sizes, not the library's: the whole token is bounded already."""

    max_header_length = LARGEST
    max_payload_length = LARGEST


def _registry(alg: str) -> JWSRegistry:
    return _Registry(algorithms=[alg], strict_check_header=False)


def _object(segment: str, part: str) -> dict[str, Any]:
    try:
        return strict_object(_bytes(segment, part), most=LARGEST)
    except NotStrict as error:
        raise SsoRefused("token-malformed", f"the {part}: {error}") from None


def _bytes(segment: str, part: str) -> bytes:
    """The bytes of a segment that is written in the one way in which it can be (RFC 7515 §2: no padding)."""
    if not _SEGMENT.fullmatch(segment):
        raise SsoRefused("token-malformed", f"the {part} is not base64url")
    try:
        content = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError):
        raise SsoRefused("token-malformed", f"the {part} is not base64url") from None
    if base64url(content) != segment:
        raise SsoRefused("token-malformed", f"the {part} is written in another way than base64url's only one")
    return content
