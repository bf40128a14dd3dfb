"""The local Okta as the kit's fake directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from crosskey import Clock
from crosskey.testing import FakeDirectory
from crosskey_sandbox.okta import OktaOrg, OktaQuirks, okta_app

_LOG_KEPT = 91 * 86_400.0


class LocalOkta(FakeDirectory):
    statuses: ClassVar[Mapping[str, bool | None]] = {
        "ACTIVE": True,
        "PROVISIONED": True,
        "RECOVERY": True,
        "PASSWORD_EXPIRED": True,
        "LOCKED_OUT": True,
        "STAGED": False,
        "SUSPENDED": False,
        "DEPROVISIONED": False,
    }

    def __init__(self, clock: Clock, **quirks: object) -> None:
        self.org = OktaOrg(clock=clock, quirks=OktaQuirks(**quirks))
        self.secrets = {"OKTA_TOKEN": self.org.api_token}

    def answers(self):
        return okta_app(self.org)

    def hire(self, name: str) -> str:
        profile = {"login": f"{name}@acme.example", "email": f"{name}@acme.example", "firstName": name, "lastName": "X"}
        return self.org.users.create(profile, status="ACTIVE").id

    def rename(self, person: str, name: str) -> None:
        self.org.users.update_profile(person, {"firstName": name})

    def suspend(self, person: str) -> None:
        self.org.users.suspend(person)

    def restore(self, person: str) -> None:
        self.org.users.unsuspend(person)

    def set_status(self, person: str, status: str) -> None:
        self.org.users.set_status(person, status)

    def delete(self, person: str) -> None:
        self.org.users.deactivate(person)
        self.org.users.delete(person)

    def form(self, name: str) -> str:
        return self.org.groups.create(name).id

    def disband(self, group: str) -> None:
        self.org.groups.delete(group)

    def join(self, group: str, person: str) -> None:
        self.org.groups.add_member(group, person)

    def leave(self, group: str, person: str) -> None:
        self.org.groups.remove_member(group, person)

    def expire(self, cursor: str) -> None:
        self.org.cell.clock.advance(_LOG_KEPT)
