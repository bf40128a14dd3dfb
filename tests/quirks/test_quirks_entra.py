"""Every switch of the local Entra ID: a full read, a day in the company, and rounds that tell it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import msgspec
import pytest
from quirks_entra import STRUCTS, SWITCHES
from quirks_switches import Case, cases, unclassified

from crosskey.connector.source import (
    GonePage,
    GroupsPage,
    MembersLeftPage,
    MembersPage,
    PeoplePage,
    ReadComplete,
    ReadRequest,
)
from crosskey.context import InstanceContext
from crosskey.model import GroupSelection, Subject
from crosskey.settings import Secret
from crosskey_entra import EntraSettings, crosskey_sources
from crosskey_sandbox.company import Company
from crosskey_sandbox.entra import EntraQuirks, EntraTenant, entra_app, join, leave, move, tenant_of
from fake_clock import FakeClock

REQUEST = ReadRequest(
    groups=GroupSelection(names=frozenset({"All Staff", "London Office", "Berlin Office"}), where="source.corp"),
    apps=GroupSelection(names=frozenset({"Acme Service Desk"}), kind="app", where="source.corp"),
    attributes=frozenset({"officeLocation"}),
    changes=True,
)
SETTLE = 301.0
NOBODY = Subject("", "")


class Road:
    """One source over one tenant, and what it has told so far."""

    def __init__(self, **quirks: Any) -> None:
        self.company = Company.generate(people=60, groups=8)
        self.tenant: EntraTenant = tenant_of(self.company, clock=FakeClock(), nested=True, quirks=EntraQuirks(**quirks))
        self.people: dict[str, Any] = {}
        self.members: dict[str, set[str]] = {}
        self.cursor = ""

    def open(self) -> AbstractAsyncContextManager[Any]:
        app = self.tenant.application
        settings = EntraSettings(
            tenant=self.tenant.id, client_id=app.client_id, client_secret=Secret(app.client_secret), concurrency=1
        )
        transport = httpx.ASGITransport(app=entra_app(self.tenant))
        context = InstanceContext("source.corp", clock=self.tenant.cell.clock, transport=lambda _: transport)
        return crosskey_sources()[0].open(settings, context)

    async def drive(self) -> tuple[dict[str, Any], dict[str, set[str]]]:
        async with self.open() as source:
            await self.take(source.read(REQUEST))
            self.tenant.cell.clock.advance(10)
            await self.take(source.read_changes(self.cursor, REQUEST))
            self.a_day_passes()
            await self.take(source.read_changes(self.cursor, REQUEST))
            self.tenant.cell.clock.advance(SETTLE)
            for _ in range(2):
                await self.take(source.read_changes(self.cursor, REQUEST))
        return self.told()

    def told(self) -> tuple[dict[str, Any], dict[str, set[str]]]:
        """By sign-in name: the starter's id depends on how much was asked before."""
        people = {one.user_name: msgspec.structs.replace(one, subject=NOBODY) for one in self.people.values()}
        members = {
            key: {self.people[who].user_name for who in held if who in self.people}
            for key, held in self.members.items()
        }
        return people, members

    def a_day_passes(self) -> None:
        users = [user for user in self.tenant.directory.live("user") if user.values.get("city") == "London"]
        leave(self.tenant, users[0].id)
        leave(self.tenant, users[1].id, delete=True)
        move(self.tenant, users[2].id, "Berlin")
        join(self.tenant, self.company.hire(office="Berlin"))
        self.tenant.directory.restore(self.tenant.directory.deleted("user")[0].id)

    async def take(self, pages: Any) -> None:
        async for page in pages:
            match page:
                case PeoplePage(people):
                    self.people |= {person.subject.id: person for person in people}
                case MembersPage(group, members, whole):
                    held = set() if whole else self.members.get(group, set())
                    self.members[group] = held | set(members)
                case MembersLeftPage(group, members):
                    self.members[group] -= set(members)
                case GonePage(people=gone):
                    self.people = {key: one for key, one in self.people.items() if key not in gone}
                case ReadComplete():
                    self.cursor = page.cursor
                case _:
                    assert isinstance(page, GroupsPage)


_MEASURE: list[Any] = []


async def measure() -> tuple[Road, Any]:
    """The undisturbed road, and what a full read at its end tells."""
    if not _MEASURE:
        road = Road()
        told = await road.drive()
        fresh = Road()
        fresh.tenant = road.tenant
        async with fresh.open() as source:
            await fresh.take(source.read(REQUEST))
        assert told == fresh.told()
        _MEASURE[:] = [road, told]
    return _MEASURE[0], _MEASURE[1]


def of(*ends: str) -> Any:
    chosen = [case for case in cases(STRUCTS, SWITCHES) if case.does.ends in ends]
    return pytest.mark.parametrize("case", chosen, ids=str)


def test_every_switch_of_entra_is_classified() -> None:
    assert unclassified(STRUCTS, SWITCHES) == []
    assert all(case.does.why for case in cases(STRUCTS, SWITCHES))


@of("same", "settles")
async def test_the_same_people_and_members_in_the_end(case: Case) -> None:
    undisturbed, expected = await measure()
    road = Road(**case.switches)
    assert await road.drive() == expected
    if case.does.ends == "same":
        assert len(road.tenant.requests) <= len(undisturbed.tenant.requests) + case.does.more


@of("refused")
async def test_one_clear_error(case: Case) -> None:
    road = Road(**case.switches)
    with pytest.raises(case.does.error) as caught:
        await road.drive()
    assert caught.value.code == case.does.code
    assert caught.value.fix


def test_switches_are_those_of_the_tenant() -> None:
    assert {field.name for field in msgspec.structs.fields(EntraQuirks)} == set(SWITCHES["entra"])
