"""One full read: everyone, all groups, and the members of the groups and apps that mappings name."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime

from crosskey.connector.source import GroupsPage, MembersPage, PeoplePage, ReadComplete, ReadPage, ReadRequest
from crosskey.errors import AuthError, RejectedError, RetryableError
from crosskey.http import merge
from crosskey.model import Group
from crosskey_entra.advice import PERMISSION
from crosskey_entra.assignments import assigned_pages, state_of
from crosskey_entra.errors import is_gone
from crosskey_entra.graph import TOP, Graph
from crosskey_entra.groups import APP_PROPERTIES, APPS, GROUP_PROPERTIES, GROUPS, AssignedRow
from crosskey_entra.members import Members, Wanted
from crosskey_entra.people import People
from crosskey_entra.settings import EntraSettings
from crosskey_entra.starting import Start

__all__ = ("FullRead",)


class FullRead:
    """Reads side by side: users, groups and then their members, apps and then theirs.

    Graph lists disabled users with all others; deleted ones are in no list. Nothing is asked person by person.
    """

    def __init__(
        self,
        graph: Graph,
        people: People,
        request: ReadRequest,
        *,
        instance: str,
        settings: EntraSettings,
        tenant: str,
        mark: str,
    ) -> None:
        self._graph = graph
        self._people = people
        self._request = request
        self._instance = instance
        self._tenant, self._mark = tenant, mark
        transitive = settings.members == "transitive"
        self._start = Start(graph, people, transitive=transitive) if request.changes else None
        width = settings.concurrency
        self._members = Members(graph, transitive=transitive, instance=instance, concurrency=width)
        # A group assigned to an app stands for its direct members, in Entra itself too.
        self._assigned = Members(graph, transitive=False, instance=instance, concurrency=width)
        self._server_time: datetime | None = None

    async def pages(self) -> AsyncGenerator[ReadPage]:
        """The pages as they come, ending in :class:`ReadComplete` when every list came to its explicit end."""
        if self._start is not None:
            await self._start.begin()
        streams: list[AsyncIterator[ReadPage]] = [self._users(), self._groups()]
        if self._request.apps.names:
            streams.append(self._apps())
        async with aclosing(merge(*streams)) as pages:
            async for page in pages:
                yield page
        warnings = (*self._people.warnings(), *self._members.findings())
        yield ReadComplete(cursor=self._cursor(), server_time=self._server_time, warnings=warnings)

    def _cursor(self) -> str:
        if self._start is None:
            return ""
        return self._start.cursor(tenant=self._tenant, mark=self._mark, within=self._members.within).text()

    async def _users(self) -> AsyncGenerator[ReadPage]:
        anybody = False
        params = {**self._people.query, "$top": TOP}
        async for reply in self._graph.listing("/users", self._people.page, params):
            self._note_time(reply.date)
            people = self._people.people(reply.value.value)
            anybody = anybody or bool(people)
            if self._start is not None:
                self._start.people += len(people)
            yield PeoplePage(people)
        if not anybody:
            # No real tenant is empty: somebody made the app.
            raise AuthError(
                "Graph shows the app no people at all",
                code="entra-sees-nobody",
                where=self._instance,
                fix=self._graph.advice.grant("User.Read.All"),
            )

    async def _groups(self) -> AsyncGenerator[ReadPage]:
        found: list[Group] = []
        hidden: set[str] = set()
        params = {"$select": GROUP_PROPERTIES, "$top": TOP}
        async for reply in self._graph.listing("/groups", GROUPS, params):
            self._note_time(reply.date)
            rows = reply.value.value
            hidden.update(row.id for row in rows if row.hidden)
            page = [row.group() for row in rows]
            found += page
            yield GroupsPage(page)
        if found and not any(group.name for group in found):
            # Missing permission is no refusal inside a list: whatever may not be read is null.
            raise AuthError(
                "GroupMember.Read.All is missing: Graph shows the app groups without their names",
                code=PERMISSION,
                where=self._instance,
                fix=self._graph.advice.grant("GroupMember.Read.All"),
            )
        chosen = {group.id: group.name for group in self._request.groups.choose(found).values()}
        if self._start is not None:
            await self._start.groups(chosen)
        wanted = [
            Wanted(group=key, owner=key, label=name, hidden=key in hidden) for key, name in sorted(chosen.items())
        ]
        async with aclosing(self._members.pages(wanted)) as pages:
            async for page in pages:
                yield page

    async def _apps(self) -> AsyncGenerator[ReadPage]:
        found: list[Group] = []
        params = {"$select": APP_PROPERTIES, "$top": TOP}
        async for reply in self._graph.listing("/servicePrincipals", APPS, params):
            self._note_time(reply.date)
            page = [row.group() for row in reply.value.value]
            found += page
            yield GroupsPage(page)
        chosen = {app.id: app for app in self._request.apps.choose(found).values()}
        async with aclosing(merge(*(self._app(app) for _, app in sorted(chosen.items())))) as pages:
            async for page in pages:
                yield page

    async def _app(self, app: Group) -> AsyncGenerator[MembersPage]:
        """Who is assigned to an app, themselves or by a group."""
        found: list[AssignedRow] = []
        try:
            async for reply in assigned_pages(self._graph, app.id):
                rows = reply.value.value
                found += rows
                yield MembersPage(app.id, [row.principal_id for row in rows if row.is_person])
        except RejectedError as error:
            if not is_gone(error):
                raise
            raise RetryableError(
                f'the app "{app.name}" was deleted while the tenant was read',
                code="entra-moved",
                where=self._instance,
                fix="run again",
            ) from None
        if self._start is not None:
            await self._start.app(app.id, found)
        wanted = [Wanted(group=group, owner=app.id, label=group) for group in state_of(found).groups]
        async with aclosing(self._assigned.pages(wanted)) as pages:
            async for page in pages:
                yield page

    def _note_time(self, date: datetime | None) -> None:
        # The earliest answer: whatever changed after it may be missing from this read.
        if date is not None and (self._server_time is None or date < self._server_time):
            self._server_time = date
