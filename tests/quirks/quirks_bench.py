"""The whole road in one process: the installed program between a local Okta and a local Halo, on a clock of its own.

Requests go straight into the vendors' applications; a connection that the desk drops is a read error, as over a socket.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import ceil
from pathlib import Path

import httpx
from joserfc.jwk import RSAKey
from quirks_company import MAPPED, RULES, a_company, a_day_passes, a_desk, an_org

from at_once import at_once
from crosskey.config import load_config
from crosskey.engine.connect import Connect
from crosskey.engine.rails import Allowed
from crosskey.engine.run import RunOptions, RunResult, execute
from crosskey.journal import JournalWriter
from crosskey.plan import Change
from crosskey.plugins import load_plugins
from crosskey_sandbox.halo import Agent, HaloDesk, HaloQuirks, User, halo_app
from crosskey_sandbox.okta import READ_ONLY, OktaQuirks, okta_app
from fake_clock import FakeClock

OKTA, HALO = "https://acme.okta.com", "https://acme.haloitsm.com"
SETTLE = 30.0

PLUGINS = load_plugins()
KEY = RSAKey.generate_key(2048, auto_kid=True)
State = Mapping[tuple[str, str], tuple[object, ...]]

_SECTIONS = """\
[source.corp]
use = "okta"
url = "{okta}"
member_page = {member_page}
{credential}
[target.desk]
use = "halo"
url = "{halo}"
client_id = "crosskey-sandbox"
client_secret = {{ file = "halo.secret" }}
{target}
"""
_TOKEN = 'token = { file = "okta.token" }\n'


class Wire(httpx.AsyncBaseTransport):
    """An application in place of a network."""

    def __init__(self, app) -> None:
        self._asgi = httpx.ASGITransport(app=app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._asgi.handle_async_request(request)
        except ConnectionAbortedError:
            raise httpx.ReadError("connection closed", request=request) from None


class Quiet:
    """Watches nothing."""

    def phase(self, name: str, total: int | None) -> None:
        pass

    def advance(self, count: int) -> None:
        pass


class World:
    """One company, its org, its desk and the configured program between them."""

    def __init__(
        self,
        folder: Path,
        *,
        okta: OktaQuirks | None = None,
        halo: HaloQuirks | None = None,
        people: int = 40,
        app: bool = False,
        target: str = "",
        source: str = "",
        seats: int = 40,
        member_page: int = 10,
        clock: FakeClock | None = None,
    ) -> None:
        self._member_page = member_page
        self.clock = clock or FakeClock()
        self.company, self.parts = a_company(people)
        self.org = an_org(self.company, self.parts, self.clock, okta or OktaQuirks())
        self.desk: HaloDesk = a_desk(self.company, self.parts, self.clock, halo or HaloQuirks(), seats=seats)
        self.seeded = {name: dict(table) for name, table in self.desk.tables.items()}
        self.wires = {"source.corp": Wire(okta_app(self.org)), "target.desk": Wire(halo_app(self.desk))}
        self.config = load_config(self._written(folder, app=app, target=target, source=source), PLUGINS)
        self.changes: list[Change] = []
        self.results: list[RunResult] = []

    def _written(self, folder: Path, *, app: bool, target: str, source: str) -> Path:
        secrets = {
            "halo.secret": self.desk.application.client_secret,
            "okta.token": self.org.access.add_token(READ_ONLY),
        }
        credential = _TOKEN
        if app:
            scopes = ("okta.users.read", "okta.groups.read")
            client = self.org.access.add_service_app([KEY.as_dict(private=False)], scopes)
            secrets["okta.pem"] = KEY.as_pem(private=True).decode()
            credential = (
                f'client_id = "{client.client_id}"\nprivate_key = {{ file = "okta.pem" }}\nkey_id = "{KEY.kid}"\n'
            )
            credential += f"scopes = {list(scopes)}\n".replace("'", '"')
        for name, text in secrets.items():
            (folder / name).write_text(text, encoding="utf-8")
            (folder / name).chmod(0o600)
        head = _SECTIONS.format(
            member_page=self._member_page, okta=OKTA, halo=HALO, credential=credential + source, target=target
        )
        path = folder / "crosskey.toml"
        path.write_text(at_once(head + RULES.format(protected=self.parts.protected)), encoding="utf-8")
        return path

    async def sync(self, kind: str = "sync", *allow: str) -> RunResult:
        """One run of the engine; its changes are in ``changes``."""
        path = self.config.journal.path
        connect = Connect(clock=self.clock, transport=self.wires.get)
        options = RunOptions(kind=kind, allowed=Allowed.parse(allow))
        self.changes = []
        with JournalWriter.open(path, clock=self.clock, connection="desk") as journal:
            result = await execute(self.config, PLUGINS, journal, connect, options, Quiet())
            self.changes = list(result.plan.changes())
        self.results.append(result)
        self.clock.advance(1.0)
        return result

    def a_day_passes(self) -> None:
        """What happens in the company between two syncs."""
        self.clock.advance(86_400.0)
        a_day_passes(self.org, self.company, self.parts)
        busy = (agent.id for agent in self.desk.agents.values() if agent.email == self.parts.leaver)
        self.desk.busy_agents.update(busy)

    def did(self) -> list[str]:
        """The last plan in short."""
        return sorted(f"{change.action} {change.kind} {change.label[:40]}" for change in self.changes)

    # ------------------------------------------------------------------------------------------------ what must hold

    def state(self) -> State:
        """What the desk holds of everybody, by kind and e-mail address; ids and markers left out."""
        found: dict[tuple[str, str], tuple[object, ...]] = {}
        for user in self.desk.users.values():
            if not user.general:
                key = ("user", user.emailaddress.casefold() + ("" if "(old)" not in user.name else " old"))
                assert key not in found, f"doubled: {key}"
                found[key] = self._user(user)
        for agent in self.desk.agents.values():
            key = ("agent", agent.email.casefold() or agent.name)
            assert key not in found, f"doubled: {key}"
            found[key] = self._agent(agent)
        return found

    def _user(self, user: User) -> tuple[object, ...]:
        desk = self.desk
        names = (user.name, user.firstname, user.surname, user.title, user.phonenumber, user.other1)
        roles = {desk.user_roles[int(link.id)].name for link in user.roles}
        departments = {desk.departments[link.department_id].name for link in user.departments}
        return (not user.inactive, desk.sites[user.site_id].name, *names, frozenset(roles), frozenset(departments))

    def _agent(self, agent: Agent) -> tuple[object, ...]:
        desk = self.desk
        roles = {desk.roles[str(link.id)].name for link in agent.roles}
        teams = {(desk.teams[link.team_id].name, link.is_manager) for link in agent.teams}
        departments = {desk.departments[link.department_id].name for link in agent.departments}
        names = (agent.name, agent.firstname, agent.surname)
        return (not agent.isdisabled, *names, frozenset(roles), frozenset(teams), frozenset(departments))

    def assert_nobody_touched_who_is_not_ours(self) -> None:
        """General Users, protected people, everybody the directory does not know, and what was given by hand."""
        desk, parts = self.desk, self.parts
        mails = {person.email.casefold() for person in self.company.people if person.email}
        for table in ("Users", "Agent"):
            for key, before in self.seeded[table].items():
                mail = str(getattr(before, "emailaddress", "") or getattr(before, "email", "")).casefold()
                if mail not in mails or mail == parts.protected.casefold():
                    assert desk.tables[table].get(key) == before, f"touched: {before}"
        state = self.state()
        hand = state["agent", parts.adopted.casefold()]
        assert "Read Only" in hand[4] and ("3rd Line", True) in hand[5] and "Facilities" in hand[6]  # noqa: PT018 - one fact
        assert ("2nd Line", False) in hand[5]
        user = state["user", parts.unapproved.casefold()]
        assert "Site Manager" in user[-2] and "HR" in user[-1]  # noqa: PT018 - one fact
        assert not [write for write in desk.writes if write.action == "delete"]

    def assert_nothing_doubled(self) -> None:
        """Each account was made once, and each marker is on one record."""
        self.state()
        for table, fields in (
            (self.desk.users.values(), ("other5", "federated_identity_id", "third_party_relational_id", "oktaid")),
            (self.desk.agents.values(), ("federated_identity_id", "oktaid", "third_party_guid")),
        ):
            for field in fields:
                marks = Counter(mark for record in table if (mark := getattr(record, field)).startswith("ck-"))
                assert all(count == 1 for count in marks.values()), (field, marks)

    def requests(self) -> Counter[str]:
        """What was asked of either vendor since the last call."""
        counts = Counter(f"okta {seen.method} {seen.path}" for seen in self.org.requests)
        counts.update({f"halo {name}": count for name, count in self.desk.counts().items()})
        self.org.requests.clear()
        self.desk.requests.clear()
        return counts

    def formula(self) -> int:
        """What a sync that changes nothing may cost: lists by their length, never anything by the person."""
        org, desk = self.org, self.desk
        page, members_page = min(100, desk.quirks.page_cap), min(10, org.quirks.members_limit)
        gone = sum(user.status == "DEPROVISIONED" for user in org.users.roll)
        mapped = [group for name in MAPPED for group in org.groups.named(name)]
        members = [max(1, ceil(len(org.groups.members(group.id)) / members_page)) for group in mapped]
        okta = max(1, ceil((len(org.users.roll) - gone) / 200)) + max(1, ceil(gone / 200)) + 1 + sum(members)
        users = sum(not user.general for user in desk.users.values())
        lists = ceil(users / page) + ceil(len(desk.sites) / page) + ceil(len(desk.clients) / page)
        inside = [link.department_id for user in desk.users.values() for link in user.departments]
        departments = [node.id for node in desk.departments.values() if node.agent_department]
        by_department = sum(max(1, ceil(inside.count(id_) / page)) for id_ in departments)
        sign_in, catalogue, agents, seats = 2, 4, 2, 1
        return okta + sign_in + lists + catalogue + by_department + agents + seats
