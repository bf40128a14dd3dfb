"""Delta lists of Graph: a place is taken once, and each later round tells what changed since the one before."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import msgspec

from crosskey.errors import ContractError, CursorExpiredError, RejectedError
from crosskey.http import Reply
from crosskey_entra.graph import Graph, Page, Parameters

__all__ = ("LATEST", "DeltaPage", "Entry", "follow", "take_place", "told_of")

Entry = Mapping[str, Any]
"""An object as a round tells it: absent properties say nothing, null ones were cleared."""

LATEST = {"$deltatoken": "latest"}
"""Asks for a place without what is there. Never for members: changes of those alone were seen not to surface then."""

_MOST_PAGES = 100_000
"""Pages may be empty, many in a row, and are no end: only a round without end is one too many."""
_LOST = (400, 404, 410)


DeltaPage = Page[dict[str, Any]]
"""A page of a round; the last one holds the link at which the next round starts."""


class _Linked(msgspec.Struct):
    id: str
    # Absent or an object: a null is documented nowhere, and whoever is in such a row must not be taken for gone.
    removed: dict[str, Any] | msgspec.UnsetType = msgspec.field(name="@removed", default=msgspec.UNSET)


class _Sound(_Linked):
    """What every entry must be, so that it can be read without asking each time."""

    members: list[_Linked] = msgspec.field(name="members@delta", default_factory=list[_Linked])
    manager: list[_Linked] = msgspec.field(name="manager@delta", default_factory=list[_Linked])


_PAGES = msgspec.json.Decoder(DeltaPage)


async def take_place(graph: Graph, path: str, params: Parameters) -> AsyncGenerator[Reply[DeltaPage]]:
    """The first round: everything that ``params`` ask for, page by page; the last page holds the link."""
    async for reply in _pages(graph, path, path, params):
        yield reply


async def follow(graph: Graph, link: str, template: str, where: str) -> AsyncGenerator[Reply[DeltaPage]]:
    """A later round, page by page. Raises :class:`CursorExpiredError` when Graph no longer knows the place.

    Texts differ in how it says so: 410 with any code, 400 or 404 with ``syncStateNotFound`` or ``resyncRequired``, 400
    for a page's token. A stored link that is refused never gets good again, whatever the code, so each means the same.
    """
    try:
        async for reply in _pages(graph, link, template, None):
            yield reply
    except RejectedError as error:
        if error.status not in _LOST:
            raise
        raise CursorExpiredError(
            f"Graph no longer tells what changed since the last run: {error.message}",
            where=where,
            fix="nothing needs to be done: everything is read anew",
        ) from None


def told_of(reply: Reply[DeltaPage], told: dict[str, dict[str, Any]]) -> None:
    """Merge a page into what the round has told so far: the last word counts, property by property.

    An object can come several times. Members add up: each is in the list as the last page had it.
    """
    for entry in reply.value.value:
        known = told.get(entry["id"])
        if known is None or "@removed" in entry or "@removed" in known:
            told[entry["id"]] = entry
            continue
        members = {one["id"]: one for row in (known, entry) for one in row.get("members@delta", ())}
        known.update(entry)
        if members:
            known["members@delta"] = list(members.values())


async def _pages(
    graph: Graph, start: str, template: str, params: Parameters | None
) -> AsyncGenerator[Reply[DeltaPage]]:
    link: str | None = None
    count = 0
    async for reply in graph.listing(start, _PAGES, params, template=template):
        count += 1
        link = reply.value.delta_link
        try:
            msgspec.convert(reply.value.value, list[_Sound])
        except msgspec.ValidationError:  # its words may quote values
            raise _broken(f"GET {template} told something of another shape than documented", graph) from None
        if link is not None and not graph.owns(link):
            raise _broken(
                f"GET {template} ended in a link to what is not a host of this instance", graph, "foreign-host"
            )
        if count > _MOST_PAGES:
            raise _broken(f"GET {template} does not end", graph)
        yield reply
    if link is None:
        raise _broken(f"GET {template} ended without saying where the next round starts", graph)


def _broken(message: str, graph: Graph, code: str = "entra-delta") -> ContractError:
    return ContractError(
        message,
        code=code,
        where=graph.advice.instance,
        fix="run again; if it stays, report it to Microsoft",
    )
