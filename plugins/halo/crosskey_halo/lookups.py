"""Looking single accounts up, so that a run about few people need not read everybody."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from crosskey.connector.target import KindSpec, Lookup
from crosskey.errors import ContractError
from crosskey.model import Account
from crosskey_halo.desk import Desk
from crosskey_halo.reader import Reader
from crosskey_halo.rows import as_text
from crosskey_halo.schema import USER
from crosskey_halo.search import Search, folded

__all__ = ("Lookups",)

_FEW = 5
"""So many users are asked for one by one without a look how many there are at all."""
_FEW_AGENTS = 3
"""So many agents are asked for one by one: all of them cost one list, and one each of teams and departments."""


class Lookups:
    """Brings accounts by id, by marker and by what their fields hold, with as few requests as are sure."""

    def __init__(self, desk: Desk, reader: Reader) -> None:
        self._desk = desk
        self._reader = reader
        self._search = Search(desk, reader.users, reader.of_users)

    async def look_up(self, lookup: Lookup) -> list[Account]:
        """The accounts as they are now, inactive ones included.

        Raises :class:`ContractError` where this instance shows nobody what was asked for.
        """
        kind = self._reader.users.spec if lookup.kind == USER else self._reader.agents.spec
        if lookup.kind != kind.name:
            raise ContractError(f'Halo has no accounts of kind "{lookup.kind}"', code="halo-lookup")
        wanted = _Wanted(lookup, kind)
        found = await (self._users(wanted, lookup.references) if kind.name == USER else self._agents(wanted))
        return [_as_listed(account, kind) for account in found]

    async def acquaint(self, kind: str, keys: Collection[str], *, markers: bool = False) -> None:
        """See that what these records hold is known before they are written over.

        ``markers``: a list is not enough that may hide what the marker's field holds.
        """
        users = kind == USER
        notebook = self._reader.of_users if users else self._reader.of_agents
        unknown = tuple(key for key in keys if not notebook.knows(key))
        if unknown:
            await self.look_up(Lookup(kind=kind, keys=unknown))
        if markers and notebook.whole and not notebook.marked and not notebook.dropped:
            doubtful = [key for key in keys if key.isdigit() and key not in notebook.known]
            await (self._reader.users_of(doubtful) if users else self._reader.agents_of(doubtful))

    async def _users(self, wanted: _Wanted, managed: frozenset[str]) -> list[Account]:
        asked = [(self._reader.users.marker[0], marker) for marker in wanted.markers]
        asked += [(field, value) for field, values in wanted.values.items() for value in values]
        if asked or len(wanted.keys) > _FEW:
            pages = await self._search.pages()
            if pages <= len(wanted.keys) + len(asked):
                return await self._everybody(wanted, managed)
        keys = set(wanted.keys)
        for field, value in asked:
            found = await self._search.keys(field, value)
            if found is None:
                return await self._everybody(wanted, managed)
            keys |= found
        accounts = await self._reader.users_of(sorted(keys, key=int))
        return [account for account in accounts if not account.protected and wanted.has(account)]

    async def _everybody(self, wanted: _Wanted, managed: frozenset[str]) -> list[Account]:
        self._refuse_unlisted(wanted, self._reader.users.spec)
        pages = self._reader.read_users(managed)
        found = [account async for page in pages for account in page.accounts if wanted.has(account)]
        self._refuse_hidden_markers(wanted, USER)
        return found

    async def _agents(self, wanted: _Wanted) -> list[Account]:
        if not wanted.markers and not wanted.values and len(wanted.keys) <= _FEW_AGENTS:
            return await self._reader.agents_of(sorted(wanted.keys, key=int))
        self._refuse_unlisted(wanted, self._reader.agents.spec)
        pages = self._reader.read_agents()
        found = [account async for page in pages for account in page.accounts if wanted.has(account)]
        self._refuse_hidden_markers(wanted, self._reader.agents.name)
        return found

    def _refuse_unlisted(self, wanted: _Wanted, kind: KindSpec) -> None:
        for name in wanted.values:
            field = kind.field(name)
            if field is not None and not field.listed:
                raise ContractError(
                    f"Halo's lists do not show {name} of a {kind.name}, and this instance does not search it",
                    code="halo-not-listed",
                    where=self._desk.where,
                    fix="match by another attribute; a full run goes on without that one",
                )

    def _refuse_hidden_markers(self, wanted: _Wanted, kind: str) -> None:
        """Where details bear our external ids and no list shows one, a list cannot tell that nobody bears one."""
        users = kind == USER
        notebook = self._reader.of_users if users else self._reader.of_agents
        if wanted.markers and notebook.borne and not notebook.marked:
            raise ContractError(
                f"the lists of {kind}s do not show the field that holds crosskey's external ids",
                code="halo-marker-hidden",
                where=self._desk.where,
                fix=f"choose another {'user_marker' if users else 'agent_marker'}; a full run goes on without",
            )


class _Wanted:
    """What is asked for, each thing once. Raises :class:`ContractError` for a field that the kind does not have."""

    def __init__(self, lookup: Lookup, kind: KindSpec) -> None:
        self.keys = frozenset(key for key in lookup.keys if key.isascii() and key.isdigit() and int(key) > 0)
        self.markers = frozenset(filter(None, lookup.markers))
        self.values: Mapping[str, Mapping[str, None]] = {
            name: distinct for name, values in lookup.values.items() if (distinct := _distinct(values))
        }
        for name in lookup.values:
            if kind.field(name) is None:
                raise ContractError(f'a {kind.name} of Halo has no field "{name}"', code="halo-lookup")

    def has(self, account: Account) -> bool:
        """Whether the account was asked for."""
        return (
            account.key in self.keys
            or account.marker in self.markers
            or any(folded(as_text(account.fields.get(name))) in values for name, values in self.values.items())
        )


def _distinct(values: Iterable[str]) -> Mapping[str, None]:
    return dict.fromkeys(filter(None, map(folded, values)))


def _as_listed(account: Account, kind: KindSpec) -> Account:
    """As a read of all gives it: a single record shows more, and the engine must not see two truths."""
    hidden = {field.name for field in kind.fields if not field.listed}
    if not hidden & account.fields.keys():
        return account
    fields = {name: value for name, value in account.fields.items() if name not in hidden}
    return msgspec.structs.replace(account, fields=fields)
