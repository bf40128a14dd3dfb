"""The local Entra ID as the kit's fake directory."""

from __future__ import annotations

from crosskey import Clock
from crosskey.testing import FakeDirectory
from crosskey_sandbox.entra import READ_EVERYTHING, EntraQuirks, EntraTenant, entra_app


class LocalEntra(FakeDirectory):
    def __init__(self, clock: Clock, **quirks: object) -> None:
        self.tenant = EntraTenant(clock=clock, quirks=EntraQuirks(**quirks))
        application = self.tenant.application
        self.tenant.applications.consent(application, READ_EVERYTHING)
        self.settings = f'tenant = "{self.tenant.id}"\nclient_id = "{application.client_id}"\n'
        self.secrets = {"ENTRA_SECRET": application.client_secret}

    def answers(self):
        return entra_app(self.tenant)

    def hire(self, name: str) -> str:
        values = {
            "userPrincipalName": f"{name}@acme.example",
            "mail": f"{name}@acme.example",
            "displayName": name,
            "accountEnabled": True,
            "userType": "Member",
        }
        return self.tenant.directory.create("user", values).id

    def rename(self, person: str, name: str) -> None:
        self.tenant.directory.update(person, {"displayName": name})

    def suspend(self, person: str) -> None:
        self.tenant.directory.update(person, {"accountEnabled": False})

    def restore(self, person: str) -> None:
        self.tenant.directory.update(person, {"accountEnabled": True})

    def delete(self, person: str) -> None:
        self.tenant.directory.delete(person)

    def form(self, name: str) -> str:
        return self.tenant.directory.create("group", {"displayName": name, "securityEnabled": True}).id

    def disband(self, group: str) -> None:
        self.tenant.directory.delete(group)

    def join(self, group: str, person: str) -> None:
        self.tenant.directory.add_member(group, person)

    def leave(self, group: str, person: str) -> None:
        self.tenant.directory.remove_member(group, person)

    def expire(self, cursor: str) -> None:
        self.tenant.expire_deltas()
