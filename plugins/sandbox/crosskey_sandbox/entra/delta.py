"""Delta queries: first rounds, later rounds, and the links that lead from page to page and from round to round.

A round tells the directory as it was when the round began, on all its pages; the next round begins there. No order, the
same object on several pages or again in the next round, and empty pages are all within the contract.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import cast

import msgspec

from crosskey_sandbox.entra.call import Answer, Call, reply
from crosskey_sandbox.entra.errors import GraphError
from crosskey_sandbox.entra.odata import options
from crosskey_sandbox.entra.paging import Place, link
from crosskey_sandbox.entra.records import Change, Record
from crosskey_sandbox.entra.rows import properties, typed
from crosskey_sandbox.entra.schema import SCHEMAS, Sort
from crosskey_sandbox.entra.tenant import EntraTenant
from crosskey_sandbox.entra.view import View

__all__ = ("delta",)

_IDS = re.compile(r"id\s+eq\s+'([^']*)'", re.IGNORECASE)
_MOST_IDS = 50
_GONE = {"reason": "deleted"}

Row = dict[str, object]


def delta(tenant: EntraTenant, call: Call, sort: Sort) -> Answer:
    """``/users/delta`` and ``/groups/delta``: one page of a round."""
    place = _place(tenant, call, sort)
    round_ = _Round(tenant, sort, place)
    if (call.options.deltatoken or "").lower() == "latest":
        return round_.answer(call, [], None)
    quirks = tenant.quirks
    empties = quirks.first_round_empty_pages if place.since is None else quirks.later_empty_pages
    before, told = empties // 2, place.start < 0
    if place.empties < before or told:
        given = msgspec.structs.replace(place, empties=place.empties + 1)
        return round_.answer(call, [], None if told and given.empties >= empties else given)
    rows, following = round_.page()
    if following is None and place.empties < empties:
        following = msgspec.structs.replace(place, start=-1)
    return round_.answer(call, rows, following)


def _place(tenant: EntraTenant, call: Call, sort: Sort) -> Place:
    asked, path = call.options, call.path
    token = asked.deltatoken or asked.skiptoken
    start_over = f"{call.shown}{path}?$deltatoken="
    if token and token.lower() != "latest":  # the empty token that a 410 points to starts anew
        if asked.kept:
            raise GraphError.unsupported("Query options cannot be added to a next or delta link.")
        place = tenant.seals.delta(token, path, start_over)
        if asked.skiptoken is not None:
            return place
        minimal = "return=minimal" in call.request.headers.get("prefer", "")
        upto = max(place.upto, call.view.upto)
        since = max(0, place.upto - tenant.quirks.delta_replay)
        return msgspec.structs.replace(place, since=since, upto=upto, minimal=minimal)
    asked.only("$filter")
    SCHEMAS[sort].check(asked.select or ())
    _chosen(asked.filter)
    return Place(path=path, kept=asked.kept, issued=0, upto=call.view.upto, era=tenant.seals.era)


def _chosen(text: str | None) -> frozenset[str] | None:
    """The ids of ``$filter=id eq 'a' or id eq 'b'``, the only filter that delta takes."""
    if text is None:
        return None
    parts = [_IDS.fullmatch(part.strip()) for part in re.split(r"\s+or\s+", text.strip(), flags=re.IGNORECASE)]
    ids = frozenset(part[1] for part in parts if part is not None)
    if None in parts or len(parts) > _MOST_IDS:
        raise GraphError.unsupported(f"Only a filter by id, with at most {_MOST_IDS} of them, is supported.")
    return ids


class _Touched:
    """What a span of the log did to one object."""

    __slots__ = ("boss", "members", "names", "whole")

    def __init__(self) -> None:
        self.whole = False
        self.boss = ""  # the manager that it had
        self.names: set[str] = set()
        self.members: dict[str, bool] = {}


class _Round:
    """Reads one page of one round."""

    def __init__(self, tenant: EntraTenant, sort: Sort, place: Place) -> None:
        schema = SCHEMAS[sort]
        asked = options(place.kept, {})
        names = asked.select or (*schema.default, *(("members",) if sort == "group" else ()))
        self._tenant = tenant
        self._view = View(tenant.directory, place.upto)
        self._sort: Sort = sort
        self._place = place
        self._names = tuple(name for name in names if name not in {"id", "deletedDateTime", *schema.relations})
        self._relations = schema.relations & set(names)
        self._only = _chosen(asked.filter)

    def answer(self, call: Call, rows: Sequence[Row], following: Place | None) -> Answer:
        """The page as an answer, with the one link that every page has."""
        seals, now, place = self._tenant.seals, self._tenant.cell.epoch(), self._place
        first = place.since is None and call.options.skiptoken is None
        names = f"({','.join(call.options.select)})" if first and call.options.select else ""
        context = f"{call.shown}/v1.0/$metadata#{SCHEMAS[self._sort].collection}{names}"
        body: Row = {"@odata.context": context}
        if following is not None:
            token = seals.seal(msgspec.structs.replace(following, issued=now), long=True)
            body["@odata.nextLink"] = link(call.shown, call.path, (), "$skiptoken", token)
        else:
            end = Place(path=place.path, kept=place.kept, issued=now, upto=place.upto, era=seals.era)
            body["@odata.deltaLink"] = link(call.shown, call.path, (), "$deltatoken", seals.seal(end, long=True))
        given = reply({**body, "value": rows})
        given.headers["preference-applied"] = "odata.track-changes"
        return given

    def page(self) -> tuple[list[Row], Place | None]:
        """The rows of the page, and where the next one starts."""
        place, quirks = self._place, self._tenant.quirks
        rows: list[Row] = []
        entries = 0
        for start, offset, row in self._everything() if place.since is None else self._changes(place.since):
            size = len(cast("list[Row]", row.get("members@delta", ())))
            if len(rows) == quirks.delta_page or (rows and entries + size > quirks.delta_members):
                again = start if offset else max(start - quirks.delta_overlap, place.start + 1)
                return rows, msgspec.structs.replace(place, start=again, offset=offset)
            rows.append(row)
            entries += size
        return rows, None

    # ------------------------------------------------------------------------------------------------------ first round

    def _everything(self) -> Iterator[tuple[int, int, Row]]:
        """Everything there is, and what is in the recycle bin or was, from the page's place on."""
        ids, offset = self._view.order(self._sort), self._place.offset
        for start in range(self._place.start, len(ids)):
            key = ids[start]
            record = self._view.get(key)
            if self._only is not None and key not in self._only:
                continue
            if record is None or record.deleted:
                if self._tenant.quirks.removed_in_first_round and (record or key in self._tenant.directory.gone):
                    yield start, 0, _removed(key, record)
            else:
                row = self._row(record, self._names)
                for at, members in self._first_members(record, offset):
                    yield start, at, _with_members(row, members)
            offset = 0

    def _first_members(self, record: Record, offset: int) -> Iterator[tuple[int, list[Row]]]:
        """A group's members, slice by slice. Those that were deleted come too, as removed: recorded so."""
        keys = self._view.places(record.id) if "members" in self._relations else ()
        most, told = self._tenant.quirks.delta_members, self._tenant.quirks.removed_in_first_round
        for at in range(offset, max(len(keys), offset + 1), most):
            found = [(key, self._view.get(key)) for key in keys[at : at + most] if key]
            yield (
                at,
                [
                    _member(key, member, joined=not member.deleted)
                    for key, member in found
                    if member is not None and (told or not member.deleted)
                ],
            )

    # ----------------------------------------------------------------------------------------------------- later rounds

    def _changes(self, since: int) -> Iterator[tuple[int, int, Row]]:
        """What changed, from the page's place on: one row for each object, more for one with many members."""
        touched = _touched(
            self._tenant.directory.log[since : self._place.upto],
            self._sort,
            deleted_members=self._tenant.quirks.deleted_members_in_delta,
        )
        offset, most = self._place.offset, self._tenant.quirks.delta_members
        for start, (key, what) in enumerate(touched.items()):
            if start < self._place.start or (self._only is not None and key not in self._only):
                continue
            record = self._view.get(key)
            if record is None or record.deleted:
                if record is not None or key in self._tenant.directory.gone:
                    yield start, 0, _removed(key, record)
            elif self._concerns(what):
                row = self._changed(record, what)
                members = self._later_members(record, what)
                for at in range(offset, max(len(members), offset + 1), most):
                    yield start, at, _with_members(row, members[at : at + most])
            offset = 0

    def _concerns(self, what: _Touched) -> bool:
        tracked = what.whole or bool(what.names & {*self._names, *(self._relations - {"members"})})
        return tracked or (bool(what.members) and "members" in self._relations)

    def _changed(self, record: Record, what: _Touched) -> Row:
        """All tracked properties, or with ``Prefer: return=minimal`` the changed ones; a cleared one is null."""
        changed = tuple(name for name in self._names if name in what.names)
        names = changed if self._place.minimal and not what.whole else self._names
        row = self._row(record, names, boss=what.whole or "manager" in what.names or not self._place.minimal)
        if "manager" in self._relations & what.names and not record.manager and what.boss:
            row["manager@delta"] = [_member(what.boss, self._view.get(what.boss), joined=False)]
        cleared = [name for name in changed if name not in row]
        return {**row, **{name: record.values.get(name) for name in cleared}}

    def _later_members(self, record: Record, what: _Touched) -> list[Row]:
        if "members" not in self._relations:
            return []
        told = dict(what.members)
        if what.whole:  # it is new to the client, or came back: all of them
            told |= {member.id: True for member in self._view.members(record.id)}
        return [_member(key, self._view.get(key), joined=joined) for key, joined in told.items()]

    # ----------------------------------------------------------------------------------------------------------- rows

    def _row(self, record: Record, names: tuple[str, ...], *, boss: bool = True) -> Row:
        row = properties(record, names)
        row["id"] = record.id
        manager = self._view.live(record.manager) if record.manager and boss else None
        if manager is not None and "manager" in self._relations:
            row["manager@delta"] = [typed(manager)]
        return row


def _with_members(row: Row, members: list[Row]) -> Row:
    return {**row, "members@delta": members} if members else row


def _touched(log: Sequence[Change], sort: Sort, *, deleted_members: bool) -> dict[str, _Touched]:
    found: dict[str, _Touched] = {}
    for change in log:
        if change.sort != sort or (change.by_deletion and not deleted_members):
            continue
        what = found.setdefault(change.id, _Touched())
        if change.member:
            what.members[change.member] = change.joined
        elif change.names is None:
            what.whole = True
        else:
            what.names |= change.names
            if "manager" in change.names and change.before is not None:
                what.boss = what.boss or change.before.manager
    return found


def _removed(key: str, record: Record | None) -> Row:
    """In the recycle bin (``changed``: it may come back), or gone for good (``deleted``)."""
    return {"id": key, "@removed": _GONE if record is None else {"reason": "changed"}}


def _member(key: str, member: Record | None, *, joined: bool) -> Row:
    """Who is gone for good is told as a user: its type is not known any more. The reason is always ``deleted``."""
    row: Row = {"@odata.type": "#microsoft.graph.user", "id": key} if member is None else typed(member)
    return row if joined else {**row, "@removed": _GONE}
