"""A local Okta and a local Entra ID behind the same few words: what may happen to people and groups in a directory.

A step that makes no sense at the moment does nothing. ``people`` keeps everybody there ever was, the deleted included.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from joserfc.jwk import RSAKey

from crosskey_okta.settings import NEEDED_SCOPES
from crosskey_sandbox.entra import EntraQuirks, EntraTenant
from crosskey_sandbox.entra.errors import GraphError
from crosskey_sandbox.okta import READ_ONLY, OktaOrg, OktaQuirks
from crosskey_sandbox.okta.errors import ApiError
from fake_clock import FakeClock

STAFF, LONDON, APPROVERS, AGENTS, LEADS, PART, OTHER = range(7)
NAMES = ("Staff", "London Office", "Approvers", "Service Desk", "Desk Leads", "Staff of the North", "Choir")
"""The first five are named by the rules; the last two only hold people, and may be put into others."""
NAMED = NAMES[:5]

SEEDED: dict[int, set[int]] = {
    STAFF: set(range(11)),
    LONDON: {0, 1, 2, 3},
    APPROVERS: {2, 4},
    AGENTS: {5, 6, 7, 8},
    LEADS: {5},
    PART: {11, 12},
    OTHER: {1, 9},
}
PEOPLE = 13
KEY = RSAKey.generate_key(2048, auto_kid=True)


@dataclass(frozen=True)
class Known:
    """Somebody as a directory has them now."""

    active: bool
    email: str
    number: str
    title: str


class Directory(Protocol):
    """What a history may do to either."""

    people: list[str]

    def hire(self, email: str, number: str) -> str: ...
    def edit(self, who: str, **values: str) -> None: ...
    def off(self, who: str) -> None: ...
    def on(self, who: str) -> None: ...
    def delete(self, who: str) -> None: ...
    def restore(self, who: str) -> None: ...
    def purge(self, who: str) -> None: ...
    def join(self, group: int, who: str) -> None: ...
    def leave(self, group: int, who: str) -> None: ...
    def nest(self, outer: int, inner: int) -> None: ...
    def unnest(self, outer: int, inner: int) -> None: ...
    def name(self, group: int, name: str) -> None: ...
    def swap_names(self, one: int, other: int) -> None: ...
    def now(self, who: str) -> Known | None: ...
    def inside(self, name: str) -> set[str]: ...


def seed(directory: Directory, *, first: int = 0) -> None:
    """The people and the groups that a history starts from; ``first``: the number of the first person."""
    for number in range(first, first + PEOPLE):
        directory.people.append(directory.hire(f"p{number}@acme.example", f"E{number}"))
    for group, members in SEEDED.items():
        for member in members:
            directory.join(group, directory.people[member])
    directory.nest(STAFF, PART)


class Okta:
    """The words over a local org. Without its ``log`` nobody is told of deletions, so there are none."""

    def __init__(self, clock: FakeClock, quirks: OktaQuirks, *, first: int = 0, log: bool = True) -> None:
        self.org = OktaOrg(clock=clock, quirks=quirks)
        self.people: list[str] = []
        self._groups = [self.org.groups.create(name).id for name in NAMES]
        self.log = log
        self.token = self.org.access.add_token(READ_ONLY)
        self.app = self.org.access.add_service_app([KEY.as_dict(private=False)], NEEDED_SCOPES, dpop=False)
        seed(self, first=first)

    def hire(self, email: str, number: str) -> str:
        given = email.partition("@")[0]
        profile = {"login": f"{number}@acme.example", "email": email, "firstName": given.title(), "lastName": "Example"}
        return self.org.users.create(
            {**profile, "displayName": f"{given.title()} Example", "employeeNumber": number}, status="ACTIVE"
        ).id

    def edit(self, who: str, **values: str) -> None:
        names = {"email": "email", "number": "employeeNumber", "title": "title"}
        with suppress(ApiError):
            self.org.users.update_profile(who, {names[name]: value for name, value in values.items()})

    def off(self, who: str) -> None:
        with suppress(ApiError):
            self.org.users.set_status(who, "SUSPENDED")

    def on(self, who: str) -> None:
        with suppress(ApiError):
            self.org.users.set_status(who, "ACTIVE")

    def delete(self, who: str) -> None:
        with suppress(ApiError):
            self.org.users.set_status(who, "DEPROVISIONED")

    def restore(self, who: str) -> None:
        self.on(who)

    def purge(self, who: str) -> None:
        with suppress(ApiError):
            if self.log and self.org.users.find(who).status == "DEPROVISIONED":
                self.org.users.delete(who)

    def join(self, group: int, who: str) -> None:
        with suppress(ApiError):
            self.org.groups.add_member(self._groups[group], who)

    def leave(self, group: int, who: str) -> None:
        with suppress(ApiError):
            self.org.groups.remove_member(self._groups[group], who)

    def nest(self, outer: int, inner: int) -> None:
        """Okta has no groups in groups: its people join one by one."""
        for user in list(self.org.groups.members(self._groups[inner])):
            self.join(outer, user.id)

    def unnest(self, outer: int, inner: int) -> None:
        for user in list(self.org.groups.members(self._groups[inner])):
            self.leave(outer, user.id)

    def name(self, group: int, name: str) -> None:
        self.org.groups.rename(self._groups[group], {"name": name})

    def swap_names(self, one: int, other: int) -> None:
        names = [str(self.org.groups.find(self._groups[group]).profile["name"]) for group in (other, one)]
        for group, name in zip((one, other), names, strict=True):
            self.name(group, name)

    def now(self, who: str) -> Known | None:
        try:
            user = self.org.users.find(who)
        except ApiError:
            return None
        profile = {name: str(value or "") for name, value in user.profile.items()}
        return Known(
            active=user.status == "ACTIVE",
            email=profile["email"],
            number=profile["employeeNumber"],
            title=profile.get("title", ""),
        )

    def inside(self, name: str) -> set[str]:
        [group] = self.org.groups.named(name)
        return {user.id for user in self.org.groups.members(group.id)}


class Entra:
    """The words over a local tenant; ``transitive``: people of groups within a group belong to it."""

    def __init__(self, clock: FakeClock, quirks: EntraQuirks, *, transitive: bool = True, first: int = 0) -> None:
        self.tenant = EntraTenant(clock=clock, quirks=quirks)
        self.directory = self.tenant.directory
        self.transitive = transitive
        self.people: list[str] = []
        groups = [self.directory.create("group", {"displayName": name, "securityEnabled": True}) for name in NAMES]
        self._groups = [group.id for group in groups]
        seed(self, first=first)
        self.directory.settle()

    def hire(self, email: str, number: str) -> str:
        given = email.partition("@")[0]
        values = {
            "userPrincipalName": f"{number}@acme.example",
            "mail": email,
            "displayName": f"{given.title()} Example",
            "givenName": given.title(),
            "surname": "Example",
            "employeeId": number,
            "accountEnabled": True,
            "userType": "Member",
        }
        return self.directory.create("user", values).id

    def edit(self, who: str, **values: str) -> None:
        names = {"email": "mail", "number": "employeeId", "title": "jobTitle"}
        with suppress(GraphError):
            self.directory.update(who, {names[name]: value for name, value in values.items()})

    def off(self, who: str) -> None:
        with suppress(GraphError):
            self.directory.update(who, {"accountEnabled": False})

    def on(self, who: str) -> None:
        with suppress(GraphError):
            self.directory.update(who, {"accountEnabled": True})

    def delete(self, who: str) -> None:
        with suppress(GraphError):
            self.directory.delete(who)

    def restore(self, who: str) -> None:
        with suppress(GraphError):
            self.directory.restore(who)

    def purge(self, who: str) -> None:
        with suppress(GraphError):
            self.directory.purge(who)

    def join(self, group: int, who: str) -> None:
        with suppress(GraphError):
            self.directory.add_member(self._groups[group], who)

    def leave(self, group: int, who: str) -> None:
        with suppress(GraphError):
            self.directory.remove_member(self._groups[group], who)

    def nest(self, outer: int, inner: int) -> None:
        self.join(outer, self._groups[inner])

    def unnest(self, outer: int, inner: int) -> None:
        self.leave(outer, self._groups[inner])

    def name(self, group: int, name: str) -> None:
        self.directory.update(self._groups[group], {"displayName": name})

    def swap_names(self, one: int, other: int) -> None:
        names = [self.directory.records[self._groups[group]].name for group in (other, one)]
        for group, name in zip((one, other), names, strict=True):
            self.name(group, name)

    def now(self, who: str) -> Known | None:
        try:
            user = self.directory.find(who)
        except GraphError:
            return None
        values = {name: str(value or "") for name, value in user.values.items()}
        return Known(
            active=user.values["accountEnabled"] is True,
            email=values["mail"],
            number=values["employeeId"],
            title=values.get("jobTitle", ""),
        )

    def inside(self, name: str) -> set[str]:
        [group] = self.directory.named(name)
        found: set[str] = set()
        waiting = [group.id]
        seen: set[str] = set()
        while waiting:
            current = waiting.pop()
            if current in seen:
                continue
            seen.add(current)
            for key in self.directory.members[current]:
                if self.directory.records[key].sort == "user":
                    found.add(key)
                elif self.transitive and not self.directory.records[key].deleted:
                    waiting.append(key)
        return found
