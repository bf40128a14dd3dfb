"""Delta lists of just the groups that are needed, and which groups those are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from crosskey_entra.cursor import Stream
from crosskey_entra.delta import follow, take_place, told_of
from crosskey_entra.graph import Graph
from crosskey_entra.groups import GROUP_PROPERTIES

__all__ = ("Watch", "groups_in")

_MOST = 50
"""The most ids that a delta list can be limited to."""
_PATH = "/groups/delta"
_GROUP = "#microsoft.graph.group"


class Watch:
    """The watched groups, fifty in a delta list. Each list's place is taken by reading it through.

    A place taken without reading (``$deltatoken=latest``) was seen to miss changes of members alone.
    """

    def __init__(self, graph: Graph, streams: Iterable[Stream] = ()) -> None:
        self._graph = graph
        self._lock = asyncio.Lock()
        self.streams = list(streams)
        self.ids = {key for stream in self.streams for key in stream.ids}
        self.server_time: datetime | None = None
        self._within: dict[str, set[str]] = {}

    async def add(self, ids: Iterable[str], *, deep: bool) -> None:
        """Watch these groups from now on; ``deep``: and all groups within them, however deep.

        Whatever is read after it returns is at least as new as the places that were taken.
        """
        async with self._lock:
            fresh = sorted(set(ids) - self.ids)
            while fresh:
                for start in range(0, len(fresh), _MOST):
                    await self._take(fresh[start : start + _MOST])
                inner = {key for holder in fresh for key in self._within.get(holder, ())}
                fresh = sorted(inner - self.ids) if deep else []

    def within(self, group: str) -> set[str]:
        """All groups within one whose members were read here; those in the recycle bin too, for they can come back."""
        found: set[str] = set()
        queue = [group]
        for holder in queue:
            queue += sorted(self._within.get(holder, set()) - found)
            found |= self._within.get(holder, set())
        return found

    async def news(self, where: str) -> dict[str, dict[str, Any]]:
        """What changed in the watched groups since the places they stood at, by id. Moves the places on."""
        told: dict[str, dict[str, Any]] = {}
        for place, stream in enumerate(self.streams):
            link = stream.link
            async for reply in follow(self._graph, link, _PATH, where):
                told_of(reply, told)
                link = reply.value.delta_link or link
                self.server_time = self.server_time or reply.date
            self.streams[place] = Stream(stream.ids, link)
        return told

    async def _take(self, ids: Sequence[str]) -> None:
        chosen = " or ".join(f"id eq '{key}'" for key in ids)
        params = {"$select": f"{GROUP_PROPERTIES},members", "$filter": chosen}
        link = ""
        async for reply in take_place(self._graph, _PATH, params):
            for entry in reply.value.value:
                self._within.setdefault(entry["id"], set()).update(groups_in(entry))
            link = reply.value.delta_link or link
        self.streams.append(Stream(tuple(ids), link))
        self.ids.update(ids)


def groups_in(entry: dict[str, Any]) -> Iterable[str]:
    """Groups among the members that an entry tells, whether they joined or left."""
    return (one["id"] for one in entry.get("members@delta", ()) if one.get("@odata.type") == _GROUP)
