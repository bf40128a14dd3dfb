"""One round of changes: what the delta lists tell, turned into whole people, members, and who is gone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterable
from contextlib import aclosing
from datetime import datetime
from typing import Any

import msgspec

from crosskey.connector.source import GonePage, MembersPage, PeoplePage, ReadComplete, ReadPage
from crosskey.errors import CursorExpiredError, RejectedError
from crosskey_entra.assignments import AppChanges, state_of
from crosskey_entra.cursor import AppState, Cursor
from crosskey_entra.delta import follow, told_of
from crosskey_entra.errors import is_gone
from crosskey_entra.graph import Graph
from crosskey_entra.group_changes import GroupChanges
from crosskey_entra.members import Members
from crosskey_entra.memberships import groups_of
from crosskey_entra.people import People
from crosskey_entra.person_changes import PersonChanges
from crosskey_entra.settings import EntraSettings
from crosskey_entra.watch import Watch

__all__ = ("Changes",)

_SETTLE = 300
"""Seconds after which whatever changed is taken to be known to all of Graph's servers; nobody promises a time."""
_GROUP, _APP, _REPORT, _EVERYBODY = "group:", "app:", "report:", "everybody"

Told = dict[str, dict[str, Any]]


class Changes:
    """Reads one round from ``cursor``; nothing is asked of whoever did not change.

    A quiet round costs one request for users, one for each fifty watched groups, and one for each twenty apps; lists
    that an earlier round had to read anew are read once more after five minutes. What it cannot see waits for the next
    full read: new and renamed groups that no mapping names, and attributes that Graph keeps outside the directory.
    """

    def __init__(
        self, graph: Graph, people: People, cursor: Cursor, settings: EntraSettings, instance: str, now: datetime
    ) -> None:
        self._now = int(now.timestamp())
        self._due = {key for key, at in cursor.later.items() if at <= self._now}
        self._later = {key: at for key, at in cursor.later.items() if at > self._now}
        self._graph = graph
        self._people = people
        self._cursor = cursor
        self._instance = instance
        self._transitive = settings.members == "transitive"
        width = settings.concurrency
        self._members = Members(graph, transitive=self._transitive, instance=instance, concurrency=width)
        self._apps = AppChanges(graph, Members(graph, transitive=False, instance=instance, concurrency=width))
        self._watch = Watch(graph, cursor.streams)
        self._server_time: datetime | None = None
        self._users = cursor.users

    async def pages(self) -> AsyncGenerator[ReadPage]:
        """Who is gone, everybody touched, groups and members; then the place at which the next round starts."""
        told = await self._users_told()
        news = await self._watch.news(self._instance)
        removed = {key for key, entry in told.items() if "@removed" in entry}
        changed = told.keys() - removed
        groups = GroupChanges(
            self._graph,
            self._watch,
            self._members,
            news,
            inner=self._cursor.inner,
            lost=self._cursor.lost,
            transitive=self._transitive,
            due=self._due_of(_GROUP),
        )
        self._again(_GROUP, groups.stale)
        if removed or groups.removed:
            yield GonePage(people=tuple(sorted(removed)), groups=tuple(sorted(groups.removed)))

        binned = set(self._cursor.binned)
        purged = {key for key in removed if told[key]["@removed"].get("reason") == "deleted"}
        people = PersonChanges(
            self._graph, self._people, told, known=self._cursor.people, gone=(removed | binned) - changed
        )
        # Nobody can be asked for the reports of somebody deleted; to list everybody once is enough.
        orphaned = bool(self._people.attributes.of_manager and removed - (purged & binned))
        async with aclosing(self._touched(people, changed, removed, orphaned=orphaned)) as pages:
            async for page in pages:
                yield page

        restored = changed & binned
        async for page in self._restored(restored):
            yield page
        async with aclosing(groups.pages()) as found:
            async for page in found:
                yield page
        apps: dict[str, AppState] = {}
        async with aclosing(self._assigned(groups.touched, apps, anew=bool(restored))) as members:
            async for page in members:
                yield page

        following = msgspec.structs.replace(
            self._cursor,
            users=self._users,
            streams=tuple(self._watch.streams),
            inner={key: tuple(sorted(inner)) for key, inner in groups.inner.items()},
            apps=apps,
            binned=tuple(sorted((binned | removed) - purged - changed)),
            lost=tuple(sorted(groups.lost)),
            owed=tuple(sorted(people.owed)),
            people=people.known,
            later=self._later,
            turn=self._cursor.turn + 1,
        )
        yield ReadComplete(cursor=following.text(), server_time=self._server_time)

    async def _touched(
        self, people: PersonChanges, changed: Collection[str], removed: set[str], *, orphaned: bool
    ) -> AsyncGenerator[PeoplePage]:
        owed = {*self._cursor.owed, *self._due_of(_REPORT)} - removed
        everybody = orphaned or _EVERYBODY in self._due
        async with aclosing(people.pages(changed, owed, everybody=everybody)) as pages:
            async for page in pages:
                yield page
        self._again(_REPORT, people.reports)
        if orphaned or (people.listed and people.reports):
            self._again(_EVERYBODY, [""])

    def _due_of(self, kind: str) -> set[str]:
        """What of one kind was put off until now."""
        return {key.removeprefix(kind) for key in self._due if key.startswith(kind)}

    def _again(self, kind: str, keys: Iterable[str]) -> None:
        """Read these once more when every server has heard of what happened: one that had not may have answered.

        Of lists that are read anew nothing says whether they know the change already, and no later round would tell it.
        """
        self._later |= {kind + key: self._now + _SETTLE for key in keys}

    async def _users_told(self) -> Told:
        told: Told = {}
        async for reply in follow(self._graph, self._cursor.users, "/users/delta", self._instance):
            self._server_time = self._server_time or reply.date
            told_of(reply, told)
            self._users = reply.value.delta_link or self._users
        return told

    async def _restored(self, people: Collection[str]) -> AsyncGenerator[MembersPage]:
        """The selected groups of people out of the recycle bin: their groups may be silent about their return."""
        for key in sorted(people):
            try:
                found = await groups_of(self._graph, key, transitive=self._transitive)
            except RejectedError as error:
                if not is_gone(error):
                    raise
                continue  # deleted again: the next round says so
            for group in sorted(found & self._cursor.inner.keys()):
                yield MembersPage(group, [key])

    async def _assigned(
        self, touched: Collection[str], states: dict[str, AppState], *, anew: bool
    ) -> AsyncGenerator[MembersPage]:
        before = self._cursor.apps
        try:
            rows = await self._apps.read(sorted(before))
        except RejectedError as error:
            if not is_gone(error):
                raise
            raise CursorExpiredError(
                "an app that mappings name was deleted",
                where=self._instance,
                fix="nothing needs to be done: everything is read anew, and says which",
            ) from None
        for app, found in rows.items():
            states[app] = state_of(found)
            fresh = set(states[app].groups) - self._watch.ids
            await self._watch.add(fresh, deep=False)
            stale = anew or states[app] != before[app] or not set(states[app].groups).isdisjoint(touched)
            self._again(_APP, [app] if stale else [])
            if stale or _APP + app in self._due:
                async for page in self._apps.pages(app, found):
                    yield page
