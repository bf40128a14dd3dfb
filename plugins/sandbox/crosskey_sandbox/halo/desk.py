"""The state of one local Halo: records, the API application, and logs of what was asked and written.

Synthetic: every name, address and id. Ids count up from fixed numbers, so a desk is the same each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeVar, cast
from uuid import NAMESPACE_URL, uuid5

import msgspec

from crosskey.clock import Clock, SystemClock
from crosskey_sandbox.halo.faults import Fault, Faults
from crosskey_sandbox.halo.quirks import HaloQuirks
from crosskey_sandbox.halo.records import (
    Agent,
    Approval,
    Client,
    Department,
    Key,
    Organisation,
    Record,
    Role,
    SingleSignOnApplication,
    Site,
    Team,
    Ticket,
    User,
    UserRole,
)
from crosskey_sandbox.halo.seeding import CONTACTS, OFFICES, Contact, seed

__all__ = ("Application", "HaloDesk", "RequestLog", "SessionEnd", "Write")

R = TypeVar("R", bound=Record)
Action = Literal["create", "update", "delete"]


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """The API application: client credentials, and the agent whose rights it has. Synthetic values."""

    client_id: str = "crosskey-sandbox"
    client_secret: str = "sandbox-halo-secret"  # noqa: S105 - synthetic, of a local imitation
    tenant: str = "sandbox"
    scopes: frozenset[str] = frozenset({"all"})
    agent_id: int = 2


class RequestLog(msgspec.Struct, frozen=True):
    """One answered request; ``path`` is low-cardinality (``/api/Users/{id}``), status 0 a dropped connection."""

    method: str
    path: str
    query: Mapping[str, str]
    status: int


class Write(msgspec.Struct, frozen=True):
    """One record saved over HTTP; ``before`` is ``None`` for a create, ``after`` for a delete."""

    resource: str
    action: Action
    id: Key
    before: Record | None
    after: Record | None
    at: float


class SessionEnd(msgspec.Struct, frozen=True):
    """Sessions of an agent ended through ``_kick``, tokens revoked through ``_revoke_tokens``."""

    agent_id: int
    kicked: bool
    revoked: bool


class HaloDesk:
    """One Halo instance. Add and edit records here directly; only what comes over HTTP is in ``writes``.

    ``control`` are those of its global settings that were ever set.
    """

    def __init__(
        self,
        *,
        product: Literal["itsm", "psa"] = "itsm",
        quirks: HaloQuirks | None = None,
        application: Application | None = None,
        clock: Clock | None = None,
        seats: int = 50,
    ) -> None:
        self.product: Literal["itsm", "psa"] = product
        self._quirks = quirks or HaloQuirks()
        self.application = application or Application()
        self.clock: Clock = clock or SystemClock()
        self.seats = seats
        self.tables: dict[str, dict[Key, Record]] = {
            name: {}
            for name in (
                *("Users", "Agent", "Client", "Site", "Team", "Roles", "UserRoles", "TopLevel", "Organisation"),
                *("Tickets", "TicketApproval", "SingleSignOnApplication"),
            )
        }
        self.busy_agents: set[int] = set()
        self.control: dict[str, str | bool] = {}
        self.requests: list[RequestLog] = []
        self.writes: list[Write] = []
        self.session_ends: list[SessionEnd] = []
        self.faults = Faults()
        self.tokens: dict[str, tuple[float, frozenset[str]]] = {}
        self.encoded: dict[Key, bytes] = {}
        self.selections: dict[tuple[object, ...], tuple[Key, ...]] = {}
        self._next: dict[str, int] = {}

    @classmethod
    def seeded(
        cls,
        *,
        client: str = "Acme",
        offices: Sequence[str] = OFFICES,
        contacts: Sequence[Contact] = CONTACTS,
        product: Literal["itsm", "psa"] = "itsm",
        quirks: HaloQuirks | None = None,
        clock: Clock | None = None,
        seats: int = 50,
    ) -> HaloDesk:
        """A desk as a company has it before a directory is connected; the same each time.

        One client with a site per office and *Main*, teams, roles, user roles, departments, agents (2 is the API-only
        one), and ``contacts`` as users: every third is inactive, addresses are written with a capital (matching must
        not mind), and the last contact's address is shared by a second user, so adopting it is ambiguous.
        """
        desk = cls(product=product, quirks=quirks, clock=clock, seats=seats)
        seed(desk, client=client, offices=offices, contacts=contacts)
        return desk

    @property
    def quirks(self) -> HaloQuirks:
        """The switches; assign a new struct at any time."""
        return self._quirks

    @quirks.setter
    def quirks(self, quirks: HaloQuirks) -> None:
        self._quirks = quirks
        self.encoded.clear()
        self.selections.clear()

    # ----------------------------------------------------------------------------------------------------- typed tables

    @property
    def users(self) -> dict[int, User]:
        """End users by id, general users included."""
        return cast("dict[int, User]", self.tables["Users"])

    @property
    def agents(self) -> dict[int, Agent]:
        """Agents by id, the API agent and *Unassigned* included."""
        return cast("dict[int, Agent]", self.tables["Agent"])

    @property
    def clients(self) -> dict[int, Client]:
        """Clients by id."""
        return cast("dict[int, Client]", self.tables["Client"])

    @property
    def sites(self) -> dict[int, Site]:
        """Sites by id."""
        return cast("dict[int, Site]", self.tables["Site"])

    @property
    def teams(self) -> dict[int, Team]:
        """Teams by id."""
        return cast("dict[int, Team]", self.tables["Team"])

    @property
    def roles(self) -> dict[str, Role]:
        """Agent roles by GUID."""
        return cast("dict[str, Role]", self.tables["Roles"])

    @property
    def user_roles(self) -> dict[int, UserRole]:
        """End-user roles by id."""
        return cast("dict[int, UserRole]", self.tables["UserRoles"])

    @property
    def departments(self) -> dict[int, Department]:
        """Nodes of the tree by id: customer groups and departments."""
        return cast("dict[int, Department]", self.tables["TopLevel"])

    @property
    def organisations(self) -> dict[int, Organisation]:
        """Organisations by id."""
        return cast("dict[int, Organisation]", self.tables["Organisation"])

    @property
    def tickets(self) -> dict[int, Ticket]:
        """Tickets by id, closed ones included."""
        return cast("dict[int, Ticket]", self.tables["Tickets"])

    @property
    def approvals(self) -> dict[int, Approval]:
        """Approval steps by id."""
        return cast("dict[int, Approval]", self.tables["TicketApproval"])

    # ------------------------------------------------------------------------------------------------ records by hand

    def add_client(self, name: str, **members: object) -> Client:
        """A client. Sites are added separately."""
        return self._add("Client", Client, name=name, **members)

    def add_site(self, client_id: int, name: str, **members: object) -> Site:
        """A site and, as Halo does, its *General User*."""
        return self._add("Site", Site, name=name, client_id=client_id, **members)

    def add_user(self, name: str, site_id: int, **members: object) -> User:
        """An end user."""
        return self._add("Users", User, name=name, site_id=site_id, datecreated=self.today(), **members)

    def add_agent(self, name: str, **members: object) -> Agent:
        """An agent."""
        return self._add("Agent", Agent, name=name, datecreated=self.today(), **members)

    def add_team(self, name: str, **members: object) -> Team:
        """A team."""
        return self._add("Team", Team, name=name, **members)

    def add_role(self, name: str, **members: object) -> Role:
        """An agent role; its GUID follows from its name."""
        return self._add("Roles", Role, name=name, **members)

    def add_user_role(self, name: str, **members: object) -> UserRole:
        """An end-user role."""
        return self._add("UserRoles", UserRole, name=name, **members)

    def add_department(self, name: str, **members: object) -> Department:
        """A node of the tree; ``agent_department=True`` makes it a department."""
        return self._add("TopLevel", Department, name=name, **members)

    def add_organisation(self, name: str, **members: object) -> Organisation:
        """The operating company."""
        return self._add("Organisation", Organisation, name=name, **members)

    def add_ticket(self, summary: str, agent_id: int, **members: object) -> Ticket:
        """A ticket of an agent, open unless ``closed=True``."""
        return self._add("Tickets", Ticket, name="", summary=summary, agent_id=agent_id, **members)

    def add_approval(self, ticket_id: int, agent_id: int, **members: object) -> Approval:
        """A step of a ticket that waits for an agent."""
        return self._add("TicketApproval", Approval, name="", ticket_id=ticket_id, agent_id=agent_id, **members)

    def has_open_work(self, agent_id: int) -> bool:
        """Whether somebody has open tickets."""
        mine = (ticket for ticket in self.tickets.values() if ticket.agent_id == agent_id)
        return agent_id in self.busy_agents or any(not ticket.closed for ticket in mine)

    def edit(self, record: R, **members: object) -> R:
        """Somebody changes a record by hand: not in ``writes``."""
        after = msgspec.structs.replace(record, **members)
        self.put(self.resource_of(record), after)
        return after

    def sign_in(self, who: R) -> R:
        """Somebody signs in by the desk's own page: synthetic, for there is none here, only the date that it leaves."""
        return self.edit(who, lastlogindate=self.today())

    def put(self, resource: str, record: Record) -> None:
        """Keep the record; whatever was remembered about lists is forgotten."""
        new = record.id not in self.tables[resource]
        self.tables[resource][record.id] = record
        self.touched(resource, record.id)
        if new and isinstance(record, Site):
            general = User(id=self.next_id("Users"), name="General User", site_id=int(record.id), general=True)
            self.put("Users", general)

    def drop(self, resource: str, key: Key) -> Record:
        """Forget the record, and with a site its *General User*."""
        record = self.tables[resource].pop(key)
        self.touched(resource, key)
        if isinstance(record, Site):
            for user in [user for user in self.users.values() if user.general and user.site_id == key]:
                self.drop("Users", user.id)
        return record

    def undo(self, writes: int, session_ends: int) -> None:
        """Take back everything written after that many writes, as a transaction that fails does."""
        while len(self.writes) > writes:
            write = self.writes.pop()
            if write.before is None:
                self.drop(write.resource, write.id)
            else:
                self.put(write.resource, write.before)
        del self.session_ends[session_ends:]

    def touched(self, resource: str, key: Key) -> None:
        """Invalidate encoded rows: those of users also name their site, client, roles and departments."""
        self.selections.clear()
        if resource == "Users":
            self.encoded.pop(key, None)
        elif resource not in ("Agent", "Tickets", "TicketApproval"):
            self.encoded.clear()

    def next_id(self, resource: str) -> int:
        """The next sequential id."""
        self._next[resource] = self._next.get(resource, 0) + 1
        return self._next[resource]

    # -------------------------------------------------------------------------------------------------- for assertions

    def counts(self) -> Counter[str]:
        """How often each ``"GET /api/Users"`` was answered."""
        return Counter(f"{entry.method} {entry.path}" for entry in self.requests)

    def fail(self, fault: Fault) -> None:
        """Let matching requests go wrong."""
        self.faults.add(fault)

    def settle(self) -> None:
        """Let every late write arrive now."""
        self.faults.settle()

    def revoke_tokens(self) -> None:
        """Every access token stops working: the next API request is 401."""
        self.tokens.clear()

    def seats_used(self) -> int:
        """Enabled agents that take a licence: API-only ones do not."""
        return sum(not (a.isdisabled or a.isapiagent or a.unassigned) for a in self.agents.values())

    def today(self) -> str:
        """Now, as Halo writes dates: ISO 8601, UTC."""
        return self.moment(self.clock.now())

    @staticmethod
    def moment(when: datetime) -> str:
        """A date as Halo writes it."""
        return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"

    @staticmethod
    def resource_of(record: Record) -> str:
        """The API resource that serves this kind of record."""
        return _RESOURCES[type(record)]

    def new_id(self, resource: str, name: str) -> Key:
        """An id for a new record: sequential, or a GUID for agent roles."""
        number = self.next_id(resource)
        return str(uuid5(NAMESPACE_URL, f"crosskey-sandbox/roles/{name}/{number}")) if resource == "Roles" else number

    def _add(self, resource: str, model: type[R], **members: object) -> R:
        key = self.new_id(resource, str(members["name"]))
        if resource == "Roles":
            members["id_int"] = self._next[resource]
        record = model(id=key, **members)  # pyright: ignore[reportArgumentType]  the struct refuses unknown names
        self.put(resource, record)
        return record


_RESOURCES: dict[type[Record], str] = {
    User: "Users",
    Agent: "Agent",
    Client: "Client",
    Site: "Site",
    Team: "Team",
    Role: "Roles",
    UserRole: "UserRoles",
    Department: "TopLevel",
    Organisation: "Organisation",
    Ticket: "Tickets",
    Approval: "TicketApproval",
    SingleSignOnApplication: "SingleSignOnApplication",
}
