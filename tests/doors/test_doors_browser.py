"""Both doors in a real browser (headless Chromium) against a certified provider (npm oidc-provider), across two sites.

The doors are at localhost and the provider at 127.0.0.1: two sites to a browser. Skipped, with the reason, where
Chromium, Playwright or npm is missing. ``DOORS_SCREENSHOTS=folder`` keeps a picture of every page.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from browser_looks import press, readable
from sso_bench import ADA, CONNECTION, ISSUER, Journal, roll_out, section_of

from crosskey.clock import SystemClock
from crosskey.config import Config, JournalSettings, RailSettings, ServeSettings, SyncSection
from crosskey.journal import Doorbook
from crosskey.settings import Secret
from crosskey.web.doors import door_app, open_hall, rehearsal
from crosskey.web.server import serving

playwright = pytest.importorskip("playwright.async_api", reason="Playwright is missing: pip install playwright")

PROVIDER = "oidc-provider@9.13.3"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NPM = shutil.which("npm")

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing: apt-get install chromium"),
    pytest.mark.skipif(NPM is None, reason="npm is missing: the provider of these tests comes from it"),
]

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A folder with the provider in it. ``DOORS_PROVIDER``: one that is kept."""
    folder = Path(os.environ.get("DOORS_PROVIDER") or tmp_path_factory.mktemp("provider"))
    if not (folder / "node_modules/oidc-provider").is_dir():
        try:
            subprocess.run(
                [NPM or "", "install", "--no-audit", "--no-fund", "--ignore-scripts", PROVIDER],
                cwd=folder,
                check=True,
                capture_output=True,
                timeout=120,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"npm could not install {PROVIDER}: {error}")
    shutil.copy(Path(__file__).with_name("provider.mjs"), folder)
    return folder


class Site:
    """The doors, with a desk behind them that lets through whoever `/auth/verify` does, as a proxy would."""

    def __init__(self, doors, host):
        self.doors, self.host = doors, host

    async def __call__(self, scope, receive, send):
        if not scope["path"].startswith("/tickets/"):
            await self.doors(scope, receive, send)
            return
        uri = scope["path"] + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        forwarded = {"x-forwarded-host": self.host, "x-forwarded-uri": uri, "x-forwarded-method": "GET"}
        transport = httpx.ASGITransport(self.doors, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://internal") as proxy:
            answer = await proxy.get("/auth/verify", headers={**headers, **forwarded})
        body = f"<!doctype html><h1>{uri} for {answer.headers.get('x-auth-account')}</h1>".encode()
        shown = [(b"content-type", b"text/html")] if answer.status_code == 200 else []
        onward = [(b"location", answer.headers["location"].encode())] if "location" in answer.headers else []
        await send({"type": "http.response.start", "status": answer.status_code, "headers": shown + onward})
        await send({"type": "http.response.body", "body": body})


class Stand:
    """What all tests share: the provider, the browser, and where the doors and their test sign-ins are served."""

    def __init__(self, browser, issuer, port, trial):
        self.browser, self.issuer, self.port, self.trial = browser, issuer, port, trial


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stand(node):
    theirs, port, trial = (free_port() for _ in range(3))
    sites = f"http://localhost:{port}", f"http://localhost:{trial}"
    process = await asyncio.create_subprocess_exec(
        "node", "provider.mjs", str(theirs), *sites, cwd=node, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(60):
            while (await process.stdout.readline()).strip() != b"ready":
                assert not process.stdout.at_eof()
        async with playwright.async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            yield Stand(browser, f"http://127.0.0.1:{theirs}", port, trial)
            await browser.close()
    finally:
        process.terminate()
        await process.wait()


class World:
    def __init__(self, stand, url, sync, config):
        self.stand, self.url, self.sync, self.config = stand, url, sync, config

    async def page(self, **options):
        """Another person's browser: it shares no cookie with the one before."""
        context = await self.stand.browser.new_context(**options)
        page = await context.new_page()
        page.set_default_timeout(30_000)
        return page

    def inside(self) -> list[str]:
        with Doorbook.reading(self.sync.path, clock=SystemClock(), connection=CONNECTION) as book:
            return sorted(session.door for session in book.sessions())

    async def ended(self) -> None:
        """Wait until nobody is inside: the provider calls when it likes."""
        for _ in range(300):
            if not self.inside():
                return
            await asyncio.sleep(0.1)  # another process's call; nothing here could be awaited instead
        raise AssertionError(self.inside())


def configured(tmp_path, stand, rules) -> Config:
    def section(door, **more):
        secret = Secret(f"synthetic-secret-of-{door}-for-tests-only")
        url = f"http://localhost:{stand.port}"
        allowed = {"public_url": url, "private_addresses": True, **more, **rules.get(door, {})}
        own = {"issuer": stand.issuer, "client_id": door, "client_secret": secret, "people": ISSUER}
        return section_of(door=door, rules=allowed, **own)

    return Config(
        path=tmp_path / "crosskey.toml",
        digest="",
        canonical="",
        sources={},
        targets={},
        sync=SyncSection(target=CONNECTION),
        maps={},
        rails=RailSettings(),
        journal=JournalSettings(path=tmp_path / "kept" / "journal.sqlite"),
        doors={"agents": section("agents"), "portal": section("portal", response="code id_token")},
        serve=ServeSettings(operators=("7",)),
    )


@asynccontextmanager
async def world(tmp_path, stand, **rules):
    """A journal, and the provider before doors that nobody has opened yet."""
    config = configured(tmp_path, stand, rules)
    sync = Journal(config.journal.path, SystemClock())
    sync.begin()
    try:
        yield World(stand, f"http://localhost:{stand.port}", sync, config)
    finally:
        with Doorbook.reading(sync.path, clock=SystemClock(), connection=CONNECTION) as book:
            for attempt in book.attempts():  # shown where a test fails
                sys.stdout.write(f"{attempt.door} {attempt.code} {attempt.detail} {dict(attempt.claims)}\n")
        for context in stand.browser.contexts:
            await context.close()


@asynccontextmanager
async def open_doors(tmp_path, stand, **rules):
    async with world(tmp_path, stand, **rules) as there, served(there):
        yield there


@asynccontextmanager
async def served(there):
    async with (
        open_hall(there.config) as hall,
        serving(Site(door_app(hall), f"localhost:{there.stand.port}"), "127.0.0.1", there.stand.port),
    ):
        yield


async def log_in(page, who="ada", *, mfa=False):
    await page.fill("[name=login]", who)
    if mfa:
        await page.check("[name=mfa]")
    await page.click("button")


def heading(page, text):
    return playwright.expect(page.locator("h1")).to_have_text(text, timeout=30_000)


async def test_a_whole_day(tmp_path, stand):
    """Deep link, both doors with one sign-in at the provider, form_post across sites, signing out everywhere."""
    async with open_doors(tmp_path, stand) as there:
        page = await there.page()
        await page.goto(f"{there.url}/tickets/980?tab=notes&all=1")
        await heading(page, "Sign in")
        assert page.url.startswith(f"{there.url}/agents/sign-in?to=")
        await readable(page, "sign-in")
        await press(page, "Sign in with")
        await heading(page, "Provider")
        await log_in(page)
        await heading(page, "/tickets/980?tab=notes&all=1 for 7")

        await page.goto(f"{there.url}/portal/sign-in/start")  # the provider knows her: no second log-in
        await heading(page, "You are signed in")
        assert (page.url, there.inside()) == (f"{there.url}/portal", ["agents", "portal"])
        await readable(page, "home")

        await page.goto(f"{there.url}/agents/sessions")  # not signed in freshly enough: asked again, the provider knows
        await heading(page, "Sessions")
        await readable(page, "sessions")

        await page.goto(f"{there.url}/agents/sign-out")
        await heading(page, "Sign out?")
        await readable(page, "sign-out")
        await press(page, "Sign out")
        await heading(page, "Sign out at the provider?")
        await page.click("button")
        await heading(page, "You are signed out")
        await readable(page, "signed-out")
        await there.ended()  # the provider told the portal's door, too
        await page.goto(f"{there.url}/tickets/980")
        await heading(page, "Sign in")


async def test_a_leaver_in_the_middle_of_it(tmp_path, stand):
    async with open_doors(tmp_path, stand) as there:
        page = await there.page()
        await page.goto(f"{there.url}/agents/sign-in?to=/tickets/1")
        await page.click("a.button")
        await log_in(page)
        await heading(page, "/tickets/1 for 7")
        there.sync.disable(ADA, "agent", "7")
        await page.goto(f"{there.url}/tickets/2")
        await heading(page, "Sign in")
        await page.click("a.button")  # the provider still knows her; that is not enough
        await heading(page, "Your account here is switched off")
        await playwright.expect(page.locator("dd").first).to_have_text("account-disabled")
        await readable(page, "account-off")
        assert there.inside() == []


async def test_an_operator_ends_a_session_of_another_browser(tmp_path, stand):
    async with open_doors(tmp_path, stand) as there:
        pages = [await there.page(locale="de-DE"), await there.page()]
        for page in pages:
            await page.goto(f"{there.url}/agents/sign-in/start")
            await log_in(page)
        german, other = pages
        await heading(other, "You are signed in")
        await german.goto(f"{there.url}/agents/sessions")
        await heading(german, "Sitzungen")
        await readable(german, "sessions-de")
        await german.click("a[href='/agents/attempts']")
        await heading(german, "Anmeldeversuche")
        await readable(german, "attempts-de")
        await german.go_back()
        await german.click("tbody tr:last-child button")  # the newest is her own, signed in afresh to see this
        await playwright.expect(german.locator("tbody tr")).to_have_count(1, timeout=30_000)
        assert there.inside() == ["agents"]
        await other.goto(f"{there.url}/tickets/3")
        await heading(other, "Sign in")
        await german.goto(f"{there.url}/tickets/3")
        await heading(german, "/tickets/3 for 7")


async def test_the_second_factor_is_the_providers_and_shown_to_be_before_it_is_required(tmp_path, stand):
    async with world(tmp_path, stand, agents={"mfa": "required"}) as there:
        for has_one, code in ((True, "tested"), (False, "mfa-missing")):
            assert await rehearsed(there, has_one) == code
        async with served(there):
            page = await there.page()
            await page.goto(f"{there.url}/agents/sign-in/start")
            await log_in(page)
            await heading(page, "A second factor is needed")
            await readable(page, "second-factor")
            assert there.inside() == []
            await page.click("a.button")  # the provider asks again, though it knows her
            await heading(page, "Provider")
            await log_in(page, mfa=True)
            await heading(page, "You are signed in")
            assert there.inside() == ["agents"]


async def rehearsed(there, has_one):
    """A test sign-in as `crosskey sso test agents --mfa` makes it, with or without a second factor; its code."""
    port = there.stand.trial
    async with (
        rehearsal(there.config, "agents", f"http://localhost:{port}", mfa=True) as stage,
        serving(stage.app, "127.0.0.1", port),
    ):
        page = await there.page()
        await page.goto(stage.start)
        await log_in(page, mfa=has_one)
        outcome = await stage.outcome
        await heading(page, "The test is done")
        await readable(page, f"rehearsed-{outcome.code}")
        assert there.inside() == []
        return outcome.code


async def test_round_in_circles_and_cookies_blocked(tmp_path, stand):
    async with open_doors(tmp_path, stand, portal={"local": "/auth/account/login"}) as there:
        roll_out(there.sync.path, SystemClock(), "redirect", ("portal",))
        page = await there.page(locale="de-DE")
        await page.goto(f"{there.url}/portal/sign-in")
        await log_in(page)
        await heading(page, "Sie sind angemeldet")
        for _ in range(2):
            await page.context.clear_cookies(name=re.compile("^__Host-crosskey-portal-session$"))
            await page.goto(f"{there.url}/portal/sign-in")
            await heading(page, "Sie sind angemeldet")
        await page.context.clear_cookies(name=re.compile("^__Host-crosskey-portal-session$"))
        await page.goto(f"{there.url}/portal/sign-in")
        await heading(page, "Die Anmeldung dreht sich im Kreis")
        await readable(page, "loop-de")

        page = await there.page()
        await page.goto(f"{there.url}/portal/sign-in")
        await heading(page, "Provider")
        await page.context.clear_cookies(name=re.compile("^__Host-crosskey"))
        await log_in(page)
        await heading(page, "Your browser did not keep a cookie")
        await readable(page, "cookies")
        await page.goto(f"{there.url}/portal/sign-in?sso=off")
        await playwright.expect(page.locator("a.quiet")).to_have_attribute("href", "/auth/account/login")
        await readable(page, "local")
        await page.goto(f"{there.url}/portal/nowhere")
        await heading(page, "There is nothing here")
        await readable(page, "nowhere")
