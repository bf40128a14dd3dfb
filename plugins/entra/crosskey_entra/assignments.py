"""Who is assigned to enterprise apps, themselves or by a group."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import aclosing
from urllib.parse import quote

from crosskey.connector.source import MembersPage
from crosskey.errors import RejectedError
from crosskey.http import Reply
from crosskey_entra.cursor import AppState
from crosskey_entra.graph import BATCH, TOP, Graph, Page
from crosskey_entra.groups import ASSIGNED, AssignedRow
from crosskey_entra.members import Members, Wanted

__all__ = ("AppChanges", "assigned_pages", "state_of")

_TEMPLATE = "/servicePrincipals/{id}/appRoleAssignedTo"


def assigned_pages(graph: Graph, app: str, start: str = "") -> AsyncIterator[Reply[Page[AssignedRow]]]:
    """The assignments of one app, page by page, from its first or from a later one."""
    if start:
        return graph.listing(start, ASSIGNED, template=_TEMPLATE)
    return graph.listing(_path(app), ASSIGNED, {"$top": TOP}, template=_TEMPLATE)


def state_of(rows: Collection[AssignedRow]) -> AppState:
    """What to remember of an app's assignments: enough to see that they are the same next time."""
    lines = sorted({f"{row.principal_type}:{row.principal_id}" for row in rows})
    groups = sorted({row.principal_id for row in rows if row.is_group})
    return AppState(tuple(groups), hashlib.sha256("\n".join(lines).encode()).hexdigest())


class AppChanges:
    """Selected apps in a round of changes.

    No delta list tells of assignments, so all are read each round, twenty apps in a request. Members of an app are told
    only when its assignments are others than before, or when an assigned group was touched.
    """

    def __init__(self, graph: Graph, members: Members) -> None:
        self._graph = graph
        self._members = members

    async def read(self, apps: Sequence[str]) -> dict[str, list[AssignedRow]]:
        """All assignments of these apps. Raises :class:`RejectedError` (404) for an app that is no more."""
        found: dict[str, list[AssignedRow]] = {}
        for start in range(0, len(apps), BATCH):
            some = apps[start : start + BATCH]
            first = await self._graph.batch({app: f"{_path(app)}?$top={TOP}" for app in some}, ASSIGNED) if some else {}
            for app in some:
                found[app] = await self._rows(app, first.get(app))
        return found

    async def pages(self, app: str, rows: Sequence[AssignedRow]) -> AsyncGenerator[MembersPage]:
        """Everybody who is assigned now, in place of whoever was before."""
        yield MembersPage(app, sorted({row.principal_id for row in rows if row.is_person}), whole=True)
        wanted = [Wanted(group=group, owner=app, label=group) for group in state_of(rows).groups]
        async with aclosing(self._members.pages(wanted)) as pages:
            async for page in pages:
                yield page

    async def _rows(self, app: str, first: Page[AssignedRow] | None) -> list[AssignedRow]:
        rows = list(first.value) if first is not None else []
        link = "" if first is None else first.next_link
        if link is None:
            return rows
        try:
            async for reply in assigned_pages(self._graph, app, link):
                rows += reply.value.value
        except RejectedError as error:
            if not link or error.status != 400:
                raise
            async for reply in assigned_pages(self._graph, app):  # that page's token ended: from the start
                rows += reply.value.value
        return rows


def _path(app: str) -> str:
    return f"/servicePrincipals/{quote(app, safe='')}/appRoleAssignedTo"
