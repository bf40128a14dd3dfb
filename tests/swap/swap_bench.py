"""One company that Okta and Entra ID both tell, and the program between either of them and a local desk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import httpx
import msgspec
import pytest

from at_once import at_once
from crosskey.config import load_config
from crosskey.engine.connect import Connect
from crosskey.engine.rails import Allowed
from crosskey.engine.run import RunOptions, RunResult, execute
from crosskey.engine.swap import SwapOptions, SwapResult, swap
from crosskey.journal import JournalWriter
from crosskey.plan import Change
from crosskey.plugins import load_plugins
from crosskey_sandbox.company import OFFICES, Company, Person
from crosskey_sandbox.entra import entra_app, tenant_of
from crosskey_sandbox.entra import staffing as entra_staff
from crosskey_sandbox.halo import Contact, HaloDesk, halo_app
from crosskey_sandbox.okta import okta_app
from crosskey_sandbox.okta import staffing as okta_staff
from crosskey_sandbox.stage import Stage, configuration
from fake_clock import FakeClock

Use = Literal["okta", "entra"]

NO_ADDRESS, SUSPENDED = 40, 45
"""Numbers of a colleague whom nobody gave an e-mail address, and of one who may not sign in for now."""

BERLIN_NUMBER = "+49 30 901820 77"

# What the desk counts or dates itself, and where crosskey writes whose account it is: users' other5, agents'
# federated_identity_id.
_OF_THE_DESK = frozenset({"id", "datecreated", "lastupdate", "last_modified", "other5", "federated_identity_id"})


def small_company() -> Company:
    """Sixty people: two have left, one is suspended, one has no e-mail address."""
    company = Company.generate(people=60, groups=40)
    for number, changes in {NO_ADDRESS: {"email": ""}, SUSPENDED: {"status": "suspended"}}.items():
        company.people[number - 1] = msgspec.structs.replace(company.people[number - 1], **changes)
    return company


class Quiet:
    """Watches nothing."""

    def phase(self, name: str, total: int | None) -> None:
        pass

    def advance(self, count: int) -> None:
        pass


class ByHost(httpx.AsyncBaseTransport):
    """Both directories under the name of one section: who is asked depends on the address."""

    def __init__(self, *, okta: httpx.AsyncBaseTransport, entra: httpx.AsyncBaseTransport) -> None:
        self._okta, self._entra = okta, entra

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        of = self._okta if request.url.host == "acme.okta.com" else self._entra
        return await of.handle_async_request(request)


class Program:
    """crosskey with a journal of its own, between the company's two directories and a desk that knew eight people."""

    def __init__(self, folder: Path, environment: pytest.MonkeyPatch, use: Use) -> None:
        folder.mkdir(exist_ok=True)
        self._path = folder / "crosskey.toml"
        self.clock = FakeClock()
        self.company = small_company()
        self.org = okta_staff.org_of(self.company, clock=self.clock)
        self.tenant = tenant_of(self.company, clock=self.clock)
        active = [person for person in self.company.people if person.status == "active" and person.email]
        self.desk = HaloDesk.seeded(
            offices=[office.city for office in OFFICES],
            contacts=[Contact(person.display_name, person.email) for person in active[:8]],
            clock=self.clock,
        )
        self.stage = Stage(
            company=self.company,
            org=self.org,
            desk=self.desk,
            okta_url="https://acme.okta.com",
            okta_token=self.org.api_token,
            halo_url="https://acme.haloitsm.com",
            tenant=self.tenant,
            entra_url="https://entra.example.com",
        )
        for name, secret in self.stage.secrets().items():
            environment.setenv(name, secret)
        self.use: Use = use
        self.planned: list[Change] = []
        """The changes of the last run's plan."""
        self.configure(use)

    def configure(self, use: Use, edit: Callable[[str], str] = str) -> None:
        """Write the sandbox's own configuration: the source's section differs, and what ``edit`` changes."""
        self.use = use
        self._path.write_text(at_once(edit(configuration(self.stage, use))), encoding="utf-8")

    async def run(self, kind: Literal["plan", "apply"]) -> RunResult:
        plugins = load_plugins()
        config = load_config(self._path, plugins)
        connect = Connect(clock=self.clock, transport=self._transport)
        with JournalWriter.open(config.journal.path, clock=self.clock, connection="desk") as journal:
            options = RunOptions(kind=kind, allowed=Allowed.parse(()))
            result = await execute(config, plugins, journal, connect, options, Quiet())
            self.planned = list(result.plan.changes())
            return result

    async def swap(self, to: Use, edit: Callable[[str], str] = str, **options: object) -> SwapResult:
        """Swap the section that is configured for the other one, as ``crosskey swap`` does."""
        plugins = load_plugins()
        new = self._path.with_name("new.toml")
        new.write_text(at_once(edit(configuration(self.stage, to))), encoding="utf-8")
        today, then = load_config(self._path, plugins), load_config(new, plugins)
        connect = Connect(clock=self.clock, transport=self._transport)
        chosen = SwapOptions(**{"confirm": lambda _proof: True, **options})
        with JournalWriter.open(today.journal.path, clock=self.clock, connection="desk") as journal:
            result = await swap(today, then, plugins, journal, connect, chosen, Quiet())
        if result.applied is not None and result.verdict == "clean":
            self.configure(to, edit)
        return result

    def _transport(self, instance: str) -> httpx.AsyncBaseTransport:
        if instance == "target.desk":
            return httpx.ASGITransport(app=halo_app(self.desk))
        return ByHost(
            okta=httpx.ASGITransport(app=okta_app(self.org)), entra=httpx.ASGITransport(entra_app(self.tenant))
        )

    # ------------------------------------------------------------------------------- what happens, in both directories

    def colleague(self, team: str) -> Person:
        """An active member of a team with an e-mail address: the last one hired, so no chief."""
        members = self.company.team(team).members
        return next(
            person
            for person in reversed(self.company.people)
            if person.number in members and person.status == "active" and person.email
        )

    def leaves(self, person: Person) -> None:
        okta_staff.leave(self.org, person.login)
        entra_staff.leave(self.tenant, person.login)

    def moves(self, person: Person, office: str) -> None:
        """To another office, with the number of a telephone there; the sandboxes would each give one of their own."""
        okta_staff.move(self.org, person.login, office)
        entra_staff.move(self.tenant, person.login, office)
        self.org.users.update_profile(person.login, {"primaryPhone": BERLIN_NUMBER})
        self.tenant.directory.update(person.login, {"businessPhones": [BERLIN_NUMBER]})

    def starts(self) -> Person:
        """Somebody new, of the same name in every program."""
        person = self.company.hire(office="Madrid")
        okta_staff.join(self.org, person)
        entra_staff.join(self.tenant, person)
        return person

    # ------------------------------------------------------------------------------------------------ what the desk has

    def users(self) -> list[dict[str, object]]:
        """The desk's end users by e-mail address."""
        return sorted(map(_told, self.desk.users.values()), key=lambda user: (user["emailaddress"], user["name"]))

    def agents(self) -> list[dict[str, object]]:
        """The desk's agents by e-mail address."""
        return sorted(map(_told, self.desk.agents.values()), key=lambda agent: (agent["email"], agent["name"]))

    def user(self, person: Person) -> Mapping[str, object]:
        """The one end user with the person's employee number, and the site's name instead of its id."""
        [user] = [user for user in self.desk.users.values() if user.other1 == person.employee_number]
        return {**_told(user), "site": self.desk.sites[user.site_id].name}

    def agent(self, person: Person) -> Mapping[str, object]:
        """The one agent with the person's e-mail address, and names instead of ids."""
        [agent] = [agent for agent in self.desk.agents.values() if agent.email.lower() == person.email]
        return {
            **_told(agent),
            "roles": [self.desk.roles[str(link.id)].name for link in agent.roles],
            "teams": [self.desk.teams[link.team_id].name for link in agent.teams],
            "departments": [self.desk.departments[link.department_id].name for link in agent.departments],
        }

    def markers(self) -> Iterator[str]:
        """Every external id that crosskey wrote to the desk."""
        yield from (user.other5 for user in self.desk.users.values() if user.other5)
        yield from (agent.federated_identity_id for agent in self.desk.agents.values() if agent.federated_identity_id)


def _told(record: msgspec.Struct) -> dict[str, object]:
    """An account as people see it; e-mail addresses in small letters, as they count."""
    members = {name: value for name, value in msgspec.structs.asdict(record).items() if name not in _OF_THE_DESK}
    for name in ("roles", "teams", "departments"):
        members[name] = sorted(members.get(name, ()), key=lambda link: str(link.key))
    for name in {"email", "emailaddress"} & members.keys():
        members[name] = str(members[name]).lower()
    return members
