"""Going out, by one's own hand, by word of the provider, or because the sync switched the account off."""

from __future__ import annotations

import html
import json

import pytest
from doors_bench import house
from sso_bench import ADA, CLIENT, PUBLIC
from sso_provider import signed

from crosskey.connector.reasons import REASONS

SSF = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture
async def doors(tmp_path):
    async with house(tmp_path, operators=("7",)) as opened:
        yield opened


async def inside(doors, **claims):
    ada = doors.browser()
    await ada.sign_in(**claims)
    assert (await ada.verify()).status_code == 200
    return ada


# ---------------------------------------------------------------------------------------------------- by one's own hand


async def test_f2_another_site_cannot_sign_anybody_out(doors):
    ada = await inside(doors)
    page = await ada.get("/agents/sign-out", cross_site=True)
    assert (page.status_code, doors.inside()) == (200, 1)  # a question, and nothing done
    assert (await ada.post("/agents/sign-out", {}, cross_site=True)).status_code == 403
    assert (await ada.post("/agents/sign-out", {"token": "guess"})).status_code == 403
    assert (await ada.press(page, token="")).status_code == 403
    forged = await ada.post("/agents/sign-out", {"token": "x"}, headers={"origin": "https://evil.example"})
    assert (forged.status_code, doors.inside()) == (403, 1)
    assert (await ada.press(page)).status_code == 200
    assert doors.inside() == 0


async def test_a_form_of_another_session_is_none_of_this_one(doors):
    ada, other = await inside(doors), await inside(doors)
    page = await other.get("/agents/sign-out")
    ada_page = await ada.press(page)
    assert (ada_page.status_code, doors.inside()) == (403, 2)


async def test_a_form_posted_by_another_site_is_refused_with_a_right_token(doors):
    """Were the token ever known, the browser still says where the form is from."""
    ada = await inside(doors)
    page = await ada.get("/agents/sign-out")
    token = page.text.partition('name="token" value="')[2].partition('"')[0]
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        assert (await ada.post("/agents/sign-out", {"token": token}, headers=headers)).status_code == 403
    assert doors.inside() == 1


async def test_f14_signed_out_is_signed_out(tmp_path):
    """Not even the door that sends everybody on at once takes somebody in who has just gone out."""
    async with house(tmp_path, agents={"local": "/auth/account/login"}, step="redirect") as doors:
        ada = await inside(doors)
        assert (await ada.press(await ada.get("/agents"))).status_code == 200
        for place in ("/agents/signed-out?state=whatever", "/agents/sign-in", "/agents/sign-in?to=/tickets"):
            page = await ada.get(place)
            assert (page.status_code, "http-equiv" in page.text) == (200, False), place
        ada.sent(await ada.get("/agents/sign-in/start"))
        await ada.back()
        assert (doors.inside(), (await ada.verify()).status_code) == (1, 200)


async def test_h10_the_last_way_in_without_a_provider(tmp_path):
    """Nobody is sent on at once where there is no other way in, and that way is shown when the provider is down."""
    import httpx

    async with house(tmp_path, agents={"local": "/auth/account/login"}, step="redirect") as doors:

        def down(request):
            raise httpx.ConnectError("no route")

        doors.provider.faults = {"/.well-known/openid-configuration": down}
        ada = doors.browser()
        assert (await ada.get("/agents/sign-in")).status_code == 503
        page = await ada.get("/agents/sign-in?sso=off")
        assert (page.status_code, 'href="/auth/account/login"' in page.text) == (200, True)


async def test_what_signs_out_at_the_provider_stays_out_of_the_journal(doors):
    ada = await inside(doors)
    out = await ada.press(await ada.get("/agents"))
    assert "id_token_hint=" in out.text
    assert out.headers["cache-control"] == "no-store"
    content = doors.config.journal.path.read_bytes()
    assert b"eyJ" not in content


# --------------------------------------------------------------------------------------------------- the provider says


def logout(doors, **changes):
    whole = {
        "iss": doors.provider.issuer,
        "aud": CLIENT,
        "iat": doors.now,
        "exp": doors.now + 120,
        "jti": f"logout-{doors.now}",
        "sub": "ada",
        "events": {LOGOUT: {}},
        **changes,
    }
    return signed({name: value for name, value in whole.items() if value is not None})


async def test_back_channel_logout(doors):
    ada, op = await inside(doors), doors.browser()
    doors.clock.advance(5)
    broken = await op.post("/agents/logout/back-channel", {"logout_token": logout(doors, events={})})
    assert (broken.status_code, json.loads(broken.text)["error"], doors.inside()) == (400, "invalid_request", 1)
    twice = f"logout_token={logout(doors)}&logout_token={logout(doors)}"
    assert (await op.send("POST", "/agents/logout/back-channel", content=twice)).status_code == 400
    ended = await op.post("/agents/logout/back-channel", {"logout_token": logout(doors)}, host="internal:8480")
    assert (ended.status_code, ended.text, ended.headers["cache-control"]) == (200, "", "no-store")
    assert (doors.inside(), (await ada.verify()).status_code) == (0, 401)


async def test_front_channel_logout(doors):
    ada = await inside(doors, sid="s-1")
    frame = doors.browser()
    nothing = await frame.get(f"/agents/logout/front-channel?iss={doors.provider.issuer}&sid=s-2", cross_site=True)
    assert (nothing.status_code, doors.inside()) == (200, 1)
    assert f"frame-ancestors {doors.provider.issuer}" in nothing.headers["content-security-policy"]
    assert "x-frame-options" not in nothing.headers
    await frame.get(f"/agents/logout/front-channel?iss={doors.provider.issuer}&sid=s-1", cross_site=True)
    assert (doors.inside(), (await ada.verify()).status_code) == (0, 401)
    bo = await inside(doors)
    await frame.get("/agents/logout/front-channel")
    assert doors.inside() == 1
    await bo.get("/agents/logout/front-channel")
    assert doors.inside() == 0


async def test_security_events_without_their_secret_are_refused(doors):
    await inside(doors)
    event = signed({"iss": doors.provider.issuer, "aud": CLIENT, "iat": doors.now, "jti": "1", "events": {SSF: {}}})
    answer = await doors.browser().send("POST", "/agents/signals/security-events", content=event)
    assert (answer.status_code, json.loads(answer.text)["err"]) == (401, "authentication_failed")
    assert doors.inside() == 1


async def test_global_token_revocation(doors):
    ada = await inside(doors)
    doors.clock.advance(5)
    endpoint = f"{PUBLIC}/agents/signals/token-revocation"
    body = json.dumps({"sub_id": {"format": "iss_sub", "iss": doors.provider.issuer, "sub": "ada"}})
    bearer = signed(
        {
            "iss": doors.provider.issuer,
            "sub": CLIENT,
            "aud": endpoint,
            "iat": doors.now,
            "exp": doors.now + 300,
            "jti": "r",
        },
        header={"typ": "global-token-revocation+jwt"},
    )

    async def call(**headers):
        sent = {"content-type": "application/json", **headers}
        return await doors.browser().send("POST", "/agents/signals/token-revocation", content=body, headers=sent)

    assert (await call()).status_code == 401
    assert (await call(authorization=f"Bearer {bearer}x")).status_code == 401
    assert doors.inside() == 1
    answer = await call(authorization=f"Bearer {bearer}")
    assert (answer.status_code, doors.inside(), doors.looks) == (204, 0, 1)
    assert (await ada.verify()).status_code == 401


@pytest.mark.parametrize("place", ["logout/back-channel", "signals/security-events", "signals/token-revocation"])
async def test_what_is_too_large_is_not_read(doors, place):
    answer = await doors.browser().send("POST", f"/agents/{place}", content="a" * 200_000)
    assert (answer.status_code, doors.inside()) == (413, 0)


# ---------------------------------------------------------------------------------------------------- the sync says so


@pytest.mark.parametrize("record", [True, False], ids=["done", "killed between intent and record"])
async def test_a_leaver_is_refused_at_the_next_click(doors, record):
    ada, portal = await inside(doors), doors.browser()
    await portal.sign_in("portal")
    doors.sync.disable(ADA, "agent", "7", record=record)  # without: as a kill leaves it, the write under way
    assert (await ada.verify()).status_code in (401, 403)
    assert (await ada.get("/agents")).status_code != 200
    assert (await ada.get("/agents/sessions")).status_code != 200
    assert (await portal.verify("?door=portal")).status_code == 200  # that account is still on
    assert doors.inside() == 1


# ----------------------------------------------------------------------------------------------------------- operators


async def test_operators_end_sessions_after_a_fresh_sign_in(doors):
    ada, bo = await inside(doors), doors.browser()
    await bo.sign_in("portal", sub="bo")
    stale = await ada.get("/agents/sessions")
    assert stale.headers["location"] == "/agents/sign-in/again?to=%2Fagents%2Fsessions"
    ada.sent(await ada.get(stale.headers["location"]))
    assert ada.asked["max_age"] == "900"
    assert (await ada.back({"auth_time": doors.now})).headers["location"] == "/agents/sessions"
    page = await ada.get("/agents/sessions")
    assert (page.status_code, doors.inside()) == (200, 2)  # the fresh session took the place of the one before
    assert "user 80" in page.text
    with doors.book as book:
        number = next(each.number for each in book.sessions() if each.door == "portal")
    assert (await ada.press(page, number=str(number), token="")).status_code == 403
    assert (await ada.press(page, number="7 OR 1")).status_code == 403
    assert (await ada.press(page, number=str(number))).headers["location"] == "/agents/sessions"
    assert ((await bo.verify("?door=portal")).status_code, doors.inside()) == (401, 1)


async def test_nobody_else_sees_sessions(tmp_path):
    async with house(tmp_path, operators=("8",)) as doors:
        ada = await inside(doors)
        assert (await ada.get("/agents/sessions")).status_code == 404
        assert (await ada.post("/agents/sessions", {"number": "1"})).status_code == 404
        assert (await doors.browser().get("/agents/sessions")).headers["location"].startswith("/agents/sign-in?to=")
        assert (await doors.browser().get("/portal/sessions")).status_code == 404
    (tmp_path / "second").mkdir()
    async with house(tmp_path / "second") as doors:
        assert (await (await inside(doors)).get("/agents/sessions")).status_code == 404


async def test_operators_see_attempts_as_they_come(doors):
    """With the reason's code and what helps, masked claims, and nothing that only the journal may say."""
    ada = await inside(doors)
    stale = await ada.get("/agents/attempts")
    assert stale.headers["location"] == "/agents/sign-in/again?to=%2Fagents%2Fattempts"
    ada.sent(await ada.get(stale.headers["location"]))
    assert (await ada.back({"auth_time": doors.now})).headers["location"] == "/agents/attempts"
    mallory = doors.browser()
    await mallory.go("portal")
    await mallory.back(error="access_denied", error_description="<b>AADSTS50105</b> of mallory")
    await doors.browser().sign_in(sub="carl", email="carl@acme.example", name="Carl Canary")
    page = await ada.get("/agents/attempts")
    for words in ("provider-refused", REASONS["provider-refused"].fix, "not-provisioned", "agent 7", "Customer portal"):
        assert words in html.unescape(page.text)
    for words in ("AADSTS", "mallory", "carl@acme.example", "Carl Canary", "<form", "<script"):
        assert words not in page.text
    assert 'content="10;url=/agents/attempts"' in page.text
    assert 'href="/agents/sessions"' in page.text
    assert 'href="/agents/attempts"' in (await ada.get("/agents/sessions")).text
    german = await ada.get("/agents/attempts", headers={"accept-language": "de"})
    assert "Anmeldeversuche" in german.text
    doors.clock.advance(31 * 60)  # a page that loads itself keeps nobody inside for long
    assert (await ada.get("/agents/attempts")).status_code == 303


async def test_nobody_else_sees_attempts(tmp_path):
    async with house(tmp_path, operators=("8",)) as doors:
        assert (await (await inside(doors)).get("/agents/attempts")).status_code == 404
        assert (await doors.browser().get("/agents/attempts")).headers["location"].startswith("/agents/sign-in?to=")
        assert (await doors.browser().get("/portal/attempts")).status_code == 404
    (tmp_path / "second").mkdir()
    async with house(tmp_path / "second") as doors:
        assert (await (await inside(doors)).get("/agents/attempts")).status_code == 404
