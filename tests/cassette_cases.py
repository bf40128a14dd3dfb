"""The cassettes: what is asked in each, of which local vendor, and the name it replays under.

One function drives a case when it is recorded and when it is replayed; ``cassettes_record.py`` gives it the local vendor,
the replay tests give it nothing but the cassette. Everything in them is synthetic.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from joserfc.jwk import RSAKey

from cassette_entra import ENTRA_CASES, ENTRA_NAME, as_app
from changes_fold import Known, followed, read_whole
from crosskey.connector.source import GroupsPage, MembersPage, PeoplePage, ReadComplete, ReadRequest
from crosskey.connector.target import AccountsComplete, AccountsRequest
from crosskey.context import InstanceContext
from crosskey.errors import RejectedError
from crosskey.model import GroupSelection, Subject
from crosskey.plan import Change, FieldChange, ReferenceChange
from crosskey.settings import Secret
from crosskey_entra import crosskey_sources as entra_sources
from crosskey_halo import HaloSettings, crosskey_targets
from crosskey_okta import OktaSettings, crosskey_sources
from crosskey_sandbox.company import OFFICES, Company
from crosskey_sandbox.halo import Application, Contact, Fault, HaloDesk, HaloQuirks
from crosskey_sandbox.okta import NO_ROLE, READ_ONLY, SUPER_ADMIN, OktaOrg, OktaQuirks, org_of
from crosskey_sandbox.okta import Fault as OktaFault
from fake_clock import FakeClock

CASSETTES = Path(__file__).parents[1] / "cassettes"
OKTA_NAME, HALO_NAME = "okta.example.test", "halo.example.test"
API_TOKEN, APP_ID, HALO_SECRET = "00canaryApiToken", "0oaserviceapp000005d7", "canary-halo-secret"
HOOK_SECRET, HOOK_URL = "canary-hook-secret", f"https://{HALO_NAME}/hooks/corp"
_NAMES = {"okta": OKTA_NAME, "entra": ENTRA_NAME, "halo": HALO_NAME}
ISSUER = "https://okta.example.test"
PEOPLE, GROUPS = 36, 8
PAGE = 25
"""Okta answers with shorter pages than asked for, so that 36 people are two of them."""

Open = AbstractAsyncContextManager[Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One cassette. ``vendor`` makes the local vendor for recording; ``settings`` are those of the connector."""

    path: str
    vendor: Callable[[FakeClock], Any]
    play: Callable[[Any], Awaitable[Any]]
    settings: Callable[[str], Any]

    @property
    def file(self) -> Path:
        return CASSETTES / f"{self.path}.yaml"

    @property
    def name(self) -> str:
        return _NAMES[self.path.partition("/")[0]]

    def open(self, url: str, clock: FakeClock) -> Open:
        """The connector, opened through its plugin's spec, as the core opens it."""
        spec, instance = {
            "okta": lambda: (crosskey_sources()[0], "source.corp"),
            "entra": lambda: (entra_sources()[0], "source.corp"),
            "halo": lambda: (crosskey_targets()[0], "target.desk"),
        }[self.path.partition("/")[0]]()
        return spec.open(self.settings(url), InstanceContext(instance, clock=clock))


# ---------------------------------------------------------------------------------------------------------------- Okta


def with_token(url: str) -> OktaSettings:
    # One request at a time: recording anew gives the same file.
    return OktaSettings(url=url, token=Secret(API_TOKEN), issuer=ISSUER, concurrency=1, member_page=PAGE)


def with_hook(url: str) -> OktaSettings:
    return OktaSettings(url=url, token=Secret(API_TOKEN), issuer=ISSUER, concurrency=1, hook_secret=Secret(HOOK_SECRET))


@cache
def private_key() -> str:
    return RSAKey.generate_key(2048).as_pem(private=True).decode()


def with_app(url: str) -> OktaSettings:
    return OktaSettings(url=url, client_id=APP_ID, private_key=Secret(private_key()), issuer=ISSUER, concurrency=1)


def company() -> Company:
    return Company.generate(people=PEOPLE, groups=GROUPS, seed=7)


def an_org(clock: FakeClock, *, people: int = 3, **quirks: Any) -> OktaOrg:
    """A small org: invented people in one group, a credential, an app."""
    org = OktaOrg(clock=clock, quirks=OktaQuirks(**quirks))
    team = org.groups.create("Service Desk", "Those who help")
    for number in range(1, people + 1):
        mail = f"person{number}@example.com"
        profile = {"login": mail, "email": mail, "firstName": f"Person{number}", "lastName": "Example"}
        org.groups.add_member(team.id, org.users.create(profile, status="ACTIVE").id)
    org.access.add_token(READ_ONLY, owner="person1@example.com", token=API_TOKEN)
    return org


def a_company(clock: FakeClock) -> OktaOrg:
    org = org_of(company(), clock=clock)
    org.access.add_token(READ_ONLY, token=API_TOKEN)
    return org


def app_org(clock: FakeClock) -> OktaOrg:
    org = an_org(clock)
    key = RSAKey.import_key(private_key())
    scopes = ("okta.users.read", "okta.groups.read", "okta.apps.read")
    org.access.add_service_app([key.as_dict(private=False)], scopes, client_id=APP_ID)
    return org


def without_role(clock: FakeClock) -> OktaOrg:
    org = an_org(clock)
    org.access.set_rights(API_TOKEN, NO_ROLE)
    return org


def org_with_a_leaver(clock: FakeClock) -> OktaOrg:
    org = an_org(clock)
    org.users.deactivate("person2@example.com")
    return org


def org_in_motion(clock: FakeClock) -> OktaOrg:
    """An org where, a moment ago, somebody left, somebody was deleted, and a group was made and another deleted."""
    org = an_org(clock, people=4)
    org.users.deactivate("person2@example.com")
    while not org.users.delete("person3@example.com"):
        pass
    org.groups.create("Night shift")
    org.groups.delete(org.groups.create("Day shift").id)
    return org


def org_with_hooks(clock: FakeClock) -> OktaOrg:
    org = an_org(clock)
    org.access.set_rights(API_TOKEN, SUPER_ADMIN)
    return org


@dataclass
class Read:
    """What a read of a source brought, typed."""

    people: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, Any] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    pages: list[int] = field(default_factory=list)
    complete: ReadComplete | None = None


def reading(*groups: str, apps: tuple[str, ...] = ()) -> Callable[[Any], Awaitable[Read]]:
    """A full read that wants the members of these groups and apps."""

    async def play(source: Any) -> Read:
        read = Read()
        request = ReadRequest(
            groups=GroupSelection(names=frozenset(groups), where="source.corp"),
            apps=GroupSelection(names=frozenset(apps), kind="app", where="source.corp"),
            attributes=frozenset({"floor"}) if apps else frozenset(),
        )
        async for page in source.read(request):
            match page:
                case PeoplePage(people):
                    read.pages.append(len(people))
                    read.people |= {person.subject.id: person for person in people}
                case GroupsPage(found):
                    read.groups |= {group.name: group for group in found}
                case MembersPage(group, members):
                    read.members.setdefault(group, set()).update(members)
                case ReadComplete():
                    read.complete = page
        return read

    return play


async def checking(connector: Any) -> dict[str, str]:
    return {finding.code: finding.severity for finding in await connector.check()}


async def finding(source: Any) -> list[Any]:
    """One who left, and one whom Okta never knew."""
    read = await reading()(source)
    [left] = [person.subject for person in read.people.values() if person.active is False]
    return [await source.find(left), await source.find(Subject(ISSUER, "00uneverthere000005d7"))]


async def following(source: Any) -> tuple[Known, Known, list[Any]]:
    """What a full read knows, and two rounds of changes later; and the last round's pages."""
    groups = GroupSelection(names=frozenset({"Service Desk"}), where="source.corp")
    request = ReadRequest(groups=groups, attributes=frozenset(), changes=True)
    first = await read_whole(source, request)
    second = await followed(source, first, request)
    pages = [page async for page in source.read_changes(second.cursor, request)]
    return first, second, pages


async def keeping_a_hook(source: Any) -> list[Any]:
    """Subscriptions: after one was made that nobody answers, and after it was removed."""
    with suppress(RejectedError):
        await source.subscribe(HOOK_URL)
    made = await source.subscriptions()
    for subscription in made:
        await source.unsubscribe(subscription)
    return [*made, *await source.subscriptions()]


# ---------------------------------------------------------------------------------------------------------------- Halo


def as_application(url: str) -> HaloSettings:
    return HaloSettings(
        url=url, client_id="crosskey-sandbox", client_secret=Secret(HALO_SECRET), page_size=PAGE, concurrency=1
    )


def a_desk(*faults: Fault, contacts: int = 0, **quirks: Any) -> Callable[[FakeClock], HaloDesk]:
    def make(clock: FakeClock) -> HaloDesk:
        known = [Contact(f"Person{number} Example", f"person{number}@example.com") for number in range(contacts)]
        desk = HaloDesk.seeded(
            offices=[office.city for office in OFFICES[:3]], contacts=known, quirks=HaloQuirks(**quirks), clock=clock
        )
        desk.application = Application(client_secret=HALO_SECRET)
        for fault in faults:
            desk.fail(fault)
        return desk

    return make


async def reading_the_desk(target: Any) -> tuple[Any, dict[tuple[str, str], Any], Any]:
    """Catalogue, accounts by kind and key, and the closing page."""
    catalogue = await target.catalogue()
    accounts, end = {}, None
    async for page in target.read(AccountsRequest(kinds=frozenset({"user", "agent"}))):
        if isinstance(page, AccountsComplete):
            end = page
        else:
            accounts |= {(account.kind, account.key): account for account in page.accounts}
    return catalogue, accounts, end


def a_create(number: int, **fields: str) -> Change:
    written = {"name": f"New{number} Example", "emailaddress": f"new{number}@example.com", **fields}
    return Change(
        id=f"user:{number}",
        action="create",
        kind="user",
        subject=Subject(ISSUER, f"00u{number}"),
        label=written["name"],
        marker=f"ck-{number:024d}",
        active=FieldChange(before=False, after=True),
        fields={name: FieldChange(None, value) for name, value in written.items()},
        references={"site": ReferenceChange((), ("1",))},
    )


async def creating(target: Any) -> list[Any]:
    return list(await target.apply([a_create(number) for number in range(1, 13)]))


async def creating_one_bad(target: Any) -> list[Any]:
    """Eight in one array, the sixth with a name that the desk refuses."""
    changes = [a_create(number, **({"name": "N" * 300} if number == 6 else {})) for number in range(1, 9)]
    return list(await target.apply(changes))


async def disabling_an_agent(target: Any) -> tuple[list[Any], Any]:
    """The outcome, and the agent as it is then."""
    _, accounts, _ = await reading_the_desk(target)
    [agent] = [account for account in accounts.values() if account.label == "Jonas Brandt"]
    change = Change(
        id="agent:leaver",
        action="disable",
        kind="agent",
        subject=Subject(ISSUER, "00uleaver"),
        label=agent.label,
        key=agent.key,
        active=FieldChange(before=True, after=False),
        end_sessions=True,
    )
    return list(await target.apply([change])), await target.find(change)


CASES = {
    case.path: case
    for case in (
        *(Case(path=path, vendor=vendor, play=play, settings=as_app) for path, (vendor, play) in ENTRA_CASES.items()),
        Case(
            path="okta/full-read",
            vendor=a_company,
            play=reading("All Staff", "Service Desk", apps=("Acme Service Desk",)),
            settings=with_token,
        ),
        Case(path="okta/oauth-dpop-read", vendor=app_org, play=reading("Service Desk"), settings=with_app),
        Case(path="okta/check", vendor=an_org, play=checking, settings=with_token),
        Case(
            path="okta/rate-limited",
            vendor=lambda clock: an_org(
                clock, faults=(OktaFault(kind="minute_429", path="/api/v1/users", times=1, wait=17),)
            ),
            play=reading("Service Desk"),
            settings=with_token,
        ),
        Case(path="okta/empty-without-role", vendor=without_role, play=reading(), settings=with_token),
        Case(path="okta/find-gone", vendor=org_with_a_leaver, play=finding, settings=with_token),
        Case(path="okta/changes", vendor=org_in_motion, play=following, settings=with_token),
        Case(path="okta/event-hook", vendor=org_with_hooks, play=keeping_a_hook, settings=with_hook),
        Case(
            path="halo/read-catalogue-and-accounts",
            vendor=a_desk(contacts=40),
            play=reading_the_desk,
            settings=as_application,
        ),
        Case(path="halo/create-batch", vendor=a_desk(), play=creating, settings=as_application),
        Case(
            path="halo/bisect-refused",
            vendor=a_desk(long_text="refuse"),
            play=creating_one_bad,
            settings=as_application,
        ),
        Case(path="halo/disable-agent", vendor=a_desk(), play=disabling_an_agent, settings=as_application),
        Case(path="halo/check", vendor=a_desk(contacts=3), play=checking, settings=as_application),
        Case(
            path="halo/rate-limited",
            vendor=a_desk(Fault(effect="throttled", method="GET", resource="Users", times=2)),
            play=reading_the_desk,
            settings=as_application,
        ),
    )
}
