"""A door with a made-up provider behind it, and a journal in which the sync has linked a few invented people."""

from __future__ import annotations

import asyncio
import atexit
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from sso_provider import ISSUER, FakeProvider, signed

from crosskey.clock import Clock
from crosskey.config import DoorSection, DoorSettings
from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import Door, SignalMessage, SsoFlowSpec
from crosskey.journal import Doorbook, JournalWriter, Step
from crosskey.model import Subject
from crosskey.plan import Change, FieldChange, Outcome
from crosskey.plugins.records import Provided
from crosskey.settings import Secret
from crosskey.sso.callback import read_callback
from crosskey.sso.context import DoorContext
from crosskey.sso.doorkeeper import Admitted, Begun, Doorkeeper, Rehearsal
from crosskey.sso.hashes import half_hash
from crosskey_entra.sso_settings import EntraSsoSettings
from crosskey_entra.sso_spec import SSO as ENTRA
from crosskey_oidc.settings import OidcSettings
from crosskey_oidc.spec import SPEC as OIDC
from crosskey_okta.sso_settings import OktaSsoSettings
from crosskey_okta.sso_spec import SSO as OKTA
from fake_clock import FakeClock

CLIENT = "door-client"
SECRET = "canary-client-secret"
PUBLIC = "https://desk.acme.example"
CONNECTION = "desk"
ADA = Subject(ISSUER, "ada")
BO = Subject(ISSUER, "bo")
CODE = "code-of-the-provider"


class Journal:
    """What the sync has done: links made and switched off, as it does it."""

    def __init__(self, path: Path, clock: FakeClock) -> None:
        self.path = path
        self.clock = clock
        self._turn = 0

    def apply(self, change: Change, key: str | None, *, record: bool = True) -> None:
        with JournalWriter.open(self.path, clock=self.clock, connection=CONNECTION) as journal:
            run = journal.start_run("sync", trigger="command", config_digest="sha-1", config_text="[sync]", plugins={})
            journal.intend(run, [change], settle=timedelta(seconds=120))
            if record:
                journal.record(run, [change], [Outcome(change=change.id, result="applied", key=key)])
                journal.end_run(run, "clean", {})

    def begin(self) -> None:
        """Ada is an agent and a user of the portal, Bo a user only."""
        if not self.path.exists():
            shutil.copytree(_template(), self.path.parent)
        self._turn = 10

    def link(self, who: Subject, kind: str, key: str) -> None:
        self.apply(self._change("create", who, kind, active=FieldChange(False, True)), key)

    def disable(self, who: Subject, kind: str, key: str, *, record: bool = True) -> None:
        one = self._change("disable", who, kind, key=key, active=FieldChange(True, False))
        self.apply(one, key, record=record)

    def _change(self, action: str, who: Subject, kind: str, **parts: Any) -> Change:
        self._turn += 1
        return Change(id=f"{kind}:{self._turn}", action=action, kind=kind, subject=who, label=who.id, **parts)


@cache
def _template() -> Path:
    """A journal that every test gets a copy of: making one takes longer than most tests."""
    kept = Path(tempfile.mkdtemp(prefix="crosskey-sso-")) / "kept"
    atexit.register(shutil.rmtree, kept.parent, ignore_errors=True)
    sync = Journal(kept / "journal.sqlite", FakeClock())
    for who, kind, key in ((ADA, "agent", "7"), (ADA, "user", "70"), (BO, "user", "80")):
        sync.link(who, kind, key)
    roll_out(sync.path, sync.clock)
    return kept


def roll_out(path: Path, clock: Clock, step: Step = "button", doors: tuple[Door, ...] = ("agents", "portal")) -> None:
    """Move doors to a step, whatever it waits for: the tests of the steps themselves are in tests/doors."""
    with Doorbook.noting(path, clock=clock, connection=CONNECTION) as book:
        for door in doors:
            book.move(door, step, before=book.step(door).step, by="tests")


class Bench:
    """One door. ``asked`` is what the last redirect asked the provider for."""

    def __init__(self, section: DoorSection, provider: FakeProvider, clock: FakeClock, path: Path) -> None:
        self.section = section
        self.provider = provider
        self.clock = clock
        self.path = path
        self.browser = ""
        self.asked: dict[str, str] = {}
        self.keeper: Doorkeeper
        self.book: Doorbook
        self.flow: Any
        self.sync = Journal(path, clock)
        self.sync.begin()

    # -- signing in ---------------------------------------------------------------------------------------------------

    async def begin(self, **parts: Any) -> Begun:
        begun = await self.keeper.begin(browser=self.browser, **parts)
        self.browser = begun.browser
        self.asked = dict(parse_qsl(urlsplit(begun.url).query))
        return begun

    @property
    def now(self) -> int:
        return int(self.clock.now().timestamp())

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a sound ID token for the sign-in under way; ``None`` leaves one out."""
        whole = {
            "iss": self.provider.issuer,
            "sub": "ada",
            "aud": CLIENT,
            "iat": self.now,
            "exp": self.now + 3600,
            "nonce": self.asked.get("nonce"),
            **changes,
        }
        return {name: value for name, value in whole.items() if value is not None}

    def id_token(self, **changes: Any) -> str:
        return signed(self.claims(**changes))

    async def come_back(
        self, token: str | None = None, *, browser: str | None = None, parameters: dict[str, Any] | None = None
    ) -> Admitted | Rehearsal:
        """The browser comes back with a code; the token endpoint then gives ``token``."""
        self.provider.id_token = self.id_token() if token is None else token
        sent = {"code": CODE, "state": self.asked.get("state"), **(parameters or {})}
        text = urlencode({name: value for name, value in sent.items() if value is not None}).encode()
        if self.asked.get("response_mode") == "form_post":
            returned = read_callback("POST", b"", content_type="application/x-www-form-urlencoded", body=text)
        else:
            returned = read_callback("GET", text)
        return await self.keeper.finish(returned, browser=self.browser if browser is None else browser)

    async def sign_in(self, token: dict[str, Any] | None = None, **parts: Any) -> Admitted:
        """A whole sign-in."""
        await self.begin(**parts)
        admitted = await self.come_back(self.id_token(**(token or {})))
        assert isinstance(admitted, Admitted)
        return admitted

    def front_token(self, **changes: Any) -> str:
        """The ID token that comes through the browser in the hybrid flow."""
        return self.id_token(**{"c_hash": half_hash("RS256", CODE), **changes})

    async def refuses(self, code: str, token: str | None = None, **parts: Any) -> SsoRefused:
        """Come back, be refused for that reason, leave no session and one attempt that says why."""
        sessions = len(self.book.sessions())
        with pytest.raises(SsoRefused) as caught:
            await self.come_back(token, **parts)
        self.expect(caught.value, code, sessions)
        return caught.value

    def expect(self, refused: SsoRefused, code: str, sessions: int = 0) -> None:
        assert refused.code == code, refused.message
        assert len(self.book.sessions()) == sessions
        [attempt] = self.book.attempts(limit=1)
        assert (attempt.code, attempt.session) == (code, None)
        assert attempt.reference == refused.reference != "" or attempt.times > 1

    async def refuses_claims(self, code: str, **changes: Any) -> SsoRefused:
        """A whole sign-in whose token is sound but for these claims."""
        await self.begin()
        return await self.refuses(code, self.id_token(**changes))

    # -- told to end some ---------------------------------------------------------------------------------------------

    async def hear(self, channel: Any, token: str, **parts: Any) -> Any:
        return await self.keeper.hear(SignalMessage(channel=channel, token=token, **parts))

    def logout_claims(self, **changes: Any) -> dict[str, Any]:
        whole = {
            "iss": self.provider.issuer,
            "aud": CLIENT,
            "iat": self.now,
            "exp": self.now + 120,
            "jti": f"logout-{self.now}",
            "sub": "ada",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
            **changes,
        }
        return {name: value for name, value in whole.items() if value is not None}

    @property
    def inside(self) -> int:
        return len(self.book.sessions())

    def chain(self, kind: str) -> list[dict[str, Any]]:
        """Facts of the events of a kind."""
        return [dict(event.facts) for event in self.book.events() if event.kind == kind]


def oidc_settings(**changes: Any) -> OidcSettings:
    return OidcSettings(**{"issuer": ISSUER, "client_id": CLIENT, "client_secret": Secret(SECRET), **changes})


def okta_settings(**changes: Any) -> OktaSsoSettings:
    return OktaSsoSettings(**{"url": ISSUER, "client_id": CLIENT, "client_secret": Secret(SECRET), **changes})


def entra_settings(**changes: Any) -> EntraSsoSettings:
    return EntraSsoSettings(**{"client_id": CLIENT, "client_secret": Secret(SECRET), **changes})


SPECS: dict[str, tuple[SsoFlowSpec, Any]] = {
    "oidc": (OIDC, oidc_settings),
    "okta": (OKTA, okta_settings),
    "entra": (ENTRA, entra_settings),
}


def section_of(
    flow: str = "oidc", door: Literal["agents", "portal"] = "agents", *, rules: dict[str, Any] | None = None, **own: Any
) -> DoorSection:
    spec, settings = SPECS[flow]
    return DoorSection(
        door=door,
        path=f"sso.{door}",
        provided=Provided(value=spec, plugin=flow, distribution="crosskey", version="0.1.0"),
        settings=settings(**own),
        source="corp",
        rules=DoorSettings(**{"enabled": True, "public_url": PUBLIC, **(rules or {})}),
    )


@asynccontextmanager
async def opened(
    tmp_path: Path,
    section: DoorSection | None = None,
    provider: FakeProvider | None = None,
    *,
    beside: Bench | None = None,
) -> AsyncIterator[Bench]:
    """An open door; ``beside`` another one it shares journal and clock."""
    section = section or section_of()
    provider = provider or FakeProvider()
    clock = beside.clock if beside else FakeClock()
    if beside:
        bench = Bench.__new__(Bench)
        bench.__dict__ |= {**beside.__dict__, "section": section, "provider": provider, "browser": "", "asked": {}}
    else:
        bench = Bench(section, provider, clock, tmp_path / "kept" / "journal.sqlite")
    with Doorbook.noting(bench.path, clock=clock, connection=CONNECTION) as book:
        context = DoorContext(section, book, clock=clock, transport=lambda instance: provider)
        async with section.provided.value.open(section.settings, context) as flow:
            bench.book, bench.flow = book, flow
            bench.keeper = Doorkeeper(section, flow, book, clock)
            yield bench


def at_once(*tasks: Any) -> Any:
    return asyncio.gather(*tasks, return_exceptions=True)


def as_text(value: object) -> str:
    return json.dumps(value, default=str)
