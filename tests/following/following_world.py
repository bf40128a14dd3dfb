"""The whole road between directories in which anything may happen and a desk that drops answers, on one clock.

The installed program with its own plugins; requests go straight into the local vendors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Literal

import httpx
from following_directories import KEY, NAMED, Entra, Okta

from at_once import at_once
from crosskey.config import load_config
from crosskey.engine.connect import Connect
from crosskey.engine.marker import marker
from crosskey.engine.rails import Allowed
from crosskey.engine.run import RunOptions, RunResult, execute
from crosskey.errors import CrosskeyError
from crosskey.journal import JournalWriter
from crosskey.model import Subject
from crosskey.plugins import load_plugins
from crosskey_sandbox.entra import entra_app
from crosskey_sandbox.halo import Agent, Contact, HaloDesk, HaloQuirks, User, halo_app
from crosskey_sandbox.halo.faults import Faults
from crosskey_sandbox.halo.records import RoleLink
from crosskey_sandbox.okta import okta_app
from fake_clock import FakeClock

PLUGINS = load_plugins()
ALL_LAGS = 400.0
"""Seconds after which nothing lags any more, nothing unsettled is, and no second look is owed."""
KINDS = ("user", "agent")

_OKTA = """\
[source.{name}]
use = "okta"
url = "https://acme.okta.com"
{credential}
issuer = "https://{name}.example"
member_page = 5
"""
_ENTRA = """\
[source.{name}]
use = "entra"
tenant = "{tenant}"
client_id = "{client}"
client_secret = {{ file = "{name}.secret" }}
issuer = "https://{name}.example"
members = "{members}"
"""
_RULES = """\
[target.desk]
use = "halo"
url = "https://acme.haloitsm.com"
client_id = "crosskey-sandbox"
client_secret = { file = "halo.secret" }
requests_per_5_minutes = 0

[map.user]
scope = { groups = ["Staff"] }
match = ["email", "employee_number"]
leavers = { do = "disable", after = "0d" }
default = { site = "Acme / Main" }
[map.user.fields]
name = "{{ display_name }}"
emailaddress = "email"
title = "title"
other1 = "employee_number"
[[map.user.assign]]
group = "London Office"
site = "Acme / London"
[[map.user.assign]]
group = "Approvers"
roles = ["Approver"]

[map.agent]
scope = { groups = ["Service Desk"], where = "email" }
match = ["email"]
leavers = { do = "disable", after = "0d" }
[map.agent.fields]
name = "{{ display_name }}"
email = "email"
[[map.agent.assign]]
group = "Service Desk"
roles = ["Standard User"]
[[map.agent.assign]]
group = "Desk Leads"
roles = ["Team Lead"]

[rails]
first_run = "go"
max_disable = { count = 50 }
min_people = 50
"""


class KilledError(BaseException):
    """The program ends here, at once."""


class Quiet:
    """Watches nothing."""

    def phase(self, name: str, total: int | None) -> None:
        pass

    def advance(self, count: int) -> None:
        pass


class Wire(httpx.AsyncBaseTransport):
    """An application in place of a network; ``kill`` says before or after which write of how many the program ends."""

    def __init__(self, app: Any) -> None:
        self._asgi = httpx.ASGITransport(app=app)
        self.kill: tuple[Literal["before", "after"], int] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        when, left = self.kill or ("", 0)
        if when and request.method == "POST" and request.url.path.startswith("/api/"):
            self.kill = (self.kill[0], left - 1) if left and self.kill else None
        else:
            when = ""
        if when == "before" and not left:
            raise KilledError
        try:
            answer = await self._asgi.handle_async_request(request)
        except ConnectionAbortedError:
            raise httpx.ReadError("connection closed", request=request) from None
        if when == "after" and not left:
            raise KilledError
        return answer


class World:
    """Directories by their section's name, a desk that knew three people, and the configured program between them."""

    def __init__(
        self, folder: Path, clock: FakeClock, directories: Mapping[str, Okta | Entra], halo: HaloQuirks
    ) -> None:
        self.clock = clock
        self.directories = directories
        contacts = [Contact(f"P{number} Example", f"p{number}@acme.example") for number in (0, 3, 12)]
        self.desk = HaloDesk.seeded(contacts=contacts, clock=clock, quirks=halo)
        self.desk.drop("Users", max(self.desk.users))  # the second user with the last one's address
        self.wires = {"target.desk": Wire(halo_app(self.desk))}
        self.wires |= {f"source.{name}": Wire(_app(each)) for name, each in directories.items()}
        self.config = load_config(self._written(folder), PLUGINS)
        self.by_hand: set[str] = set()
        """Markers of the accounts that somebody edited in the desk: only a run that reads the whole desk sees that."""
        self.switched_off: set[tuple[str, str]] = set()
        """Kinds and markers of the accounts that somebody switched off in the desk: they stay off."""
        self.reaches: Counter[str] = Counter()
        self.planned: list[tuple[str, str, str, str]] = []
        """The changes of the last run's plan: action, kind, label, marker."""

    def _written(self, folder: Path) -> Path:
        secrets = {"halo": self.desk.application.client_secret}
        text = ""
        for name, each in self.directories.items():
            if isinstance(each, Okta):
                secrets[name] = each.token if each.log else KEY.as_pem(private=True).decode()
                credential = f'token = {{ file = "{name}.secret" }}'
                if not each.log:
                    credential = f'client_id = "{each.app.client_id}"\nkey_id = "{KEY.kid}"\n'
                    credential += f'private_key = {{ file = "{name}.secret" }}\ndpop = false'
                section = _OKTA.format(name=name, credential=credential)
            else:
                client, members = each.tenant.application, "transitive" if each.transitive else "direct"
                secrets[name] = client.client_secret
                section = _ENTRA.format(name=name, tenant=each.tenant.id, client=client.client_id, members=members)
            text += section
        for name, secret in secrets.items():
            (folder / f"{name}.secret").write_text(secret, encoding="utf-8")
            (folder / f"{name}.secret").chmod(0o600)
        names = ", ".join(f'"{name}"' for name in self.directories)
        sync = f'[sync]\nfrom = [{names}]\nfull_every = "90d"\n'
        if len(self.directories) > 1:
            sync += 'same = ["employee_number", "email"]\n'
        path = folder / "crosskey.toml"
        path.write_text(at_once(text + sync + _RULES), encoding="utf-8")
        return path

    # ------------------------------------------------------------------------------------------------------- the program

    async def run(self, kind: Literal["sync", "plan"], **options: Any) -> RunResult:
        """One run. Raises what the run raises."""
        connect = Connect(clock=self.clock, transport=self.wires.get)
        with JournalWriter.open(self.config.journal.path, clock=self.clock, connection="desk") as journal:
            chosen = RunOptions(kind=kind, allowed=Allowed.parse(()), **options)
            result = await execute(self.config, PLUGINS, journal, connect, chosen, Quiet())
            changes = list(result.plan.changes())
        self.reaches[result.reach] += 1
        self.planned = [(change.action, change.kind, change.label, marker(change.subject)) for change in changes]
        self.clock.advance(1.0)
        return result

    async def tried(self, kind: Literal["sync", "plan"], **options: Any) -> None:
        """One run of a history: it may fail, or be killed."""
        try:
            await self.run(kind, **options)
        except CrosskeyError:
            self.reaches["failed"] += 1
        except KilledError:
            self.reaches["killed"] += 1
        except BaseExceptionGroup as group:
            if group.split(KilledError)[1] is not None:
                raise
            self.reaches["killed"] += 1

    def wait(self, seconds: float) -> None:
        """Time passes, and late requests are carried out when it is their time, not when the next one comes."""
        end = self.clock.elapsed + seconds
        while self.clock.elapsed < end:
            self.clock.advance(min(5.0, seconds))
            self.desk.faults.due(self.clock.monotonic())

    def calm(self) -> None:
        """No fault strikes any more, and every late request is carried out."""
        self.wires["target.desk"].kill = None
        self.desk.faults.settle()
        self.desk.faults = Faults()

    # ------------------------------------------------------------------------------------------------ edits in the desk

    def accounts(self, kind: str, mark: str) -> list[User | Agent]:
        """The desk's records that bear a marker."""
        if kind == "user":
            return [user for user in self.desk.users.values() if user.other5 == mark]
        return [agent for agent in self.desk.agents.values() if agent.federated_identity_id == mark]

    def ours(self) -> list[tuple[str, str, User | Agent]]:
        """Everything in the desk that crosskey marked: kind, marker, record."""
        users = [("user", user.other5, user) for user in self.desk.users.values() if user.other5.startswith("ck-")]
        agents = [
            ("agent", agent.federated_identity_id, agent)
            for agent in self.desk.agents.values()
            if agent.federated_identity_id.startswith("ck-")
        ]
        return [*users, *agents]

    def edit_by_hand(self, what: str, which: int) -> None:
        """Somebody edits one of crosskey's accounts in the desk."""
        ours = self.ours()
        if not ours:
            return
        kind, mark, record = ours[which % len(ours)]
        self.by_hand.add(mark)
        if what == "delete":
            self.desk.drop(self.desk.resource_of(record), record.id)
        elif what == "off":
            self.switched_off.add((kind, mark))
            self.desk.edit(record, **{"inactive" if kind == "user" else "isdisabled": True})
        elif what == "role":
            table = self.desk.user_roles if kind == "user" else self.desk.roles
            role = next(role.id for role in table.values() if role.name in {"Site Manager", "Read Only"})
            if all(link.id != role for link in record.roles):
                self.desk.edit(record, roles=(*record.roles, RoleLink(id=role)))
        else:
            self.desk.edit(record, name="Edited by hand")

    # ------------------------------------------------------------------------------------------------- what must hold

    def assert_no_marker_doubled(self) -> None:
        """Each person has one account of a kind."""
        marks = Counter((kind, mark) for kind, mark, _ in self.ours())
        assert not [mark for mark, count in marks.items() if count > 1], marks

    def assert_desk(self, *, held: AbstractSet[str]) -> None:
        """Nobody doubled, nobody wrongly off, nobody left in, and nobody with rights of a group they are not in.

        Told without the program: from the directories and the desk alone. ``held`` are markers of people about whom a
        person must decide.
        """
        self.assert_no_marker_doubled()
        on = [("user", one.emailaddress.casefold()) for one in self.desk.users.values() if not one.inactive]
        on += [("agent", one.email.casefold()) for one in self.desk.agents.values() if not one.isdisabled]
        assert not [mail for mail, count in Counter(on).items() if count > 1 and mail[1]]
        wanted = self.wanted()
        for (kind, mark), rights in wanted.items():
            if not (mark in held or (kind, mark) in self.switched_off):
                [account] = self.accounts(kind, mark)
                assert _on(account), f"off: {account}"
                assert self._mapped_rights(account) == rights, (account, rights)
        left_in = [(kind, one) for kind, mark, one in self.ours() if _on(one) and (kind, mark) not in wanted]
        assert not left_in

    def wanted(self) -> dict[tuple[str, str], frozenset[str]]:
        """Kind and marker of each account that must be on, with the roles that groups give.

        Whom crosskey takes for one person (its journal says whom), somebody who is active in any directory counts, and
        so do the groups of those in which they are active.
        """
        with JournalWriter.open(self.config.journal.path, clock=self.clock, connection="desk") as journal:
            leads = dict(journal.all_vouchers())
        wanted: dict[tuple[str, str], frozenset[str]] = {}
        groups: dict[str, set[str]] = {}
        for name, directory in self.directories.items():
            inside = {group: directory.inside(group) for group in NAMED}
            for who in directory.people:
                known, subject = directory.now(who), Subject(f"https://{name}.example", who)
                if known is not None and known.active:
                    held = groups.setdefault(marker(leads.get(subject, subject)), set())
                    held.update(group for group, members in inside.items() if who in members)
        for mark, held in groups.items():
            if "Staff" in held:
                wanted["user", mark] = frozenset({"Approver"} if "Approvers" in held else ())
            if "Service Desk" in held:
                wanted["agent", mark] = frozenset({"Standard User", *({"Team Lead"} if "Desk Leads" in held else ())})
        return wanted

    def _mapped_rights(self, account: User | Agent) -> frozenset[str]:
        table = self.desk.user_roles if isinstance(account, User) else self.desk.roles
        names = {
            record.name for key, record in table.items() if any(str(link.id) == str(key) for link in account.roles)
        }
        return frozenset(names & {"Approver", "Team Lead", "Standard User"})


def _on(account: User | Agent) -> bool:
    return not (account.inactive if isinstance(account, User) else account.isdisabled)


def _app(directory: Okta | Entra) -> Any:
    return okta_app(directory.org) if isinstance(directory, Okta) else entra_app(directory.tenant)
