"""The second factor is the provider's, and proven: a claim that is missing or of another shape proves nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from sso_bench import ADA, ISSUER, opened, section_of
from sso_entra import OID, entra, entra_claims, of_entra

from crosskey.connector.refusal import SsoRefused
from crosskey.sso.doorkeeper import Rehearsal

REQUIRED = {"mfa": "required"}
TWO = "urn:okta:loa:2fa:any"


async def come(bench, code="", **claims):
    await bench.begin()
    token = bench.id_token(**claims)
    return await (bench.refuses(code, token) if code else bench.come_back(token))


@pytest.mark.parametrize(
    "acr", ["urn:okta:loa:1fa:any", "urn:okta:loa:1fa:pwd", None, "", [TWO], f"{TWO}:ifpossible", TWO.upper()]
)
async def test_g1_one_factor_where_two_were_asked_for(tmp_path, acr):
    async with opened(tmp_path, section_of("okta", rules=REQUIRED)) as bench:
        refused = await come(bench, "mfa-missing", acr=acr, amr=["mfa", "pwd"])
        assert bench.asked["acr_values"] == TWO
        assert refused.reason.page == "second-factor"
        await bench.begin(prompt="login")
        assert bench.asked["prompt"] == "login", "once more, afresh"


@pytest.mark.parametrize("acr", [TWO, "phr", "phrh"])
async def test_g1_two_factors_and_better(tmp_path, acr):
    async with opened(tmp_path, section_of("okta", rules=REQUIRED)) as bench:
        admitted = await come(bench, acr=acr)
        assert (admitted.session.mfa.verdict, admitted.session.mfa.acr) == ("proven", acr)


async def test_g1_any_provider_by_acr(tmp_path):
    async with opened(tmp_path, section_of(rules=REQUIRED, acr_values=("gold", "silver"))) as bench:
        await come(bench, "mfa-missing", acr="bronze")
        assert bench.asked["acr_values"] == "gold silver"
        await come(bench, acr="silver")


@pytest.mark.parametrize("amr", [None, [], "mfa", ["pwd"], ["pwd", "email"], [["mfa"]], {"mfa": 1}, [7], "pwd mfa"])
@pytest.mark.parametrize("flow", ["oidc", "okta"])
async def test_g2_amr_that_proves_nothing(tmp_path, flow, amr):
    own = {"mfa_claim": "amr"} if flow == "okta" else {}
    async with opened(tmp_path, section_of(flow, rules=REQUIRED, **own)) as bench:
        await come(bench, "mfa-missing", amr=amr, acr=TWO)


@pytest.mark.parametrize("amr", [["mfa"], ["pwd", "okta_verify", "otp", "mfa"], ["mfa", 7]])
async def test_g2_amr_that_holds_one_of_those_that_count(tmp_path, amr):
    async with opened(tmp_path, section_of(rules=REQUIRED)) as bench:
        await come(bench, amr=amr)
    async with opened(tmp_path, section_of(rules=REQUIRED, amr=("hwk", "mfa"))) as bench:
        await come(bench, amr=amr)


@pytest.mark.parametrize("acrs", [None, "", [], ["c2"], "c2", "c1 c2", ["c1c2"], {"c1": True}, [["c1"]], 1])
async def test_g3_the_authentication_context_is_missing_or_another(tmp_path, acrs):
    async with opened(tmp_path, entra(REQUIRED), of_entra()) as bench:
        bench.sync.link(type(ADA)(ISSUER, OID), "agent", "9")
        await come(bench, "mfa-missing", **entra_claims(acrs=acrs, amr=["mfa"]))
        asked = json.loads(bench.asked["claims"])
        assert asked == {"id_token": {"acrs": {"essential": True, "value": "c1"}}}


@pytest.mark.parametrize("acrs", ["c1", ["c1"], ["c2", "c1"]])
async def test_g3_both_shapes_of_the_right_context(tmp_path, acrs):
    async with opened(tmp_path, entra(REQUIRED), of_entra()) as bench:
        bench.sync.link(type(ADA)(ISSUER, OID), "agent", "9")
        admitted = await come(bench, **entra_claims(acrs=acrs))
        assert admitted.session.mfa.verdict == "proven"


async def test_g3_no_context_configured_proves_nothing(tmp_path):
    async with opened(tmp_path, entra(REQUIRED, mfa_context=""), of_entra()) as bench:
        bench.sync.link(type(ADA)(ISSUER, OID), "agent", "9")
        await come(bench, "mfa-missing", **entra_claims(acrs=""))
        assert "claims" not in bench.asked


async def test_g4_the_provider_says_that_the_person_cannot(tmp_path):
    async with opened(tmp_path, section_of("okta", rules=REQUIRED)) as bench:
        await bench.begin()
        error = {"code": None, "error": "unmet_authentication_requirements"}
        refused = await bench.refuses("mfa-unmet", parameters=error)
        assert refused.reason.page == "second-factor"


async def test_g5_a_session_of_the_portal_at_the_agents_door(tmp_path):
    async with opened(tmp_path, section_of(door="portal")) as portal:
        admitted = await portal.sign_in()
        portal.keeper.check(admitted.ticket)
        async with opened(tmp_path, section_of(rules=REQUIRED), portal.provider, beside=portal) as agents:
            with pytest.raises(SsoRefused) as caught:
                agents.keeper.check(admitted.ticket)
            assert caught.value.code == "session-door"


async def test_g5_doors_to_the_same_kind_of_account_are_two_doors(tmp_path):
    async with opened(tmp_path, section_of(door="portal", rules={"kind": "agent"})) as portal:
        admitted = await portal.sign_in()
        async with opened(tmp_path, section_of(), portal.provider, beside=portal) as agents:
            with pytest.raises(SsoRefused) as caught:
                agents.keeper.check(admitted.ticket)
            assert caught.value.code == "session-door"
        moved = section_of(door="portal", rules={"kind": "user"})
        async with opened(tmp_path, moved, portal.provider, beside=portal) as after:
            with pytest.raises(SsoRefused) as caught:
                after.keeper.check(admitted.ticket)
            assert caught.value.code == "session-door"


async def test_g5_a_session_from_before_the_second_factor_was_required(tmp_path):
    async with opened(tmp_path) as before:
        admitted = await before.sign_in({"amr": ["mfa"]})
        async with opened(tmp_path, section_of(rules=REQUIRED), before.provider, beside=before) as after:
            with pytest.raises(SsoRefused) as caught:
                after.keeper.check(admitted.ticket)
            assert caught.value.code == "session-assurance"


async def test_g6_risky_things_want_a_fresh_proof(tmp_path):
    async with opened(tmp_path, section_of(rules=REQUIRED)) as bench:
        admitted = await bench.sign_in({"amr": ["mfa"], "auth_time": bench.now - 200})
        fresh = timedelta(minutes=5)
        bench.keeper.check(admitted.ticket, fresh=fresh)
        bench.clock.advance(120)
        with pytest.raises(SsoRefused) as caught:
            bench.keeper.check(admitted.ticket, fresh=fresh)
        assert caught.value.code == "session-stale"
        begun = await bench.begin(purpose="step-up", max_age=300, return_to="/danger")
        assert dict(parse_qsl(urlsplit(begun.url).query))["max_age"] == "300"
        await bench.refuses("auth-time-stale", bench.id_token(amr=["mfa"], auth_time=bench.now - 400))
        await bench.begin(purpose="step-up", max_age=300, return_to="/danger")
        bench.provider.id_token = bench.id_token(amr=["mfa"], auth_time=bench.now)
        from crosskey.sso.callback import read_callback

        returned = read_callback("GET", f"code=c&state={bench.asked['state']}".encode())
        renewed = await bench.keeper.finish(returned, browser=bench.browser, replaces=admitted.ticket)
        bench.keeper.check(renewed.ticket, fresh=fresh)
        with pytest.raises(SsoRefused) as caught:
            bench.keeper.check(admitted.ticket)
        assert caught.value.code == "session-revoked"
        assert bench.inside == 1


async def test_g6_a_session_that_does_not_say_when_is_stale(tmp_path):
    async with opened(tmp_path) as bench:
        admitted = await bench.sign_in()
        with pytest.raises(SsoRefused) as caught:
            bench.keeper.check(admitted.ticket, fresh=timedelta(days=1))
        assert caught.value.code == "session-stale"


async def test_a_test_opens_no_session_and_says_what_would_have_been(tmp_path):
    """What the set-up builds on: a sign-in that must fail for want of a second factor says so."""
    async with opened(tmp_path, section_of(rules={"enabled": False, "mfa": "required"})) as bench:

        async def test(**claims):
            await bench.begin(purpose="test")
            found = await bench.come_back(bench.id_token(**claims))
            assert isinstance(found, Rehearsal)
            assert bench.inside == 0
            return found

        good = await test(amr=["mfa"], email="ada@acme.example", iat=bench.now - 5)
        assert (good.code, good.standing.key, good.identity.mfa.verdict) == ("tested", "7", "proven")
        assert (good.claims["email"], round(good.identity.skew)) == ("a…@acme.example", -5)
        assert (await test(amr=["pwd"])).code == "mfa-missing"
        assert (await test(amr=["mfa"], sub="nobody")).code == "not-provisioned"
        assert [each.code for each in bench.book.attempts()] == ["not-provisioned", "mfa-missing", "tested"]
        assert bench.book.latest_attempt("agents", "test", "mfa-missing") is not None
        assert bench.book.latest_attempt("portal", "test", "mfa-missing") is None
        assert len(bench.chain("door.tested")) == 3
