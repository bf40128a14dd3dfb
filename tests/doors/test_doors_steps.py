"""What a door offers at each step of its roll-out, to browsers that keep cookies."""

from __future__ import annotations

import re

import httpx
import pytest
from doors_bench import house
from sso_bench import ADA, BO

LOCAL = "/auth/account/login"
RULES = {"local": LOCAL, "pilot": ("First",)}
START = "/agents/sign-in/start"


def offered(page: httpx.Response) -> list[str]:
    """Where the ways in lead, in their order."""
    assert page.status_code == 200, page.text
    return re.findall(r'<a[^>]* href="([^"]+)"', page.text)


@pytest.fixture
async def doors(tmp_path):
    async with house(tmp_path, agents=RULES, step="test") as opened:
        yield opened


async def test_at_the_first_step_nobody_comes_in(doors):
    ada = doors.browser()
    page = await ada.get("/agents/sign-in")
    assert (page.status_code, "door-testing" in page.text, f'href="{LOCAL}"' in page.text) == (403, True, True)
    for path in (START, "/agents/sign-in/again", "/agents/callback/oidc?code=a&state=b"):
        page = await ada.get(path)
        assert (page.status_code, "door-testing" in page.text) == (403, True), path
    assert doors.inside() == 0
    assert (
        "Diese Anmeldung wird gerade erprobt"
        in (await ada.get("/agents/sign-in", headers={"accept-language": "de"})).text
    )


async def test_going_back_to_the_first_step_ends_what_is_under_way_and_inside(doors):
    doors.roll_out("button")
    ada, late = doors.browser(), doors.browser()
    await ada.sign_in()
    await ada.sign_in("portal")
    await late.go()
    doors.roll_out("test", "agents")
    assert (await ada.verify()).status_code == 401
    assert (await ada.verify("?door=portal")).status_code == 200
    page = await late.back()
    assert (page.status_code, "door-testing" in page.text, doors.inside()) == (403, True, 1)


async def test_a_message_that_ends_sessions_is_heard_at_every_step(doors):
    for step in ("test", "enforced"):
        doors.roll_out(step)
        answer = await doors.browser().post("/agents/logout/back-channel", {"logout_token": "a.b.c"})
        assert (answer.status_code, "door-" in answer.text) == (400, False)


@pytest.mark.parametrize(
    ("step", "ways"),
    [
        ("button", [LOCAL, START]),
        ("pilot", [LOCAL, START]),
        ("default", [START, LOCAL]),
        ("redirect", [START, LOCAL]),
        ("enforced", [START]),
    ],
)
async def test_the_ways_in_and_their_order(doors, step, ways):
    doors.roll_out(step)
    ada = doors.browser()
    asked = await ada.get("/agents/sign-in")
    if step in ("redirect", "enforced"):
        ada.sent(asked)
    else:
        assert offered(asked) == ways
    by_hand = await ada.get("/agents/sign-in?sso=off")
    assert offered(by_hand) == ways
    assert ("ask your administrator" in by_hand.text) == (step == "enforced")
    first = re.findall(r'<a class="button" href="([^"]+)"', by_hand.text)
    assert first == (ways if step in ("button", "pilot") else ways[:1])
    assert (await ada.sign_in()).headers["location"] == "/agents"
    await ada.press(await ada.get("/agents"))
    assert offered(await ada.get("/agents/sign-in")) == ways  # who signed out is not sent on again


async def test_whoever_is_of_the_pilot_is_sent_at_once_from_then_on(doors):
    doors.roll_out("pilot")
    doors.read(First=[ADA])
    ada = doors.browser()
    assert LOCAL in offered(await ada.get("/agents/sign-in"))
    await ada.sign_in()
    assert ada.cookies["__Host-crosskey-agents-pilot"] == "1"
    ada.cookies.pop("__Host-crosskey-agents-session")
    ada.sent(await ada.get("/agents/sign-in"))
    assert offered(await ada.get("/agents/sign-in?sso=off")) == [START]
    doors.roll_out("button", "agents")
    assert offered(await ada.get("/agents/sign-in")) == [LOCAL, START]  # what the browser remembers means nothing now
    doors.roll_out("pilot", "agents")
    doors.read(First=[])
    ada.sent(await ada.get("/agents/sign-in"))
    await ada.back()
    assert "__Host-crosskey-agents-pilot" not in ada.cookies  # no longer of the pilot


@pytest.mark.parametrize("groups", [{}, {"First": []}, {"First": [BO]}, None], ids=["no group", "empty", "others", "-"])
async def test_everybody_else_is_not(doors, groups):
    doors.roll_out("pilot")
    if groups is not None:
        doors.read(**groups)
    ada = doors.browser()
    await ada.sign_in()
    assert (doors.inside(), "__Host-crosskey-agents-pilot" in ada.cookies) == (1, False)


async def test_a_pilot_goes_round_in_no_circles(doors):
    doors.roll_out("pilot")
    doors.read(First=[ADA])
    ada = doors.browser()
    await ada.sign_in()
    for _ in range(3):
        ada.cookies.pop("__Host-crosskey-agents-session")
        ada.sent(await ada.get("/agents/sign-in"))
        await ada.back()
    ada.cookies.pop("__Host-crosskey-agents-session")
    stopped = await ada.get("/agents/sign-in")
    assert (stopped.status_code, "sign-in-loop" in stopped.text) == (429, True)


async def test_a_step_outlives_the_process(tmp_path):
    async with house(tmp_path, agents=RULES, step="default") as doors:
        assert offered(await doors.browser().get("/agents/sign-in"))[0] == START
        doors.hall.open_anew()
        assert offered(await doors.browser().get("/agents/sign-in"))[0] == START
        with doors.book as book:
            assert book.step("agents").step == "default"
            assert book.verify().ok


async def test_without_a_path_of_the_desks_own_there_is_only_the_button(tmp_path):
    async with house(tmp_path, step="button") as doors:
        assert offered(await doors.browser().get("/agents/sign-in")) == [START]
        doors.roll_out("test")
        assert "<a" not in (await doors.browser().get("/agents/sign-in")).text
