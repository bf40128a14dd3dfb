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
from sso_bench import ADA, CONNECTION, ISSUER, Journal, roll_out, section_of

from crosskey.clock import SystemClock
from crosskey.config import Config, JournalSettings, RailSettings, ServeSettings, SyncSection
from crosskey.journal import AttemptRecord, Doorbook
from crosskey.settings import Secret
from crosskey.web.doors import door_app, open_hall
from crosskey.web.server import serving

playwright = pytest.importorskip("playwright.async_api", reason="Playwright is missing: pip install playwright")

PROVIDER = "oidc-provider@9.13.3"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NPM = shutil.which("npm")

pytestmark = [
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


class World:
    def __init__(self, url, sync, browser, tmp_path):
        self.url, self.sync, self.browser = url, sync, browser
        self.path = sync.path

    async def page(self, **options):
        context = await self.browser.new_context(**options)
        page = await context.new_page()
        page.set_default_timeout(30_000)
        return page

    def inside(self) -> list[str]:
        with Doorbook.reading(self.path, clock=SystemClock(), connection=CONNECTION) as book:
            return sorted(session.door for session in book.sessions())

    async def ended(self) -> None:
        """Wait until nobody is inside: the provider calls when it likes."""
        for _ in range(300):
            if not self.inside():
                return
            await asyncio.sleep(0.1)  # another process's call; nothing here could be awaited instead
        raise AssertionError(self.inside())


@asynccontextmanager
async def world(tmp_path, node, **rules):
    port, theirs = free_port(), free_port()
    url, issuer = f"http://localhost:{port}", f"http://127.0.0.1:{theirs}"

    def section(door, **more):
        secret = Secret(f"synthetic-secret-of-{door}-for-tests-only")
        allowed = {"public_url": url, "private_addresses": True, **more, **rules.get(door, {})}
        return section_of(door=door, rules=allowed, issuer=issuer, client_id=door, client_secret=secret, people=ISSUER)

    clock = SystemClock()
    sync = Journal(tmp_path / "kept" / "journal.sqlite", clock)
    sync.begin()
    with Doorbook.noting(sync.path, clock=clock, connection=CONNECTION) as book:
        for code, mfa in (("tested", "proven"), ("mfa-missing", "missing")):
            test = AttemptRecord(door="agents", at=clock.now(), code=code, reference="r", purpose="test", mfa=mfa)
            book.note_attempt(test)
    config = Config(
        path=tmp_path / "crosskey.toml",
        digest="",
        canonical="",
        sources={},
        targets={},
        sync=SyncSection(target=CONNECTION),
        maps={},
        rails=RailSettings(),
        journal=JournalSettings(path=sync.path),
        doors={"agents": section("agents"), "portal": section("portal", response="code id_token")},
        serve=ServeSettings(operators=("7",)),
    )
    process = await asyncio.create_subprocess_exec(
        "node", "provider.mjs", str(theirs), url, cwd=node, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(60):
            while (await process.stdout.readline()).strip() != b"ready":
                assert not process.stdout.at_eof()
        async with (
            open_hall(config) as hall,
            serving(Site(door_app(hall), f"localhost:{port}"), "127.0.0.1", port),
            playwright.async_playwright() as driver,
        ):
            browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            try:
                yield World(url, sync, browser, tmp_path)
            finally:
                with Doorbook.reading(sync.path, clock=clock, connection=CONNECTION) as book:
                    for attempt in book.attempts():  # shown where a test fails
                        sys.stdout.write(f"{attempt.door} {attempt.code} {attempt.detail} {dict(attempt.claims)}\n")
                await browser.close()
    finally:
        process.terminate()
        await process.wait()


async def kept(page, name):
    """A picture for people, where somebody wants one."""
    if folder := os.environ.get("DOORS_SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


async def log_in(page, who="ada", *, mfa=False):
    await page.fill("[name=login]", who)
    if mfa:
        await page.check("[name=mfa]")
    await page.click("button")


def heading(page, text):
    return playwright.expect(page.locator("h1")).to_have_text(text, timeout=30_000)


async def test_a_whole_day(tmp_path, node):
    """Deep link, both doors with one sign-in at the provider, form_post across sites, a leaver, signing out."""
    async with world(tmp_path, node) as there:
        page = await there.page()
        await page.goto(f"{there.url}/tickets/980?tab=notes&all=1")
        await heading(page, "Sign in")
        assert page.url.startswith(f"{there.url}/agents/sign-in?to=")
        await kept(page, "sign-in")
        await page.click("a.button")
        await heading(page, "Provider")
        await log_in(page)
        await heading(page, "/tickets/980?tab=notes&all=1 for 7")

        await page.goto(f"{there.url}/portal/sign-in/start")  # the provider knows her: no second log-in
        await heading(page, "You are signed in")
        assert (page.url, there.inside()) == (f"{there.url}/portal", ["agents", "portal"])
        await kept(page, "home")

        await page.goto(f"{there.url}/agents/sessions")  # not signed in freshly enough: asked again, the provider knows
        await heading(page, "Sessions")
        await kept(page, "sessions")

        await page.goto(f"{there.url}/agents/sign-out")
        await heading(page, "Sign out?")
        await kept(page, "sign-out")
        await page.click("button")
        await heading(page, "Sign out at the provider?")
        await page.click("button")
        await heading(page, "You are signed out")
        await kept(page, "signed-out")
        await there.ended()  # the provider told the portal's door, too
        await page.goto(f"{there.url}/tickets/980")
        await heading(page, "Sign in")


async def test_a_leaver_in_the_middle_of_it(tmp_path, node):
    async with world(tmp_path, node) as there:
        page = await there.page(color_scheme="dark", viewport={"width": 390, "height": 780})
        await page.goto(f"{there.url}/agents/sign-in?to=/tickets/1")
        await kept(page, "sign-in-dark-phone")
        await page.click("a.button")
        await log_in(page)
        await heading(page, "/tickets/1 for 7")
        await page.goto(f"{there.url}/agents/sessions")
        await heading(page, "Sessions")
        await kept(page, "sessions-dark-phone")
        there.sync.disable(ADA, "agent", "7")
        await page.goto(f"{there.url}/tickets/2")
        await heading(page, "Sign in")
        await page.click("a.button")  # the provider still knows her; that is not enough
        await heading(page, "Your account here is switched off")
        await playwright.expect(page.locator("dd").first).to_have_text("account-disabled")
        await kept(page, "account-off-dark-phone")
        assert there.inside() == []


async def test_the_second_factor_is_the_providers(tmp_path, node):
    async with world(tmp_path, node, agents={"mfa": "required"}) as there:
        page = await there.page()
        await page.goto(f"{there.url}/agents/sign-in/start")
        await log_in(page)
        await heading(page, "A second factor is needed")
        await kept(page, "second-factor")
        assert there.inside() == []
        await page.click("a.button")  # the provider asks again, though it knows her
        await heading(page, "Provider")
        await log_in(page, mfa=True)
        await heading(page, "You are signed in")
        assert there.inside() == ["agents"]


async def test_round_in_circles_and_cookies_blocked(tmp_path, node):
    async with world(tmp_path, node, portal={"local": "/auth/account/login"}) as there:
        roll_out(there.path, SystemClock(), "redirect", ("portal",))
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
        await kept(page, "loop-de")

        page = await there.page()
        await page.goto(f"{there.url}/portal/sign-in")
        await heading(page, "Provider")
        await page.context.clear_cookies(name=re.compile("^__Host-crosskey"))
        await log_in(page)
        await heading(page, "Your browser did not keep a cookie")
        await kept(page, "cookies")
        await page.goto(f"{there.url}/portal/sign-in?sso=off")
        await playwright.expect(page.locator("a.quiet")).to_have_attribute("href", "/auth/account/login")
        await kept(page, "local")
        await page.goto(f"{there.url}/portal/nowhere")
        await heading(page, "There is nothing here")
        await kept(page, "nowhere")
