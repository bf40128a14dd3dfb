"""The lists that accounts refer to: sites, roles, teams, departments. Each is read once while the desk is open.

Teams and departments also tell which agents are in them, so reading agents costs no request per agent.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar, cast

from crosskey.model import Catalogue, CatalogueEntry
from crosskey_halo.desk import Desk, Parameters
from crosskey_halo.resources import (
    AGENT_ROLES,
    CLIENTS,
    DEPARTMENTS,
    SITES,
    TEAMS,
    USER_ROLES,
    Resource,
)
from crosskey_halo.rows import ClientRow, DepartmentRow, Row, SiteRow, TeamRow, as_id, as_text
from crosskey_halo.schema import AGENT_ROLE, DEPARTMENT, SITE, TEAM, USER_ROLE

__all__ = ("Lists",)

R = TypeVar("R", bound=Row)

_TEAMS: Parameters = {"includeagentsforteams": "true", "showall": "true"}
_DEPARTMENTS: Parameters = {"agent_departments_only": "true", "include_agents": "true"}

_LISTED: Mapping[str, Resource[Row]] = {
    SITE: cast("Resource[Row]", SITES),
    USER_ROLE: USER_ROLES,
    AGENT_ROLE: AGENT_ROLES,
    TEAM: cast("Resource[Row]", TEAMS),
    DEPARTMENT: cast("Resource[Row]", DEPARTMENTS),
}
"""The lists behind the catalogue's words."""


class Lists:
    """The catalogue's lists, fetched when first asked for and then kept."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._kept: dict[str, list[Row]] = {}
        self._lock = asyncio.Lock()
        self._spent = False

    async def teams(self) -> list[TeamRow]:
        """Teams with the agents in them."""
        return await self._once(TEAMS, _TEAMS)

    async def departments(self) -> list[DepartmentRow]:
        """Departments with the agents in them."""
        return await self._once(DEPARTMENTS, _DEPARTMENTS)

    async def sites(self) -> list[SiteRow]:
        """Sites of all clients."""
        return await self._once(SITES)

    async def user_roles(self) -> list[Row]:
        """Roles of end users."""
        return await self._once(USER_ROLES)

    async def agent_roles(self) -> list[Row]:
        """Roles of agents; their ids are GUIDs."""
        return await self._once(AGENT_ROLES)

    def name(self, listing: str, key: str) -> str:
        """The name behind an id of the catalogue, as far as its list was read; else the id."""
        return next((as_text(row.name) for row in self._kept.get(_LISTED[listing].path, ()) if row.key == key), key)

    def spend(self) -> None:
        """Note that memberships were used, or written: the next :meth:`refresh` reads them again."""
        self._spent = True

    def refresh(self) -> None:
        """Forget memberships that may have changed since they were read."""
        if self._spent:
            for resource in (TEAMS, DEPARTMENTS):
                self._kept.pop(resource.path, None)
        self._spent = False

    async def catalogue(self) -> Catalogue:
        """Everything accounts may refer to, by name."""
        sites, clients = await self.sites(), await self._once(CLIENTS)
        return Catalogue(
            entries=(
                *_site_entries(sites, {client.key: client for client in clients}),
                *_entries(USER_ROLE, await self.user_roles()),
                *_entries(AGENT_ROLE, await self.agent_roles()),
                *_team_entries(await self.teams()),
                *_entries(DEPARTMENT, await self.departments()),
            )
        )

    async def _once(self, resource: Resource[R], params: Parameters | None = None) -> list[R]:
        async with self._lock:
            if resource.path not in self._kept:
                self._kept[resource.path] = list(await self._desk.all(resource, params))
        return cast("list[R]", self._kept[resource.path])


def _entries(reference: str, rows: Iterable[Row]) -> Iterable[CatalogueEntry]:
    return (CatalogueEntry(reference, row.key, as_text(row.name)) for row in rows if row.key)


def _team_entries(teams: Iterable[TeamRow]) -> Iterable[CatalogueEntry]:
    """Teams by name; a name that two departments use is told apart as "Department / Team"."""
    known = [team for team in teams if team.key]
    uses = Counter(as_text(team.name).casefold() for team in known)
    for team in known:
        name, department = as_text(team.name), as_text(team.department_name)
        full = f"{department} / {name}" if department else name
        if uses[name.casefold()] > 1:
            yield CatalogueEntry(TEAM, team.key, full, (name,))
        else:
            yield CatalogueEntry(TEAM, team.key, name, (full,) if full != name else ())


def _site_entries(sites: Iterable[SiteRow], clients: Mapping[str, ClientRow]) -> Iterable[CatalogueEntry]:
    """Sites as "Client / Site"; also by site name, and by client name where that leaves one site to mean."""
    known = [site for site in sites if site.key]
    of_client = Counter(as_id(site.client_id) for site in known)
    main = {as_id(client.main_site_id) for client in clients.values()}
    for site in known:
        client_id = as_id(site.client_id)
        row = clients.get(client_id)
        client = as_text(row.name) if row else as_text(site.client_name)
        name = as_text(site.name)
        stands_for_client = of_client[client_id] == 1 or site.key in main
        aliases = (name, client) if stands_for_client else (name,)
        yield (
            CatalogueEntry(SITE, site.key, f"{client} / {name}", aliases)
            if client
            else CatalogueEntry(SITE, site.key, name)
        )
