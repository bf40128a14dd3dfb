"""The company in Okta: seeding an org, and what happens to people afterwards."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from crosskey.clock import Clock
from crosskey_sandbox.company import OFFICES, Company, Person, PersonStatus
from crosskey_sandbox.okta.cell import time_text
from crosskey_sandbox.okta.org import OktaOrg
from crosskey_sandbox.okta.quirks import OktaQuirks
from crosskey_sandbox.okta.records import Profile, User, UserStatus

__all__ = ("join", "leave", "move", "org_of", "profile_of")

STATUSES: dict[PersonStatus, UserStatus] = {
    "active": "ACTIVE",
    "staged": "STAGED",
    "invited": "PROVISIONED",
    "suspended": "SUSPENDED",
    "deactivated": "DEPROVISIONED",
    "locked_out": "LOCKED_OUT",
    "password_expired": "PASSWORD_EXPIRED",
    "recovering": "RECOVERY",
}
_HIRED = datetime(2019, 4, 1, 8, 0, tzinfo=UTC)
_GAP = timedelta(hours=3, seconds=17)
_SPAN = 15_000  # people hired one after another before the dates start again
_OWN_APPS = (
    ("saasure", "Okta Admin Console"),
    ("okta_enduser", "Okta Dashboard"),
    ("okta_browser_plugin", "Okta Browser Plugin"),
)


def org_of(company: Company, *, seed: int = 7, clock: Clock | None = None, quirks: OktaQuirks | None = None) -> OktaOrg:
    """An org that holds the company: its people, its groups, Okta's own applications and two of the company's."""
    org = OktaOrg(seed=seed, clock=clock, quirks=quirks)
    ids: dict[int, str] = {}
    for person in company.people:
        at = time_text(_HIRED + _GAP * (person.number % _SPAN))
        known = person.status not in {"staged", "invited"}
        user = org.users.create(profile_of(person), at=at, password=known, status=STATUSES[person.status])
        ids[person.number] = user.id
    for team in company.teams:
        group = org.groups.create(team.name, team.description or None, at=org.founded)
        for number in team.members:
            org.groups.add_member(group.id, ids[number], at=org.founded)
    for name, label in _OWN_APPS:
        org.apps.create(name, label, "OPENID_CONNECT" if name == "okta_browser_plugin" else None, at=org.founded)
    for label, team in (("Acme Service Desk", "All Staff"), ("Acme Wiki", "Engineering")):
        app = org.apps.create("oidc_client", label, "OPENID_CONNECT", at=org.founded)
        for group in org.groups.named(team):
            org.apps.assign_group(app.id, group.id, at=org.founded)
    return org


def profile_of(person: Person) -> Profile:
    """A person's Okta profile. What is unknown is absent; an empty e-mail is null for some and ``""`` for others."""
    profile: Profile = {
        "login": person.login,
        "firstName": person.given_name,
        "lastName": person.family_name,
        "displayName": person.display_name,
        "mobilePhone": person.mobile_phone or None,
        "title": person.title,
        "department": person.department,
        "division": person.division,
        "costCenter": person.cost_center,
        "organization": person.organization,
        "userType": person.kind,
        "employeeNumber": person.employee_number,
        "manager": person.manager,
        "primaryPhone": person.work_phone,
        "streetAddress": person.street,
        "city": person.office,
        "state": person.region,
        "zipCode": person.postal_code,
        "countryCode": person.country,
        "preferredLanguage": person.language,
        "locale": person.locale,
        "timezone": person.timezone,
        "floor": person.floor or None,
        "remote": person.remote or None,
        "skills": list(person.skills) or None,
    }
    kept: Profile = {name: value for name, value in profile.items() if value not in (None, "")}
    kept["email"] = person.email or (None if person.number % 2 else "")
    return kept


def leave(org: OktaOrg, who: str) -> User:
    """Somebody leaves the company: deactivated, still listed in the groups."""
    return org.users.deactivate(who)


def move(org: OktaOrg, who: str, office: str) -> User:
    """Somebody moves to another office: address and office group change."""
    place = next(place for place in OFFICES if place.city == office)
    user = org.users.update_profile(
        who,
        {
            "city": place.city,
            "streetAddress": place.street,
            "state": place.region or None,
            "zipCode": place.postal_code,
            "countryCode": place.country,
            "locale": place.locale,
            "timezone": place.timezone,
            "primaryPhone": place.number(_digits(org.users.find(who).id)) or None,
        },
    )
    for group in org.groups.of(user.id):
        if str(group.profile["name"]).endswith(" Office"):
            org.groups.remove_member(group.id, user.id)
    for group in org.groups.named(f"{office} Office"):
        org.groups.add_member(group.id, user.id)
    return user


def join(org: OktaOrg, person: Person) -> User:
    """Somebody starts: an active user in All Staff, the office's group and the department's."""
    user = org.users.create(profile_of(person), password=True)
    for name in ("All Staff", f"{person.office} Office", person.department):
        for group in org.groups.named(name):
            org.groups.add_member(group.id, user.id)
    return user


def _digits(user_id: str) -> int:
    return int.from_bytes(hashlib.sha256(user_id.encode()).digest()[:4])
