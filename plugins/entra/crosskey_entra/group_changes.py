"""Groups in a round of changes: who joined and left, and which groups must be read anew."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import quote

import msgspec

from crosskey.connector.source import GroupsPage, MembersLeftPage, MembersPage, ReadPage
from crosskey.errors import RejectedError, RetryableError
from crosskey_entra.errors import is_gone
from crosskey_entra.graph import Graph
from crosskey_entra.groups import GROUP_PROPERTIES, GroupRow
from crosskey_entra.members import Members, Wanted
from crosskey_entra.person_changes import in_batches
from crosskey_entra.watch import Watch, groups_in

__all__ = ("GroupChanges",)

_PEOPLE = (None, "#microsoft.graph.user")
_TOLD = GROUP_PROPERTIES.split(",")
_ROW = msgspec.json.Decoder(GroupRow)


class GroupChanges:
    """Selected groups after a round told ``news`` of the watched ones.

    Direct members are told one by one. Of groups within groups no list tells what changes for the outer one: each
    selected group that holds a touched one is read anew, and so are those that are ``due`` for it.
    """

    def __init__(
        self,
        graph: Graph,
        watch: Watch,
        members: Members,
        news: Mapping[str, dict[str, Any]],
        *,
        inner: Mapping[str, Collection[str]],
        lost: Collection[str],
        transitive: bool,
        due: Collection[str],
    ) -> None:
        self._due = due
        self._graph = graph
        self._watch = watch
        self._members = members
        self._news = news
        self._transitive = transitive
        self.inner = {key: set(groups) for key, groups in inner.items()}
        """The selected groups, and the groups within each (or once within it: they can come back)."""
        self.removed = {key for key, entry in news.items() if "@removed" in entry}
        self.lost = (set(lost) | self.removed) - (news.keys() - self.removed)
        """Watched groups that are deleted."""
        self._back = (news.keys() - self.removed) & set(lost)
        self.touched = {key for key in news if key in self.removed | self._back or "members@delta" in news[key]}
        """Watched groups whose members changed, or which went or came back."""
        self.stale = {key for key in self.inner.keys() - self.lost if self._is_stale(key)}
        """Selected groups of which only a list read anew can tell who is in them."""

    async def pages(self) -> AsyncGenerator[ReadPage]:
        """The selected groups that surfaced, and their members: changes, or whole lists read anew."""
        live = self.inner.keys() - self.lost
        anew = self.stale | (live & set(self._due))
        rows = await self._rows((live & self._news.keys()) | anew)
        if rows:
            yield GroupsPage([row.group() for row in rows.values()])
        for key in sorted((live & self._news.keys()) - anew):
            for page in self._told(key):
                yield page
        if self._transitive:
            joined = {one for key in self.touched for one in groups_in(self._news[key])}
            await self._watch.add(joined, deep=True)
        while anew:
            wanted = [
                Wanted(group=key, owner=key, label=rows[key].group().name or key, hidden=rows[key].hidden)
                for key in sorted(anew)
            ]
            async with aclosing(self._members.pages(wanted, whole=True)) as pages:
                async for page in pages:
                    yield page
            # Whatever is found in there now was not watched while it was read: read again once it is.
            anew = await self._watch_inner(anew) if self._transitive else set[str]()

    def _is_stale(self, key: str) -> bool:
        """Whether a group must be read anew."""
        if key in self._back:
            return True
        return self._transitive and not self.touched.isdisjoint({key, *self.inner[key]})

    async def _watch_inner(self, groups: Iterable[str]) -> set[str]:
        unwatched: set[str] = set()
        for key in groups:
            self.inner[key] |= self._members.within.get(key, set()) | self._watch.within(key)
            self.inner[key] |= {one for inner in self.inner[key] for one in self._watch.within(inner)}
            if not self.inner[key] <= self._watch.ids:
                unwatched.add(key)
        await self._watch.add({one for key in unwatched for one in self.inner[key]}, deep=True)
        return unwatched

    def _told(self, key: str) -> Iterable[ReadPage]:
        """Who joined and who left, as the round tells it. Nothing for whole groups: those are read."""
        members = self._news[key].get("members@delta", ())
        people = [one for one in members if one.get("@odata.type") in _PEOPLE]
        joined = [one["id"] for one in people if "@removed" not in one]
        left = [one["id"] for one in people if "@removed" in one]
        if joined:
            yield MembersPage(key, joined)
        if left:
            yield MembersLeftPage(key, left)

    async def _rows(self, ids: Collection[str]) -> dict[str, GroupRow]:
        """Groups read by id, and above that what the round tells: a late answer may not know it yet."""
        urls = {key: f"/groups/{quote(key, safe='')}?$select={GROUP_PROPERTIES}" for key in ids}
        rows: dict[str, GroupRow] = {}
        async for found in in_batches(self._graph, urls):
            for key, row in found.items():
                entry = self._news.get(key, {})
                told = {name: entry[name] for name in _TOLD if name in entry}
                with suppress(msgspec.ValidationError):  # asked for alone, what is wrong with it is said
                    rows[key] = msgspec.convert({**row, **told}, GroupRow)
        for key in sorted(set(ids) - rows.keys()):
            rows[key] = await self._row(key)
        return rows

    async def _row(self, key: str) -> GroupRow:
        """A group that a batch did not bring."""
        path = f"/groups/{quote(key, safe='')}"
        try:
            reply = await self._graph.get(path, _ROW, params={"$select": GROUP_PROPERTIES}, template="/groups/{id}")
        except RejectedError as error:
            if not is_gone(error):
                raise
            raise RetryableError(
                f"the group {key} is told to have changed, and is not there to be read",
                code="entra-moved",
                where=self._graph.advice.instance,
                fix="run again: it was deleted meanwhile, or is about to be shown",
            ) from None
        return reply.value
