"""Reading all users and agents, and single ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from crosskey.connector.target import AccountsPage
from crosskey.errors import AuthError, ContractError
from crosskey.model import Account
from crosskey_halo.accounts import AccountKind, Memberships, links_as_ids
from crosskey_halo.desk import Desk
from crosskey_halo.lists import Lists
from crosskey_halo.notebook import Notebook
from crosskey_halo.resources import AGENTS, USERS, VISIBILITY
from crosskey_halo.rows import AgentRow, Link, Row, UserRow, as_id, as_text

__all__ = ("Reader",)

A = TypeVar("A", UserRow, AgentRow)


class Reader:
    """Turns lists of a desk into accounts and notes what writes must know."""

    def __init__(self, desk: Desk, lists: Lists, users: AccountKind[UserRow], agents: AccountKind[AgentRow]) -> None:
        self._desk = desk
        self._lists = lists
        self.users = users
        self.agents = agents
        self.of_users = Notebook()
        self.of_agents = Notebook()
        self._me: AgentRow | None = None

    async def me(self) -> AgentRow:
        """The agent the API application acts as; asked once."""
        if self._me is None:
            body = await self._desk.get(f"{AGENTS.path}/me", right="an active agent to log in as")
            me = self._desk.decoded(AGENTS.one, body, f"{AGENTS.path}/me")
            if not me.key:  # nobody would keep crosskey from switching off the agent that it acts as
                raise self._strange(f"GET {AGENTS.path}/me does not say who the API application acts as")
            self._me = me
            self.of_agents.note(self._me.key, marker="", protected=self.agents.protection(self._me, self._me.key))
        return self._me

    def names(self, kind: AccountKind[A]) -> Callable[[str, str], str]:
        """A function that gives the name behind an id of one of the kind's references."""
        listings = {reference.name: reference.listing for reference in kind.spec.references}
        return lambda reference, key: self._lists.name(listings[reference], key)

    # ---------------------------------------------------------------------------------------------------------- users

    async def read_users(self, managed: frozenset[str]) -> AsyncIterator[AccountsPage]:
        """All users, inactive ones included, without the General Users of sites.

        Raises :class:`AuthError` where a desk that must have some shows none.
        """
        extra: Memberships | None = None
        async for rows in self._desk.pages(USERS, self.users.list_params):
            if extra is None:
                extra = await self._not_listed(rows, managed)
            accounts = [self.user(row, extra, listed=True) for row in self._named(rows, USERS.path)]
            self.of_users.read(account.key for account in accounts)
            yield AccountsPage([account for account in accounts if not account.protected])
        if extra is None:
            await self._refuse_hidden_users()
        self.of_users.whole = True

    async def _refuse_hidden_users(self) -> None:
        """Tell a desk without users from one that hides them: every site has a General User."""
        if not await self._lists.sites():
            return
        _, anybody = await self._desk.count_and_first(USERS, {"includeactive": "true", "includeinactive": "true"})
        if not anybody:
            raise self._hidden("users", "not even the General Users of its sites")

    def _named(self, rows: Sequence[A], path: str) -> list[A]:
        """The rows whose id names something. Raises :class:`ContractError` for a row that has none at all."""
        if any(row.id is None for row in rows):
            raise self._strange(f"GET {path} gave a row without an id: whose account it is nobody can tell")
        return [row for row in rows if row.key]

    def _strange(self, message: str) -> ContractError:
        return ContractError(
            message,
            code="halo-shape",
            where=self._desk.where,
            fix="run again; if it stays, check that url is the address of a Halo instance",
        )

    def _hidden(self, what: str, known: str) -> AuthError:
        return AuthError(
            f"Halo shows this API application no {what} at all, {known}; "
            "taken for an empty desk, everybody would be made a second time",
            code=f"halo-no-{what}",
            where=self._desk.where,
            fix=f"{VISIBILITY}, and give it {(USERS if what == 'users' else AGENTS).right}",
        )

    def user(self, row: UserRow, extra: Memberships | None = None, *, listed: bool = False) -> Account:
        """One user as an account, noted."""
        account = self.users.account(row, extra=extra)
        self.of_users.note(account.key, marker=account.marker, protected=account.protected, listed=listed)
        if row.departments is not None:
            self.of_users.note_links(account.key, "departments", "department_id", row.departments, complete=True)
        return account

    async def users_of(self, keys: Sequence[str]) -> list[Account]:
        """Users of these ids that are there, as they are now. They may be written without a read of all."""
        rows = await self._desk.some(USERS, keys)
        self.of_users.known.update(row.key for row in rows)
        return [self.user(row) for row in rows]

    async def _not_listed(self, first: Sequence[UserRow], managed: frozenset[str]) -> Memberships:
        """Memberships the mapping manages and rows do not show: one list a role or department tells who is in it."""
        extra: dict[str, Mapping[str, Sequence[str]]] = {}
        if "roles" in managed and not any(row.roles or row.role_ids for row in first):
            extra["roles"] = await self._members("role", await self._lists.user_roles())
        if "departments" in managed and all(row.departments is None for row in first):
            extra["departments"] = await self._members("department_id", await self._lists.departments())
        return extra

    async def _members(self, parameter: str, things: Iterable[Row]) -> Mapping[str, Sequence[str]]:
        members: dict[str, list[str]] = {}
        for thing in things:
            if not thing.key:
                continue
            async for rows in self._desk.pages(USERS, {**self.users.list_params, parameter: thing.key}):
                for row in rows:
                    members.setdefault(row.key, []).append(thing.key)
        return members

    # --------------------------------------------------------------------------------------------------------- agents

    async def read_agents(self) -> AsyncIterator[AccountsPage]:
        """All agents, disabled ones included, with their memberships."""
        me = await self.me()
        self._lists.refresh()
        extra = await self.memberships()
        self._lists.spend()
        roles = _ids_by_name(await self._lists.agent_roles())
        teams = _ids_by_name(await self._lists.teams())
        anybody = False
        async for rows in self._desk.pages(AGENTS, self.agents.list_params):
            anybody = True
            named = self._named(rows, AGENTS.path)
            accounts = [self.agent(row, extra, roles, teams, me.key, listed=True) for row in named]
            self.of_agents.read(account.key for account in accounts)
            yield AccountsPage(accounts)
        if not anybody:
            raise self._hidden("agents", "not even the one it logs in as")
        self.of_agents.whole = True

    async def agents_of(self, keys: Sequence[str]) -> list[Account]:
        """Agents of these ids that are there, as they are now. They may be written without a read of all."""
        rows = await self._desk.some(AGENTS, keys)
        extra: Memberships = {}
        if any(row.teams is None or row.departments is None for row in rows):  # a version that hides them here too
            self._lists.refresh()
            extra = await self.memberships()
            self._lists.spend()
        self.of_agents.known.update(row.key for row in rows)
        return [await self.looked_up_agent(row, extra) for row in rows]

    async def looked_up_user(self, row: UserRow) -> Account:
        """One user as an account."""
        return self.user(row)

    async def looked_up_agent(self, row: AgentRow, extra: Memberships | None = None) -> Account:
        """One agent as an account; what its row tells by name only is looked up in the lists."""
        me = await self.me()
        roles = _ids_by_name(await self._lists.agent_roles()) if row.roles is None and row.role_list else {}
        teams = _ids_by_name(await self._lists.teams()) if row.team else {}
        return self.agent(row, extra or {}, roles, teams, me.key)

    def agent(
        self,
        row: AgentRow,
        extra: Memberships,
        roles: Mapping[str, str],
        teams: Mapping[str, str],
        me: str,
        *,
        listed: bool = False,
    ) -> Account:
        """One agent as an account, noted."""
        named: dict[str, Mapping[str, Sequence[str]]] = {}
        if row.roles is None and row.role_list:
            named["roles"] = {row.key: names_as_ids(row.role_list, roles)}
        default = teams.get(as_text(row.team).casefold(), "")
        if default:
            named["team"] = {row.key: (default,)}
        account = self.agents.account(row, extra={**extra, **named}, me=me)
        self.of_agents.note(account.key, marker=account.marker, protected=account.protected, listed=listed)
        if row.teams is not None:
            self.of_agents.note_links(account.key, "teams", "team_id", row.teams, complete=True)
        if row.departments is not None:
            self.of_agents.note_links(account.key, "departments", "department_id", row.departments, complete=True)
        return account

    async def memberships(self) -> Memberships:
        """Who is in which team and department, as the lists of teams and departments tell.

        A row whose id names nothing is no team: nobody can be in it.
        """
        self.of_agents.links.clear()
        in_teams: dict[str, list[str]] = {}
        in_departments: dict[str, list[str]] = {}
        for team in await self._lists.teams():
            if not team.key:
                continue
            for link in team.agents or ():
                agent = as_id(link.agent_id)  # `id` is the membership's own
                in_teams.setdefault(agent, []).append(team.key)
                link.team_id = link.team_id or int(team.key)
                self._note_links(agent, (link,), ())
        for department in await self._lists.departments():
            if not department.key:
                continue
            for link in department.agents or ():
                in_departments.setdefault(as_id(link.agent_id), []).append(department.key)
                link.department_id = link.department_id or int(department.key)
                self._note_links(as_id(link.agent_id), (), (link,))
            for agent in links_as_ids(department.agent_members or (), "id"):
                in_departments.setdefault(agent, []).append(department.key)
        return {"teams": in_teams, "departments": in_departments}

    def _note_links(self, key: str, teams: Sequence[Link], departments: Sequence[Link]) -> None:
        self.of_agents.note_links(key, "teams", "team_id", teams)
        self.of_agents.note_links(key, "departments", "department_id", departments)


def names_as_ids(text: str, ids: Mapping[str, str]) -> tuple[str, ...]:
    """Ids behind names in one string with commas; a name may hold commas itself. Unknown names are left out."""
    parts = [part.strip() for part in text.split(",")]
    found: list[str] = []
    start = 0
    while start < len(parts):
        for end in range(len(parts), start, -1):
            id_ = ids.get(", ".join(parts[start:end]).casefold())
            if id_:
                found.append(id_)
                start = end - 1
                break
        start += 1
    return tuple(found)


def _ids_by_name(rows: Iterable[Row]) -> dict[str, str]:
    return {as_text(row.name).casefold(): row.key for row in rows if row.key}
