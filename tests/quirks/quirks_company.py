"""A small company and a desk it has used for years: everybody who can go wrong in a sync is in it once.

All of it is made up and the same each time.
"""

from __future__ import annotations

import msgspec

from crosskey_sandbox.company import Company, Person
from crosskey_sandbox.halo import Contact, HaloDesk, HaloQuirks
from crosskey_sandbox.halo.records import DepartmentLink, RoleLink, TeamLink
from crosskey_sandbox.okta import OktaOrg, OktaQuirks
from crosskey_sandbox.okta.staffing import join, leave, move, org_of
from fake_clock import FakeClock

GROUPS = 22
CLIENT = "Acme"
KNOWN = 8
"""So many of the company are users of the desk already; the last one's address is there twice."""


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """Who plays which part, by login."""

    adopted: str  # an agent before, with a role, a team and a department given by hand
    leaver: str  # user and agent
    mover: str  # to another office
    demoted: str  # an agent who loses a role and a team
    unapproved: str  # a user who loses a role and a department
    protected: str  # somebody the rails protect; a user and an agent already
    twins: tuple[str, str]  # agents of one name
    long: str  # a name longer than its column


def a_company(people: int) -> tuple[Company, Cast]:
    """The company, with namesakes, a very long name and a shared address among them."""
    company = Company.generate(people=people, groups=GROUPS)
    team = [person for person in company.people if person.status == "active" and person.email == person.login]
    _alter(
        company, team[15], **{name: getattr(team[14], name) for name in ("given_name", "family_name", "display_name")}
    )
    _alter(company, team[16], given_name="Maximiliana-" + "Aurelia-" * 30)
    for person in team[17:19]:
        _alter(company, person, email="reception@acme.example")
    parts = Cast(
        adopted=team[10].login,
        leaver=team[11].login,
        mover=team[20].login,
        demoted=team[12].login,
        unapproved=team[21].login,
        protected=team[13].login,
        twins=(team[14].login, team[15].login),
        long=team[16].login,
    )
    return company, parts


def _alter(company: Company, person: Person, **attributes: str) -> None:
    company.people[person.number - 1] = msgspec.structs.replace(person, **attributes)


def an_org(company: Company, parts: Cast, clock: FakeClock, quirks: OktaQuirks) -> OktaOrg:
    """The company in Okta; the service desk and two more groups are filled with the cast."""
    org = org_of(company, clock=clock, quirks=quirks)
    members = {
        "Service Desk": (parts.adopted, parts.leaver, parts.demoted, parts.protected, *parts.twins, parts.long),
        "Service Desk L1": (parts.adopted, parts.leaver, parts.demoted, *parts.twins),
        "Service Desk L2": (parts.adopted, parts.demoted, parts.long),
        "Desk Leads": (parts.demoted, parts.twins[0]),
        "Approvers": (parts.unapproved, parts.mover, parts.leaver),
    }
    for name, logins in members.items():
        group = next(iter(org.groups.named(name)), None) or org.groups.create(name, at=org.founded)
        for login in logins:
            org.groups.add_member(group.id, login, at=org.founded)
    return org


def a_desk(company: Company, parts: Cast, clock: FakeClock, quirks: HaloQuirks, *, seats: int) -> HaloDesk:
    """The desk before a directory is connected to it."""
    by_login = {person.login: person for person in company.people}
    known = [person for person in company.people if person.status == "active" and person.email == person.login][:KNOWN]
    known.insert(0, by_login[parts.unapproved])
    desk = HaloDesk.seeded(
        client=CLIENT,
        contacts=[Contact(person.display_name, person.email) for person in known],
        quirks=quirks,
        clock=clock,
        seats=seats,
    )
    roles = {role.name: RoleLink(id=role.id) for role in desk.roles.values()}
    teams = {team.name: TeamLink(team_id=team.id) for team in desk.teams.values()}
    departments = {node.name: DepartmentLink(department_id=node.id) for node in desk.departments.values()}
    adopted, protected = by_login[parts.adopted], by_login[parts.protected]
    desk.add_agent(
        adopted.display_name,
        email=adopted.email,
        roles=(roles["Read Only"],),
        teams=(msgspec.structs.replace(teams["3rd Line"], is_manager=True), teams["2nd Line"]),
        departments=(departments["Facilities"],),
    )
    site = next(iter(desk.sites))
    desk.add_agent("Break Glass", email=protected.email, roles=(roles["Administrator"],))
    desk.add_user("Break Glass", site, emailaddress=protected.email)
    by_mail = {user.emailaddress.casefold(): user for user in desk.users.values()}
    approver = next(role for role in desk.user_roles.values() if role.name == "Site Manager")
    desk.edit(by_mail[parts.unapproved.casefold()], roles=(RoleLink(id=approver.id),), departments=(departments["HR"],))
    return desk


def a_day_passes(org: OktaOrg, company: Company, parts: Cast) -> Person:
    """One leaver, one mover who loses a title, one starter, and two people who leave groups; the starter."""
    leave(org, parts.leaver)
    office = next(p.office for p in company.people if p.login == parts.mover)
    move(org, parts.mover, "Madrid" if office != "Madrid" else "London")
    org.users.update_profile(parts.mover, {"title": None})
    starter = company.hire(office="Paris")
    join(org, starter)
    for name, login in (
        ("Desk Leads", parts.demoted),
        ("Service Desk L1", parts.demoted),
        ("Approvers", parts.unapproved),
    ):
        (group,) = org.groups.named(name)
        org.groups.remove_member(group.id, login)
    return starter


DESK = ("Service Desk", "Service Desk L1", "Service Desk L2", "Desk Leads")
MAPPED = ("All Staff", "London Office", "Madrid Office", "Paris Office", "Approvers", *DESK)
"""The groups that the rules name."""

RULES = """
[sync]
settle = "30s"

[map.user]
scope = {{ groups = ["All Staff"], where = "user_type != 'service'" }}
match = ["email"]
leavers = {{ do = "disable", after = "0d" }}
default = {{ site = "Acme / Main" }}
[map.user.fields]
name = "{{{{ display_name }}}}"
firstname = "given_name"
surname = "family_name"
emailaddress = "email"
title = "title"
phonenumber = "work_phone"
other1 = "employee_number"
[[map.user.assign]]
group = "London Office"
site = "Acme / London"
[[map.user.assign]]
group = "Madrid Office"
site = "Acme / Madrid"
[[map.user.assign]]
group = "Paris Office"
site = "Acme / Paris"
[[map.user.assign]]
group = "Approvers"
roles = ["Approver"]
departments = ["Facilities"]

[map.agent]
scope = {{ groups = ["Service Desk"], where = "email" }}
match = ["email"]
leavers = {{ do = "disable", after = "0d" }}
[map.agent.fields]
name = "{{{{ display_name }}}}"
email = "email"
firstname = "given_name"
surname = "family_name"
[[map.agent.assign]]
group = "Service Desk"
roles = ["Standard User"]
departments = ["IT"]
[[map.agent.assign]]
group = "Desk Leads"
roles = ["Team Lead"]
[[map.agent.assign]]
group = "Service Desk L1"
teams = ["1st Line"]
[[map.agent.assign]]
group = "Service Desk L2"
teams = ["2nd Line"]

[rails]
first_run = "go"
protect = ["{protected}"]
"""
