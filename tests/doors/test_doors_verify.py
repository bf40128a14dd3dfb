"""``/auth/verify``, as nginx and Traefik ask it."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from doors_bench import HOST, house
from sso_bench import PUBLIC


@pytest.fixture
async def doors(tmp_path):
    async with house(tmp_path, proxies=("10.0.0.0/24",)) as opened:
        yield opened


async def test_nginx_lets_through_whoever_is_inside(doors):
    ada = doors.browser()
    outside = await ada.verify()
    assert (outside.status_code, outside.headers["x-auth-reason"]) == (401, "session-unknown")
    assert outside.headers["x-auth-sign-in"] == f"{PUBLIC}/agents/sign-in"
    await ada.sign_in()
    inside = await ada.verify()
    assert inside.status_code == 200
    told = {name: value for name, value in inside.headers.items() if name.startswith("x-auth")}
    assert told == {
        "x-auth-account": "7",
        "x-auth-kind": "agent",
        "x-auth-subject": "ada",
        "x-auth-session": "1",
        "x-auth-mfa": "unasked",
    }
    assert inside.headers["cache-control"] == "no-store"


async def test_each_door_has_its_own_sessions(doors):
    ada = doors.browser()
    await ada.sign_in("portal")
    assert (await ada.verify("?door=portal")).headers["x-auth-account"] == "70"
    assert (await ada.verify()).status_code == 401
    assert (await ada.verify("?door=agents&x=door=portal")).status_code == 401
    ada.cookies["__Host-crosskey-agents-session"] = ada.cookies["__Host-crosskey-portal-session"]
    moved = await ada.verify()
    assert (moved.status_code, moved.headers["x-auth-reason"]) == (401, "session-door")


async def test_sessions_end_by_themselves(doors):
    ada = doors.browser()
    await ada.sign_in()
    for _ in range(3):
        doors.clock.advance(29 * 60)
        assert (await ada.verify()).status_code == 200
    doors.clock.advance(31 * 60)
    assert (await ada.verify()).headers["x-auth-reason"] == "session-idle"


@pytest.mark.parametrize(
    "cookie",
    ["", "x", "a" * 43, "\x00" * 43, "é" * 43, "{ticket}; __Host-crosskey-agents-session={ticket}", "{ticket}x"],
)
async def test_what_is_no_ticket_lets_nobody_through(doors, cookie):
    ada = doors.browser()
    await ada.sign_in()
    ticket = ada.cookies["__Host-crosskey-agents-session"]
    forged = doors.browser()
    value = f"__Host-crosskey-agents-session={cookie.format(ticket=ticket)}".encode()
    answer = await forged.send("GET", "/auth/verify", headers={b"cookie": value})
    assert answer.status_code == 401


TRAEFIK = {"x_forwarded_host": HOST, "x_forwarded_uri": "/tickets/9?a=1&b=2", "x_forwarded_method": "GET"}


async def test_traefik_sends_people_to_the_sign_in_and_back(doors):
    proxied = doors.browser(peer="10.0.0.7")
    answer = await proxied.verify(**TRAEFIK)
    to = quote("/tickets/9?a=1&b=2", safe="")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PUBLIC}/agents/sign-in?to={to}")
    ada = doors.browser()
    page = await ada.get(answer.headers["location"].removeprefix(PUBLIC))
    assert f"to={to}" in page.text
    await ada.go(to=to)
    assert (await ada.back()).headers["location"] == "/tickets/9?a=1&b=2"
    assert (await ada.verify(**TRAEFIK)).status_code == 200


@pytest.mark.parametrize(
    ("peer", "changes"),
    [
        ("203.0.113.9", {}),
        ("10.0.0.7", {"x_forwarded_host": "evil.example"}),
        ("10.0.0.7", {"x_forwarded_method": "POST"}),
        ("10.0.0.7", {"accept": "application/json"}),
    ],
    ids=["a stranger", "another host", "a form", "a script"],
)
async def test_nobody_else_is_sent_anywhere(doors, peer, changes):
    answer = await doors.browser(peer=peer).verify(**{**TRAEFIK, **changes})
    assert (answer.status_code, "location" in answer.headers) == (401, False)


@pytest.mark.parametrize(
    "uri", ["https://evil.example/", "//evil.example/x", "/\\evil.example", "/a%0d%0aset-cookie:b"]
)
async def test_a_forged_address_leads_nowhere_else(doors, uri):
    answer = await doors.browser(peer="10.0.0.7").verify(**{**TRAEFIK, "x_forwarded_uri": uri})
    assert answer.headers["location"] == f"{PUBLIC}/agents/sign-in?to=%2F"


async def test_whoever_the_provider_no_longer_stands_by_is_out_at_the_check_after(doors):
    """The check itself waits for nobody: the provider is asked beside it."""
    import asyncio

    doors.provider.token = {"refresh_token": "r-1"}
    ada = doors.browser()
    await ada.sign_in()
    doors.clock.advance(11 * 60)
    doors.provider.token_status, doors.provider.token = 400, {"error": "invalid_grant"}
    assert (await ada.verify()).status_code == 200
    for _ in range(500):
        await asyncio.sleep(0)
        if not doors.inside():
            break
    assert (await ada.verify()).headers["x-auth-reason"] == "session-revoked"
