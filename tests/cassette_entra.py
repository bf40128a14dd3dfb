"""What the Entra cassettes ask of a local tenant. Everything in them is synthetic."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from crosskey.connector.source import (
    GonePage,
    GroupsPage,
    MembersLeftPage,
    MembersPage,
    PeoplePage,
    ReadComplete,
    ReadRequest,
)
from crosskey.model import GroupSelection, Subject
from crosskey.settings import Secret
from crosskey_entra import EntraSettings
from crosskey_sandbox.company import Company
from crosskey_sandbox.entra import EntraQuirks, EntraTenant, Fault, leave, move, tenant_of
from fake_clock import FakeClock

ENTRA_NAME, ENTRA_SECRET = "entra.example.test", "canary-entra-secret"
GROUPS = ("All Staff", "Service Desk")


def a_tenant(clock: FakeClock, *, changed: bool = False, **quirks: Any) -> EntraTenant:
    """A small company; ``changed``: somebody was switched off, somebody deleted, somebody moved, a moment ago."""
    company = Company.generate(people=24, groups=8, seed=7)
    tenant = tenant_of(company, clock=clock, nested=True, quirks=EntraQuirks(**quirks))
    tenant.application.secrets.clear()
    tenant.applications.add_secret(tenant.application, ENTRA_SECRET)
    if changed:
        people = [user for user in tenant.directory.live("user") if user.values.get("city") == "London"]
        leave(tenant, people[0].id)
        leave(tenant, people[1].id, delete=True)
        move(tenant, people[2].id, "Berlin")
    return tenant


def without_consent(clock: FakeClock) -> EntraTenant:
    tenant = a_tenant(clock)
    tenant.applications.consent(tenant.application, ())
    return tenant


@cache
def ids() -> tuple[str, str, str]:
    """The tenant's id, the app's, and that of somebody in the recycle bin: the same each time."""
    tenant = a_tenant(FakeClock())
    return tenant.id, tenant.application.client_id, tenant.directory.deleted("user")[0].id


def as_app(url: str) -> EntraSettings:
    # One request at a time: recording anew gives the same file.
    tenant, client, _ = ids()
    return EntraSettings(
        tenant=tenant,
        client_id=client,
        client_secret=Secret(ENTRA_SECRET),
        authority=url,
        graph_url=url,
        concurrency=1,
    )


def asking(*groups: str, apps: tuple[str, ...] = ()) -> ReadRequest:
    return ReadRequest(
        groups=GroupSelection(names=frozenset(groups), where="source.corp"),
        apps=GroupSelection(names=frozenset(apps), kind="app", where="source.corp"),
        attributes=frozenset({"officeLocation"}),
        changes=True,
    )


class Followed:
    """A read, and what the round after it told."""

    def __init__(self) -> None:
        self.people: dict[str, Any] = {}
        self.groups: dict[str, Any] = {}
        self.members: dict[str, set[str]] = {}
        self.gone: set[str] = set()
        self.told: set[str] = set()
        self.cursor = ""

    async def take(self, pages: Any) -> set[str]:
        """Fold the pages; the ids of people they brought."""
        brought: set[str] = set()
        async for page in pages:
            match page:
                case PeoplePage(people):
                    self.people |= {person.subject.id: person for person in people}
                    brought |= {person.subject.id for person in people}
                case GroupsPage(groups):
                    self.groups |= {group.id: group for group in groups}
                case MembersPage(group, members, whole):
                    self.members[group] = (set() if whole else self.members.get(group, set())) | set(members)
                case MembersLeftPage(group, members):
                    self.members[group] -= set(members)
                case GonePage(people=people):
                    self.gone |= set(people)
                case ReadComplete():
                    self.cursor = page.cursor
        return brought


async def following(source: Any) -> Followed:
    """A full read and a round after it."""
    followed, request = Followed(), asking(*GROUPS, apps=("Acme Service Desk",))
    await followed.take(source.read(request))
    followed.told = await followed.take(source.read_changes(followed.cursor, request))
    return followed


async def following_too_late(source: Any) -> Followed:
    followed = Followed()
    await followed.take(source.read(asking()))
    await followed.take(source.read_changes(followed.cursor, asking()))
    return followed


async def reading(source: Any) -> Followed:
    followed = Followed()
    await followed.take(source.read(asking(*GROUPS)))
    return followed


async def looking_up(source: Any) -> tuple[Any, frozenset[str]]:
    """Somebody in the recycle bin, and the groups of somebody who is there."""
    await (followed := Followed()).take(source.read(asking()))
    first = min(followed.people)
    gone = await source.find(Subject(source.issuer, ids()[2]))
    return gone, await source.groups_of(Subject(source.issuer, first))


async def checking(source: Any) -> dict[str, str]:
    return {finding.code: finding.severity for finding in await source.check()}


async def expiring(source: Any) -> list[Any]:
    return list(await source.credentials())


Play = Callable[[Any], Awaitable[Any]]

ENTRA_CASES: dict[str, tuple[Callable[[FakeClock], EntraTenant], Play]] = {
    "entra/read-and-changes": (
        # Replayed changes: those of a moment ago are told in the round after the read as well.
        lambda clock: a_tenant(clock, changed=True, delta_replay=50, first_round_empty_pages=2),
        following,
    ),
    "entra/delta-expired": (lambda clock: a_tenant(clock, delta_life=-1.0), following_too_late),
    "entra/rate-limited": (
        lambda clock: a_tenant(clock, faults=(Fault(kind="throttled", path="/v1.0/users", times=1, wait=17.0),)),
        reading,
    ),
    "entra/look-ups": (a_tenant, looking_up),
    "entra/check": (a_tenant, checking),
    "entra/without-consent": (without_consent, checking),
    "entra/credentials": (a_tenant, expiring),
}
"""Path → the local vendor, and what is asked of it."""
