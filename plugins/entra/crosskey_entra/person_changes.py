"""People in a round of changes: who is touched by what the delta list tells, read whole by id, or all anew."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from math import ceil
from typing import Any, cast
from urllib.parse import quote

import msgspec

from crosskey.connector.source import PeoplePage
from crosskey.errors import RejectedError
from crosskey_entra.delta import Entry
from crosskey_entra.errors import is_gone
from crosskey_entra.graph import BATCH, TOP, Graph, Page
from crosskey_entra.groups import MEMBERS, MemberRow
from crosskey_entra.people import People

__all__ = ("PersonChanges", "in_batches")

Row = dict[str, Any]

_ROW = msgspec.json.Decoder(Row)
_ROWS = msgspec.json.Decoder(Page[Row])
_REPORTS = "directReports"


class PersonChanges:
    """Makes whole people of what a round tells.

    An entry of a round holds *at least* what changed, and leaves out whatever was never set: alone it could be half a
    person. So everybody it names is read by id, and what the entry says counts above that: a read may be answered by
    a server that has not heard of the change yet, which would then be lost. Whoever bears a property of their manager
    is touched by what happens to the manager, too, of which their own entry says nothing. Whoever is ``gone`` stays so,
    whatever a late list shows.
    """

    def __init__(
        self, graph: Graph, people: People, told: Mapping[str, Entry], *, known: int, gone: Collection[str]
    ) -> None:
        self._gone = gone
        self._graph = graph
        self._people = people
        self._told = told
        self._pages = max(1, ceil(known / TOP))
        self.known = known
        """How many people there are, by the last list of all."""
        self.reports: set[str] = set()
        """Who was read only because something changed for their manager; no entry is there to compare them with."""
        self.listed = False
        """Whether everybody was listed."""
        self.owed: set[str] = set()
        """Whom Graph could not show (yet), or only with another manager than told: to be read in the next round."""

    async def pages(
        self, changed: Collection[str], owed: Collection[str], *, everybody: bool
    ) -> AsyncGenerator[PeoplePage]:
        """Everybody who is touched; where asking for each costs more than a list (or ``everybody``), all people."""
        ids = {*changed, *owed}
        # Of a manager whose id is all that reports bear nothing can change for them.
        asked = sorted(changed) if set(self._people.attributes.of_manager) - {"id"} else []
        if not everybody and ceil((len(ids) + len(asked)) / BATCH) <= self._pages:
            rows = await self._rows(
                {key: self._url(key) for key in ids} | {f"{key}/{_REPORTS}": self._reports_url(key) for key in asked}
            )
            reports = {one for key in asked for one in await self._reports(rows.pop(f"{key}/{_REPORTS}", None), key)}
            self.reports = reports - ids - set(self._gone)
            if ceil(len(self.reports) / BATCH) <= self._pages:
                rows |= await self._rows({key: self._url(key) for key in self.reports})
                async for page in self._alone(ids | self.reports, rows):
                    yield page
                return
        async for page in self._everybody(ids):
            yield page

    async def _rows(self, urls: Mapping[str, str]) -> dict[str, Row]:
        rows: dict[str, Row] = {}
        async for found in in_batches(self._graph, urls):
            rows |= found
        return rows

    async def _everybody(self, ids: Iterable[str]) -> AsyncGenerator[PeoplePage]:
        self.listed = True
        left, count = set(ids), 0
        async for reply in self._graph.listing("/users", _ROWS, {**self._people.attributes.query_by_id, "$top": TOP}):
            rows = reply.value.value
            left -= {row.get("id", "") for row in rows}
            count += len(rows)
            yield PeoplePage([self._people.whole(self._newest(row)) for row in rows if row.get("id") not in self._gone])
        self.known = count
        async for page in self._alone(left, {}):
            yield page

    async def _alone(self, ids: Collection[str], rows: Mapping[str, Row]) -> AsyncGenerator[PeoplePage]:
        """People by id; whoever a batch did not bring is asked for alone."""
        found: list[Row] = []
        for key in sorted(ids):
            row = rows.get(key) or await self._one(key)
            if row is None:
                self.owed.add(key)
            else:
                found.append(self._newest(row))
        for start in range(0, len(found), TOP):
            yield PeoplePage([self._people.whole(row) for row in found[start : start + TOP]])

    async def _one(self, key: str) -> Row | None:
        path, query = f"/users/{quote(key, safe='')}", self._people.attributes.query_by_id
        try:
            return (await self._graph.get(path, _ROW, params=query, template="/users/{id}")).value
        except RejectedError as error:
            if is_gone(error):
                return None  # not shown yet, or deleted since: then the next round says so
            raise

    async def _reports(self, row: Row | None, key: str) -> Iterable[str]:
        """Who reports to somebody, from the answer in a batch or asked for alone."""
        path, template = f"/users/{quote(key, safe='')}/{_REPORTS}", f"/users/{{id}}/{_REPORTS}"
        page = _page(row)
        if page is None:
            pages = self._graph.listing(path, MEMBERS, {"$select": "id"}, template=template)
            first: list[MemberRow] = []
        elif page.next_link is None:
            return [one.id for one in page.value if one.is_person]
        else:
            first = page.value
            pages = self._graph.listing(page.next_link, MEMBERS, template=template)
        found = [one.id for one in first if one.is_person]
        try:
            async for reply in pages:
                found += [one.id for one in reply.value.value if one.is_person]
        except RejectedError as error:
            if not is_gone(error):
                raise
        return found

    def _newest(self, row: Row) -> Row:
        """What was read, and above it what the round tells of the person, and of the manager."""
        given = row.get("manager")
        read = cast("Row", given) if isinstance(given, dict) else {}
        boss = self._told.get(read.get("id", ""), {})
        news = {name: boss[name] for name in self._people.attributes.of_manager if name in boss}
        row = {**row, "manager": {**read, **news}} if news else row
        entry = self._told.get(row.get("id", ""))
        if entry is None or "@removed" in entry:
            return row
        told = cast("list[Row] | None", entry.get("manager@delta"))
        if told is not None and read.get("id", "") != next((one["id"] for one in told if "@removed" not in one), ""):
            self.owed.add(row["id"])
        return {**row, **{name: value for name, value in entry.items() if "@" not in name and name != "manager"}}

    def _url(self, key: str) -> str:
        query = "&".join(
            f"{name}={quote(value, safe='$(),')}" for name, value in self._people.attributes.query_by_id.items()
        )
        return f"/users/{quote(key, safe='')}?{query}"

    @staticmethod
    def _reports_url(key: str) -> str:
        return f"/users/{quote(key, safe='')}/{_REPORTS}?$select=id"  # pages of 100; longer ones are documented nowhere


def _page(row: Row | None) -> Page[MemberRow] | None:
    """An answer of a batch as a page; nothing where it is none: asked for alone, what is wrong with it is said."""
    try:
        return None if row is None else msgspec.convert(row, Page[MemberRow])
    except msgspec.ValidationError:
        return None


async def in_batches(graph: Graph, urls: Mapping[str, str]) -> AsyncGenerator[dict[str, Row]]:
    """The answers to many reads, twenty in a request; whatever was refused is left out."""
    names = sorted(urls)
    for start in range(0, len(names), BATCH):
        yield await graph.batch({name: urls[name] for name in names[start : start + BATCH]}, _ROW)
