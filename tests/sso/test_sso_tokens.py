"""ID tokens: one thing wrong with each, and nobody comes in. Names carry the ids of the case list."""

from __future__ import annotations

import hmac
import json

import httpx
import pytest
from sso_bench import CLIENT, SECRET, opened, section_of
from sso_provider import FakeProvider, answering, b64, ec, public, raw_signed, rsa, signed, unreachable

from crosskey.sso.jws import ALGORITHMS
from crosskey_oidc.settings import OidcSettings

WEEK = 7 * 24 * 3600


@pytest.fixture
async def bench(tmp_path):
    async with opened(tmp_path) as bench:
        yield bench


# -------------------------------------------------------------------------------------------------------- who made it


@pytest.mark.parametrize(
    "iss",
    ["https://evil.example", "https://id.acme.example/", "HTTPS://id.acme.example", "https://id.acme.example:443"],
)
async def test_b1_another_issuer(bench, iss):
    await bench.refuses_claims("iss-mismatch", iss=iss)


@pytest.mark.parametrize("iss", [None, ["https://id.acme.example"], "", 7, {"0": "https://id.acme.example"}])
async def test_b2_no_issuer_or_a_list_of_them(bench, iss):
    await bench.refuses_claims("iss-mismatch", iss=iss)


@pytest.mark.parametrize("sub", [None, "", "  ", 7, ["ada"], "a" * 256])
async def test_b3_a_subject_that_tells_nobody_apart(bench, sub):
    await bench.refuses_claims("sub-invalid", sub=sub)


async def test_b3_the_longest_subject_is_read(bench):
    await bench.refuses_claims("not-provisioned", sub="a" * 255)


@pytest.mark.parametrize("aud", ["another-client", ["another-client"], {"0": CLIENT}, CLIENT.upper(), [[CLIENT]]])
async def test_b4_another_audience(bench, aud):
    await bench.refuses_claims("aud-mismatch", aud=aud)


@pytest.mark.parametrize("aud", [None, [], ""])
async def test_b5_no_audience(bench, aud):
    await bench.refuses_claims("aud-mismatch", aud=aud)


async def test_b6_an_audience_in_a_list_of_one(bench):
    await bench.sign_in({"aud": [CLIENT]})
    assert bench.inside == 1


@pytest.mark.parametrize("other", [{}, [], 7, None])
async def test_b7_a_further_audience_of_another_shape(bench, other):
    await bench.refuses_claims("aud-untrusted", aud=[CLIENT, other], azp=CLIENT)


@pytest.mark.parametrize("azp", [None, CLIENT])
async def test_b7_a_further_audience_that_nobody_trusts(bench, azp):
    await bench.refuses_claims("aud-untrusted", aud=[CLIENT, "unknown"], azp=azp)


async def test_b7_a_further_audience_that_is_trusted(tmp_path):
    async with opened(tmp_path, section_of(audiences=("partner",))) as bench:
        await bench.refuses_claims("azp-mismatch", aud=[CLIENT, "partner"])
        await bench.sign_in({"aud": [CLIENT, "partner"], "azp": CLIENT})
        assert bench.inside == 1


@pytest.mark.parametrize("azp", ["another-client", "", 7, [CLIENT]])
async def test_b8_given_to_another_client(bench, azp):
    await bench.refuses_claims("azp-mismatch", azp=azp)


# ---------------------------------------------------------------------------------------------------------------- when


@pytest.mark.parametrize("iat", [None, "1767603600", True, [], -5, 10**400, 2**40])
async def test_b9_not_said_when_it_was_made(bench, iat):
    await bench.refuses_claims("iat-invalid", iat=iat)


async def test_b9_made_in_the_future(bench):
    await bench.refuses_claims("iat-invalid", iat=bench.now + 62)
    await bench.sign_in({"iat": bench.now + 58})
    assert bench.inside == 1


async def test_b10_made_a_week_ago(bench):
    await bench.refuses_claims("iat-stale", iat=bench.now - WEEK)
    await bench.refuses_claims("iat-stale", iat=bench.now - 602)
    await bench.sign_in({"iat": bench.now - 598})


@pytest.mark.parametrize("exp", [None, "1999999999", True, [], 10**400])
async def test_b11_no_usable_end(bench, exp):
    await bench.refuses_claims("exp-invalid", exp=exp)


async def test_b11_no_number_at_all(bench):
    await bench.begin()
    claims = json.dumps(bench.claims(exp=4711)).replace("4711", "NaN")
    await bench.refuses("token-malformed", signed(claims))
    await bench.begin()
    await bench.refuses("exp-invalid", signed(json.dumps(bench.claims(exp=4711)).replace("4711", "1e400")))


async def test_b11_ended(bench):
    await bench.refuses_claims("token-expired", exp=bench.now - 60)
    await bench.sign_in({"exp": bench.now - 59})


async def test_b12_for_a_time_to_come(bench):
    await bench.refuses_claims("nbf-future", nbf=bench.now + 62)
    await bench.refuses_claims("nbf-future", nbf="soon")
    await bench.sign_in({"nbf": bench.now + 58})


async def test_b11_the_clock_is_an_hour_off_and_the_attempt_says_so(bench):
    await bench.refuses_claims("token-expired", iat=bench.now - 300, exp=bench.now - 3600 + 60)
    assert "3540 s from now" in bench.book.attempts(limit=1)[0].detail


# ------------------------------------------------------------------------------------------------------ which sign-in


@pytest.mark.parametrize("nonce", ["another", "", 7, ["x"]])
async def test_b13_another_nonce(bench, nonce):
    await bench.refuses_claims("nonce-mismatch", nonce=nonce)


async def test_b14_no_nonce_although_one_was_sent(bench):
    await bench.begin()
    claims = bench.claims()
    del claims["nonce"]
    await bench.refuses("nonce-mismatch", signed(claims))


async def test_b15_a_token_cannot_switch_its_own_check_off(bench):
    await bench.begin()
    first = bench.id_token(nonce_supported=False)
    await bench.come_back(first)
    await bench.begin()
    await bench.refuses("nonce-mismatch", first)


async def test_b16_the_same_token_in_another_browser(bench):
    await bench.begin()
    token = bench.id_token()
    await bench.come_back(token)
    bench.browser = ""
    await bench.begin()
    await bench.refuses("nonce-mismatch", token)


# ----------------------------------------------------------------------------------------------------- how it is signed


def unsigned(header: dict, claims: dict) -> str:
    return f"{b64(json.dumps(header))}.{b64(json.dumps(claims))}."


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", ""])
@pytest.mark.parametrize("listed", [True, False])
async def test_b17_not_signed_at_all(tmp_path, alg, listed):
    provider = FakeProvider()
    if listed:
        provider.metadata["id_token_signing_alg_values_supported"] = ["none", "RS256"]
    async with opened(tmp_path, provider=provider) as bench:
        await bench.begin()
        await bench.refuses("token-malformed", unsigned({"alg": alg, "kid": "one"}, bench.claims()))
        await bench.refuses("state-used", unsigned({"alg": alg}, bench.claims()))
        await bench.begin()
        with_signature = unsigned({"alg": alg, "kid": "one"}, bench.claims()) + b64("anything")
        await bench.refuses("alg-refused", with_signature)


@pytest.mark.parametrize(("alg", "key"), [("ES256", ec("one")), ("PS256", rsa()), ("RS384", rsa())])
async def test_b18_another_algorithm_than_the_one_that_is_pinned(bench, alg, key):
    bench.provider.keys = [public(key)]
    await bench.begin()
    await bench.refuses("alg-refused", signed(bench.claims(), key=key, alg=alg))


@pytest.mark.parametrize(
    ("alg", "key"),
    [("ES256", ec()), ("ES384", ec("wide", "P-384")), ("PS256", rsa()), ("RS512", rsa()), ("PS512", rsa())],
)
async def test_b18_another_algorithm_that_was_configured(tmp_path, alg, key):
    async with opened(tmp_path, section_of(alg=alg)) as bench:
        bench.provider.keys = [public(key)]
        await bench.begin()
        await bench.come_back(signed(bench.claims(), key=key, alg=alg, header={"kid": None}))
        assert bench.inside == 1
        await bench.refuses_claims("alg-refused")


@pytest.mark.parametrize("secret", [rsa().as_pem(private=False), b"", SECRET.encode()])
async def test_b19_a_shared_secret_where_a_key_pair_belongs(bench, secret):
    await bench.begin()
    message = f"{b64(json.dumps({'alg': 'HS256', 'kid': 'one'}))}.{b64(json.dumps(bench.claims()))}"
    await bench.refuses("alg-refused", f"{message}.{b64(hmac.digest(secret, message.encode(), 'sha256'))}")


def test_b19_a_shared_secret_cannot_even_be_configured():
    assert not [alg for alg in ALGORITHMS if alg.startswith("HS") or alg == "none"]
    annotated = OidcSettings.__annotations__["alg"]
    assert "HS256" not in str(annotated)
    assert "RS256" in str(annotated)


@pytest.mark.parametrize("where", ["signature", "payload", "header"])
async def test_b20_a_broken_signature_in_the_plain_code_flow(bench, where):
    await bench.begin()
    header, payload, signature = bench.id_token().split(".")
    if where == "signature":
        signature = ("A" if signature[0] != "A" else "B") + signature[1:]
    elif where == "payload":
        payload = b64(json.dumps(bench.claims(email="victim@acme.example")))
    else:
        header = b64(json.dumps({"kid": "one", "alg": "RS256"}))
    await bench.refuses("signature-invalid", f"{header}.{payload}.{signature}")


async def test_b20_a_broken_signature_of_a_curve(tmp_path):
    async with opened(tmp_path, section_of(alg="ES256")) as bench:
        bench.provider.keys = [public(ec())]
        await bench.begin()
        token = signed(bench.claims(), key=ec(), alg="ES256", header={"kid": "curve"}).rpartition(".")[0]
        await bench.refuses("signature-invalid", f"{token}.{b64(bytes(64))}")


async def test_b20_signed_by_somebody_else_under_the_same_name(bench):
    await bench.begin()
    await bench.refuses("signature-invalid", signed(bench.claims(), key=rsa("thief")))


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
async def test_b21_keys_in_the_header_are_not_looked_at(bench, member):
    thief = rsa("thief")
    bench.provider.faults["/thief"] = answering(200, json={"keys": [public(thief)]})
    value = {"jwk": public(thief), "x5c": ["MIIB"]}.get(member, "https://id.acme.example/thief")
    await bench.begin()
    await bench.refuses("signature-invalid", signed(bench.claims(), key=thief, header={member: value}))
    await bench.begin()
    await bench.refuses("key-unknown", signed(bench.claims(), key=thief, header={member: value, "kid": "thief"}))
    assert bench.provider.asked("/thief") == []


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": ["unheard-of"]},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"b64": False},
    ],
)
async def test_b22_headers_that_must_be_understood(bench, header):
    await bench.begin()
    await bench.refuses("header-refused", signed(bench.claims(), header=header))


async def test_b22_a_key_name_that_is_no_text(bench):
    await bench.begin()
    await bench.refuses("header-refused", signed(bench.claims(), header={"kid": 1}))


async def test_b23_no_key_named_and_one_fits(bench):
    bench.provider.keys = [public(rsa()), public(ec()), public(rsa("enc"), use="enc")]
    await bench.begin()
    await bench.come_back(signed(bench.claims(), header={"kid": None}))
    assert bench.inside == 1


async def test_b24_no_key_named_and_several_fit(bench):
    bench.provider.keys = [public(rsa()), public(rsa("two"))]
    await bench.begin()
    await bench.refuses("key-ambiguous", signed(bench.claims(), header={"kid": None}))


async def test_b25_a_sound_token(bench):
    admitted = await bench.sign_in()
    assert bench.inside == 1
    session = bench.keeper.check(admitted.ticket)
    assert (session.key, session.sub, session.person.id) == ("7", "ada", "ada")
    assert [facts["code"] for facts in bench.chain("door.opened")] == ["signed-in"]


@pytest.mark.parametrize(
    "typ",
    ["at+jwt", "logout+jwt", "secevent+jwt", "global-token-revocation+jwt", "application/at+jwt", "LOGOUT+JWT", 7, "x"],
)
async def test_b26_tokens_of_another_type(bench, typ):
    await bench.begin()
    await bench.refuses("typ-refused", signed(bench.claims(), header={"typ": typ}))


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt", None])
async def test_b26_tokens_of_the_right_type(bench, typ):
    await bench.begin()
    await bench.come_back(signed(bench.claims(), header={"typ": typ}))


async def test_b27_another_token_in_the_place_of_the_id_token(bench):
    await bench.begin()
    userinfo = {"sub": "ada", "email": "ada@acme.example", "iss": bench.provider.issuer, "aud": CLIENT}
    await bench.refuses("iat-invalid", signed(userinfo))
    await bench.refuses_claims("aud-mismatch", aud="https://api.acme.example", scp=["openid"])
    await bench.refuses_claims("aud-mismatch", aud="another-client")
    await bench.begin()
    await bench.refuses("token-malformed", "opaque-access-token")


async def malformed(bench, make, code="token-malformed"):
    await bench.begin()
    await bench.refuses(code, make(bench))


@pytest.mark.parametrize("ending", ["=", "==", ".", ".x", "\n", " ", "%00", "\u00e9"])
async def test_b28_trailing_bytes(bench, ending):
    await malformed(bench, lambda bench: bench.id_token() + ending)


async def test_b28_a_longer_signature(bench):
    await malformed(bench, lambda bench: bench.id_token() + "A", "signature-invalid")


async def test_b28_other_forms_than_compact(bench):
    def as_json(bench):
        protected, payload, signature = bench.id_token().split(".")
        return json.dumps({"payload": payload, "signatures": [{"protected": protected, "signature": signature}]})

    def flattened(bench):
        protected, payload, signature = bench.id_token().split(".")
        return json.dumps({"payload": payload, "protected": protected, "signature": signature})

    for make in (as_json, flattened, lambda bench: json.dumps({"payload": "x", "signatures": []}), lambda bench: ""):
        await (malformed(bench, make) if make(bench) else malformed(bench, make, "token-answer-invalid"))


async def test_b28_padded_segments(bench):
    def padded(bench):
        header, payload, signature = bench.id_token().split(".")
        return f"{header}.{payload + '=' * (-len(payload) % 4 or 4)}.{signature}"

    await malformed(bench, padded)


async def test_b28_a_segment_written_in_another_way(bench):
    """The last letter of a segment has bits that mean nothing: several spellings, one meaning, and only one is ours."""

    def respelt(bench):
        text = json.dumps({"alg": "RS256", "kid": "one", "pad": ""})
        while len(text.encode()) % 3 != 1:
            text = text.replace('"pad": "', '"pad": "x')
        token = raw_signed(text, json.dumps(bench.claims()), rsa())
        header, _, rest = token.partition(".")
        return f"{header[:-1]}{chr(ord(header[-1]) + 1)}.{rest}"

    await malformed(bench, respelt)


async def test_b28_two_megabytes(bench):
    await malformed(bench, lambda bench: bench.id_token(blob="x" * 2_000_000), "token-answer-invalid")
    await malformed(bench, lambda bench: bench.id_token(blob="x" * 70_000), "token-too-large")


@pytest.mark.parametrize(
    "payload", ["[]", '"text"', "7", "null", "", "{", "[" * 5000, '{"a":' * 40 + "1" + "}" * 40, "\ud800"]
)
async def test_b28_a_payload_that_is_no_object(bench, payload):
    if payload == "\ud800":
        payload = '{"sub": "\\ud800"}'
    await malformed(bench, lambda bench: raw_signed('{"alg":"RS256","kid":"one"}', payload or " ", rsa()))


async def test_b28_a_member_that_comes_twice(bench):
    def twice(bench):
        text = json.dumps(bench.claims(sub="bo"))
        return signed(text[:-1] + ', "sub": "ada"}')

    await malformed(bench, twice)
    await malformed(
        bench, lambda bench: raw_signed('{"alg":"RS256","kid":"x","kid":"one"}', json.dumps(bench.claims()), rsa())
    )


async def test_b29_an_encrypted_token(bench):
    await malformed(bench, lambda bench: "a.b.c.d.e", "token-encrypted")


async def test_b30_signed_in_too_long_ago(bench):
    async def asked(code, **claims):
        await bench.begin(max_age=300)
        assert bench.asked["max_age"] == "300"
        token = bench.id_token(**claims)
        await (bench.refuses(code, token) if code else bench.come_back(token))

    await asked("auth-time-stale")
    await asked("auth-time-stale", auth_time=bench.now - 362)
    await asked("auth-time-stale", auth_time=str(bench.now))
    await asked("", auth_time=bench.now - 358)
    await bench.sign_in({"auth_time": bench.now - WEEK})


# --------------------------------------------------------------------------------------------------------------- shape


async def test_nothing_of_a_token_is_in_the_journal(bench):
    secret = "canary-claim-value"
    await bench.refuses_claims("not-provisioned", sub="nobody", family_name=secret, email="ada.king@acme.example")
    [attempt] = bench.book.attempts(limit=1)
    assert attempt.claims["family_name"] == "ca… (18 characters)"
    assert attempt.claims["email"] == "a…@acme.example"
    kept = bench.path.read_bytes() + b"".join(p.read_bytes() for p in bench.path.parent.glob("*-wal"))
    for word in (secret, "ada.king", SECRET, bench.provider.id_token, bench.asked["state"], bench.browser):
        assert word.encode() not in kept


async def test_the_provider_is_down_in_the_middle_of_it(bench):
    await bench.begin()
    bench.provider.faults["/token"] = unreachable
    refused = await bench.refuses("provider-unreachable")
    assert refused.reason.page == "later"


async def test_a_flow_that_breaks_is_a_refusal(bench, caplog):
    await bench.begin()

    def broken(request: httpx.Request) -> httpx.Response:
        raise RuntimeError("a bug")

    bench.provider.faults["/token"] = broken
    await bench.refuses("provider-error")
    assert "a sign-in at sso.agents failed" in caplog.text
