"""Userinfo, refresh tokens, and claims that point elsewhere."""

from __future__ import annotations

import pytest
from sso_bench import ADA, at_once, opened, section_of
from sso_provider import FakeProvider, answering, public, rsa, signed, unreachable

from crosskey.connector.refusal import SsoRefused
from crosskey.sso.sessions import kept_of


@pytest.fixture
async def bench(tmp_path):
    async with opened(tmp_path) as bench:
        bench.provider.token = {"refresh_token": "canary-refresh-1"}
        yield bench


# ------------------------------------------------------------------------------------------------------------ userinfo


@pytest.mark.parametrize("sub", ["bo", None, ["ada"]])
async def test_e1_userinfo_of_somebody_else(tmp_path, sub):
    async with opened(tmp_path, section_of(userinfo=True)) as bench:
        bench.provider.userinfo = {"sub": sub, "email": "ada@acme.example"}
        await bench.begin()
        await bench.refuses("userinfo-mismatch")


@pytest.mark.parametrize("fault", [answering(401), answering(200, text="x"), answering(200, json=[])])
async def test_e1_userinfo_that_cannot_be_had(tmp_path, fault):
    async with opened(tmp_path, section_of(userinfo=True)) as bench:
        bench.provider.faults["/userinfo"] = fault
        await bench.begin()
        refused = await bench.refuses("userinfo-mismatch" if fault(None).status_code == 200 else "provider-unreachable")
        assert refused.reference


async def test_e1_no_userinfo_endpoint_where_it_is_wanted(tmp_path):
    provider = FakeProvider()
    provider.metadata["userinfo_endpoint"] = ""
    async with opened(tmp_path, section_of(userinfo=True), provider) as bench:
        await bench.begin()
        await bench.refuses("userinfo-mismatch")
    async with opened(tmp_path, section_of(userinfo=True)) as bench:
        bench.provider.userinfo = {"sub": "ada"}  # what whoever asks without a token must not be told
        bench.provider.token = {"access_token": None, "token_type": None}
        await bench.begin()
        await bench.refuses("userinfo-mismatch")


async def test_e2_userinfo_by_bearer_fills_in_what_the_token_leaves_out(tmp_path):
    async with opened(tmp_path, section_of(userinfo=True)) as bench:
        bench.provider.userinfo = {"sub": "ada", "email": "ada@acme.example", "acr": "high", "name": "Ada"}
        await bench.sign_in({"name": "Token"})
        [request] = bench.provider.asked("/userinfo")
        assert (request.headers["authorization"], request.url.query) == ("Bearer opaque", b"")
        [session] = bench.book.sessions()
        assert session.mail
        assert session.mfa.acr == "", "what decides something is in the signed token"


async def test_e2_userinfo_is_not_asked_unless_it_is_wanted(bench):
    await bench.sign_in()
    assert bench.provider.asked("/userinfo") == []


# ------------------------------------------------------------------------------------------------------------- refresh


async def due(bench):
    """A session that is in use, and about which the provider has to be asked again."""
    admitted = await bench.sign_in()
    for _ in range(2):
        bench.clock.advance(310)
        session = bench.keeper.check(admitted.ticket)
    bench.provider.requests.clear()
    return admitted.ticket, session


async def ended(bench, code):
    session_ticket, session = await due(bench)
    with pytest.raises(SsoRefused) as caught:
        await bench.keeper.stand_by(session, session_ticket)
    assert caught.value.code == code
    with pytest.raises(SsoRefused) as caught:
        bench.keeper.check(session_ticket)
    assert caught.value.code == "session-revoked"
    assert bench.inside == 0


@pytest.mark.parametrize("changes", [{"iss": "https://evil.example"}, {"sub": "bo"}, {"sub": None}, {"aud": "another"}])
async def test_e3_a_renewed_token_of_somebody_else(bench, changes):
    session_ticket, session = await due(bench)
    bench.provider.id_token = signed(bench.claims(**changes))
    with pytest.raises(SsoRefused) as caught:
        await bench.keeper.stand_by(session, session_ticket)
    assert caught.value.code == "refresh-mismatch"
    assert bench.inside == 0


async def test_e4_the_provider_stands_by_it_no_longer(bench):
    bench.provider.faults["/token"] = lambda request: (
        answering(400, json={"error": "invalid_grant"})(request)
        if b"refresh_token" in request.content
        else _first_answer(bench)(request)
    )
    await ended(bench, "refresh-refused")


def _first_answer(bench):
    return answering(200, json={"id_token": bench.provider.id_token, "refresh_token": "canary-refresh-1"})


async def test_e4_a_provider_that_stands_by_it(bench):
    session_ticket, session = await due(bench)
    bench.provider.id_token = signed({name: value for name, value in bench.claims().items() if name != "nonce"})
    bench.provider.token = {"refresh_token": "canary-refresh-2"}
    await bench.keeper.stand_by(session, session_ticket)
    assert bench.provider.form()["refresh_token"] == "canary-refresh-1"
    renewed = bench.keeper.check(session_ticket)
    assert kept_of(renewed, session_ticket).refresh_token == "canary-refresh-2"
    await bench.keeper.stand_by(renewed, session_ticket)
    assert len(bench.provider.asked("/token")) == 1, "not due again yet"


async def test_e4_several_requests_at_once_ask_once(bench):
    session_ticket, session = await due(bench)
    bench.provider.token = {"id_token": None}
    await at_once(*(bench.keeper.stand_by(session, session_ticket) for _ in range(5)))
    assert len(bench.provider.asked("/token")) == 1
    assert bench.inside == 1


@pytest.mark.parametrize("fault", [unreachable, answering(500), answering(400, json={"error": "server_error"})])
async def test_e4_a_provider_that_cannot_tell_ends_nothing(bench, fault):
    session_ticket, session = await due(bench)
    bench.provider.faults["/token"] = fault
    await bench.keeper.stand_by(session, session_ticket)
    bench.keeper.check(session_ticket)


async def test_e4_without_a_refresh_token_nobody_is_asked(bench):
    bench.provider.token = {}
    session_ticket, session = await due(bench)
    await bench.keeper.stand_by(session, session_ticket)
    assert bench.provider.requests == []


async def test_refresh_tokens_are_not_to_be_read_in_the_journal(bench):
    admitted = await bench.sign_in()
    [session] = bench.book.sessions()
    assert kept_of(session, admitted.ticket).refresh_token == "canary-refresh-1"
    assert kept_of(session, "x" * 43).refresh_token == ""
    kept = b"".join(path.read_bytes() for path in bench.path.parent.iterdir() if path.is_file())
    for word in ("canary-refresh-1", admitted.ticket, bench.provider.id_token):
        assert word.encode() not in kept
    bench.keeper.front_channel(iss="", sid="", session_ticket=admitted.ticket)
    assert bench.book.session(session.id).sealed == b"", "nothing is kept of a session that ended"


# ------------------------------------------------------------------------------------------ claims that point elsewhere


async def test_e5_addresses_in_claims_are_never_asked(tmp_path):
    overage = {
        "_claim_names": {"groups": "src1"},
        "_claim_sources": {"src1": {"endpoint": "https://graph.windows.net/x/users/y/getMemberObjects"}},
    }
    tenant = "11111111-1111-1111-1111-111111111111"
    authority = "https://id.acme.example"
    section = section_of("entra", tenant=tenant, authority=authority, issuer=ADA.issuer)
    async with opened(tmp_path, section) as bench:
        bench.provider.issuer = bench.provider.metadata["issuer"] = f"{authority}/{tenant}/v2.0"
        oid = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
        bench.provider.keys = [public(rsa())]
        await bench.begin()
        token = bench.id_token(tid=tenant, ver="2.0", oid=oid, **overage)
        await bench.refuses("not-provisioned", token)
        assert {request.url.host for request in bench.provider.requests} == {"id.acme.example"}


async def test_that_the_provider_answers_about_sessions_is_noted(bench):
    admitted = await bench.sign_in()
    session = bench.keeper.check(admitted.ticket)
    bench.clock.advance(700)
    bench.provider.faults["/token"] = unreachable
    await bench.keeper.stand_by(session, admitted.ticket)
    assert bench.book.channels() == []
    del bench.provider.faults["/token"]
    bench.clock.advance(700)
    await bench.keeper.stand_by(bench.keeper.check(admitted.ticket), admitted.ticket)
    [channel] = bench.book.channels()
    assert (channel.channel, channel.ended_at) == ("refresh", None)
    bench.provider.faults["/token"] = answering(400, json={"error": "invalid_grant"})
    bench.clock.advance(700)
    with pytest.raises(SsoRefused):
        await bench.keeper.stand_by(bench.keeper.check(admitted.ticket), admitted.ticket)
    assert bench.book.channels()[0].ended_at == bench.clock.now()
