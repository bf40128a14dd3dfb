"""Who may use which application: app role assignments of users, groups and other applications."""

from __future__ import annotations

import hashlib

import msgspec

from crosskey_sandbox.entra.apps import Applications
from crosskey_sandbox.entra.cell import Cell
from crosskey_sandbox.entra.directory import Directory
from crosskey_sandbox.entra.permissions import GRAPH_APP_ID, PERMISSIONS
from crosskey_sandbox.entra.records import Record

__all__ = ("DEFAULT_ROLE", "Assignment", "Assignments")

DEFAULT_ROLE = "00000000-0000-0000-0000-000000000000"
"""The role of an assignment to an application that declares none."""

_TYPES = {"user": "User", "group": "Group", "servicePrincipal": "ServicePrincipal"}


class Assignment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One assignment, as Graph writes it. ``resource_id`` is the service principal of the application used."""

    id: str
    deleted_date_time: None = None
    app_role_id: str
    created_date_time: str
    principal_display_name: str
    principal_id: str
    principal_type: str
    resource_display_name: str
    resource_id: str


class Assignments:
    """Assignments made here, and those that consent to an application's permissions makes at Graph."""

    def __init__(self, cell: Cell, directory: Directory, applications: Applications) -> None:
        self._cell = cell
        self._directory = directory
        self._applications = applications
        self._made: list[Assignment] = []

    def assign(self, resource: str, principal: str, role: str = DEFAULT_ROLE) -> Assignment:
        """Let a user, group or service principal use an application (by the id of its service principal)."""
        with self._cell.lock:
            made = self._write(self._directory.find(principal), self._directory.find(resource), role)
            self._made.append(made)
            return made

    def unassign(self, assignment: Assignment) -> None:
        """Take an assignment back."""
        with self._cell.lock:
            self._made.remove(assignment)

    def to(self, resource: Record) -> list[Assignment]:
        """Who may use an application; deleted principals are not told."""
        found = [made for made in self._made if made.resource_id == resource.id and self._lives(made.principal_id)]
        return found + (self._consented(resource) if resource.values.get("appId") == GRAPH_APP_ID else [])

    def of(self, principal: Record, graph: Record) -> list[Assignment]:
        """Which applications a principal may use."""
        every = [*self._made, *self._consented(graph)]
        return [made for made in every if made.principal_id == principal.id]

    def _lives(self, key: str) -> bool:
        record = self._directory.records.get(key)
        return record is not None and not record.deleted

    def _consented(self, graph: Record) -> list[Assignment]:
        return [
            self._write(self._directory.find(app.principal_id), graph, PERMISSIONS[role])
            for app in self._applications.registered.values()
            for role in sorted(app.roles)
        ]

    def _write(self, principal: Record, resource: Record, role: str) -> Assignment:
        digest = hashlib.sha256(f"{principal.id}{resource.id}{role}".encode()).hexdigest()
        return Assignment(
            id=digest[:43],
            app_role_id=role,
            created_date_time=str(principal.values["createdDateTime"]),
            principal_display_name=principal.name,
            principal_id=principal.id,
            principal_type=_TYPES[principal.sort],
            resource_display_name=resource.name,
            resource_id=resource.id,
        )
