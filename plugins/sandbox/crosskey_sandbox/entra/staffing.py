"""The company in Entra ID: seeding a tenant, and what happens to people afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from crosskey.clock import Clock
from crosskey_sandbox.company import OFFICES, Company, Person, Team
from crosskey_sandbox.company.names import CULTURES, WEIGHTS
from crosskey_sandbox.entra.cell import time_text
from crosskey_sandbox.entra.quirks import EntraQuirks
from crosskey_sandbox.entra.records import Record
from crosskey_sandbox.entra.tenant import EntraTenant
from crosskey_sandbox.entra.view import View

__all__ = ("join", "leave", "move", "profile_of", "tenant_of")

_OFF = frozenset({"staged", "suspended", "deactivated"})
_FOUNDED = datetime(2019, 3, 4, 9, 0, tzinfo=UTC)
_HIRED = datetime(2019, 4, 1, 8, 0, tzinfo=UTC)
_GAP = timedelta(hours=3, seconds=17)
_SPAN = 15_000  # people hired one after another before the dates start again
_NESTS = (("All Staff", " Office"), ("Service Desk", "Service Desk L"))
_EXTENSION = "extension_7f3c1a9d5b2e4c60a8d4e6f1b3c5d7e9_floor"
_GUEST_EVERY = 40
_LEFT = 3


def tenant_of(
    company: Company,
    *,
    seed: int = 7,
    clock: Clock | None = None,
    quirks: EntraQuirks | None = None,
    nested: bool = False,
) -> EntraTenant:
    """A tenant that holds the company: the same people and groups as the local Okta of that company.

    Only Entra has, on top: guests, accounts without mail, people in the recycle bin, a group of each other kind, and a
    group that holds groups. With ``nested`` "All Staff" holds the offices' groups and "Service Desk" its lines', with
    the same people inside as before.
    """
    tenant = EntraTenant(seed=seed, clock=clock, quirks=quirks)
    random = Random(seed + 2)  # noqa: S311 - made-up data
    ids = _hire(tenant, company)
    teams = _form(tenant, company, ids)
    if nested:
        _nest(tenant, company.teams, teams, ids)
    _add_strangers(tenant, random, len(company.people))
    _add_leavers(tenant, random)
    _add_apps(tenant)
    tenant.directory.settle()
    return tenant


def profile_of(person: Person, domain: str = "") -> dict[str, object]:
    """A person's Graph properties. What is unknown is absent."""
    hired = time_text(_HIRED + _GAP * (person.number % _SPAN))
    profile: dict[str, object] = {
        "userPrincipalName": person.login,
        "displayName": person.display_name,
        "givenName": person.given_name,
        "surname": person.family_name,
        "mail": person.email,
        "mailNickname": person.login.partition("@")[0],
        "proxyAddresses": [f"SMTP:{person.email}"] if person.email else [],
        "accountEnabled": person.status not in _OFF,
        "userType": "Member",
        "jobTitle": person.title,
        "department": person.department,
        "companyName": person.organization,
        "officeLocation": person.office,
        "employeeId": person.employee_number,
        "employeeType": person.kind,
        "employeeHireDate": hired,
        "employeeOrgData": {"division": person.division, "costCenter": person.cost_center} if person.division else None,
        "businessPhones": [person.work_phone] if person.work_phone else [],
        "mobilePhone": person.mobile_phone,
        "streetAddress": person.street,
        "city": person.office,
        "state": person.region,
        "postalCode": person.postal_code,
        "country": person.country,
        "usageLocation": person.country,
        "preferredLanguage": person.locale.replace("_", "-"),
        "createdDateTime": hired,
        "identities": [{"signInType": "userPrincipalName", "issuer": domain, "issuerAssignedId": person.login}],
        _EXTENSION: person.floor,
    }
    return {name: value for name, value in profile.items() if value not in (None, "", [], 0)} | {
        "accountEnabled": profile["accountEnabled"]
    }


def leave(tenant: EntraTenant, who: str, *, delete: bool = False) -> Record:
    """Somebody leaves the company: the account is disabled, or goes into the recycle bin."""
    if delete:
        return tenant.directory.delete(tenant.directory.find(who, "user").id)
    return tenant.directory.update(who, {"accountEnabled": False})


def move(tenant: EntraTenant, who: str, office: str) -> Record:
    """Somebody moves to another office: address and office group change."""
    place = next(place for place in OFFICES if place.city == office)
    directory = tenant.directory
    phone = place.number(_digits(directory.find(who).id))
    with tenant.cell.lock:
        user = directory.update(
            who,
            {
                "city": place.city,
                "officeLocation": place.city,
                "streetAddress": place.street,
                "state": place.region or None,
                "postalCode": place.postal_code,
                "country": place.country,
                "usageLocation": place.country,
                "preferredLanguage": place.locale.replace("_", "-"),
                "businessPhones": [phone] if phone else [],
            },
        )
        for group_id in list(directory.groups_of.get(user.id, ())):
            if directory.records[group_id].name.endswith(" Office"):
                directory.remove_member(group_id, user.id)
        for group in directory.named(f"{office} Office"):
            directory.add_member(group.id, user.id)
    return user


def join(tenant: EntraTenant, person: Person) -> Record:
    """Somebody starts: an enabled user in All Staff, the office's group and the department's.

    A group that others make up ("All Staff" of a nested tenant) holds the person through those.
    """
    with tenant.cell.lock:
        directory = tenant.directory
        profile = profile_of(person, tenant.domain)
        del profile["createdDateTime"]
        user = directory.create("user", profile, manager=directory.id_of(person.manager))
        for name in (f"{person.office} Office", person.department, "All Staff"):
            for group in directory.named(name):
                if user.id not in View(directory, len(directory.log)).within(group.id):
                    directory.add_member(group.id, user.id)
        return user


# -------------------------------------------------------------------------------------------------------------- seeding


def _hire(tenant: EntraTenant, company: Company) -> dict[int, str]:
    """Everybody, with a manager who was hired before. Gives the ids by number."""
    directory = tenant.directory
    ids: dict[int, str] = {}
    for person in company.people:
        manager = directory.id_of(person.manager)
        ids[person.number] = directory.create("user", profile_of(person, tenant.domain), manager=manager).id
    return ids


def _form(tenant: EntraTenant, company: Company, ids: dict[int, str]) -> list[str]:
    """The company's teams as security groups; Contractors is kept by a rule, Managers has mail."""
    formed: list[str] = []
    for team in company.teams:
        values: dict[str, object] = {
            "displayName": team.name,
            "description": team.description or None,
            "securityEnabled": True,
            "mailEnabled": team.name == "Managers",
            "mailNickname": tenant.cell.guid()[:10],
            "createdDateTime": time_text(_FOUNDED),
        }
        if team.name == "Managers":
            values["mail"] = f"managers@{tenant.domain}"
        if team.name == "Contractors":
            values |= {
                "groupTypes": ["DynamicMembership"],
                "membershipRule": '(user.employeeType -eq "contractor")',
                "membershipRuleProcessingState": "On",
            }
        group = tenant.directory.create("group", values)
        for number in team.members:
            tenant.directory.add_member(group.id, ids[number])
        formed.append(group.id)
    return formed


def _nest(tenant: EntraTenant, teams: Sequence[Team], formed: Sequence[str], ids: dict[int, str]) -> None:
    """Put parts into their whole, and take the parts' people out of it."""
    for whole_name, part_name in _NESTS:
        wholes = [(team, key) for team, key in zip(teams, formed, strict=True) if team.name == whole_name]
        for whole, whole_id in wholes:
            inside = set(whole.members)
            for part, part_id in zip(teams, formed, strict=True):
                if part_name in part.name and part.name != whole_name and inside.issuperset(part.members):
                    tenant.directory.add_member(whole_id, part_id)
                    for number in part.members:
                        tenant.directory.remove_member(whole_id, ids[number])


def _add_strangers(tenant: EntraTenant, random: Random, staff: int) -> None:
    """Guests, a member who looks like one, accounts without mail, and groups that Okta does not know."""
    directory = tenant.directory
    partners = _group(tenant, "External Partners", "Guests from other companies")
    for number in range(max(4, staff // _GUEST_EVERY)):
        directory.add_member(partners, directory.create("user", _guest(tenant, random, number)).id)
    for name in ("Meeting Room Aurora", "Meeting Room Boreal"):
        login = name.lower().replace(" ", ".")
        values = {"displayName": name, "userPrincipalName": f"{login}@{tenant.domain}", "accountEnabled": False}
        directory.create("user", {**values, "userType": "Member", "mailNickname": login})
    sync = {"displayName": "On-Premises Directory Synchronization Service Account", "accountEnabled": True}
    directory.create("user", {**sync, "userPrincipalName": f"Sync_DC01_0001@{tenant.initial_domain}"})  # no userType
    everyone = _group(tenant, "Staff and Partners", "Holds groups")
    for group in (*directory.named("All Staff"), *directory.named("External Partners")):
        directory.add_member(everyone, group.id)
    news = _group(tenant, "Acme News", "A Microsoft 365 group", unified=True)
    for user in list(directory.live("user"))[:20]:
        directory.add_member(news, user.id)
    automation = _group(tenant, "Automation", "An application and a device")
    directory.add_member(automation, tenant.application.principal_id)
    kiosk = {"displayName": "KIOSK-01", "deviceId": tenant.cell.guid(), "accountEnabled": True}
    directory.add_member(automation, directory.create("device", {**kiosk, "operatingSystem": "Windows"}).id)


def _group(tenant: EntraTenant, name: str, description: str, *, unified: bool = False) -> str:
    values: dict[str, object] = {
        "displayName": name,
        "description": description,
        "securityEnabled": not unified,
        "mailEnabled": unified,
        "mailNickname": tenant.cell.guid()[:10],
        "groupTypes": ["Unified"] if unified else [],
        "createdDateTime": time_text(_FOUNDED),
    }
    if unified:
        values |= {"mail": f"{name.lower().replace(' ', '.')}@{tenant.domain}", "visibility": "Private"}
    return tenant.directory.create("group", values).id


def _guest(tenant: EntraTenant, random: Random, number: int) -> dict[str, object]:
    """The first one was made a member later, every fifth has no mail, every third has not accepted yet."""
    culture = random.choices(CULTURES, WEIGHTS)[0]
    given, family = random.choice(culture.given), random.choice(culture.family)
    address = f"{given[1]}.{family[1]}{number}@partner.example"
    guest: dict[str, object] = {
        "userPrincipalName": f"{address.replace('@', '_')}#EXT#@{tenant.initial_domain}",
        "displayName": culture.display(given[0], family[0]),
        "mailNickname": f"{address.replace('@', '_')}#EXT#",
        "otherMails": [address],
        "accountEnabled": True,
        "userType": "Guest" if number else "Member",
        "creationType": "Invitation",
        "externalUserState": "PendingAcceptance" if number % 3 == 2 else "Accepted",
        "createdDateTime": time_text(_FOUNDED + timedelta(days=number)),
    }
    return guest if number % 5 == 4 else {**guest, "mail": address, "proxyAddresses": [f"SMTP:{address}"]}


def _add_leavers(tenant: EntraTenant, random: Random) -> None:
    """Some who left days ago and can still come back, among them a member of All Staff; one who is gone for good."""
    directory, now = tenant.directory, tenant.cell.clock.now()
    culture = CULTURES[0]
    for number in range(_LEFT + 1):
        given, family = random.choice(culture.given), random.choice(culture.family)
        login = f"{given[1]}.{family[1]}.left{number}@{tenant.domain}"
        values = {"userPrincipalName": login, "mail": login, "displayName": culture.display(given[0], family[0])}
        user = directory.create("user", {**values, "accountEnabled": False, "userType": "Member"})
        if number == 0:
            for group in directory.named("All Staff"):
                directory.add_member(group.id, user.id)
        directory.delete(user.id, at=now - timedelta(days=5 + number))
        if number == _LEFT:
            directory.purge(user.id)


def _add_apps(tenant: EntraTenant) -> None:
    """Two of the company's applications, each for one group."""
    for name, team in (("Acme Service Desk", "All Staff"), ("Acme Wiki", "Engineering")):
        app = tenant.applications.register(name, ())
        for group in tenant.directory.named(team):
            tenant.assignments.assign(app.principal_id, group.id)


def _digits(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4])
