"""How the app proves itself, and what is said when it cannot."""

from __future__ import annotations

import base64
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID
from entra_door import CLIENT, SECRET, TENANT, LocalGraph, opened, read_all, refusal
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from crosskey.errors import AuthError, ConfigError, RetryableError
from crosskey.settings import Secret
from fake_clock import FakeClock

TOKEN_URL = f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = RSAKey.import_key(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(key: Any = KEY, *, ends: datetime = datetime(2027, 1, 1, tzinfo=UTC)) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crosskey.example.com")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(datetime(2025, 1, 1, tzinfo=UTC)).not_valid_after(ends)
    return builder.sign(key, hashes.SHA256())


def pem_of(one: Any) -> str:
    if isinstance(one, x509.Certificate):
        return one.public_bytes(Encoding.PEM).decode()
    return one.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def a_tenant(**options: Any) -> LocalGraph:
    graph = LocalGraph(**options)
    graph.user("ada")
    return graph


async def test_a_secret_is_sent_as_documented_and_a_token_serves_the_whole_read() -> None:
    graph = a_tenant()
    async with opened(graph) as source:
        await read_all(source)
        await read_all(source)
    assert graph.tokens == [
        {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "scope": "https://graph.microsoft.com/.default",
        }
    ]
    assert str(graph.requests[0].url) == TOKEN_URL
    assert {one.headers.get("authorization") for one in graph.requests} == {None, "Bearer token-1"}


@pytest.mark.parametrize("apart", [False, True])
async def test_a_certificate_signs_an_assertion_as_documented(apart: bool) -> None:
    graph, one = a_tenant(), certificate()
    texts = {"certificate": Secret(pem_of(one)), "private_key": Secret(pem_of(KEY))}
    if not apart:
        texts = {"certificate": Secret(pem_of(certificate(OTHER)) + pem_of(KEY) + pem_of(one))}
    async with opened(graph, **texts) as source:
        await read_all(source)
    [form] = graph.tokens
    assert "client_secret" not in form
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    token = jwt.decode(form["client_assertion"], PUBLIC, registry=JWSRegistry(algorithms=["PS256"]))
    digest = base64.urlsafe_b64encode(one.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    assert token.header == {"alg": "PS256", "typ": "JWT", "x5t#S256": digest}
    issued = int(FakeClock().now().timestamp())
    assert token.claims.pop("jti").count("-") == 4
    assert token.claims == {
        "iss": CLIENT,
        "sub": CLIENT,
        "aud": TOKEN_URL,
        "nbf": issued,
        "iat": issued,
        "exp": issued + 300,
    }


async def test_each_try_has_an_assertion_of_its_own() -> None:
    graph = a_tenant()
    sent: list[bytes] = []

    def busy(request: httpx.Request) -> httpx.Response | None:
        if "oauth2" in request.url.path and len(sent) < 2:
            sent.append(request.content)
            return httpx.Response(503, json={"error": "temporarily_unavailable"})
        return None

    graph.intercept = busy
    async with opened(graph, certificate=Secret(pem_of(certificate()) + pem_of(KEY))) as source:
        await read_all(source)
    assert len({*sent, graph.tokens[0]["client_assertion"].encode()}) == 3


async def test_a_wrong_clock_is_corrected_by_that_of_the_service() -> None:
    """The service refuses an assertion from its future (AADSTS700024); its Date says what time it is."""
    graph, clock = a_tenant(), FakeClock()
    real = clock.now() - timedelta(hours=1)

    def strict(request: httpx.Request) -> httpx.Response | None:
        if "oauth2" not in request.url.path:
            return None
        form = httpx.QueryParams(request.content.decode())
        claims = jwt.decode(form["client_assertion"], PUBLIC, registry=JWSRegistry(algorithms=["PS256"])).claims
        if claims["nbf"] <= real.timestamp() + 300:
            return None
        body = {"error": "invalid_client", "error_codes": [700024], "error_description": "AADSTS700024: time"}
        return httpx.Response(401, json=body, headers={"date": format_datetime(real, usegmt=True)})

    graph.intercept = strict
    async with opened(graph, clock=clock, certificate=Secret(pem_of(certificate()) + pem_of(KEY))) as source:
        await read_all(source)
    assert len(graph.tokens) == 1


async def test_a_federated_token_is_read_anew_for_each_request(tmp_path: Path) -> None:
    graph, file, clock = a_tenant(), tmp_path / "token", FakeClock()
    file.write_text("aaa.bbb.ccc\n")
    async with opened(graph, clock=clock, federated_token_file=str(file)) as source:
        await read_all(source)
        file.write_text("ddd.eee.fff")
        clock.advance(3600)
        await read_all(source)
    assert [form["client_assertion"] for form in graph.tokens] == ["aaa.bbb.ccc", "ddd.eee.fff"]


@pytest.mark.parametrize("content", [None, "", "not a token", "é.é.é"])
async def test_a_federated_token_that_is_not_there_is_told(tmp_path: Path, content: str | None) -> None:
    graph, file = a_tenant(), tmp_path / "token"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    async with opened(graph, federated_token_file=str(file)) as source:
        with pytest.raises(AuthError) as caught:
            await read_all(source)
    assert caught.value.where == "source.corp.federated_token_file"
    assert str(file) in caught.value.message
    assert graph.requests == []


async def test_a_refused_token_is_fetched_once_more() -> None:
    graph = a_tenant()
    graph.intercept = lambda request: (
        refusal(401, "InvalidAuthenticationToken") if request.headers.get("authorization") == "Bearer token-1" else None
    )
    async with opened(graph) as source:
        await read_all(source)
    assert len(graph.tokens) == 2


@pytest.mark.parametrize("life", [3599, "3599", 3599.0])
async def test_a_token_is_renewed_before_it_ends(life: Any) -> None:
    graph, clock = a_tenant(), FakeClock()
    given: list[str] = []

    def sign_in(request: httpx.Request) -> httpx.Response | None:
        if "oauth2" not in request.url.path:
            return None
        given.append(f"t{len(given)}")
        return httpx.Response(200, json={"token_type": "Bearer", "expires_in": life, "access_token": given[-1]})

    graph.intercept = sign_in
    async with opened(graph, clock=clock) as source:
        for seconds in (0, 2800, 200):
            clock.advance(seconds)
            await read_all(source)
    assert given == ["t0", "t1"]


@pytest.mark.parametrize(
    ("error", "number", "kind", "said", "where"),
    [
        ("invalid_client", 7000222, AuthError, "the client secret has expired", "source.corp.client_secret"),
        ("invalid_client", 7000215, AuthError, "the client secret is wrong", "source.corp.client_secret"),
        ("invalid_client", 700027, AuthError, "does not know the certificate", "source.corp.certificate"),
        ("invalid_request", 90002, ConfigError, "there is no such tenant", "source.corp.tenant"),
        ("invalid_resource", 500011, ConfigError, "no Microsoft Graph of that address", "source.corp.cloud"),
        ("invalid_scope", 70011, ConfigError, "not one of this cloud", "source.corp.graph_url"),
        ("access_denied", 53003, AuthError, "it refused", "source.corp"),
        ("temporarily_unavailable", 90033, RetryableError, "it refused", "source.corp"),
        ("", 0, AuthError, "HTTP 400", "source.corp"),
    ],
)
async def test_the_sign_in_services_refusals(error: str, number: int, kind: type[Any], said: str, where: str) -> None:
    graph = a_tenant()
    body = {"error": error, "error_description": f"AADSTS{number}: words", "error_codes": [number] if number else []}
    graph.intercept = lambda request: httpx.Response(
        400, json={**body, "trace_id": "11111111-0000-4000-8000-000000000000"}
    )
    async with opened(graph) as source:
        with pytest.raises(kind) as caught:
            await read_all(source)
    assert said in caught.value.message
    assert caught.value.where == where
    assert caught.value.fix
    assert "11111111-0000-4000-8000-000000000000" in caught.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (pem_of(certificate()), "no private key"),
        (pem_of(KEY), "no certificate"),
        (pem_of(certificate(OTHER)) + pem_of(KEY), "that of another certificate"),
        ("hello", "no private key"),
        (
            pem_of(certificate())
            + KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode(),
            "passphrase",
        ),
        (pem_of(certificate()) + pem_of(ec.generate_private_key(ec.SECP256R1())), "not a readable RSA key"),
        (pem_of(certificate()) + pem_of(rsa.generate_private_key(public_exponent=65537, key_size=1024)), "1024 bits"),
    ],
)
async def test_a_certificate_that_cannot_sign_is_refused_in_plain_words(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        async with opened(LocalGraph(), certificate=Secret(text)):
            raise AssertionError("opened")
    assert "openssl pkcs12" in caught.value.fix
    assert "BEGIN" not in str(caught.value)


async def test_no_secret_reaches_logs_or_errors(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    graph = a_tenant()
    graph.intercept = lambda request: (
        refusal(401, "InvalidAuthenticationToken") if "users" in request.url.path else None
    )
    async with opened(graph) as source:
        with pytest.raises(AuthError) as caught:
            await read_all(source)
        shown = f"{caught.value}{caught.value!r}{source!r}{await source.check()}{caplog.text}"
    assert SECRET not in shown
    assert "token-" not in shown
