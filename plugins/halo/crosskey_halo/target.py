"""An open Halo desk as a crosskey target."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec

from crosskey.connector.context import Context
from crosskey.connector.sign_in import SetUp, SignInAddresses, SignInLink, Survey
from crosskey.connector.sso import Door
from crosskey.connector.target import (
    AccountsComplete,
    AccountsPage,
    AccountsRequest,
    Lookup,
    Seats,
    TargetSchema,
)
from crosskey.errors import ContractError, Diagnostic, RejectedError
from crosskey.http import Budget
from crosskey.model import Account, Catalogue
from crosskey.plan import Change, Duty, Outcome
from crosskey_halo.accounts import agent_kind, user_kind
from crosskey_halo.address import instance_address
from crosskey_halo.auth import HaloAuth
from crosskey_halo.bodies import Bodies, sign_off
from crosskey_halo.check import Checkup
from crosskey_halo.desk import Desk
from crosskey_halo.duties import Duties
from crosskey_halo.explain import explain
from crosskey_halo.handover import HandingOver
from crosskey_halo.instance import InstanceInfo
from crosskey_halo.lists import Lists
from crosskey_halo.lookback import Lookback
from crosskey_halo.lookups import Lookups
from crosskey_halo.reader import Reader
from crosskey_halo.resources import AGENTS, USERS
from crosskey_halo.rows import as_moment, as_text
from crosskey_halo.schema import AGENT, USER, halo_schema
from crosskey_halo.settings import HaloSettings
from crosskey_halo.sign_in import SignInPage
from crosskey_halo.writer import Writer

__all__ = ("HaloTarget", "open_desk")

_FIVE_MINUTES = 300.0


@asynccontextmanager
async def open_desk(settings: HaloSettings, context: Context) -> AsyncGenerator[HaloTarget]:
    """Open a desk; costs no request. Raises :class:`ConfigError` for an address that cannot be one."""
    address = instance_address(settings.url, where=f"{context.instance}.url")
    auth = HaloAuth(settings, address, where=context.instance)
    budget = Budget(settings.requests_per_5_minutes, _FIVE_MINUTES) if settings.requests_per_5_minutes else None
    async with context.http(
        address,
        auth=auth,
        explain=explain,
        budget=budget,
        hosts=auth.hosts,
        concurrency=settings.concurrency,
    ) as client:
        desk = Desk(client, where=context.instance, page_size=settings.page_size, ahead=settings.concurrency)
        yield HaloTarget(desk, settings, context, auth)


class HaloTarget:
    """Users and agents of one instance. Reads, writes, finds, counts seats, tells duties, sign-ins, ends sessions."""

    def __init__(self, desk: Desk, settings: HaloSettings, context: Context, auth: HaloAuth) -> None:
        self._desk = desk
        self._settings = settings
        self._auth = auth
        self._schema = halo_schema(settings)
        self._lists = Lists(desk)
        users, agents = user_kind(self._schema.kinds[0], settings), agent_kind(self._schema.kinds[1], settings)
        self._reader = reader = Reader(desk, self._lists, users, agents)
        self._lookups = Lookups(desk, reader)
        self._duties = Duties(desk, self._lists, context.logger)
        self._sign_in = SignInPage(desk, instance_address(settings.url, where=f"{context.instance}.url"))
        self._handing_over = HandingOver(desk, batch=settings.batch)
        self._write_users = Writer(
            desk,
            users,
            reader.of_users,
            as_account=reader.looked_up_user,
            name=reader.names(users),
            batch=settings.batch,
            clock=context.clock,
            logger=context.logger,
        )
        self._write_agents = Writer(
            desk,
            agents,
            reader.of_agents,
            as_account=reader.looked_up_agent,
            name=reader.names(agents),
            batch=settings.batch,
            clock=context.clock,
            logger=context.logger,
        )

    async def check(self) -> Sequence[Diagnostic]:
        """Sign in, ask who we are, try every list, and say what is missing with its fix."""
        return await Checkup(self._desk, self._reader, self._settings, self._auth).findings()

    async def schema(self) -> TargetSchema:
        """Kinds, fields and limits; costs no request."""
        return self._schema

    async def catalogue(self) -> Catalogue:
        """Sites, roles, teams and departments by name; each list is read once while the desk is open."""
        return await self._lists.catalogue()

    async def read(self, request: AccountsRequest) -> AsyncIterator[AccountsPage | AccountsComplete]:
        """All accounts of those kinds. Raises :class:`ContractError` rather than end early."""
        counts: dict[str, int] = {}
        if USER in request.kinds:
            counts[USER] = 0
            async for page in self._reader.read_users(request.references.get(USER, frozenset())):
                counts[USER] += len(page.accounts)
                yield page
        if AGENT in request.kinds:
            counts[AGENT] = 0
            async for page in self._reader.read_agents():
                counts[AGENT] += len(page.accounts)
                yield page
        yield AccountsComplete(counts=counts)

    async def look_up(self, lookup: Lookup) -> Sequence[Account]:
        """Single accounts by id, marker or what a field holds, inactive ones included.

        Costs a request for each, or a list of all where that costs less or nothing else is sure. Raises
        :class:`ContractError` where this instance shows nobody what was asked for.
        """
        return await self._lookups.look_up(lookup)

    async def apply(self, batch: Sequence[Change]) -> Sequence[Outcome]:
        """Write the changes in arrays; one outcome each.

        Writing the marker needs to know what somebody else keeps in its field, and memberships which flags they bear:
        what was neither read nor looked up before is looked up now.
        """
        users = [change for change in batch if change.kind == USER]
        agents = [change for change in batch if change.kind == AGENT]
        if len(users) + len(agents) != len(batch) or (users and agents):
            raise ContractError("a batch holds changes of one kind, user or agent", code="halo-batch")
        automations = self._settings.fire_automations
        if users:
            await self._lookups.acquaint(USER, _written_over(users, "departments"), markers=_relinks(users))
            bodies = Bodies(self._reader.users, self._reader.of_users, {}, fire_automations=automations)
            return await self._write_users.apply(users, bodies)
        if not agents:
            return []
        await self._reader.me()  # never write to the agent that we act as
        await self._lookups.acquaint(AGENT, _written_over(agents, "teams", "departments"), markers=_relinks(agents))
        default_team = any("team" in change.references for change in agents)
        names = {team.key: as_text(team.name) for team in await self._lists.teams()} if default_team else {}
        bodies = Bodies(self._reader.agents, self._reader.of_agents, names, fire_automations=automations)
        self._lists.spend()
        handed = await self._handing_over.before(agents)
        return [_told(outcome, handed) for outcome in await self._write_agents.apply(agents, bodies)]

    async def find(self, change: Change) -> Account | None:
        """The account a create made, by its marker; or the account as it is now."""
        if change.kind == USER:
            users = Lookback(self._desk, self._reader.users, self._reader.of_users)
            user = await (users.find(change) if change.key is None else self._desk.one(USERS, change.key))
            return None if user is None else self._reader.user(user)
        agents = Lookback(self._desk, self._reader.agents, self._reader.of_agents)
        agent = await (agents.find(change) if change.key is None else self._desk.one(AGENTS, change.key))
        if agent is None:
            return None
        self._lists.refresh()
        return await self._reader.looked_up_agent(agent)

    async def end_sessions(self, account: Account) -> None:
        """End an agent's session and revoke its tokens. Raises :class:`RejectedError` for users: no call does that."""
        if account.kind != AGENT:
            raise RejectedError(
                "Halo has no call that ends the sessions of an end user; a deactivated one cannot sign in",
                code="halo-user-sessions",
                where=self._desk.where,
            )
        await self._desk.save(AGENTS, [sign_off(account.key)])

    async def duties(self, kind: str, keys: Sequence[str]) -> Mapping[str, Sequence[Duty]]:
        """Open tickets, pending approvals, teams and departments led by these agents; users have none."""
        return await self._duties.of(keys) if kind == AGENT else {}

    async def last_sign_in(self, kind: str, key: str) -> datetime | None:
        """When somebody last signed in as this user or agent (``lastlogindate``); by which way Halo does not say."""
        rows = await (self._desk.some(AGENTS, [key]) if kind == AGENT else self._desk.some(USERS, [key]))
        return as_moment(rows[0].lastlogindate) if rows else None

    async def sign_in_addresses(self, door: Door, provider: str) -> SignInAddresses:
        """Where Halo's own sign-in comes back to from this provider, on the agents' or the portal's host."""
        return await self._sign_in.addresses(door, provider)

    async def survey_sign_in(self, link: SignInLink) -> Survey:
        """What Halo knows of the provider's application for a door."""
        return await self._sign_in.survey(link)

    async def set_up_sign_in(self, link: SignInLink) -> SetUp:
        """Tell Halo (2.210 and later) of the application, switched off; before, say what to type."""
        return await self._sign_in.set_up(link)

    async def seats(self) -> Mapping[str, Seats]:
        """Agent licences: how many there are and how many are taken."""
        body = await self._desk.get("/api/InstanceInfo")
        info = self._desk.decoded(msgspec.json.Decoder(InstanceInfo).decode, body, "/api/InstanceInfo")
        if info.licensed_agent_count is None or info.agent_count is None:
            return {}
        return {AGENT: Seats(total=int(info.licensed_agent_count), used=int(info.agent_count))}


def _told(outcome: Outcome, handed: Mapping[str, str]) -> Outcome:
    """The outcome with what became of the tickets."""
    words = [word for word in (outcome.message, handed.get(outcome.change, "")) if word]
    return msgspec.structs.replace(outcome, message="; ".join(words))


def _written_over(changes: Sequence[Change], *flagged: str) -> list[str]:
    """Ids of records that hold what a write must know: the marker's field, and memberships with flags."""
    return [
        change.key
        for change in changes
        if change.key
        and (change.action in ("adopt", "relink", "release") or not change.references.keys().isdisjoint(flagged))
    ]


def _relinks(changes: Sequence[Change]) -> bool:
    return any(change.action == "relink" for change in changes)
