"""Finding users by what a field holds, where this instance can be trusted to.

What ``search`` looks at and whether it minds case is not documented, and ``advanced_search`` knows other fields on each
instance. So neither is believed before it found somebody who is known to be there, by an address in the other case.
What no way can tell for sure, a list of everybody must.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Literal

import msgspec

from crosskey.errors import RejectedError
from crosskey_halo.accounts import AccountKind
from crosskey_halo.desk import Desk
from crosskey_halo.notebook import Notebook
from crosskey_halo.rows import UserRow, as_text

__all__ = ("Search", "folded", "shown")

_Way = Literal["search", "advanced_search"]

_EQUAL = 2
"""``filter_type`` of "is", of ``advanced_search``."""
_MANY = 10
"""More rows than this that do not show the field that was asked for, and nobody asked the field at all."""


class _Measure(msgspec.Struct, frozen=True):
    """How many requests a list of everybody costs, and somebody who is surely there: id and address."""

    pages: int
    key: str = ""
    address: str = ""


class Search:
    """Searches users. What it learns about the instance holds for as long as the desk is open."""

    def __init__(self, desk: Desk, kind: AccountKind[UserRow], notebook: Notebook) -> None:
        self._desk = desk
        self._kind = kind
        self._notebook = notebook
        self._measured: _Measure | None = None
        self._works: dict[_Way, bool] = {}
        self._refused: set[str] = set()

    async def pages(self) -> int:
        """How many requests a list of everybody costs; 0 where it shows nobody. Asked once."""
        return (await self._measure()).pages

    async def keys(self, field: str, value: str) -> set[str] | None:
        """Ids of the users that hold a value (case-insensitive) in a field, and of some more where rows do not tell.

        ``None``: only a list of everybody can tell.
        """
        for way in self._ways(field, value):
            rows = await self._rows(way, field, value) if await self._trusted(way) else None
            if rows is None:
                continue
            hidden = [row.key for row in rows if not shown(row, field)] if way == "advanced_search" else []
            if len(hidden) <= _MANY:
                return {*hidden, *(row.key for row in rows if folded(shown(row, field)) == folded(value))}
        return None

    def _ways(self, field: str, value: str) -> tuple[_Way, ...]:
        """``search`` looks at names and addresses, with wildcards; what `É` and `é` are to it nobody knows."""
        if not value.isascii():
            return ()
        if field in ("name", self._kind.mail) and "[" not in value:
            return ("search", "advanced_search")
        return ("advanced_search",)

    async def _trusted(self, way: _Way) -> bool:
        if way not in self._works:
            known = await self._measure()
            rows = await self._rows(way, self._kind.mail, known.address.swapcase()) if known.address else None
            self._works[way] = any(row.key == known.key for row in rows or ())
        return self._works[way]

    async def _rows(self, way: _Way, field: str, value: str) -> list[UserRow] | None:
        """What a search finds; ``None``: this instance does not search that field."""
        if way == "search":
            return await self._desk.all(self._kind.resource, {**self._kind.list_params, "search": value})
        if field in self._refused:
            return None
        question = [{"filter_name": field, "filter_type": _EQUAL, "filter_value": value}]
        params = {**self._kind.list_params, "advanced_search": msgspec.json.encode(question).decode()}
        try:
            return await self._desk.all(self._kind.resource, params)
        except RejectedError:
            self._refused.add(field)
            return None

    async def _measure(self) -> _Measure:
        """One page, newest first: it tells how many there are, the highest id, and somebody to search for."""
        if self._measured is None:
            resource, params = self._kind.resource, self._kind.list_params
            try:
                newest_first: Mapping[str, str | int] = {**params, "order": "id", "orderdesc": "true"}
                count, rows = await self._desk.count_and_first(resource, newest_first)
            except RejectedError:
                count, rows = await self._desk.count_and_first(resource, params)
            self._notebook.read(row.key for row in rows)
            addressed = (row for row in rows if row.key and _has_case(shown(row, self._kind.mail)))
            sample = next(addressed, None)
            self._measured = _Measure(
                pages=ceil(count / len(rows)) if rows else 0,
                key=sample.key if sample else "",
                address=shown(sample, self._kind.mail) if sample else "",
            )
        return self._measured


def shown(row: UserRow, field: str) -> str:
    """What a row shows in a field; the Okta id has two names."""
    return as_text(getattr(row, field)) or (as_text(row.okta_id) if field == "oktaid" else "")


def folded(text: str) -> str:
    """A text as it is compared."""
    return text.strip().casefold()


def _has_case(text: str) -> bool:
    return text.isascii() and "[" not in text and text.swapcase() != text
