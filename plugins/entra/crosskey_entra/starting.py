"""What a full read gathers besides, so that rounds of changes can go on where it ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from crosskey_entra.assignments import state_of
from crosskey_entra.cursor import AppState, Cursor
from crosskey_entra.delta import LATEST, take_place
from crosskey_entra.graph import TOP, Graph, Page
from crosskey_entra.groups import AssignedRow
from crosskey_entra.people import People
from crosskey_entra.watch import Watch

__all__ = ("Start",)


class _Binned(msgspec.Struct, frozen=True):
    id: str


_IDS = msgspec.json.Decoder(Page[_Binned])
_BIN = "/directory/deletedItems/microsoft.graph.user"


class Start:
    """Takes every place before the list is read that it will go on from: what changes meanwhile comes twice.

    The users' place is taken as it is now (a change of any tracked property surfaces), those of groups by reading them
    through. Who is in the recycle bin is remembered, because somebody restored looks like anybody else in a round.
    """

    def __init__(self, graph: Graph, people: People, *, transitive: bool) -> None:
        self._graph = graph
        self._people = people
        self._transitive = transitive
        self._users = ""
        self._binned: list[str] = []
        self._inner: dict[str, set[str]] = {}
        self._apps: dict[str, AppState] = {}
        self._watch = Watch(graph)
        self.people = 0
        """How many people the list brought; the reader counts."""

    async def begin(self) -> None:
        """The users' place, after a look into the recycle bin; two requests."""
        async for reply in self._graph.listing(_BIN, _IDS, {"$select": "id", "$top": TOP}):
            self._binned += [row.id for row in reply.value.value]
        params = {**self._people.attributes.tracked, **LATEST}
        async for page in take_place(self._graph, "/users/delta", params):
            self._users = page.value.delta_link or self._users

    async def groups(self, selected: Collection[str]) -> None:
        """Watch the selected groups, and the groups within them where their people count."""
        self._inner = {key: set() for key in selected}
        await self._watch.add(selected, deep=self._transitive)

    async def app(self, app: str, rows: Collection[AssignedRow]) -> None:
        """Remember an app's assignments, and watch the groups among them."""
        self._apps[app] = state_of(rows)
        await self._watch.add(self._apps[app].groups, deep=False)

    def cursor(self, *, tenant: str, mark: str, within: Mapping[str, Collection[str]]) -> Cursor:
        """Where the first round starts. ``within``: the groups that the read found in each group."""
        inner = {
            key: tuple(sorted({*within.get(key, ()), *self._watch.within(key)} if self._transitive else ()))
            for key in self._inner
        }
        return Cursor(
            tenant=tenant,
            mark=mark,
            users=self._users,
            streams=tuple(self._watch.streams),
            inner=inner,
            apps=self._apps,
            binned=tuple(self._binned),
            people=self.people,
        )
