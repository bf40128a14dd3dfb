"""People inside while they leave: a local Okta and Halo, `crosskey watch` and `crosskey serve` as processes beside them.

Both processes share one journal. People sign in over HTTP with a made-up provider that lets in whoever it is told.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode

import httpx
from cli_bench import Shell
from sso_bench import roll_out
from sso_provider import FakeProvider, signed
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from crosskey.clock import SystemClock
from crosskey_sandbox.company import OFFICES, Company
from crosskey_sandbox.halo import HaloDesk, HaloQuirks, halo_app
from crosskey_sandbox.okta import SUPER_ADMIN, OktaQuirks, okta_app
from crosskey_sandbox.okta.staffing import leave, org_of
from crosskey_sandbox.server import serving
from crosskey_sandbox.stage import CLIENT, Stage

HOOK_SECRET = "synthetic-hook-secret-of-a-local-imitation"
COOKIE = "__Host-crosskey-agents-session"


class LocalProvider(FakeProvider):
    """The made-up provider over HTTP: whoever comes is ``who``, at once."""

    def __init__(self, issuer: str) -> None:
        super().__init__(issuer)
        self.who = ""
        self._codes: dict[str, dict[str, Any]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.url.path == "/authorize":
            code, now = secrets.token_urlsafe(16), int(time.time())
            claims = {"iss": self.issuer, "sub": self.who, "aud": "door", "iat": now, "exp": now + 600}
            self._codes[code] = {**claims, "nonce": request.query_params["nonce"]}
            back = urlencode({"code": code, "state": request.query_params["state"]})
            response: Response = RedirectResponse(f"{request.query_params['redirect_uri']}?{back}", 303)
        else:
            body = await request.body()
            if request.url.path == "/token":
                self.id_token = signed(self._codes.pop(dict(parse_qsl(body.decode()))["code"]))
            asked = httpx.Request(request.method, str(request.url), content=body)
            told = await self.handle_async_request(asked)
            response = Response(told.content, told.status_code, media_type=told.headers["content-type"])
        await response(scope, receive, send)


class Gate:
    """Stands before the desk. Closed, it holds what would write, once it has come whole, until it is opened."""

    def __init__(self, desk: ASGIApp) -> None:
        self._desk = desk
        self._opened, self.reached = threading.Event(), threading.Event()
        self._opened.set()

    def close(self) -> None:
        self.reached.clear()
        self._opened.clear()

    def open(self) -> None:
        self._opened.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST" or not scope["path"].startswith("/api/") or self._opened.is_set():
            return await self._desk(scope, receive, send)
        heard = [await receive()]
        while heard[-1].get("more_body"):
            heard.append(await receive())

        async def hearing() -> Any:
            return heard.pop(0) if heard else await receive()

        self.reached.set()
        await asyncio.to_thread(self._opened.wait)
        return await self._desk(scope, hearing, send)


class Visitor:
    """As plain a browser as there can be: it keeps the doors' cookies, and goes where it is sent."""

    def __init__(self, port: int) -> None:
        self._site, self._host = f"http://127.0.0.1:{port}", f"localhost:{port}"
        self._http = httpx.Client(trust_env=False, timeout=30)
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> httpx.Response:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"host": self._host, "accept": "text/html", "cookie": cookie}
        response = self._http.get(self._site + path, headers=sent)
        for line in response.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response

    def sign_in(self) -> httpx.Response:
        """Press the button; where that ended."""
        response = self.get("/agents/sign-in/start")
        while response.is_redirect:
            to = response.headers["location"].removeprefix(f"http://{self._host}")
            response = self.get(to) if to.startswith("/") else self._http.get(to)
        return response

    def reason(self) -> str:
        """Why `/auth/verify` refuses this browser; nothing for one that is inside."""
        return self.get("/auth/verify").headers.get("x-auth-reason", "")

    def close(self) -> None:
        self._http.close()


class Beside:
    """A command that runs beside; its lines go to a file."""

    def __init__(self, shell: Shell, *words: str) -> None:
        self.log = shell.folder / f"{words[0]}-{secrets.token_hex(3)}.log"
        self._out = self.log.open("w")
        self.process = shell.start(*words, stdout=self._out, stderr=subprocess.STDOUT)

    def text(self) -> str:
        return self.log.read_text()

    def until(self, happened: Callable[[], object], pause: float = 0.02) -> None:
        """Look again and again; a test fails where it never happens, however slow the machine is."""
        end = time.monotonic() + 60
        while not happened():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < end, self.text()
            time.sleep(pause)

    def says(self, words: str, times: int = 1) -> None:
        self.until(lambda: self.text().count(words) >= times)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        self._out.close()
        assert "Traceback" not in self.text(), self.text()


class House:
    """Where people are inside while they leave."""

    def __init__(self, shell: Shell, provider: LocalProvider, gate: Gate, port: int, watch_port: int) -> None:
        self.shell, self.provider, self.gate, self.port = shell, provider, gate, port
        self.watch_url = f"http://127.0.0.1:{watch_port}"
        self.stage = shell.stage
        self.desk = shell.stage.desk

    @contextmanager
    def watching(self) -> Generator[Beside]:
        """`crosskey watch`, which begins no round by itself: a sync was a moment ago."""
        with Beside(self.shell, "watch") as watch:
            watch.says("watching desk")
            yield watch

    @contextmanager
    def serving(self) -> Generator[Beside]:
        with Beside(self.shell, "serve") as serve:
            serve.says(f":{self.port} serves")
            roll_out(self.shell.journal, SystemClock(), "button", ("agents",))
            yield serve

    def hooks(self, *words: str) -> None:
        done = self.shell("hooks", *words)
        assert done.code == 0, done

    def agents(self) -> list[str]:
        """Logins of people who have an agent at the desk that is on."""
        on = {agent.email.casefold() for agent in self.desk.agents.values() if agent.email and not agent.isdisabled}
        people = [person for person in self.stage.company.people if person.status == "active"]
        return [person.login for person in people if person.email.casefold() in on and person.email == person.login]

    def agent(self, login: str) -> Any:
        return next(a for a in self.desk.agents.values() if a.email and a.email.casefold() == login.casefold())

    def okta_id(self, login: str) -> str:
        return self.stage.org.users.find(login).id

    def visitor(self, login: str) -> Visitor:
        """A browser in which that person is inside."""
        visitor = Visitor(self.port)
        self.provider.who = self.okta_id(login)
        visitor.sign_in()
        assert visitor.reason() == "", login
        return visitor

    def leaves(self, login: str) -> None:
        leave(self.stage.org, login)


@contextmanager
def leaver_house(folder: Path, *, people: int = 60, every: str = "1h") -> Generator[House]:
    """The vendors, and a configuration in which the doors are open; nothing runs beside yet."""
    company = Company.generate(people=people, groups=40)
    org = org_of(company, quirks=OktaQuirks(rates=False))
    desk = HaloDesk.seeded(
        client=CLIENT,
        offices=[office.city for office in OFFICES],
        contacts=(),
        quirks=HaloQuirks(budget=0),
        seats=people,
    )
    gate, port, watch_port, provider_port = Gate(halo_app(desk)), *free_ports()
    provider = LocalProvider(f"http://127.0.0.1:{provider_port}")
    with ExitStack() as stack:
        stage = Stage(
            company=company,
            org=org,
            desk=desk,
            okta_url=stack.enter_context(serving(okta_app(org))),
            okta_token=org.access.add_token(SUPER_ADMIN),  # hooks are shown to no less
            halo_url=stack.enter_context(serving(gate)),
        )
        stack.enter_context(serving(provider, provider_port))
        stack.callback(gate.open)
        shell = Shell(folder, stage)
        shell.edit(
            ('use = "okta"\n', 'use = "okta"\nhook_secret = { env = "OKTA_HOOK_SECRET" }\n'),
            ("percent = 5", "percent = 100"),
        )
        shell.add(_DOORS.format(every=every, watch=watch_port, port=port, issuer=provider.issuer, okta=stage.okta_url))
        shell.environment |= {"OKTA_HOOK_SECRET": HOOK_SECRET, "DOOR_SECRET": "synthetic-secret-of-a-door"}
        yield House(shell, provider, gate, port, watch_port)


_DOORS = """
[watch]
every = "{every}"
jitter = "0s"
listen = "127.0.0.1:{watch}"

[serve]
listen = "127.0.0.1:{port}"

[sso.agents]
use = "oidc"
enabled = true
public_url = "http://localhost:{port}"
issuer = "{issuer}"
people = "{okta}"
client_id = "door"
client_secret = {{ env = "DOOR_SECRET" }}
private_addresses = true
"""


def free_ports() -> tuple[int, int, int]:
    with socket.socket() as first, socket.socket() as second, socket.socket() as third:
        for each in (first, second, third):
            each.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1], third.getsockname()[1]
