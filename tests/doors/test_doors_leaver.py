"""Somebody leaves while they are inside: `crosskey watch` and `crosskey serve` as processes on one journal.

One house for all of it; each test has leavers of its own. In Chromium too, where there is one.
"""

from __future__ import annotations

import shutil

import pytest
from leaver_bench import COOKIE, leaver_house

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with leaver_house(tmp_path_factory.mktemp("house")) as house:
        assert house.shell("sync").code == 0
        with house.serving():
            yield house


def test_a_hook_ends_what_the_leaver_is_in_the_middle_of(house):
    """Nothing but the hook could: the watcher looks once an hour. Whoever stays is not touched."""
    leaver, stays = house.agents()[:2]
    with house.watching() as watch:
        house.hooks("install", "--url", house.watch_url)
        rounds = watch.text().count("everything: ")
        inside = [house.visitor(leaver), house.visitor(leaver), house.visitor(stays)]
        house.leaves(leaver)
        watch.until(inside[0].reason)
        assert [each.reason() for each in inside] == ["session-revoked", "session-revoked", ""]
        watch.until(lambda: house.agent(leaver).isdisabled)
        watch.until(lambda: any(end.agent_id == house.agent(leaver).id for end in house.desk.session_ends))
        assert watch.text().count("everything: ") == rounds
        house.provider.who = house.okta_id(leaver)  # the provider still lets them in
        assert "account-disabled" in inside[0].sign_in().text
        assert inside[0].reason() in ("session-unknown", "session-revoked")
    for each in inside:
        each.close()


async def test_a_browser_shows_that_it_is_over(house):
    playwright = pytest.importorskip("playwright.async_api", reason="Playwright is missing: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("Chromium is missing: apt-get install chromium")
    leaver = house.agents()[0]
    url = f"http://localhost:{house.port}"
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page()
        house.provider.who = house.okta_id(leaver)
        await page.goto(f"{url}/agents/sign-in/start")
        heading = page.locator("h1")
        await playwright.expect(heading).to_have_text("You are signed in", timeout=30_000)
        with house.watching() as watch:
            installed = house.shell.process("hooks", "install", "--url", house.watch_url)
            assert installed.code == 0, installed
            house.leaves(leaver)
            seen = await page.goto(f"{url}/auth/verify")
            while seen.status == 200:
                assert watch.process.poll() is None, watch.text()
                seen = await page.goto(f"{url}/auth/verify")
        assert (seen.status, await seen.header_value("x-auth-reason")) == (401, "session-revoked")
        await page.goto(f"{url}/agents")
        await playwright.expect(heading).to_have_text("Sign in", timeout=30_000)
        await browser.close()


def test_without_the_hook_the_next_round_ends_it(house):
    house.hooks("remove")
    leaver, stays = house.agents()[:2]
    with house.watching() as watch:
        inside = [house.visitor(leaver), house.visitor(stays)]
        house.leaves(leaver)
        house.stage.org.hooks.courier.settle()
        assert [each.reason() for each in inside] == ["", ""], "nobody has told anybody yet"
        assert house.shell("watch", "--now").code == 0  # what the timer says once an interval
        watch.until(inside[0].reason)
        assert [each.reason() for each in inside] == ["session-revoked", ""]
    for each in inside:
        each.close()


def test_a_watcher_killed_while_the_desk_has_the_disable_leaves_nobody_inside(house):
    """The desk is about to switch the agent off, or has, and nobody has heard of it: the session is over already."""
    leaver, stays = house.agents()[:2]
    with house.watching() as watch:
        inside = [house.visitor(leaver), house.visitor(stays)]
        house.gate.close()
        house.leaves(leaver)
        assert house.shell("watch", "--now").code == 0
        watch.until(house.gate.reached.is_set)
        watch.kill()
    assert not house.agent(leaver).isdisabled, "the desk holds the request"
    assert [each.reason() for each in inside] == ["session-revoked", ""]
    ticket = inside[0].cookies[COOKIE]
    house.provider.who = house.okta_id(leaver)
    assert "account-disabled" in inside[0].sign_in().text
    inside[0].cookies[COOKIE] = ticket
    house.gate.open()
    assert [each.reason() for each in inside] == ["session-revoked", ""]
    recovered = house.shell("sync")
    assert (recovered.code, house.agent(leaver).isdisabled) == (0, True), recovered
    assert [each.reason() for each in inside] == ["session-revoked", ""]
    house.shell.in_step()
    for each in inside:
        each.close()
