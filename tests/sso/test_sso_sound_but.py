"""What is sound in everything but one thing: the one check that looks at it decides."""

from __future__ import annotations

import json

import httpx
import pytest
from sso_bench import ISSUER, opened, section_of
from sso_provider import FakeProvider, raw_signed, rsa

from crosskey.connector.refusal import SsoRefused
from crosskey.settings import Secret
from crosskey.sso import acr_evidence


@pytest.fixture
async def bench(tmp_path):
    async with opened(tmp_path) as bench:
        yield bench


@pytest.mark.parametrize("status", [300, 302, 307])
async def test_d16_a_redirect_that_bears_a_sound_answer(bench, status):
    bench.provider.token_status = status
    await bench.begin()
    await bench.refuses("token-answer-invalid")


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "", "text/x+json", "application/x-json"])
async def test_d16_a_sound_answer_that_says_it_is_something_else(bench, kind):
    def answer(request: httpx.Request) -> httpx.Response:
        text = json.dumps({"access_token": "opaque", "id_token": bench.provider.id_token})
        return httpx.Response(200, content=text, headers={"content-type": kind})

    bench.provider.faults["/token"] = answer
    await bench.begin()
    await bench.refuses("token-answer-invalid")


async def test_a8_keys_with_the_content_type_of_keys(bench):
    """RFC 7517 §8.5.2."""

    def keys(request: httpx.Request) -> httpx.Response:
        text = json.dumps({"keys": bench.provider.keys})
        return httpx.Response(200, content=text, headers={"content-type": "application/jwk-set+json; charset=utf-8"})

    bench.provider.faults["/keys"] = keys
    await bench.sign_in()


async def test_a6_clear_text_is_for_this_machine_alone(tmp_path):
    local = "http://127.0.0.1:8999"
    async with opened(tmp_path, section_of(issuer=local, people=ISSUER), FakeProvider(local)) as bench:
        await bench.sign_in()
        bench.clock.advance(7_200)
        bench.provider.metadata["token_endpoint"] = "gopher://127.0.0.1:8999/token"
        with pytest.raises(SsoRefused) as caught:
            await bench.begin()
        assert caught.value.code == "endpoint-insecure"


@pytest.mark.parametrize("alg", [["RS256"], {"RS256": 1}, None, 256, True])
async def test_b17_an_algorithm_that_is_no_text(bench, alg):
    await bench.begin()
    token = raw_signed(json.dumps({"alg": alg, "kid": "one"}), json.dumps(bench.claims()), rsa())
    await bench.refuses("alg-refused", token)


async def test_e4_a_renewal_without_an_access_token_is_no_answer(bench):
    """RFC 6749 §5.1."""
    bench.provider.token = {"refresh_token": "canary-1"}
    session = (await bench.sign_in()).session
    bench.provider.token = {"access_token": None, "id_token": None, "refresh_token": "canary-2"}
    with pytest.raises(SsoRefused) as caught:
        await bench.flow.refresh(Secret("canary-1"), subject=session.person, issuer=session.iss, sub=session.sub)
    assert caught.value.code == "token-answer-invalid"


async def test_i8_a_revocation_by_nobody(bench):
    reply = await bench.hear("token-revocation", "", endpoint="https://desk.acme.example/x", body=b"{}")
    assert (reply.status, reply.code) == (401, "signal-unauthorized")


@pytest.mark.parametrize("acr", [["gold"], {"gold": 1}, 7, None])
def test_g1_an_acr_that_is_no_text_proves_nothing(acr):
    """Also where a plugin says in a set what it accepts."""
    assert acr_evidence({"acr": acr}, {"gold"}).verdict == "missing"
    assert acr_evidence({"acr": "gold"}, frozenset({"gold"})).verdict == "proven"
