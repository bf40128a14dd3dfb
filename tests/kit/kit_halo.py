"""The local Halo as the kit's fake target."""

from __future__ import annotations

from crosskey import Clock
from crosskey.testing import FakeTarget
from crosskey_sandbox.halo import Agent, DepartmentLink, HaloDesk, HaloQuirks, RoleLink, TeamLink, User, halo_app

RESOURCES = {"user": "Users", "agent": "Agent"}


class LocalHalo(FakeTarget):
    def __init__(self, clock: Clock, **quirks: object) -> None:
        self.desk = HaloDesk.seeded(quirks=HaloQuirks(**{"budget": 0, **quirks}), clock=clock, seats=500)
        self.secrets = {"HALO_SECRET": self.desk.application.client_secret}

    def answers(self):
        return halo_app(self.desk)

    def of(self, kind: str) -> dict[int, User] | dict[int, Agent]:
        return self.desk.users if kind == "user" else self.desk.agents

    def bearing(self, kind: str, marker: str) -> int:
        field = "other5" if kind == "user" else "federated_identity_id"
        return sum(getattr(record, field) == marker for record in self.of(kind).values())

    def add(self, kind: str, name: str) -> str:
        address = f"{name}@acme.example"
        if kind == "user":
            return str(self.desk.add_user(name, next(iter(self.desk.sites)), emailaddress=address).id)
        return str(self.desk.add_agent(name, email=address).id)

    def edit(self, kind: str, key: str, field: str, value: str) -> None:
        self.desk.edit(self.of(kind)[int(key)], **{field: value})

    def remove(self, kind: str, key: str) -> None:
        self.desk.drop(RESOURCES[kind], int(key))

    def sign_in(self, kind: str, key: str) -> None:
        self.desk.sign_in(self.of(kind)[int(key)])

    def grant(self, kind: str, key: str, reference: str, id: str) -> None:
        record = self.of(kind)[int(key)]
        if reference == "teams":
            self.desk.edit(record, teams=(*record.teams, TeamLink(team_id=int(id))))
        elif reference == "departments":
            self.desk.edit(record, departments=(*record.departments, DepartmentLink(department_id=int(id))))
        else:
            self.desk.edit(record, roles=(*record.roles, RoleLink(id=id)))
