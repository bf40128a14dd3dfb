"""A provider's keys: which of them may be used, which one a token means, and how often they are asked for anew."""

from __future__ import annotations

import asyncio
import math
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any, Final, cast

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from crosskey.clock import Clock
from crosskey.connector.refusal import SsoRefused
from crosskey.errors import CrosskeyError
from crosskey.sso.jws import Parsed

__all__ = ("KeyRing", "PublicKey", "choose_key", "read_keys")

COOL_DOWN: Final = timedelta(seconds=60)
"""Between two requests for keys that a token made necessary: whoever invents key names makes us ask once a minute."""
PAUSE: Final = timedelta(seconds=5)
"""Between two requests for keys that are missing or old, where the provider cannot be reached."""
FRESH: Final = timedelta(hours=1)
"""After that they are asked for anew when somebody signs in; providers rotate in an emergency at once."""
USABLE: Final = timedelta(hours=24)
"""So long a provider that cannot be reached is believed by the keys it had."""

_MOST: Final = 100
_SMALLEST_RSA: Final = 2_048
_LARGEST_RSA: Final = 8_192
"""Bits; a larger key is there to keep us busy."""
_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class PublicKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key that may be used. ``issuer`` limits it to tokens of that issuer, where the provider says so."""

    kid: str | None
    alg: str | None
    key: RSAKey | ECKey
    curve: str = ""
    issuer: str = ""

    def fits(self, alg: str) -> bool:
        """Whether the key can have made a signature of that algorithm."""
        if self.alg is not None and self.alg != alg:
            return False
        return self.curve == _CURVES.get(alg, "")


def read_keys(document: dict[str, Any]) -> list[PublicKey]:
    """The usable keys of a key set (RFC 7517). Raises :class:`SsoRefused` for what is none.

    Left out: secrets, private keys, keys for encryption, RSA keys that are too small or too large, points that are on
    no curve, and all keys that share a name with another one.
    """
    entries = document.get("keys")
    if not isinstance(entries, list) or len(cast("list[object]", entries)) > _MOST:
        raise SsoRefused("keys-invalid", "the key set holds no list of keys, or too many")
    objects = [cast("dict[str, Any]", each) for each in cast("list[object]", entries) if isinstance(each, dict)]
    usable = [key for key in map(_usable, objects) if key is not None]
    named = Counter((key.kid, key.issuer) for key in usable)
    return [key for key in usable if key.kid is None or named[key.kid, key.issuer] < 2]


def _usable(entry: dict[str, Any]) -> PublicKey | None:
    kid, alg, issuer = entry.get("kid"), entry.get("alg"), entry.get("issuer", "")
    if not all(value is None or isinstance(value, str) for value in (kid, alg, issuer)):
        return None
    uses = entry.get("key_ops", ["verify"])
    if entry.get("use", "sig") != "sig" or not isinstance(uses, list) or "verify" not in cast("list[object]", uses):
        return None
    if _PRIVATE.intersection(entry):  # whoever publishes a secret signs for everybody
        return None
    key = _public(entry)
    return None if key is None else PublicKey(kid=kid, alg=alg, key=key, curve=_curve(entry), issuer=issuer or "")


def _public(entry: dict[str, Any]) -> RSAKey | ECKey | None:
    kind = entry.get("kty")
    try:
        if kind == "RSA":
            modulus, exponent = _number(entry["n"]), _number(entry["e"])
            if not _SMALLEST_RSA <= modulus.bit_length() <= _LARGEST_RSA or exponent >= 2**32:
                return None
            key = RSAKey.import_key({name: entry[name] for name in ("kty", "n", "e")})
            key.public_key.public_numbers()  # refuses an exponent that is even or 1
            return key
        if kind == "EC" and entry.get("crv") in _CURVES.values():
            key = ECKey.import_key({name: entry[name] for name in ("kty", "crv", "x", "y")})
            key.public_key.public_numbers()
            return key
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return None


def _number(text: object) -> int:
    """A number as keys write it. Raises :class:`ValueError`."""
    if not isinstance(text, str):
        raise TypeError("a number of a key is no text")
    return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _curve(entry: dict[str, Any]) -> str:
    return str(entry["crv"]) if entry["kty"] == "EC" else ""


def choose_key(parsed: Parsed, keys: Iterable[PublicKey]) -> PublicKey | None:
    """The key that a token means; ``None`` when it is not there. Raises :class:`SsoRefused` where several would do.

    A token that names no key is taken where one fits (OpenID Connect Core §10.1).
    """
    fitting = [key for key in keys if key.fits(parsed.alg)]
    if parsed.kid is not None:
        fitting = [key for key in fitting if key.kid == parsed.kid]
    if len(fitting) > 1:
        raise SsoRefused("key-ambiguous", f"{len(fitting)} keys fit")
    return fitting[0] if fitting else None


class KeyRing:
    """The keys at one address. ``fetch`` asks for them, and may raise :class:`CrosskeyError`."""

    def __init__(self, fetch: Callable[[], Awaitable[dict[str, Any]]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: list[PublicKey] = []
        self._got_at = self._asked_at = self._forced_at = -math.inf
        self._lock = asyncio.Lock()

    async def keys(self) -> list[PublicKey]:
        """The keys as they are known now. Raises :class:`SsoRefused` where none are, or only old ones."""
        if self._age(self._got_at) >= FRESH:
            async with self._lock:
                if self._age(self._got_at) >= FRESH and self._age(self._asked_at) >= PAUSE:
                    await self._ask()
        if self._age(self._got_at) >= USABLE:
            raise SsoRefused("provider-unreachable", "the provider's keys cannot be had")
        return self._keys

    async def find(self, parsed: Parsed, narrow: Callable[[PublicKey], bool]) -> PublicKey:
        """The key that a token means, asked for once more when it is not known. Raises :class:`SsoRefused`."""
        found = choose_key(parsed, filter(narrow, await self.keys()))
        if found is None:
            async with self._lock:
                if self._age(self._forced_at) >= COOL_DOWN:
                    self._forced_at = self._clock.monotonic()
                    await self._ask()
            found = choose_key(parsed, filter(narrow, self._keys))
        if found is None:
            raise SsoRefused("key-unknown")
        return found

    async def _ask(self) -> None:
        """Ask for the keys; what is known stays where they cannot be had."""
        self._asked_at = self._clock.monotonic()
        try:
            self._keys = read_keys(await self._fetch())
        except CrosskeyError:
            return
        self._got_at = self._clock.monotonic()

    def _age(self, since: float) -> timedelta:
        return timedelta.max if since == -math.inf else timedelta(seconds=self._clock.monotonic() - since)
