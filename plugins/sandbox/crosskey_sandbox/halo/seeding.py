"""A desk as a company has it before a directory is connected. All of it is synthetic and the same each time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from crosskey_sandbox.halo.records import DepartmentLink, RoleLink, TeamLink

if TYPE_CHECKING:
    from crosskey_sandbox.halo.desk import HaloDesk

__all__ = ("CONTACTS", "DEPARTMENTS", "OFFICES", "ROLES", "TEAMS", "USER_ROLES", "Contact", "seed")

OFFICES = ("London", "Manchester", "Berlin", "Paris", "Warsaw", "Madrid", "New York", "Toronto", "Singapore", "Sydney")
TEAMS = ("1st Line", "2nd Line", "3rd Line", "Service Desk", "Infrastructure", "Field Engineers")
DEPARTMENTS = ("IT", "Facilities", "HR")
ROLES = ("Administrator", "Standard User", "Team Lead", "Read Only")
USER_ROLES = ("Self Service User", "Approver", "Site Manager")


class Contact(msgspec.Struct, frozen=True):
    """Somebody the desk knows already."""

    name: str
    email: str


CONTACTS = (
    Contact("Alba Moreno", "alba.moreno@acme.example"),
    Contact("Bram de Vries", "bram.devries@acme.example"),
    Contact("Chiara Conti", "chiara.conti@acme.example"),
    Contact("Dag Solberg", "dag.solberg@acme.example"),
)


def seed(
    desk: HaloDesk, *, client: str = "Acme", offices: Sequence[str] = OFFICES, contacts: Sequence[Contact] = CONTACTS
) -> None:
    """Fill an empty desk as :meth:`HaloDesk.seeded` says."""
    organisation = desk.add_organisation(f"{client} IT")
    customers = desk.add_department("Customers", organisation_id=organisation.id)
    departments = [
        desk.add_department(name, organisation_id=organisation.id, agent_department=True) for name in DEPARTMENTS
    ]
    for team in TEAMS:
        desk.add_team(team, department_id=departments[0].id)
    for role in ROLES:
        desk.add_role(role)
    for role in USER_ROLES:
        desk.add_user_role(role)
    account = desk.add_client(client, toplevel_id=customers.id)
    main = desk.add_site(account.id, "Main", isinvoicesite=True)
    desk.edit(account, main_site_id=main.id)
    sites = [main, *(desk.add_site(account.id, office) for office in offices)]
    _add_agents(desk, departments[0].id)
    for number, contact in enumerate(contacts):
        site = sites[number % len(sites)]
        desk.add_user(contact.name, site.id, emailaddress=_shown(contact.email), inactive=number % 3 == 2)
    if contacts:
        last = contacts[-1]
        desk.add_user(f"{last.name} (old)", main.id, emailaddress=last.email)


def _add_agents(desk: HaloDesk, department: int) -> None:
    """Unassigned, the API-only agent, an administrator with a linked end user, a technician, a disabled one."""
    roles = {role.name: RoleLink(id=role.id) for role in desk.roles.values()}
    teams = {team.name: TeamLink(team_id=team.id) for team in desk.teams.values()}
    desk.add_agent("Unassigned", unassigned=True)
    administrator = (roles["Administrator"],)
    desk.add_agent("crosskey Integration", email="integration@acme.example", isapiagent=True, roles=administrator)
    chief = desk.add_agent(
        "Ines Falk",
        email="ines.falk@acme.example",
        roles=administrator,
        teams=(msgspec.structs.replace(teams["2nd Line"], is_manager=True),),
        departments=(DepartmentLink(department_id=department, is_manager=True),),
    )
    desk.add_agent(
        "Jonas Brandt",
        email="jonas.brandt@acme.example",
        roles=(roles["Standard User"],),
        teams=(teams["1st Line"],),
        departments=(DepartmentLink(department_id=department),),
    )
    desk.add_agent("Petra Lang", email="petra.lang@acme.example", isdisabled=True, roles=(roles["Standard User"],))
    site = next(iter(desk.sites))
    desk.add_user(chief.name, site, emailaddress=chief.email, linked_agent_id=chief.id)


def _shown(email: str) -> str:
    """The address as a person typed it years ago."""
    return email[:1].upper() + email[1:]
