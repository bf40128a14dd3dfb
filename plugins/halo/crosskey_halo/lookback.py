"""Finding out whether creates happened whose answer was lost, refused or unclear: by looking, never by repeating.

The marker decides. Only while the instance was never seen to keep one (an older version ignores the field) a record of
the same name and e-mail address that is newer than every record known before counts as ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from itertools import pairwise
from typing import Generic, TypeVar

from crosskey.errors import RejectedError
from crosskey.plan import Change
from crosskey_halo.accounts import AccountKind
from crosskey_halo.desk import Desk
from crosskey_halo.matching import natural, only
from crosskey_halo.notebook import OURS, Notebook
from crosskey_halo.rows import AgentRow, UserRow, as_text
from crosskey_halo.schema import AGENT

__all__ = ("Lookback",)

A = TypeVar("A", UserRow, AgentRow)

_FEW = 3
"""So many records are searched one by one; more are looked for in one list."""
_BARREN = 2
"""After so many pages without a hit, newest first, what is not found is not there."""


class Lookback(Generic[A]):
    """Looks for the records of one kind that creates may have made."""

    def __init__(self, desk: Desk, kind: AccountKind[A], notebook: Notebook) -> None:
        self._desk = desk
        self._kind = kind
        self._notebook = notebook

    async def made(self, changes: Sequence[Change]) -> dict[str, A]:
        """By change id, the records found. One list serves a whole batch where Halo lists the newest first."""
        if self._kind.name == AGENT:
            return self._pick(changes, await self._desk.all(self._kind.resource, self._kind.list_params))
        if len(changes) > _FEW:
            rows = await self._newest(changes)
            if rows is not None:
                return self._pick(changes, rows)
        return {change.id: row for change in changes if (row := await self.find(change, newer=True)) is not None}

    async def find(self, change: Change, *, newer: bool = False) -> A | None:
        """The record one create made, searched by e-mail address and name; ``newer``: none that was there before."""
        params = dict(self._kind.list_params)
        texts = [""] if self._kind.name == AGENT else self._search_texts(change)
        for text in texts:
            rows = await self._desk.all(self._kind.resource, {**params, "search": text} if text else params)
            found = self._match(change, rows, newer=newer)
            if found is not None and await self._is_of(found, change):
                return found
        return None

    async def visible(self, change: Change, key: str) -> bool:
        """Whether lists show a record that was just created."""
        texts = [""] if self._kind.name == AGENT else self._search_texts(change)[:1]
        params = {**self._kind.list_params, **({"search": texts[0]} if texts and texts[0] else {})}
        return any(row.key == key for row in await self._desk.all(self._kind.resource, params))

    async def _is_of(self, row: A, change: Change) -> bool:
        """Whether a record that a list shows without a marker bears another one in its details."""
        if self._kind.marker_of(row):
            return True
        detail = await self._desk.one(self._kind.resource, row.key)
        return detail is not None and self._kind.marker_of(detail) in ("", change.marker)

    async def _newest(self, changes: Sequence[Change]) -> list[A] | None:
        """The newest users; ``None`` where the instance does not list them in that order."""
        params = {**self._kind.list_params, "order": "id", "orderdesc": "true"}
        rows: list[A] = []
        barren = 0
        try:
            async with aclosing(self._desk.pages(self._kind.resource, params, ahead=1)) as pages:
                async for page in pages:
                    numbers = [int(row.id) for row in page if isinstance(row.id, int | float)]
                    if len(numbers) > 1 and any(first < second for first, second in pairwise(numbers)):
                        return None
                    rows += page
                    barren = 0 if self._pick(changes, page) else barren + 1
                    all_found = len(self._pick(changes, rows)) == len(changes)
                    older = bool(self._notebook.newest) and bool(numbers) and numbers[-1] <= self._notebook.newest
                    if all_found or older or barren >= _BARREN:
                        break
        except RejectedError:
            return None
        return rows

    def _pick(self, changes: Sequence[Change], rows: Sequence[A]) -> dict[str, A]:
        marked = {marker: row for row in rows if (marker := self._kind.marker_of(row))}
        self._notebook.marked = self._notebook.marked or any(marker.startswith(OURS) for marker in marked)
        found: dict[str, A] = {}
        for change in changes:
            row = marked.get(change.marker) or self._match(change, rows, newer=True)
            if row is not None:
                found[change.id] = row
        used = [row.key for row in found.values()]
        return {id_: row for id_, row in found.items() if used.count(row.key) == 1}

    def _match(self, change: Change, rows: Sequence[A], *, newer: bool) -> A | None:
        for row in rows:
            if change.marker and self._kind.marker_of(row) == change.marker:
                return row
        mail = change.fields.get(self._kind.mail)
        if self._notebook.marked or mail is None or not mail.after:
            return None
        alike = natural(self._kind, change, rows)
        return only([row for row in alike if not newer or self._notebook.is_new(row.key)])

    def _search_texts(self, change: Change) -> list[str]:
        values = [change.fields[name].after for name in (self._kind.mail, "name") if name in change.fields]
        return [text for text in map(as_text, values) if text]
