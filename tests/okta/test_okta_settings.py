"""Settings: what is refused, with which fix, and what is quietly put right."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, get_type_hints

import httpx
import msgspec
import pytest
from joserfc.jwk import ECKey, RSAKey
from okta_door import opened

from crosskey.errors import ConfigError
from crosskey.settings import Secret
from crosskey_okta import OktaSettings

RSA = RSAKey.generate_key(2048)
NOWHERE = httpx.MockTransport(lambda _: httpx.Response(500))


async def refused(**changes: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        async with opened(NOWHERE, **changes):
            pass
    assert caught.value.fix
    return caught.value


@pytest.mark.parametrize(
    ("url", "issuer"),
    [
        ("https://acme.okta.com", "https://acme.okta.com"),
        ("https://acme.okta.com/", "https://acme.okta.com"),
        (" https://ACME.okta.com:443/api/v1/ ", "https://acme.okta.com"),
        ("https://acme-admin.okta.com", "https://acme.okta.com"),
        ("https://acme-admin.oktapreview.com/admin/dashboard", "https://acme.oktapreview.com"),
        ("https://id-admin.example.com", "https://id-admin.example.com"),
        ("https://login.example.com:8443", "https://login.example.com:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
async def test_addresses_are_brought_into_one_form(url: str, issuer: str) -> None:
    async with opened(NOWHERE, url=url) as source:
        assert source.issuer == issuer


async def test_the_issuer_can_outlive_the_address() -> None:
    async with opened(NOWHERE, url="https://login.example.com", issuer="https://acme.okta.com") as source:
        assert source.issuer == "https://acme.okta.com"


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("http://acme.okta.com", 'write url = "https://acme.okta.com"'),
        ("acme.okta.com", 'write url = "https://acme.okta.com"'),
        ("acme", 'write url = "https://acme.okta.com"'),
        ("", 'write url = "https://acme.okta.com"'),
        ("https://", 'write url = "https://acme.okta.com"'),
        ("https://globex.okta.com:port", 'write url = "https://acme.okta.com"'),
        ("https://jane:secret@globex.okta.com", 'write url = "https://globex.okta.com"'),
        ("https://globex.okta.com?x=1", 'write url = "https://globex.okta.com"'),
        ("ftp://globex.okta.com", 'write url = "https://globex.okta.com"'),
    ],
)
async def test_an_address_that_cannot_be_right_is_refused(url: str, fix: str) -> None:
    error = await refused(url=url)
    assert error.where == "source.corp.url"
    assert error.fix == fix
    assert "secret" not in error.fix


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"token": None}, "no credential"),
        ({"token": Secret("x"), "client_id": "0oa1"}, "two credentials"),
        ({"token": Secret("x"), "private_key": Secret("x")}, "two credentials"),
        ({"client_id": "0oa1"}, "lacks its private_key"),
        ({"private_key": Secret(RSA.as_pem(private=True).decode())}, "lacks its client_id"),
        ({"client_id": "0oa1", "private_key": Secret(RSA.as_pem(private=True).decode()), "scopes": ()}, "no scope"),
    ],
)
async def test_exactly_one_whole_credential_is_wanted(changes: dict[str, Any], said: str) -> None:
    error = await refused(**changes)
    assert said in error.message
    assert error.where == "source.corp"


async def test_all_problems_come_at_once() -> None:
    error = await refused(url="acme.okta.com", token=None, attributes={"emial": "email"})
    assert {error.code, *(problem.code for problem in error.problems)} == {
        "okta-url",
        "okta-credential",
        "okta-attribute",
    }
    assert 'Did you mean "email"?' in str(error)


def keys() -> dict[str, str]:
    small = RSAKey.generate_key(2048).as_pem(private=True).decode()
    return {
        "public": RSA.as_pem(private=False).decode(),
        "neither PEM nor a JWK": "00abcdef",
        "passphrase": small.replace("BEGIN PRIVATE KEY", "BEGIN ENCRYPTED PRIVATE KEY"),
        "cannot be read": small[:400],
        "certificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "OpenSSH": "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----",
        "key set": json.dumps({"keys": [RSA.as_dict(private=True)]}),
        "is a public key": json.dumps(RSA.as_dict(private=False)),
        "cannot be read (": '{"kty": "RSA", "d": "secretD"}',
    }


@pytest.mark.parametrize("said", list(keys()))
async def test_a_text_that_is_no_private_key_is_named_without_being_shown(said: str) -> None:
    text = keys()[said]
    error = await refused(client_id="0oa1", private_key=Secret(text))
    assert said in error.message
    assert error.where == "source.corp.private_key"
    assert text[-30:] not in str(error)
    assert "secretD" not in str(error)


@pytest.mark.filterwarnings("ignore:Key size")
async def test_a_short_key_is_refused() -> None:
    pem = RSAKey.generate_key(1024).as_pem(private=True).decode()
    assert "1024 bits" in (await refused(client_id="0oa1", private_key=Secret(pem))).message


@pytest.mark.parametrize(
    "text",
    [
        RSA.as_pem(private=True).decode(),
        RSA.as_pem(private=True).decode().replace("\n", "\\n"),
        json.dumps(RSA.as_dict(private=True)),
        json.dumps({**RSA.as_dict(private=True), "alg": "RS512", "kid": "k1", "use": "sig", "key_ops": ["sign"]}),
        ECKey.generate_key("P-384").as_pem(private=True).decode(),
        json.dumps(ECKey.generate_key("P-521").as_dict(private=True)),
    ],
)
async def test_keys_come_in_many_forms(text: str) -> None:
    async with opened(NOWHERE, client_id="0oa1", private_key=Secret(text)) as source:
        assert source.issuer


def test_every_key_is_documented() -> None:
    for name, annotation in get_type_hints(OktaSettings, include_extras=True).items():
        described = [meta.description for meta in getattr(annotation, "__metadata__", ())]
        assert described, name
        assert all(described), name


def test_unknown_and_wrong_values_are_refused_by_the_struct() -> None:
    for wrong in ({"colour": 1}, {"statuses": {"STAGED": "maybe"}}, {"member_page": 2000}, {"dpop": "sometimes"}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"url": "https://acme.okta.com", **wrong}, OktaSettings)


def test_importing_the_plugin_is_light() -> None:
    code = (
        "import sys, crosskey_okta; "
        "print([name for name in ('httpx', 'joserfc', 'cryptography', 'jinja2', 'sqlite_utils', 'opentelemetry') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
