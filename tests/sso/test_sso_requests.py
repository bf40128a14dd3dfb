"""What is asked of a provider, and what may come back: states, codes, errors, addresses."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64decode
from urllib.parse import unquote_plus

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from sso_bench import CLIENT, CODE, PUBLIC, SECRET, oidc_settings, opened, section_of
from sso_provider import ISSUER, FakeProvider, answering, b64, rsa, unreachable

from crosskey.connector.refusal import SsoRefused
from crosskey.errors import ConfigError
from crosskey.settings import Secret
from crosskey.sso.callback import read_callback
from crosskey.sso.return_path import return_path
from crosskey.sso.transactions import LONGEST


@pytest.fixture
async def bench(tmp_path):
    async with opened(tmp_path) as bench:
        yield bench


# -------------------------------------------------------------------------------------------------------------- states


@pytest.mark.parametrize("state", [None, "", "x", "A" * 43, "A" * 44, "<script>", "é" * 43])
async def test_d1_a_state_that_is_none_of_ours(bench, state):
    await bench.begin()
    await bench.refuses("state-unknown", parameters={"state": state})
    assert bench.provider.asked("/token") == []


async def test_d2_another_browsers_state_and_code(bench):
    """Login CSRF: the attacker begins, the victim's browser brings it back."""
    await bench.begin()
    attackers, state = bench.browser, bench.asked["state"]
    bench.browser = ""
    await bench.begin()
    assert bench.browser != attackers
    await bench.refuses("other-browser", parameters={"state": state})
    assert bench.provider.asked("/token") == []
    bench.asked["state"] = state
    await bench.refuses("cookie-missing", browser="")


async def test_d3_a_state_is_good_for_one_use(bench):
    await bench.sign_in()
    await bench.refuses("state-used")


async def test_d3_a_sign_in_that_took_too_long(bench):
    await bench.begin()
    bench.clock.advance(LONGEST.total_seconds() + 1)
    await bench.refuses("login-expired")


async def test_d3_two_tabs_at_once(bench):
    await bench.begin()
    first = dict(bench.asked)
    await bench.begin()
    assert first["state"] != bench.asked["state"]
    await bench.come_back()
    bench.asked = first
    await bench.come_back()
    assert bench.inside == 2


async def test_d3_the_same_answer_twice_at_once(bench):
    await bench.begin()
    bench.provider.id_token = bench.id_token()
    returned = read_callback("GET", f"code={CODE}&state={bench.asked['state']}".encode())
    both = await asyncio.gather(
        *(bench.keeper.finish(returned, browser=bench.browser) for _ in range(2)), return_exceptions=True
    )
    assert [getattr(each, "code", "in") for each in both].count("in") == 1
    assert bench.inside == 1
    assert len(bench.provider.asked("/token")) == 1


# ---------------------------------------------------------------------------------------------------------- who answers


@pytest.mark.parametrize("iss", ["https://evil.example", f"{ISSUER}/", ""])
async def test_d4_an_answer_of_another_provider(bench, iss):
    await bench.begin()
    asked = len(bench.provider.requests)
    await bench.refuses("response-iss-mismatch", parameters={"iss": iss})
    assert len(bench.provider.requests) == asked, "nobody was asked anything"


async def test_d4_whose_answer_it_is_comes_before_the_error_in_it(bench):
    await bench.begin()
    await bench.refuses("response-iss-mismatch", parameters={"iss": "https://evil.example", "error": "access_denied"})


async def test_d5_an_answer_that_does_not_say_whose_it_is(tmp_path):
    provider = FakeProvider()
    provider.metadata["authorization_response_iss_parameter_supported"] = True
    async with opened(tmp_path, provider=provider) as bench:
        await bench.begin()
        await bench.refuses("response-iss-missing")
        await bench.begin()
        await bench.come_back(parameters={"iss": ISSUER})


async def test_d6_an_answer_of_one_provider_at_the_callback_of_another(bench, tmp_path):
    other = section_of("okta", "portal", url="https://other.example")
    async with opened(tmp_path, other, FakeProvider("https://other.example"), beside=bench) as beside:
        assert beside.keeper.addresses.callback != bench.keeper.addresses.callback
        await bench.begin()
        beside.browser, beside.asked = bench.browser, bench.asked
        await beside.refuses("other-door")
        assert beside.provider.asked("/token") == []


async def test_d6_another_provider_at_the_same_door(bench, tmp_path):
    """The configuration was changed while somebody was away."""
    await bench.begin()
    for other, provider in (
        (section_of("okta", url="https://other.example"), FakeProvider("https://other.example")),
        (section_of(issuer="https://other.example"), FakeProvider("https://other.example")),
        (section_of(rules={"public_url": "https://new.acme.example"}), FakeProvider()),
    ):
        async with opened(tmp_path, other, provider, beside=bench) as beside:
            beside.browser, beside.asked = bench.browser, bench.asked
            await beside.refuses("other-provider")
            assert beside.provider.asked("/token") == []


async def test_d7_pkce_always_with_a_fresh_verifier(bench):
    challenges = set()
    for _ in range(3):
        await bench.begin()
        assert bench.asked["code_challenge_method"] == "S256"
        await bench.come_back()
        verifier = bench.provider.form()["code_verifier"]
        assert 43 <= len(verifier) <= 128
        assert b64(hashlib.sha256(verifier.encode()).digest()) == bench.asked["code_challenge"]
        challenges.add(bench.asked["code_challenge"])
    assert len(challenges) == 3


async def test_d8_a_stolen_code_in_another_sign_in(bench):
    """The provider would refuse it for the verifier; without that, the token is of another sign-in."""
    await bench.begin()
    victims = bench.id_token()
    await bench.come_back(victims)
    verifier = bench.provider.form()["code_verifier"]
    bench.browser = ""
    await bench.begin()
    await bench.refuses("nonce-mismatch", victims)
    assert bench.provider.form()["code_verifier"] != verifier
    bench.provider.token_status, bench.provider.token = 400, {"error": "invalid_grant"}
    await bench.begin()
    await bench.refuses("code-refused", victims)


async def test_d9_going_back_to_the_callback_makes_no_second_session(bench):
    admitted = await bench.sign_in()
    await bench.refuses("state-used")
    assert bench.keeper.check(admitted.ticket).number == 1


# ------------------------------------------------------------------------------------------------------ the credential


async def test_d10_the_secret_is_in_the_header_only(tmp_path):
    odd = {"client_id": "door client:ä", "client_secret": Secret("s:e+c r/t")}
    async with opened(tmp_path, section_of(**odd)) as bench:
        await bench.begin()
        await bench.come_back(bench.id_token(aud=odd["client_id"]))
        header = bench.provider.asked("/token")[0].headers["authorization"]
        pair = b64decode(header.removeprefix("Basic ")).decode().split(":")
        assert [unquote_plus(each) for each in pair] == ["door client:ä", "s:e+c r/t"]
        assert not {"client_secret", "client_id", "client_assertion"} & bench.provider.form().keys()


async def test_d10_the_secret_is_in_the_form_only_where_that_is_configured(tmp_path):
    async with opened(tmp_path, section_of(client_auth="post")) as bench:
        await bench.sign_in()
        assert "authorization" not in bench.provider.asked("/token")[0].headers
        assert (bench.provider.form()["client_id"], bench.provider.form()["client_secret"]) == (CLIENT, SECRET)


@pytest.mark.parametrize("form", ["pem", "jwk"])
async def test_d10_a_signature_instead_of_a_secret(tmp_path, form):
    key = rsa()
    import json

    text = key.as_pem(private=True).decode() if form == "pem" else json.dumps(key.as_dict(private=True))
    own = {"client_secret": None, "private_key": Secret(text), "key_id": "k1"}
    async with opened(tmp_path, section_of(**own)) as bench:
        await bench.sign_in()
        sent = bench.provider.form()
        assert sent["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        token = jwt.decode(sent["client_assertion"], key, algorithms=["RS256"])
        assert token.header["kid"] == "k1"
        wanted = {"iss": CLIENT, "sub": CLIENT, "aud": f"{ISSUER}/token", "iat": bench.now, "exp": bench.now + 300}
        assert {name: token.claims[name] for name in wanted} == wanted
        await bench.sign_in()
        assert jwt.decode(bench.provider.form()["client_assertion"], key).claims["jti"] != token.claims["jti"]


def test_d10_one_credential_and_only_one():
    for wrong in ({"client_secret": None}, {"private_key": Secret("x")}, {"scopes": ("profile",)}):
        with pytest.raises(ConfigError):
            oidc_settings(**wrong)


async def test_d10_a_private_key_that_is_none(tmp_path):
    with pytest.raises(ConfigError, match="neither an RSA nor an EC key"):
        async with opened(tmp_path, section_of(client_secret=None, private_key=Secret("{not a key"))):
            pass


# ------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("error", "code", "page"),
    [
        ("access_denied", "provider-refused", "not-allowed"),
        ("login_required", "interaction-needed", "again"),
        ("interaction_required", "interaction-needed", "again"),
        ("consent_required", "interaction-needed", "again"),
        ("unmet_authentication_requirements", "mfa-unmet", "second-factor"),
        ("temporarily_unavailable", "provider-error", "later"),
        ("unauthorized_client", "client-refused", "operator"),
        ("<script>alert(1)</script>", "provider-error", "later"),
    ],
)
async def test_d11_errors_of_the_provider(bench, error, code, page):
    await bench.begin()
    said = {
        "code": None,
        "error": error,
        "error_description": "AADSTS50105: <b>ada.king@acme.example</b> is not assigned",
    }
    refused = await bench.refuses(code, parameters=said)
    assert refused.reason.page == page
    assert "<" not in refused.reason.text
    [attempt] = bench.book.attempts(limit=1)
    assert "ada.king" not in attempt.detail
    assert "AADSTS50105" in attempt.detail
    await bench.refuses("state-used", parameters=said)


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/%0d%0aset-cookie:x",
        "/%250d%250ax",
        "/%5cevil.example",
        "/%2f/evil.example",
        "/a\r\nb",
        "/a b",
        "evil.example",
        "",
        "/" + "x" * 2_000,
    ],
)
def test_d12_where_to_after_signing_in_is_on_this_site(wanted):
    assert return_path(wanted) == "/"


@given(st.text(alphabet="/\\:%25cCdDaA0.@?#x \t\r\n\u2044", max_size=12))
def test_d12_whatever_is_wanted_stays_here(wanted):
    from urllib.parse import urljoin, urlsplit

    there = urlsplit(urljoin(f"{PUBLIC}/agents", return_path(wanted)))
    assert (there.scheme, there.netloc) == ("https", "desk.acme.example")


@pytest.mark.parametrize("wanted", ["/", "/tickets?id=980#notes", "/tickets/980?a=%2Fb&c=d%20e", "/a:b@c"])
def test_d12_paths_of_this_site_are_kept(wanted):
    assert return_path(wanted) == wanted


async def test_d13_a_deep_link_outlives_the_sign_in(bench):
    admitted = await bench.sign_in(return_to="/tickets?id=980")
    assert admitted.return_to == "/tickets?id=980"
    assert (await bench.sign_in(return_to="//evil.example")).return_to == "/"


async def test_d14_the_redirect_is_made_from_the_configuration_only(bench):
    await bench.begin()
    assert bench.asked["redirect_uri"] == f"{PUBLIC}/agents/callback/oidc"
    await bench.come_back()
    assert bench.provider.form()["redirect_uri"] == f"{PUBLIC}/agents/callback/oidc"


async def test_d15_begun_by_somebody_else(bench):
    """What a third party may say is a hint; state, nonce and address are ours, and the issuer is the configured one."""
    await bench.begin(login_hint="ada@acme.example&client_id=evil", prompt="login", locales="de en")
    assert (bench.asked["login_hint"], bench.asked["client_id"]) == ("ada@acme.example&client_id=evil", CLIENT)
    assert (bench.asked["prompt"], bench.asked["ui_locales"]) == ("login", "de en")
    await bench.come_back()


# ------------------------------------------------------------------------------------------------- the token endpoint


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (answering(307, headers={"location": "https://evil.example/token"}), "token-answer-invalid"),
        (answering(302, headers={"location": "/elsewhere"}), "token-answer-invalid"),
        (answering(200, text="<html>", headers={"content-type": "text/html"}), "token-answer-invalid"),
        (answering(200, json=[]), "token-answer-invalid"),
        (answering(200, json={}), "token-answer-invalid"),
        (answering(200, json={"id_token": 7}), "token-answer-invalid"),
        (answering(200, json={"id_token": ["a.b.c"], "access_token": "x"}), "token-answer-invalid"),
        (answering(200, content=b'{"id_token":"a","id_token":"b"}'), "token-answer-invalid"),
        (answering(500, text="oops"), "provider-unreachable"),
        (answering(503, json={}), "provider-unreachable"),
        (answering(400, json={"error": "invalid_grant"}), "code-refused"),
        (answering(400, json={"error": ["invalid_grant"]}), "token-answer-invalid"),
        (answering(401, json={"error": "invalid_client"}), "client-refused"),
        (answering(400, json={"error": "unauthorized_client"}), "client-refused"),
        (answering(400, json={"error": "server_error"}), "provider-error"),
        (answering(404, text="no"), "token-answer-invalid"),
        (unreachable, "provider-unreachable"),
    ],
)
async def test_d16_what_the_token_endpoint_may_answer(bench, fault, code):
    bench.provider.faults["/token"] = fault
    await bench.begin()
    await bench.refuses(code)
    assert len(bench.provider.asked("/token")) == 1, "a code is good for one use"
    assert {request.url.host for request in bench.provider.requests} == {"id.acme.example"}


async def test_d16_a_slow_token_endpoint(bench):
    def slow(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late", request=request)

    bench.provider.faults["/token"] = slow
    await bench.begin()
    await bench.refuses("provider-unreachable")


@pytest.mark.parametrize("kind", ["bearer", "BEARER", "bEARER"])
async def test_d16_the_case_of_the_token_type_and_no_expiry(bench, kind):
    bench.provider.token = {"token_type": kind, "expires_in": None}
    await bench.sign_in()


@pytest.mark.parametrize("kind", ["mac", 7, None])
async def test_d16_a_token_that_nobody_can_bear(bench, kind):
    bench.provider.token = {"token_type": kind} if kind else {"token_type": ""}
    await bench.begin()
    await bench.refuses("token-answer-invalid")


async def test_no_code_came_back(bench):
    await bench.begin()
    await bench.refuses("callback-malformed", parameters={"code": None})
    await bench.begin()
    await bench.refuses("callback-malformed", parameters={"code": "x" * 9_000})


async def test_every_refusal_has_its_own_reference(bench):
    references = set()
    for _ in range(3):
        await bench.begin()
        references.add((await bench.refuses("callback-malformed", parameters={"code": None})).reference)
    assert len(references) == 3


async def test_what_is_asked_for_cannot_be_overridden_by_a_vendor(bench):
    from crosskey.sso.authorize import authorization_url
    from crosskey.sso.transactions import Terms

    provider = await bench.flow.discover()
    request = Terms(redirect_uri=f"{PUBLIC}/x").request("state", "browser")
    url = authorization_url(
        provider, request, client_id=CLIENT, scopes=("openid",), further={"state": "evil", "code_challenge": "evil"}
    )
    assert "evil" not in url
    with pytest.raises(SsoRefused):
        await bench.keeper.finish(read_callback("GET", b""), browser="")
