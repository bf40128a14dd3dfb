"""Signing out: here at once, at the provider if it can be had, and because the provider says so."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from sso_bench import ADA, PUBLIC, opened, section_of
from sso_provider import ISSUER, b64, ec, public, rsa, signed, unreachable

from crosskey.connector.refusal import SsoRefused
from crosskey.journal import Whom

EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture
async def bench(tmp_path):
    async with opened(tmp_path) as bench:
        yield bench


async def told(bench, token=None, **claims):
    return await bench.hear("back-channel", signed(bench.logout_claims(**claims)) if token is None else token)


# -------------------------------------------------------------------------------------------------- by the person


async def test_f1_the_session_here_has_ended_before_anybody_goes_to_the_provider(bench):
    admitted = await bench.sign_in({"login_hint": "opaque-hint"})
    url = await bench.keeper.leave(admitted.ticket)
    assert bench.inside == 0
    asked = dict(parse_qsl(urlsplit(url).query))
    assert url.startswith(f"{ISSUER}/logout?")
    assert asked["post_logout_redirect_uri"] == f"{PUBLIC}/agents/signed-out"
    assert asked["id_token_hint"] == bench.provider.id_token
    assert (asked["logout_hint"], len(asked["state"])) == ("opaque-hint", 43)
    assert await bench.keeper.leave(admitted.ticket) is None
    assert await bench.keeper.leave("nonsense") is None


async def test_f1_a_provider_without_an_address_for_it_or_that_is_down_keeps_nobody_inside(bench):
    admitted = await bench.sign_in()
    bench.clock.advance(1500)
    bench.keeper.check(admitted.ticket)
    bench.clock.advance(1500)
    bench.provider.metadata["end_session_endpoint"] = ""
    bench.clock.advance(700)
    with pytest.raises(SsoRefused):
        bench.keeper.check("x" * 43)
    assert await bench.keeper.leave(admitted.ticket) is None
    assert bench.inside == 0
    bench.provider.metadata["issuer"] = "https://evil.example"
    again = await bench.sign_in()
    bench.clock.advance(3700)
    bench.provider.faults["openid-configuration"] = unreachable
    await bench.keeper.leave(again.ticket)
    assert bench.inside == 0


# ------------------------------------------------------------------------------------------------- by the back channel


async def test_f3_by_person_by_session_or_both(bench):
    async def three():
        tickets = [await bench.sign_in({"sid": sid}) for sid in ("s1", "s1", "s2")]
        bench.clock.advance(2)
        return tickets

    for claims, left in [({}, 0), ({"sub": None, "sid": "s1"}, 1), ({"sid": "s2"}, 2), ({"sub": "bo", "sid": "s1"}, 3)]:
        await three()
        reply = await told(bench, **claims)
        assert (reply.status, reply.body, bench.inside) == (200, b"", left), claims
        bench.book.end_sessions(Whom(everybody=True), "test")
        bench.clock.advance(60)


async def test_f4_not_signed(bench):
    await bench.sign_in()
    text = signed(bench.logout_claims()).split(".")
    header = b64('{"alg":"none","kid":"one"}')
    for token in (f"{header}.{text[1]}.", f"{header}.{text[1]}.{text[2]}"):
        assert (await told(bench, token)).status == 400
    assert bench.inside == 1


async def test_f5_signed_in_another_way(bench):
    await bench.sign_in()
    bench.provider.keys = [public(ec("one")), public(rsa())]
    reply = await told(bench, signed(bench.logout_claims(), key=ec("one"), alg="ES256"))
    assert (reply.status, reply.code, bench.inside) == (400, "alg-refused", 1)


@pytest.mark.parametrize(
    "events", [None, {}, {"https://schemas.openid.net/x": {}}, [EVENT], EVENT, {EVENT: "x"}, {EVENT: {}, "x": {}}]
)
async def test_f6_no_event_or_another_one(bench, events):
    await bench.sign_in()
    reply = await told(bench, events=events)
    assert (reply.status, reply.code, bench.inside) == (400, "signal-events", 1)


async def test_f7_a_nonce(bench):
    await bench.sign_in()
    reply = await told(bench, nonce="x")
    assert (reply.status, reply.code, bench.inside) == (400, "signal-nonce", 1)


@pytest.mark.parametrize("claims", [{"aud": "another"}, {"iss": "https://evil.example"}, {"aud": None}, {"iss": None}])
async def test_f8_for_or_of_somebody_else(bench, claims):
    await bench.sign_in()
    assert (await told(bench, **claims)).status == 400
    assert bench.inside == 1


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"sub": None}, "signal-subject"),
        ({"sub": None, "sid": 7}, "signal-subject"),
        ({"sub": 7}, "sub-invalid"),
        ({"jti": None}, "signal-id"),
        ({"jti": ""}, "signal-id"),
        ({"exp": None}, "exp-invalid"),
        ({"exp": 1}, "token-expired"),
        ({"iat": None}, "iat-invalid"),
        ({"iat": 1}, "signal-stale"),
    ],
)
async def test_f9_nobody_named_or_too_old(bench, claims, code):
    await bench.sign_in()
    reply = await told(bench, **claims)
    assert (reply.status, reply.code, bench.inside) == (400, code, 1)
    assert b"canary" not in reply.body


async def test_f9_the_same_again_has_no_effect(bench):
    await bench.sign_in()
    bench.clock.advance(2)
    token = signed(bench.logout_claims())
    assert (await told(bench, token)).code == "ended"
    bench.clock.advance(1)
    await bench.sign_in({"iat": bench.now - 300})  # begun after it: a token that is dated back tells nothing else
    reply = await told(bench, token)
    assert (reply.status, reply.code, bench.inside) == (200, "repeated", 1)


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "logout+jwt", "application/logout+jwt"])
async def test_f10_types_that_are_taken(bench, typ):
    reply = await told(bench, signed(bench.logout_claims(), header={"typ": typ}))
    assert reply.status == 200


@pytest.mark.parametrize("typ", ["at+jwt", "secevent+jwt", "global-token-revocation+jwt", "x"])
async def test_f10_types_that_are_not(bench, typ):
    reply = await told(bench, signed(bench.logout_claims(), header={"typ": typ}))
    assert (reply.status, reply.code) == (400, "typ-refused")


async def test_f10_an_id_token_is_no_logout_token(bench):
    await bench.sign_in()
    reply = await told(bench, bench.provider.id_token)
    assert (reply.status, reply.code, bench.inside) == (400, "signal-events", 1)


async def test_f11_a_session_of_another_client_stays(bench, tmp_path):
    portal = section_of("oidc", "portal", client_id="portal-client")
    async with opened(tmp_path, portal, bench.provider, beside=bench) as beside:
        await bench.sign_in({"sid": "s1"})
        await beside.sign_in({"sid": "s1", "aud": "portal-client"})
        bench.clock.advance(2)
        await told(bench, sid="s1")
        assert [session.door for session in bench.book.sessions()] == ["portal"]


# ------------------------------------------------------------------------------------------------ by the front channel


async def test_f12_the_front_channel_ends_one_session(bench):
    first = await bench.sign_in({"sid": "s1"})
    await bench.sign_in({"sid": "s2"})
    assert bench.keeper.front_channel(iss="https://evil.example", sid="s1", session_ticket="") == 0
    assert bench.keeper.front_channel(iss=ISSUER, sid="s3", session_ticket=first.ticket) == 0
    assert bench.keeper.front_channel(iss=ISSUER, sid="", session_ticket=first.ticket) == 0
    assert bench.keeper.front_channel(iss=ISSUER, sid="s2", session_ticket="") == 1
    assert bench.keeper.front_channel(iss="", sid="", session_ticket="nonsense") == 0
    assert bench.keeper.front_channel(iss="", sid="", session_ticket=first.ticket) == 1
    assert bench.inside == 0


# ------------------------------------------------------------------------------------------------- while signing in


async def test_f13_told_to_go_while_the_sign_in_was_under_way(bench):
    await bench.begin()
    token = bench.id_token()
    bench.clock.advance(5)
    await told(bench)
    await bench.refuses("revoked-meanwhile", token)
    bench.clock.advance(1)
    await bench.sign_in()


async def test_f13_by_session_while_the_sign_in_was_under_way(bench):
    await bench.begin()
    token, other = bench.id_token(sid="s1"), bench.id_token(sid="s2")
    bench.clock.advance(5)
    await told(bench, sub=None, sid="s1")
    await bench.refuses("revoked-meanwhile", token)
    await bench.begin()
    await bench.refuses("nonce-mismatch", other)


async def test_f13_an_operator_ends_sessions_of_a_person_meanwhile(bench):
    await bench.sign_in()
    await bench.begin()
    token = bench.id_token()
    bench.clock.advance(5)
    assert bench.book.end_sessions(Whom(person=ADA), "operator") == 1
    await bench.refuses("revoked-meanwhile", token)


async def test_a_message_at_a_door_that_is_off(tmp_path):
    async with opened(tmp_path, section_of(rules={"enabled": False})) as bench:
        reply = await told(bench)
        assert (reply.status, reply.code) == (400, "door-off")


async def test_a_channel_that_spoke_is_known(bench):
    await bench.sign_in()
    bench.clock.advance(2)
    await told(bench)
    await told(bench, jti="other")
    [channel] = bench.book.channels()
    assert (channel.door, channel.channel, channel.count) == ("agents", "back-channel", 2)
    assert channel.ended_at == channel.heard_at
    assert [facts["ended"] for facts in bench.chain("signal.heard")] == [1, 0]
