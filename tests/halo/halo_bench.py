"""An open Halo target over a local desk in the same process, and changes to apply to it."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import httpx

from crosskey.connector.target import AccountsComplete, AccountsRequest
from crosskey.context import InstanceContext
from crosskey.model import Subject
from crosskey.plan import Change, FieldChange, ReferenceChange
from crosskey.settings import Secret
from crosskey_halo import HaloSettings, crosskey_targets
from crosskey_sandbox.halo import HaloDesk, HaloQuirks, halo_app
from fake_clock import FakeClock

URL = "https://acme.haloitsm.example"


class DeskTransport(httpx.AsyncBaseTransport):
    """Requests go straight into the desk's application; a connection it drops is a read error, as over a socket."""

    def __init__(self, desk: HaloDesk) -> None:
        self._asgi = httpx.ASGITransport(app=halo_app(desk))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._asgi.handle_async_request(request)
        except ConnectionAbortedError:
            raise httpx.ReadError("connection closed", request=request) from None


class Altered(DeskTransport):
    """The desk, with the first answer under a path altered, or every one."""

    def __init__(self, desk, path, alter, *, once=False):
        super().__init__(desk)
        self.path, self.alter, self.once = path, alter, once

    async def handle_async_request(self, request):
        response = await super().handle_async_request(request)
        if request.method != "GET" or request.url.path != self.path or self.alter is None:
            return response
        body = self.alter(json.loads(await response.aread()))
        if self.once:
            self.alter = None
        return httpx.Response(200, json=body)


def a_desk(clock=None, **quirks) -> HaloDesk:
    """A seeded desk without a request budget, on a clock that the test moves."""
    return HaloDesk.seeded(quirks=HaloQuirks(**{"budget": 0, **quirks}), clock=clock or FakeClock())


def called(records, name):
    """The first record of a desk's table with this name."""
    return next(record for record in records.values() if record.name == name)


def some_settings(**keys) -> HaloSettings:
    secret = Secret("sandbox-halo-secret")
    return HaloSettings(**{"url": URL, "client_id": "crosskey-sandbox", "client_secret": secret, **keys})


@asynccontextmanager
async def opened(desk, *, transport=None, **keys):
    """The target, opened as the core opens it."""
    clock = getattr(desk, "clock", None) or FakeClock()
    wire = transport or DeskTransport(desk)
    context = InstanceContext("target.desk", clock=clock, transport=lambda _: wire)
    (spec,) = crosskey_targets()
    async with spec.open(some_settings(**keys), context) as target:
        yield target


async def read_all(target, *kinds, **references):
    """Every account by (kind, key), and the closing page."""
    request = AccountsRequest(kinds=frozenset(kinds or ("user", "agent")), references=references)
    accounts, end = {}, None
    async for page in target.read(request):
        if isinstance(page, AccountsComplete):
            end = page
        else:
            accounts |= {(account.kind, account.key): account for account in page.accounts}
    return accounts, end


def marker(number: int) -> str:
    return f"ck-{number:024d}"


def a_create(number: int, *, kind="user", site="1", mail=None, **fields) -> Change:
    """A new account for person ``number``; ``fields`` override what it writes."""
    mail_field = "email" if kind == "agent" else "emailaddress"
    address = f"person.{number}@acme.example" if mail is None else mail
    written = {"name": f"Person {number}", mail_field: address, **fields}
    references = {"site": ReferenceChange((), (site,))} if kind == "user" and site else {}
    return Change(
        id=f"{kind}:{number}",
        action="create",
        kind=kind,
        subject=Subject("https://acme.okta.example", f"00u{number}"),
        label=f"Person {number}",
        marker=marker(number),
        active=FieldChange(False, True),
        fields={name: FieldChange(None, value) for name, value in written.items()},
        references=references,
    )


def a_change(action, key, *, kind="user", number=1, before=None, active=None, references=None, **fields) -> Change:
    """A change to account ``key``; ``references`` are pairs of before and after."""
    return Change(
        id=f"{kind}:{action}:{key}",
        action=action,
        kind=kind,
        subject=Subject("https://acme.okta.example", f"00u{number}"),
        label=f"Person {number}",
        key=str(key),
        marker=marker(number) if action == "adopt" else "",
        active=None if active is None else FieldChange(not active, active),
        fields={name: FieldChange(before, value) for name, value in fields.items()},
        references={name: ReferenceChange(*pair) for name, pair in (references or {}).items()},
        end_sessions=action == "disable",
    )


def results(outcomes) -> list[str]:
    return [outcome.result for outcome in outcomes]


def creates_of(desk, resource="Users") -> list[str]:
    """The names of records that were created over HTTP and are there."""
    made = [write for write in desk.writes if write.action == "create" and write.resource == resource]
    return [write.after.name for write in made]
