"""Browsers before the doors: each keeps cookies as browsers do, follows nothing by itself, and speaks to the real app."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from sso_bench import CLIENT, CODE, CONNECTION, PUBLIC, Journal, roll_out, section_of
from sso_provider import ISSUER, FakeProvider, signed

from crosskey.config import Config, DoorSection, JournalSettings, RailSettings, ServeSettings, SyncSection
from crosskey.connector.sso import Door
from crosskey.engine.stage import Stage
from crosskey.journal import Doorbook, Step, Watchbook
from crosskey.model import Account, Group, Person, Subject
from crosskey.web.doors import Seeking, door_app, open_hall
from fake_clock import FakeClock

HOST = urlsplit(PUBLIC).netloc


class House:
    """Both doors, the provider behind them, and what the sync does meanwhile."""

    def __init__(
        self, path: Path, sections: list[DoorSection], serve: ServeSettings, clock: FakeClock | None = None
    ) -> None:
        self.clock = clock or FakeClock()
        self.provider = FakeProvider()
        self.sync = Journal(path, self.clock)
        self.sync.begin()
        self.looks = 0
        self.pokes = 0
        self.config = Config(
            path=path.with_name("crosskey.toml"),
            digest="",
            canonical="",
            sources={},
            targets={},
            sync=SyncSection(target=CONNECTION),
            maps={},
            rails=RailSettings(),
            journal=JournalSettings(path=path),
            doors={section.door: section for section in sections},
            serve=serve,
        )
        self.app: Any = None
        self.hall: Any = None

    def look(self) -> None:
        self.looks += 1

    def roll_out(self, step: Step, *doors: Door) -> None:
        """Move doors as `crosskey sso step` does, whatever the step waits for."""
        roll_out(self.config.journal.path, self.clock, step, doors or ("agents", "portal"))

    def read(self, **groups: list[Subject]) -> None:
        """The last read knew these groups and who is in them."""
        leave_snapshot(self.config.journal.path, groups)

    def poke(self, book: Watchbook) -> None:
        self.pokes += 1

    def watchbook(self) -> Watchbook:
        """The journal as the watcher notes in it."""
        return Watchbook.noting(self.config.journal.path, clock=self.clock, connection=CONNECTION)

    @property
    def book(self) -> Doorbook:
        """The journal as somebody beside sees it."""
        return Doorbook.reading(self.config.journal.path, clock=self.clock, connection=CONNECTION)

    def inside(self) -> int:
        with self.book as book:
            return len(book.sessions())

    def attempts(self) -> list[str]:
        """Codes of attempts, the newest first."""
        with self.book as book:
            return [attempt.code for attempt in book.attempts()]

    def browser(self, **parts: Any) -> Browser:
        return Browser(self, **parts)

    @property
    def now(self) -> int:
        return int(self.clock.now().timestamp())


def leave_snapshot(journal: Path, groups: Mapping[str, list[Subject]], accounts: Sequence[Account] = ()) -> None:
    """What a run leaves beside the journal: these groups with these people, and accounts of the desk."""
    people = sorted({who for members in groups.values() for who in members})
    with Stage.fresh(journal.with_name("stage.sqlite"), [ISSUER]) as stage:
        stage.people.add([Person(subject=who, active=True, user_name=who.id) for who in people])
        stage.groups.add(ISSUER, [Group(id=name, name=name) for name in groups])
        for name, members in groups.items():
            stage.groups.add_members(ISSUER, name, [who.id for who in members])
        stage.note("groups", {name: [stage.groups.ref(ISSUER, name)] for name in groups})
        stage.accounts.add(accounts, {})
        stage.keep(journal.with_name("snapshot.sqlite"))


class Browser:
    """One browser. ``asked`` is what the last redirect to the provider asked for."""

    def __init__(self, house: House, *, cookies: bool = True, peer: str = "127.0.0.1") -> None:
        self.house = house
        self.keeps = cookies
        self.cookies: dict[str, str] = {}
        self.asked: dict[str, str] = {}
        self._transport = httpx.ASGITransport(house.app, client=(peer, 50_000))

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        cross_site: bool = False,
        content: bytes | str = b"",
        host: str = HOST,
    ) -> httpx.Response:
        """One request; ``cross_site``: another site makes the browser send it, a link or a form."""
        sent = {"host": host, "accept": "text/html", **(headers or {})}
        if self.cookies and (not cross_site or method in ("GET", "HEAD")):  # all of ours are SameSite=Lax
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with httpx.AsyncClient(transport=self._transport, base_url=PUBLIC) as client:
            response = await client.request(method, path, headers=sent, content=content)
        for line in response.headers.get_list("set-cookie"):
            self._keep(line)
        return response

    def _keep(self, line: str) -> None:
        pair, *attributes = line.split("; ")
        name, _, value = pair.partition("=")
        assert name.startswith("__Host-")
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=lax"} <= set(attributes), line
        assert not any(each.lower().startswith("domain") for each in attributes)
        if not self.keeps or "Max-Age=0" in attributes:
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value

    async def get(self, path: str, **parts: Any) -> httpx.Response:
        return await self.send("GET", path, **parts)

    async def post(self, path: str, form: dict[str, str], **parts: Any) -> httpx.Response:
        headers = {"content-type": "application/x-www-form-urlencoded", **parts.pop("headers", {})}
        return await self.send("POST", path, headers=headers, content=urlencode(form), **parts)

    async def press(self, page: httpx.Response, **changes: str) -> httpx.Response:
        """Send the first form of a page."""
        action = re.search(r'<form method="post" action="([^"]+)"', page.text)
        assert action, page.text
        form = page.text[action.start() : page.text.index("</form>", action.start())]
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
        origin = "null" if page.headers["referrer-policy"] == "no-referrer" else PUBLIC  # as Chromium does it
        return await self.post(action[1], {**fields, **changes}, headers={"origin": origin})

    # -- signing in ---------------------------------------------------------------------------------------------------

    async def go(self, door: str = "agents", to: str = "") -> httpx.Response:
        """Press the button."""
        return self.sent(await self.get(f"/{door}/sign-in/start" + (f"?to={to}" if to else "")))

    def sent(self, response: httpx.Response) -> httpx.Response:
        assert response.status_code == 303, response.text
        assert response.headers["location"].startswith(f"{self.house.provider.issuer}/authorize?")
        self.asked = dict(parse_qsl(urlsplit(response.headers["location"]).query))
        return response

    def claims(self, **changes: Any) -> dict[str, Any]:
        whole = {
            "iss": self.house.provider.issuer,
            "sub": "ada",
            "aud": CLIENT,
            "iat": self.house.now,
            "exp": self.house.now + 3600,
            "nonce": self.asked.get("nonce"),
            **changes,
        }
        return {name: value for name, value in whole.items() if value is not None}

    async def back(self, claims: dict[str, Any] | None = None, **parameters: str) -> httpx.Response:
        """Come back from the provider, the way it was asked for."""
        self.house.provider.id_token = signed(self.claims(**(claims or {})))
        sent = {"code": CODE, "state": self.asked["state"], **parameters}
        path = urlsplit(self.asked["redirect_uri"]).path
        if self.asked.get("response_mode") != "form_post":
            return await self.get(f"{path}?{urlencode(sent)}", cross_site=True)
        return await self.post(path, sent, cross_site=True, headers={"origin": self.house.provider.issuer})

    async def sign_in(self, door: str = "agents", to: str = "", **claims: Any) -> httpx.Response:
        await self.go(door, to)
        return await self.back(claims)

    async def verify(self, query: str = "", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.get(f"/auth/verify{query}", headers=named)


@asynccontextmanager
async def house(
    tmp_path: Path,
    *,
    agents: dict[str, Any] | None = None,
    portal: dict[str, Any] | None = None,
    step: Step = "button",
    clock: FakeClock | None = None,
    flow: str = "oidc",
    settings: dict[str, Any] | None = None,
    **serve: Any,
) -> AsyncIterator[House]:
    """An open house with the rules of its doors, all at one step; ``settings`` are those of the flow of the agents'."""
    sections = [
        section_of(flow, door="agents", rules=agents or {}, **(settings or {})),
        section_of(door="portal", rules=portal or {}),
    ]
    opened = House(tmp_path / "kept" / "journal.sqlite", sections, ServeSettings(**serve), clock)
    opened.roll_out(step)
    async with open_hall(
        opened.config,
        opened.clock,
        transport=lambda instance: opened.provider,
        look=opened.look,
        seeker=Seeking(opened.config, opened.clock, opened.poke),
    ) as hall:
        opened.hall, opened.app = hall, door_app(hall)
        yield opened
