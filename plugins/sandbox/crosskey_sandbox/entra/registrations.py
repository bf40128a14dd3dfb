"""App registrations that were made by API."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from crosskey_sandbox.entra.cell import Cell
from crosskey_sandbox.entra.directory import Directory
from crosskey_sandbox.entra.records import Record

__all__ = ("Registration", "Registrations")


class Registration(msgspec.Struct, kw_only=True):
    """One registration. ``id`` is its object id, ``app_id`` the client id: two GUIDs. Secrets are synthetic."""

    id: str
    app_id: str
    name: str
    values: dict[str, object]
    secrets: list[str]


class Registrations:
    """Every registration made by API, and the service principals that belong to them."""

    def __init__(self, cell: Cell, directory: Directory) -> None:
        self._cell = cell
        self._directory = directory
        self._missed = 0
        self.made: dict[str, Registration] = {}

    def by_app_id(self, app_id: str) -> Registration | None:
        """The registration of a client id."""
        return next((each for each in self.made.values() if each.app_id == app_id), None)

    def create(self, name: str, values: Mapping[str, object]) -> Registration:
        """Add one; two may have one name."""
        with self._cell.lock:
            made = Registration(
                id=self._cell.guid(), app_id=self._cell.guid(), name=name, values=dict(values), secrets=[]
            )
            self.made[made.id] = made
            return made

    def add_secret(self, registration: Registration) -> str:
        """One more secret; the older ones stay."""
        with self._cell.lock:
            registration.secrets.append(f"synthetic-{self._cell.guid()}")
            return registration.secrets[-1]

    def make_principal(self, registration: Registration) -> Record:
        """Its service principal in this tenant."""
        return self._directory.create(
            "servicePrincipal",
            {
                "appId": registration.app_id,
                "displayName": registration.name,
                "accountEnabled": True,
                "appRoleAssignmentRequired": False,
                "servicePrincipalType": "Application",
                "tags": [],
            },
        )

    def misses(self) -> bool:
        """Whether this request comes to a server that has not heard of it yet."""
        with self._cell.lock:
            self._missed += 1
            return self._missed <= self._cell.quirks.fresh_misses
