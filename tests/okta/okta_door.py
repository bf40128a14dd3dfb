"""Opens the Okta source through its public door, over whatever transport a test has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from joserfc.jwk import ECKey, RSAKey

from crosskey.clock import Clock
from crosskey.connector.source import GroupsPage, MembersPage, PeoplePage, ReadComplete, ReadRequest
from crosskey.context import InstanceContext
from crosskey.model import Group, GroupSelection, Person
from crosskey.settings import Secret
from crosskey_okta import OktaSettings, crosskey_sources
from crosskey_okta.settings import NEEDED_SCOPES
from crosskey_sandbox.okta import OktaOrg, OktaQuirks, okta_app
from crosskey_sandbox.okta.records import UserStatus
from fake_clock import FakeClock

RSA = RSAKey.generate_key(2048, auto_kid=True)
URL = "https://acme.okta.com"


def settings(**changes: Any) -> OktaSettings:
    """Settings with an API token, or with whatever credential ``changes`` bring."""
    credential = {} if "private_key" in changes or "client_id" in changes else {"token": Secret("00secretToken")}
    return OktaSettings(**{"url": URL, **credential, **changes})


@asynccontextmanager
async def opened(
    transport: httpx.AsyncBaseTransport | None, *, clock: Clock | None = None, **changes: Any
) -> AsyncIterator[Any]:
    """The open source."""
    context = InstanceContext("source.corp", clock=clock or FakeClock(), transport=lambda _: transport)
    async with crosskey_sources()[0].open(settings(**changes), context) as source:
        yield source


def an_org(**quirks: Any) -> OktaOrg:
    """An empty local org whose time the test moves."""
    return OktaOrg(clock=FakeClock(), quirks=OktaQuirks(**quirks))


def people_of(org: OktaOrg, count: int, *, status: UserStatus = "ACTIVE", prefix: str = "p") -> list[str]:
    """Give a local org ``count`` invented people; their ids."""
    return [
        org.users.create(
            {
                "login": f"{prefix}{number}@example.com",
                "email": f"{prefix}{number}@example.com",
                "firstName": f"Person{number}",
                "lastName": "Example",
            },
            status=status,
        ).id
        for number in range(count)
    ]


def group_of(org: OktaOrg, name: str, members: Iterable[str]) -> str:
    """Give a local org a group with these members; its id."""
    group = org.groups.create(name).id
    for member in members:
        org.groups.add_member(group, member)
    return group


def app_of(org: OktaOrg, key: RSAKey | ECKey = RSA, **app: Any) -> dict[str, Any]:
    """A service app in the local org, as settings of the source."""
    scopes = app.pop("scopes", NEEDED_SCOPES)
    client = org.access.add_service_app([key.as_dict(private=False)], scopes, **app)
    pem = key.as_pem(private=True).decode()
    return {"client_id": client.client_id, "private_key": Secret(pem), "key_id": key.kid}


@asynccontextmanager
async def local(org: OktaOrg, *, clock: Clock | None = None, **changes: Any) -> AsyncIterator[Any]:
    """The open source over a local org, in this process and with a valid API token."""
    if not {"token", "client_id"} & changes.keys():
        changes["token"] = Secret(org.api_token)
    # The org's clock is the client's too, unless the test wants them to differ.
    async with opened(httpx.ASGITransport(app=okta_app(org)), clock=clock or org.cell.clock, **changes) as source:
        yield source


class Everything:
    """All that one read brought."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.rows = 0
        self.groups: dict[str, Group] = {}
        self.members: dict[str, set[str]] = {}
        self.complete: ReadComplete | None = None

    def add(self, page: object) -> None:
        assert self.complete is None, "a page came after the end"
        match page:
            case PeoplePage(people):
                self.rows += len(people)
                self.people.update((person.subject.id, person) for person in people)
            case GroupsPage(groups):
                self.groups.update((group.id, group) for group in groups)
            case MembersPage(group, members):
                assert group in self.groups, "members came before their group"
                self.members.setdefault(group, set()).update(members)
            case ReadComplete():
                self.complete = page
            case _:
                raise AssertionError(page)


async def read_all(source: Any, request: ReadRequest | None = None, *, into: Everything | None = None) -> Everything:
    """Read to the end."""
    everything = into or Everything()
    async for page in source.read(request or ReadRequest()):
        everything.add(page)
    return everything


def wanting(
    *groups: str,
    apps: Collection[str] = (),
    pins: dict[str, str] | None = None,
    attributes: Collection[str] | None = (),
) -> ReadRequest:
    """A request for the members of these groups and apps, and these extra attributes."""
    return ReadRequest(
        groups=GroupSelection(names=frozenset(groups), pins=pins or {}, where="source.corp"),
        apps=GroupSelection(names=frozenset(apps), kind="app", where="source.corp"),
        attributes=None if attributes is None else frozenset(attributes),
    )
