"""What is secret in HTTP traffic, and what must stay readable."""

from __future__ import annotations

import json
import logging

import httpx
import pytest
from http_script import Script

from crosskey.http.redaction import REDACTED, is_sensitive, scrub_body, scrub_headers, scrub_text, scrub_url

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "name",
    ["Authorization", "Proxy-Authorization", "DPoP", "dpop-nonce", "Cookie", "Set-Cookie", "X-Halo-Api-Key", "client_secret",
     "client_assertion", "access_token", "refresh_token", "id_token", "password", "newPassword", "private_key", "apiKey",
     "code_verifier", "X-Auth-Token", "sessionId", "secretText"],
)  # fmt: skip
def test_secret_names_are_known(name):
    assert is_sensitive(name)


@pytest.mark.parametrize(
    "name",
    ["token_type", "passwordChanged", "errorCode", "X-Okta-Request-Id", "Content-Type", "expires_in", "Link", "nextToken", "$skiptoken",
     "client_id", "scope", "client_assertion_type", "X-Rate-Limit-Reset", "secretary", "keyskills"],
)  # fmt: skip
def test_names_that_only_resemble_secrets_stay(name):
    assert not is_sensitive(name)


def test_headers_lose_values_and_keep_schemes():
    scrubbed = scrub_headers([
        ("Authorization", f"DPoP {JWT}"),
        ("DPoP", JWT),
        ("Cookie", "sid=canary"),
        ("X-Api-Key", "canary"),
        ("Accept", "application/json"),
        ("WWW-Authenticate", 'Bearer realm="desk", error="invalid_token"'),
    ])  # fmt: skip
    assert scrubbed == [
        ("Authorization", f"DPoP {REDACTED}"),
        ("DPoP", REDACTED),
        ("Cookie", REDACTED),
        ("X-Api-Key", REDACTED),
        ("Accept", "application/json"),
        ("WWW-Authenticate", 'Bearer realm="desk", error="invalid_token"'),
    ]


def test_urls_lose_secret_parameters_and_user_info_and_are_otherwise_unchanged():
    plain = "https://h.test/api/v1/users?limit=2&search=profile.email%20eq%20%22a%22&after=x%2By"
    assert scrub_url(plain) == plain
    assert scrub_url("https://u:canary@h.test/a?access_token=canary&code=canary&page=2#canary") == (
        f"https://h.test/a?access_token={REDACTED}&code={REDACTED}&page=2"
    )


def test_json_loses_secrets_at_any_depth_and_keeps_its_shape():
    body = {
        "access_token": "canary",
        "token_type": "Bearer",
        "expires_in": 3600,
        "users": [{"login": "ann", "credentials": {"password": {"value": "canary"}, "provider": {"type": "OKTA"}}}],
        "pin": {"secret": 1234, "secrets_kept": 2, "password": None, "api_key": True},
        "jwk": {"kty": "RSA", "n": "modulus", "e": "AQAB", "d": "canary", "p": "canary"},
        "note": f"see {JWT}",
    }
    clean = json.loads(scrub_body(json.dumps(body).encode(), "application/json"))
    assert "canary" not in json.dumps(clean)
    assert "eyJ" not in json.dumps(clean)
    assert clean["token_type"] == "Bearer"
    assert clean["expires_in"] == 3600
    assert clean["users"][0]["login"] == "ann"
    assert clean["users"][0]["credentials"]["password"] == {"value": REDACTED}
    assert clean["pin"] == {"secret": 0, "secrets_kept": 2, "password": None, "api_key": True}
    assert clean["jwk"] == {"kty": "RSA", "n": "modulus", "e": "AQAB", "d": REDACTED, "p": REDACTED}


def test_headers_written_as_pairs_lose_their_values():
    """As bodies that set a webhook up have them."""
    scheme = {"type": "HEADER", "key": "Authorization", "value": "canary"}
    headers = [{"key": "X-Test", "value": "seen"}, {"name": "X-Api-Key", "value": "canary"}]
    clean = json.loads(scrub_body(json.dumps({"authScheme": scheme, "headers": headers}).encode()))
    assert clean == {
        "authScheme": {**scheme, "value": REDACTED},
        "headers": [{"key": "X-Test", "value": "seen"}, {"name": "X-Api-Key", "value": REDACTED}],
    }


def test_bodies_without_secrets_are_untouched_byte_for_byte():
    for body in (b'{ "a" : 1.0, "b": "\\u00e9" }', b"", b"\x1f\x8b\x00\xff", b"plain text"):
        assert scrub_body(body, "application/json") == body


def test_forms_lose_secrets():
    form = f"grant_type=client_credentials&client_id=abc&client_secret=canary&client_assertion={JWT}&scope=a+b".encode()
    assert (
        scrub_body(form, "application/x-www-form-urlencoded")
        == (
            f"grant_type=client_credentials&client_id=abc&client_secret={REDACTED}&client_assertion={REDACTED}&scope=a+b"
        ).encode()
    )


@pytest.mark.parametrize(
    "text",
    [
        f"token {JWT} refused",
        "Authorization: Bearer canary0123456789",
        "SSWS 00canary_0123456789abcdef",
        "client_secret=canary&x=1",
        '{"secretText":"canary"',
        '{"password": "canary"',
        "access_token: canary",
    ],
)
def test_text_loses_what_looks_like_a_credential(text):
    assert "canary" not in scrub_text(text)
    assert "eyJ" not in scrub_text(text)


def test_ordinary_text_stays():
    for text in ("Bearer token is missing", "the password is wrong", "Basic plan", "error=use_dpop_nonce", "id 00u1a2b3c4d5e6f7",
                 "password: must have eight characters", "token_type=DPoP", "no token: log in again"):  # fmt: skip
        assert scrub_text(text) == text


async def test_at_any_log_level_neither_queries_nor_headers_are_logged(client_for, caplog):
    caplog.set_level(logging.DEBUG)
    async with client_for(Script(httpx.Response(200, json=1)), headers={"Authorization": "SSWS canary"}) as client:
        await client.call("GET", "/users?search=canary@example.com", decode=int)
    assert "canary" not in caplog.text
