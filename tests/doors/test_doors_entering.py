"""Coming in by a door, with a browser that keeps its cookies, and with ones that do not."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from doors_bench import HOST, house
from sso_bench import ADA, CODE, PUBLIC
from sso_provider import signed

from crosskey.sso.hashes import half_hash

LOCAL = {"local": "/auth/account/login"}


@pytest.fixture
async def doors(tmp_path):
    async with house(tmp_path) as opened:
        yield opened


async def test_in_and_out(doors):
    ada = doors.browser()
    page = await ada.get("/agents/sign-in")
    assert page.status_code == 200
    assert 'href="/agents/sign-in/start"' in page.text
    assert (await ada.sign_in()).headers["location"] == "/agents"
    home = await ada.get("/agents")
    assert (home.status_code, doors.inside(), doors.attempts()) == (200, 1, ["signed-in"])
    out = await ada.press(home)
    assert doors.inside() == 0
    assert out.status_code == 200
    assert f'content="1;url={doors.provider.issuer}/logout?' in out.text
    assert (await ada.get("/agents")).headers["location"] == "/agents/sign-in"


@pytest.mark.parametrize("mode", ["query", "form_post"])
@pytest.mark.parametrize(
    "written", [quote("/tickets/980?tab=notes&all=1", safe=""), "/tickets/980?tab=notes&all=1"], ids=["encoded", "raw"]
)
async def test_a_deep_link_outlives_the_sign_in(tmp_path, mode, written):
    rules = {"response": "code id_token"} if mode == "form_post" else {}
    async with house(tmp_path, agents=rules) as doors:
        ada = doors.browser()
        page = await ada.get(f"/agents/sign-in?to={written}")
        encoded = quote("/tickets/980?tab=notes&all=1", safe="")
        assert f'href="/agents/sign-in/start?to={encoded}"' in page.text
        await ada.go(to=encoded)
        token = signed(ada.claims(c_hash=half_hash("RS256", CODE)))
        back = await (ada.back(id_token=token) if mode == "form_post" else ada.back())
        if mode == "form_post":
            assert (back.status_code, doors.inside()) == (303, 0)  # the form came without any cookie
            assert back.headers["location"].startswith("/agents/callback/oidc?kept=")
            kept, back = back.headers["location"], await ada.get(back.headers["location"])
            again = await doors.browser().get(kept)
            assert (again.status_code, "state-used" in again.text) == (400, True)
        assert back.headers["location"] == "/tickets/980?tab=notes&all=1"
        assert doors.inside() == 1


async def test_a_form_in_another_browser_signs_nobody_in(tmp_path):
    """Somebody has a victim's browser post the answer to a sign-in that they began themselves."""
    async with house(tmp_path, agents={"response": "code id_token"}) as doors:
        eve, victim = doors.browser(), doors.browser()
        await eve.go()
        await victim.go()
        token = signed(eve.claims(c_hash=half_hash("RS256", CODE)))
        victim.asked = eve.asked
        redirected = await victim.back(id_token=token)
        page = await victim.get(redirected.headers["location"])
        assert (page.status_code, doors.inside(), doors.attempts()) == (400, 0, ["other-browser"])


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "/\\evil.example", "%2F%2Fevil.example", "javascript:alert(1)"]
)
async def test_nobody_is_led_elsewhere(doors, to):
    ada = doors.browser()
    assert "evil" not in (await ada.get(f"/agents/sign-in?to={to}")).text
    await ada.go(to=to)
    assert (await ada.back()).headers["location"] == "/agents"
    assert (await ada.get(f"/agents/sign-in?to={to}")).headers["location"] == "/agents"


async def test_d14_a_forged_host_changes_nothing(doors):
    ada = doors.browser()
    forged = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "http", "forwarded": "host=evil.example"}
    sent = ada.sent(await ada.get("/agents/sign-in/start", headers=forged))
    assert "evil" not in sent.headers["location"]
    assert ada.asked["redirect_uri"] == f"{PUBLIC}/agents/callback/oidc"
    assert (await ada.back()).headers["location"] == "/agents"
    for host in ("evil.example", f"{HOST}:8443", f"evil.example\\@{HOST}", ""):
        wrong = await doors.browser().get("/agents/sign-in/start", host=host)
        assert (wrong.status_code, "evil" in wrong.text) == (421, False)
    assert doors.inside() == 1


async def test_d17_headers_of_every_page(doors):
    ada = doors.browser()
    await ada.go()
    pages = [
        await ada.get("/agents/sign-in"),
        await ada.get("/agents/sign-in/start"),
        await ada.back(),
        await ada.get("/agents/callback/oidc?code=a&state=b"),
        await ada.get("/agents"),
        await ada.get("/agents/signed-out"),
        await ada.get("/nowhere"),
    ]
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script" not in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        # with no-referrer a form's origin would be "null", and ours are refused then
        assert page.headers["referrer-policy"] == ("same-origin" if "<form" in page.text else "no-referrer")
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["x-frame-options"] == "DENY"
        assert "<script" not in page.text
        assert "http" not in page.text.replace("http-equiv", "")  # nothing from anywhere else
    assert all("max-age" in page.headers["strict-transport-security"] for page in pages[:-1])


async def test_a_page_never_says_the_real_reason(doors):
    """What the provider says may hold markup and names; the page has a code, and the journal the rest."""
    ada = doors.browser()
    await ada.go()
    error = {"error": "access_denied", "error_description": "<b>AADSTS50105</b> ada@acme.example"}
    page = await ada.back(**error)
    assert page.status_code == 403
    assert "provider-refused" in page.text
    assert "AADSTS" not in page.text
    with doors.book as book:
        [attempt] = book.attempts()
    assert "AADSTS50105" in attempt.detail
    assert attempt.reference in page.text


async def test_somebody_without_an_account_gets_a_page_and_no_session(doors):
    page = await doors.browser().sign_in(sub="carl")
    assert (page.status_code, doors.inside(), doors.looks, doors.pokes) == (403, 0, 0, 0)
    assert "not-provisioned" in page.text
    assert "refresh" not in page.text
    other = await doors.browser().sign_in(sub="bo")  # a user of the portal
    assert ("account-elsewhere" in other.text, doors.inside()) == (True, 0)


async def test_cookies_blocked(tmp_path):
    """A page that says so, no session, and no way round in circles."""
    async with house(tmp_path, agents=LOCAL, step="redirect") as doors:
        ada = doors.browser(cookies=False)
        ada.sent(await ada.get("/agents/sign-in"))
        page = await ada.back()
        assert (page.status_code, doors.inside()) == (400, 0)
        assert "cookie-missing" in page.text
        assert "needs cookies" in page.text
        assert "refresh" not in page.text


async def test_going_round_in_circles_stops(tmp_path):
    async with house(tmp_path, agents=LOCAL, step="redirect") as doors:
        ada = doors.browser()
        for _ in range(3):
            ada.sent(await ada.get("/agents/sign-in?to=/tickets"))
            assert (await ada.back()).headers["location"] == "/tickets"
            ada.cookies = {name: value for name, value in ada.cookies.items() if "session" not in name}
        stopped = await ada.get("/agents/sign-in?to=/tickets")
        assert (stopped.status_code, "sign-in-loop" in stopped.text) == (429, True)
        assert doors.attempts()[0] == "sign-in-loop"
        ada.sent(await ada.get("/agents/sign-in/start"))  # pressing the button always works
        doors.clock.advance(61)
        ada.sent(await ada.get("/agents/sign-in"))


async def test_an_old_page_is_not_a_second_session(doors):
    ada = doors.browser()
    await ada.go()
    assert (await ada.back()).headers["location"] == "/agents"
    again = await ada.back()
    assert (again.status_code, again.headers["location"], doors.inside()) == (303, "/agents", 1)
    assert "state-used" in (await doors.browser().get(again.request.url.raw_path.decode())).text or doors.inside() == 1


async def test_a_callback_of_five_megabytes_is_refused_unread(doors):
    read = 0

    async def body():
        nonlocal read
        for _ in range(80):
            read += 65536
            yield b"a" * 65536

    ada = doors.browser()
    page = await ada.send(
        "POST",
        "/agents/callback/oidc",
        content=body(),
        headers={"content-type": "application/x-www-form-urlencoded"},
        cross_site=True,
    )
    assert (page.status_code, "callback-malformed" in page.text, doors.inside()) == (413, True, 0)
    announced = await ada.send("POST", "/agents/callback/oidc", headers={"content-length": str(5 << 20)})
    assert announced.status_code == 413


async def test_a_door_that_is_off(tmp_path):
    """Its addresses are there for nobody, and the other door is as it was (GitLab CE 32198)."""
    async with house(tmp_path) as doors:
        ada = doors.browser()
        await ada.sign_in()
        kept, state = dict(ada.cookies), ada.asked["state"]
        doors.sync.clock.advance(1)
    (tmp_path / "second").mkdir()
    async with house(tmp_path / "second", agents={"enabled": False}) as doors:
        ada = doors.browser()
        ada.cookies = kept
        for page in (
            await ada.get("/agents"),
            await ada.get("/agents/sign-in/start"),
            await ada.get(f"/agents/callback/oidc?code=a&state={state}"),
            await ada.post("/agents/callback/oidc", {"code": "a", "state": state}, cross_site=True),
            await ada.post("/agents/logout/back-channel", {"logout_token": "a.b.c"}),
        ):
            assert (page.status_code, "door-off" in page.text, "set-cookie" in page.headers) == (404, True, False)
        assert (await ada.verify()).status_code == 403
        assert (await ada.sign_in("portal")).headers["location"] == "/portal"
        assert doors.inside() == 1


async def test_a_third_party_may_begin_only_with_our_provider(doors):
    ada = doors.browser()
    page = await ada.get("/agents/sign-in/start?iss=https://evil.example&login_hint=ada", cross_site=True)
    assert ("iss-mismatch" in page.text, doors.inside()) == (True, 0)
    hinted = f"/agents/sign-in/start?iss={doors.provider.issuer}&login_hint=ada&target_link_uri={PUBLIC}/tickets/7"
    ada.sent(await ada.get(hinted, cross_site=True))
    assert ada.asked["login_hint"] == "ada"
    assert (await ada.back()).headers["location"] == "/tickets/7"


async def test_the_provider_is_down(doors):
    import httpx

    def down(request):
        raise httpx.ConnectError("no route")

    doors.provider.faults = dict.fromkeys(("/.well-known/openid-configuration",), down)
    page = await doors.browser().get("/agents/sign-in/start")
    assert (page.status_code, "provider-unreachable" in page.text, doors.inside()) == (503, True, 0)


async def test_pages_speak_the_readers_language(doors):
    page = await doors.browser().get("/agents/sign-in", headers={"accept-language": "fr, de-AT;q=0.8, en;q=0.5"})
    assert '<html lang="de">' in page.text
    assert "Anmelden" in page.text
    assert '<html lang="en">' in (await doors.browser().get("/agents/sign-in")).text


async def test_a_broken_journal_is_opened_anew(doors):
    """A connection that failed once takes nothing more: the next request has another one."""
    ada = doors.browser()
    await ada.sign_in()
    doors.hall.doors["agents"].book.close()
    assert (await ada.get("/agents")).status_code == 503
    assert (await ada.get("/agents")).status_code == 200
    doors.hall.doors["agents"].book.close()
    assert (await ada.verify()).status_code == 403  # nobody knows, so nobody is let through
    assert (await ada.get("/agents")).status_code == 200
    assert (await ada.verify()).status_code == 200


async def test_the_leaver_is_told(doors):
    ada = doors.browser()
    await ada.sign_in()
    doors.sync.disable(ADA, "agent", "7")
    page = await ada.get("/agents")
    assert page.headers["location"] == "/agents/sign-in"
    assert ("account-disabled" in (await ada.sign_in()).text, doors.inside()) == (True, 0)
