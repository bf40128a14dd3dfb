"""A source that is told things by hooks, and an application of nothing but its addresses."""

from __future__ import annotations

import asyncio
import json

import httpx
from starlette.applications import Starlette

from crosskey.connector.signal import SignalAnswer
from crosskey.model import Subject
from crosskey.web import Limits, hook_routes
from fake_clock import FakeClock

ISSUER = "https://directory.example"
SECRET = "not-a-secret"
AUTH = {"authorization": SECRET}


class PushingSource:
    """Understands ``{"people": […], "changes": true, "renew": true, "events": […]}`` under a static header (synthetic)."""

    issuer = ISSUER

    def __init__(self, secret=SECRET) -> None:
        self.secret = secret
        self.received = []

    def receive(self, request):
        self.received.append(request)
        if "challenge" in request.query:
            return SignalAnswer(verdict="challenge", code="challenge", body=request.query["challenge"].encode())
        if request.headers.get("authorization") != self.secret:
            return SignalAnswer(verdict="refused", code="wrong-secret", status=401, body=b"the secret is another one")
        try:
            said = json.loads(request.body)
        except ValueError:
            return SignalAnswer(verdict="refused", code="bad-body", status=400)
        return SignalAnswer(
            verdict="accepted",
            code="events",
            status=202,
            people=frozenset(said.get("people", ())),
            changes=said.get("changes", False),
            renew=said.get("renew", False),
            events=tuple(said.get("events", ())),
        )


class Given(dict):
    """Sources that a test holds in its hands."""

    async def get(self, name):
        return super().get(name)


class HeldClock(FakeClock):
    """Nobody's sleep ends before the test lets time pass."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[tuple[float, asyncio.Event]] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        woken = asyncio.Event()
        self._waiting.append((self.elapsed + seconds, woken))
        await woken.wait()

    async def pass_time(self, seconds: float) -> None:
        await self._let_others_run()
        self.advance(seconds)
        for until, woken in self._waiting:
            if until <= self.elapsed:
                woken.set()
        await self._let_others_run()

    async def _let_others_run(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)


class Bench:
    """Routes over one or several sources, what they woke, and a client."""

    def __init__(self, sources=None, **limits) -> None:
        self.source = PushingSource()
        self.clock = HeldClock()
        self.woken: list[tuple[frozenset[Subject], bool]] = []
        self.renewed: list[str] = []
        self.spoke: list[str] = []
        self.routes = hook_routes(
            Given(sources or {"corp": self.source}),
            lambda people, *, changes: self.woken.append((people, changes)),
            self.clock,
            renew=self.renewed.append,
            spoke=self.spoke.append,
            limits=Limits(**limits),
        )
        self.app = Starlette(routes=self.routes)
        self.app.router.redirect_slashes = False  # as the watcher's application has it
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="https://public.example")

    async def told(self, *, headers=AUTH, source="corp", **said) -> httpx.Response:
        return await self.client.post(f"/hooks/{source}", json=said, headers=headers)

    @property
    def people(self) -> list[str]:
        """Ids that were named to ``wake``, in order of the calls."""
        return [subject.id for people, _ in self.woken for subject in sorted(people)]
