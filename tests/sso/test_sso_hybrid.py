"""The mode that some desks use themselves: code and ID token by a form that crosses sites."""

from __future__ import annotations

import pytest
from sso_bench import CODE, opened, section_of
from sso_provider import FakeProvider, signed

from crosskey.connector.refusal import SsoRefused
from crosskey.sso.callback import LARGEST, read_callback
from crosskey.sso.hashes import half_hash

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def bench(tmp_path):
    async with opened(tmp_path, section_of(rules={"response": "code id_token"})) as bench:
        yield bench


async def back(bench, code="", **claims):
    """Come back with a front-channel token that differs in these claims."""
    await bench.begin()
    parameters = {"id_token": bench.front_token(**claims)}
    if code:
        return await bench.refuses(code, parameters=parameters)
    return await bench.come_back(parameters=parameters)


@pytest.mark.parametrize("c_hash", ["wrong", "", half_hash("RS256", "another-code"), half_hash("RS512", CODE), 7])
async def test_c1_c_hash_of_another_code(bench, c_hash):
    await back(bench, "c-hash-mismatch", c_hash=c_hash)
    assert bench.provider.asked("/token") == [], "the code was not redeemed"


async def test_c1_a_stolen_code_beside_a_sound_token(bench):
    await bench.begin()
    parameters = {"id_token": bench.front_token(), "code": "stolen"}
    await bench.refuses("c-hash-mismatch", parameters=parameters)
    assert bench.provider.asked("/token") == []


async def test_c2_c_hash_missing(bench):
    await back(bench, "c-hash-mismatch", c_hash=None)
    assert bench.provider.asked("/token") == []


async def test_d5_an_id_token_beside_the_code_says_whose_answer_it_is(bench):
    """Certified providers leave `iss` out then, though they advertise it (RFC 9207 §4)."""
    bench.provider.metadata["authorization_response_iss_parameter_supported"] = True
    await back(bench)
    assert bench.inside == 1
    bench.provider.requests.clear()
    await back(bench, "iss-mismatch", iss="https://evil.example")
    assert bench.provider.asked("/token") == []
    await bench.begin()
    await bench.refuses("response-iss-missing")
    await bench.begin()
    await bench.refuses("response-iss-mismatch", parameters={"id_token": bench.front_token(), "iss": "https://evil"})
    await bench.begin()  # two names of issuers that differ: §4
    parameters = {"id_token": bench.front_token(iss="https://evil.example"), "iss": bench.provider.issuer}
    await bench.refuses("iss-mismatch", parameters=parameters)
    assert bench.provider.asked("/token") == []


async def test_d5_an_id_token_beside_an_error_says_nothing(bench):
    """Nobody verifies it, so whoever sent the error would be believed (RFC 9207 §2.4)."""
    bench.provider.metadata["authorization_response_iss_parameter_supported"] = True
    await bench.begin()
    error = {"error": "access_denied", "code": None, "id_token": "whatever"}
    await bench.refuses("response-iss-missing", parameters=error)
    await bench.begin()
    await bench.refuses("provider-refused", parameters={**error, "iss": bench.provider.issuer})


async def test_c2_no_id_token_beside_the_code(bench):
    await bench.begin()
    await bench.refuses("callback-malformed")
    assert bench.provider.asked("/token") == []


async def test_c3_an_access_token_has_no_business_in_a_browser(bench):
    await bench.begin()
    front = bench.front_token(at_hash=half_hash("RS256", "leaked"))
    await bench.refuses("callback-mode", parameters={"id_token": front, "access_token": "leaked"})
    await bench.begin()
    await bench.refuses("callback-mode", parameters={"id_token": bench.front_token(), "access_token": "leaked"})


@pytest.mark.parametrize("at_hash", ["wrong", half_hash("RS256", "another"), 7, None])
async def test_c3_at_hash_of_another_access_token(tmp_path, at_hash):
    async with opened(tmp_path) as bench:
        claims = {"at_hash": at_hash} if at_hash is not None else {}
        await bench.begin()
        token = bench.claims() | claims
        if at_hash is None:
            await bench.come_back(signed(token))  # C4: absent in the code flow
        else:
            await bench.refuses("at-hash-mismatch", signed(token))


async def test_c4_at_hash_may_be_absent_in_the_code_flow_and_is_checked_where_it_is_there(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.sign_in()
        await bench.sign_in({"at_hash": half_hash("RS256", "opaque")})
        await bench.refuses_claims("at-hash-mismatch", at_hash="wrong")
        await bench.refuses_claims("c-hash-mismatch", c_hash="wrong")
        bench.provider.token = {"access_token": None, "token_type": None}
        await bench.sign_in({"at_hash": half_hash("RS256", "opaque")})


@pytest.mark.parametrize("changes", [{"sub": "bo"}, {"sub": "Ada"}])
async def test_c5_two_tokens_of_two_people(bench, changes):
    await back(bench, "tokens-differ", **changes)


async def test_c5_two_tokens_of_two_issuers(tmp_path):
    """With one pinned issuer the other token is refused by itself; with several tenants it takes the comparison."""
    tenants = ("11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222")
    authority = "https://login.acme.example"
    provider = FakeProvider(f"{authority}/{{tenantid}}/v2.0")
    provider.metadata |= {"jwks_uri": f"{authority}/keys", "token_endpoint": f"{authority}/token"}
    provider.metadata |= {"authorization_endpoint": f"{authority}/authorize"}
    own = {"tenant": tenants[0], "tenants": tenants[1:], "authority": authority}
    provider.metadata |= dict.fromkeys(("userinfo_endpoint", "end_session_endpoint"), f"{authority}/x")
    async with opened(tmp_path, section_of("entra", rules={"response": "code id_token"}, **own), provider) as bench:
        await bench.begin()
        of = {tenant: {"iss": f"{authority}/{tenant}/v2.0", "tid": tenant, "ver": "2.0"} for tenant in tenants}
        parameters = {"id_token": bench.front_token(**of[tenants[1]])}
        await bench.refuses("tokens-differ", bench.id_token(**of[tenants[0]]), parameters=parameters)


@pytest.mark.parametrize("response", ["code", "code id_token"])
async def test_c6_a_nonce_is_sent_whatever_the_flow(tmp_path, response):
    async with opened(tmp_path, section_of(rules={"response": response})) as bench:
        nonces = set()
        for _ in range(3):
            await bench.begin()
            nonces.add(bench.asked["nonce"])
        assert len(nonces) == 3
        assert min(map(len, nonces)) >= 43


async def test_c7_a_form_that_is_in_order(bench):
    begun = await bench.begin()
    assert begun.form_post
    assert (bench.asked["response_type"], bench.asked["response_mode"]) == ("code id_token", "form_post")
    await bench.come_back(parameters={"id_token": bench.front_token()})
    assert bench.inside == 1
    assert bench.provider.form()["code"] == CODE


async def test_c8_a_form_with_an_error(bench):
    await bench.begin()
    error = {"code": None, "error": "access_denied", "error_description": "<b>no</b>"}
    refused = await bench.refuses("provider-refused", parameters=error)
    assert refused.reason.page == "not-allowed"
    await bench.refuses("state-used", parameters=error)


async def test_c9_a_token_in_the_address_where_a_form_was_asked_for(bench):
    await bench.begin()
    query = f"code={CODE}&state={bench.asked['state']}&id_token={bench.front_token()}".encode()
    with pytest.raises(SsoRefused) as caught:
        await bench.keeper.finish(read_callback("GET", query), browser=bench.browser)
    bench.expect(caught.value, "callback-mode")


async def test_c9_a_form_where_the_address_was_asked_for(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.begin()
        body = f"code={CODE}&state={bench.asked['state']}".encode()
        with pytest.raises(SsoRefused) as caught:
            await bench.keeper.finish(read_callback("POST", b"", content_type=FORM, body=body), browser=bench.browser)
        bench.expect(caught.value, "callback-mode")
        await bench.begin()
        await bench.refuses("callback-mode", parameters={"id_token": bench.front_token()})


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=x", b"--x"),
        ("application/json", b"{}"),
        ("", b"code=a"),
        (FORM, b"a=" + b"x" * LARGEST),
        (FORM, b"a=" + b"x" * 5_000_000),
        (FORM, "&".join(f"f{number}=x" for number in range(10_000)).encode()),
        (FORM, b"state=a&state=b"),
        (FORM, b"code=a&code=a"),
        (FORM, b"id_token=a&code=b&id_token=c"),
        (FORM, b"&&&"),
        (FORM, b"code"),
        (FORM, "code=\u00e9".encode()),
    ],
)
def test_c10_a_form_that_no_provider_sends(content_type, body):
    with pytest.raises(SsoRefused) as caught:
        read_callback("POST", b"", content_type=content_type, body=body)
    assert caught.value.code == "callback-malformed"


def test_c10_neither_get_nor_post_and_both_at_once():
    for method in ("PUT", "HEAD", "get"):
        with pytest.raises(SsoRefused) as caught:
            read_callback(method, b"code=a")
        assert caught.value.code == "callback-malformed"
    with pytest.raises(SsoRefused) as caught:
        read_callback("POST", b"state=a", content_type=FORM, body=b"code=a")
    assert caught.value.code == "callback-mode"
    with pytest.raises(SsoRefused):
        read_callback("GET", b"a=" + b"x" * LARGEST)
    assert read_callback("POST", b"", content_type=f"{FORM.upper()}; charset=utf-8", body=b"a=b").parameters == {
        "a": "b"
    }
    assert read_callback("GET", b"").parameters == {}


async def test_c10_a_broken_form_is_in_the_journal(bench):
    refused = SsoRefused("callback-malformed")
    for _ in range(3):
        bench.keeper.note_refusal(refused)
    [attempt] = bench.book.attempts()
    assert (attempt.code, attempt.times) == ("callback-malformed", 3)
    bench.clock.advance(61)
    bench.keeper.note_refusal(refused)
    assert [attempt.times for attempt in bench.book.attempts()] == [1, 3]
    assert len(bench.chain("door.refused")) == 2


async def test_c11_a_form_without_the_cookie_of_its_sign_in(bench):
    await bench.begin()
    await bench.refuses("cookie-missing", browser="", parameters={"id_token": bench.front_token()})
    await bench.refuses("cookie-missing", browser="x" * 42, parameters={"id_token": bench.front_token()})
    assert bench.provider.asked("/token") == []
    await bench.come_back(parameters={"id_token": bench.front_token()})


@pytest.mark.parametrize("s_hash", ["wrong", "", 7])
async def test_c12_s_hash_of_another_state(bench, s_hash):
    await back(bench, "s-hash-mismatch", s_hash=s_hash)


async def test_c12_s_hash_of_this_state(bench):
    await bench.begin()
    fitting = half_hash("RS256", bench.asked["state"])
    await bench.come_back(parameters={"id_token": bench.front_token(s_hash=fitting)})


@pytest.mark.parametrize("changes", [{"nonce": "another"}, {"aud": "another"}, {"exp": 1}, {"sub": ""}])
async def test_the_token_of_the_front_channel_is_verified_like_the_other(bench, changes):
    refused = await back(
        bench,
        {"nonce": "nonce-mismatch", "aud": "aud-mismatch", "exp": "token-expired", "sub": "sub-invalid"}[
            next(iter(changes))
        ],
        **changes,
    )
    assert refused.reference
    assert bench.provider.asked("/token") == []
