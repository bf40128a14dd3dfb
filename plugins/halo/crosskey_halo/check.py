"""Trying everything a run needs, and naming what is missing with its fix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from crosskey.errors import CrosskeyError, Diagnostic, Severity
from crosskey_halo.desk import Desk, Parameters
from crosskey_halo.duties import OPEN
from crosskey_halo.instance import InstanceInfo
from crosskey_halo.notebook import OURS
from crosskey_halo.reader import Reader
from crosskey_halo.resources import (
    AGENT_ROLES,
    AGENTS,
    CLIENTS,
    DEPARTMENTS,
    SITES,
    TEAMS,
    TICKETS,
    USER_ROLES,
    USERS,
    VISIBILITY,
    Resource,
)
from crosskey_halo.rows import AgentRow, Row, UserRow, as_text
from crosskey_halo.settings import HaloSettings

if TYPE_CHECKING:
    from crosskey_halo.auth import HaloAuth

__all__ = ("Checkup",)

R = TypeVar("R", bound=Row)


class Checkup:
    """One look at everything, in the order in which things depend on each other."""

    def __init__(self, desk: Desk, reader: Reader, settings: HaloSettings, auth: HaloAuth) -> None:
        self._desk = desk
        self._reader = reader
        self._settings = settings
        self._auth = auth

    async def findings(self) -> list[Diagnostic]:
        """Every finding. Stops early only where nothing further can work."""
        try:
            me = await self._reader.me()
        except CrosskeyError as error:
            return [error.diagnostic()]
        found = [*self._signed_in(me), await self._instance()]
        users = await self._users(found)
        found += await self._lists()
        found += self._markers(users)
        found += await self._not_listed(users)
        return found

    def _signed_in(self, me: AgentRow) -> Iterator[Diagnostic]:
        name = f'"{as_text(me.name)}" (agent {me.key})'
        yield self._finding("ok", "halo-signed-in", f"signed in as {name}")
        missing = frozenset(self._settings.scope.split()) - self._auth.granted
        if self._auth.granted and missing:
            yield self._finding(
                "warning",
                "halo-scope",
                f"Halo granted {' '.join(sorted(self._auth.granted))}, not {' '.join(sorted(missing))}",
                fix="tick the missing permissions at the API application in Halo",
                key="scope",
            )
        if me.isapiagent is False:
            yield self._finding(
                "warning",
                "halo-agent-licence",
                f"{name} is an ordinary agent: it takes a licence and can sign in",
                fix="let the application log in as an agent with the tick API-only and the Administrator role",
            )
        if me.is_admin is False:
            yield self._finding(
                "warning",
                "halo-agent-rights",
                f"{name} is no administrator: writing agents and reading roles may be refused",
                fix="give that agent the Administrator role",
            )

    async def _instance(self) -> Diagnostic:
        try:
            body = await self._desk.get("/api/InstanceInfo")
            info = self._desk.decoded(msgspec.json.Decoder(InstanceInfo).decode, body, "/api/InstanceInfo")
        except CrosskeyError as error:
            return self._finding(
                "warning", "halo-instance", "the instance does not tell its version and licences", detail=error.message
            )
        seats = ""
        if info.licensed_agent_count is not None and info.agent_count is not None:
            seats = f", {int(info.agent_count)} of {int(info.licensed_agent_count)} agent licences taken"
        return self._finding(
            "ok", "halo-instance", f"{info.app_name or 'Halo'} {info.app_version or ''}{seats}".strip()
        )

    async def _users(self, found: list[Diagnostic]) -> Sequence[UserRow]:
        try:
            count, rows = await self._desk.count_and_first(USERS, self._reader.users.list_params)
        except CrosskeyError as error:
            found.append(error.diagnostic())
            return ()
        people = [row for row in rows if not self._reader.users.protection(row)]
        if people:
            found.append(self._finding("ok", "halo-users", f"{count} users"))
        else:
            found.append(
                self._finding("warning", "halo-users", "no users are visible", fix=f"if there are any: {VISIBILITY}")
            )
        return people

    async def _lists(self) -> list[Diagnostic]:
        departments: Parameters = {"agent_departments_only": "true"}
        return [
            await self._probe("sites", SITES, empty="error"),
            await self._probe("clients", CLIENTS),
            await self._probe("agents", AGENTS, self._reader.agents.list_params),
            await self._probe("agent roles", AGENT_ROLES),
            await self._probe("user roles", USER_ROLES, empty="info"),
            await self._probe("teams", TEAMS),
            await self._probe("departments", DEPARTMENTS, departments, empty="info"),
            await self._tickets(),
        ]

    async def _tickets(self) -> Diagnostic:
        """Open tickets matter only when an agent leaves: without them the sync does its work all the same."""
        try:
            count, _ = await self._desk.count_and_first(TICKETS, OPEN)
        except CrosskeyError as error:
            return self._finding(
                "warning",
                "halo-tickets",
                "open tickets are not visible: nobody can tell what a leaving agent leaves behind",
                detail=error.message,
                fix=f"give the application and its agent in Halo {TICKETS.right}, "
                'or leave it: duties = "hold" then holds every leaving agent',
            )
        return self._finding("ok", "halo-tickets", f"{count} open tickets")

    async def _probe(
        self, name: str, resource: Resource[R], params: Parameters | None = None, *, empty: Severity = "warning"
    ) -> Diagnostic:
        """Try one list. An empty one can be a missing right: Halo answers 200 and shows nothing."""
        code = f"halo-{name.replace(' ', '-')}"
        try:
            count, rows = await self._desk.count_and_first(resource, params or {})
        except CrosskeyError as error:
            return error.diagnostic()
        if rows:
            return self._finding("ok", code, f"{count} {name}")
        consequence = " and every user needs one" if empty == "error" else ""
        return self._finding(empty, code, f"no {name} are visible{consequence}", fix=f"if there are any: {VISIBILITY}")

    def _markers(self, users: Sequence[UserRow]) -> Iterator[Diagnostic]:
        field = self._settings.user_marker
        texts = [text for row in users if (text := self._reader.users.marker_of(row))]
        foreign = [text for text in texts if not text.startswith(OURS)]
        if foreign:
            yield self._finding(
                "warning",
                "halo-marker-taken",
                f"{len(foreign)} of the first {len(users)} users hold something else in {field}",
                detail="crosskey keeps its external id there; it leaves what these users hold as it is.",
                fix='choose a field that nobody uses: user_marker = "other4"',
                key="user_marker",
            )

    async def _not_listed(self, users: Sequence[UserRow]) -> list[Diagnostic]:
        """Fields that one user has and the list leaves out: crosskey could not see whether they differ."""
        if not users:
            return []
        try:
            detail = await self._desk.one(USERS, users[0].key)
        except CrosskeyError as error:
            return [error.diagnostic()]
        if detail is None:
            return []
        fields = [field for field in self._reader.users.spec.fields if field.listed and field.name != "oktaid"]
        names = [f.name for f in fields if as_text(getattr(detail, f.name)) and getattr(users[0], f.name) is None]
        found: list[Diagnostic] = []
        if names:
            found.append(
                self._finding(
                    "warning",
                    "halo-not-listed",
                    f"lists of this instance do not show {', '.join(names)}",
                    detail="crosskey cannot see whether these differ and would write them again with every sync.",
                    fix='do not map these fields, or map them with write = "on_create"',
                )
            )
        if self._reader.users.marker_of(detail) and not self._reader.users.marker_of(users[0]):
            found.append(
                self._finding(
                    "warning",
                    "halo-marker-not-listed",
                    f"lists of this instance do not show {self._settings.user_marker}, where the external id is kept",
                    fix='choose another field: user_marker = "other4"',
                    key="user_marker",
                )
            )
        return found

    def _finding(
        self, severity: Severity, code: str, summary: str, *, detail: str = "", fix: str = "", key: str = ""
    ) -> Diagnostic:
        path = f"{self._desk.where}.{key}" if key else self._desk.where
        return Diagnostic(severity=severity, code=code, summary=summary, detail=detail, path=path, fix=fix)
