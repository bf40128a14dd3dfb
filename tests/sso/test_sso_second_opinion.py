"""A second verifier looks at the same tokens: none that it refuses by our rules is believed here."""

from __future__ import annotations

import json
from typing import Any

import jwt as pyjwt
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from sso_bench import CLIENT
from sso_provider import ISSUER, b64, ec, public, raw_signed, rsa

from crosskey.connector.refusal import SsoRefused
from crosskey.sso.keys import KeyRing
from crosskey.sso.token import LEEWAY, TokenRules, require_sign_in, require_subject, verify_token
from fake_clock import FakeClock

NONCE = "the-nonce-of-this-sign-in"
CLOCK = FakeClock()
NOW = int(CLOCK.now().timestamp())
KEYS = {"one": rsa(), "two": rsa("two"), "curve": ec()}

SOUND: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "ada",
    "aud": CLIENT,
    "iat": NOW,
    "exp": NOW + 600,
    "nonce": NONCE,
}

ODD = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        NOW,
        NOW - 59,
        NOW + 61,
        NOW - 3600,
        NOW + 3600,
        2**33,
        1e308,
        "",
        str(NOW),
        ISSUER,
        f"{ISSUER}/",
        [ISSUER],
        CLIENT,
        [CLIENT],
        [CLIENT, "other"],
        ["other"],
        {},
        NONCE,
        NONCE[:-1],
        "ada",
        "a" * 300,
    ]
)
CLAIMS = st.dictionaries(
    st.sampled_from(["iss", "sub", "aud", "iat", "exp", "nonce", "nbf", "azp", "nonce_supported"]), ODD, max_size=3
)
HEADERS = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "zip"]),
    st.sampled_from(
        [
            None,
            "RS256",
            "none",
            "HS256",
            "RS512",
            "ES256",
            "PS256",
            "one",
            "two",
            "x",
            "JWT",
            "at+jwt",
            ["exp"],
            False,
            7,
        ]
    ),
    max_size=2,
)
SPOILS = st.tuples(
    st.sampled_from(["", "flip", "cut", "append", "swap", "drop-signature", "double"]),
    st.integers(min_value=0, max_value=2_000),
)


def make(claims: dict[str, Any], header: dict[str, Any], key: str, spoil: tuple[str, int]) -> str:
    whole = {name: value for name, value in {**SOUND, **claims}.items() if value is not None}
    head = {name: value for name, value in {"alg": "RS256", "kid": "one", **header}.items() if value is not None}
    alg = "ES256" if key == "curve" else "RS256"
    token = raw_signed(json.dumps(head), json.dumps(whole), KEYS[key], alg)
    how, where = spoil
    where %= len(token)
    if how == "flip":
        letter = "A" if token[where] != "A" else "B"
        return token[:where] + letter + token[where + 1 :]
    if how == "cut":
        return token[:where]
    if how == "append":
        return token + "="
    if how == "swap":
        other = raw_signed(json.dumps({"alg": "RS256", "kid": "one"}), json.dumps({**whole, "sub": "bo"}), KEYS["one"])
        return ".".join((*token.split(".")[:2], other.split(".")[2]))
    if how == "drop-signature":
        return token.rpartition(".")[0] + "."
    if how == "double":
        text = json.dumps(whole)
        return raw_signed(json.dumps(head), text[:-1] + ', "sub": "mallory"}', KEYS[key], alg)
    return token


async def believed(token: str) -> bool:
    async def fetch() -> dict[str, Any]:
        return {"keys": [public(key) for key in KEYS.values()]}

    rules = TokenRules(kind="id", algorithms=frozenset({"RS256"}), issuer=lambda claims: ISSUER, audience=CLIENT)
    try:
        verified = await verify_token(token, rules, KeyRing(fetch, CLOCK), CLOCK.now())
        require_subject(verified.claims)
        require_sign_in(verified, nonce=NONCE, asked_at=CLOCK.now(), max_age=None, now=CLOCK.now())
    except SsoRefused:
        return False
    return True


def second_opinion(token: str) -> str:
    """Why PyJWT, told our rules, refuses the token; ``""`` when it takes it."""
    try:
        header = pyjwt.get_unverified_header(token)
        key = KEYS.get(header.get("kid", "one"))
        if key is None:
            return "no such key"
        claims = pyjwt.decode(
            token,
            key.public_key,
            algorithms=["RS256"],
            audience=CLIENT,
            issuer=ISSUER,
            # What depends on the clock is compared below with the clock of the tests.
            options={
                "require": ["iss", "sub", "aud", "iat", "exp", "nonce"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "strict_aud": False,
            },
        )
    except (pyjwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
        return type(error).__name__
    leeway = LEEWAY.total_seconds()
    for name, fine in (
        ("exp", lambda value: value > NOW - leeway),
        ("iat", lambda value: NOW - 600 <= value <= NOW + leeway),
        ("nbf", lambda value: value <= NOW + leeway),
    ):
        value = claims.get(name, NOW)
        if isinstance(value, bool) or not isinstance(value, int | float) or not fine(value):
            return name
    if claims["nonce"] != NONCE:
        return "nonce"
    return ""


@seed(20260105)
@settings(max_examples=200, derandomize=False, database=None)
@given(CLAIMS, HEADERS, st.sampled_from(["one", "one", "one", "two", "curve"]), SPOILS)
async def test_no_mutation_is_believed_that_the_second_verifier_refuses(claims, header, key, spoil):
    token = make(claims, header, key, spoil)
    if await believed(token):
        assert second_opinion(token) == ""


@pytest.mark.parametrize("changes", [{}, {"aud": [CLIENT]}, {"iat": NOW - 300}, {"extra": {"a": [1]}}, {"azp": CLIENT}])
async def test_both_believe_a_sound_token(changes):
    token = make(changes, {}, "one", ("", 0))
    assert second_opinion(token) == ""
    assert await believed(token)


async def test_the_second_verifier_can_refuse():
    """Were it to take everything, the comparison would compare nothing."""
    refused = [
        make({"iss": "https://evil.example"}, {}, "one", ("", 0)),
        make({"aud": "other"}, {}, "one", ("", 0)),
        make({"exp": NOW - 3600}, {}, "one", ("", 0)),
        make({"nonce": "other"}, {}, "one", ("", 0)),
        make({}, {}, "two", ("", 0)),
        make({}, {"alg": "none"}, "one", ("", 0)),
        make({}, {}, "one", ("swap", 0)),
        f"{b64('{}')}.{b64('{}')}.",
    ]
    assert all(map(second_opinion, refused))
    for token in refused:
        assert not await believed(token)
