"""What a desk holds: one frozen struct per kind of record, with the vendor's own member names.

Names, types and lengths follow the published API models and column lengths (users: ``Users``/``Users_List``; agents:
``Uname``/``Uname_List``; ``UnameSection``, ``UnameDepartment``, ``UserDepartment`` for memberships). Only members
that a directory sync can meet are kept; every other member of a POST is ignored, as the real server does.
"""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = (
    "LENGTHS",
    "READ_ONLY",
    "Agent",
    "Approval",
    "Client",
    "Department",
    "DepartmentLink",
    "Key",
    "Link",
    "Organisation",
    "Record",
    "Role",
    "RoleLink",
    "SingleSignOnApplication",
    "Site",
    "Team",
    "TeamLink",
    "Ticket",
    "User",
    "UserRole",
)

Key = int | str
"""Ids are ints; those of agent roles are GUID strings."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One membership; ``is_integration`` tells who put it there."""

    is_integration: bool = False

    @property
    def key(self) -> Key:
        """The id of the other side."""
        raise NotImplementedError


class RoleLink(Link, frozen=True, kw_only=True):
    """A role of a user (int id) or of an agent (GUID)."""

    id: Key

    @property
    def key(self) -> Key:
        """The role's id."""
        return self.id


class TeamLink(Link, frozen=True, kw_only=True):
    """``UnameSection``: an agent's place in a team, with column defaults of the vendor's schema."""

    team_id: int
    is_manager: bool = False
    in_section: bool = True
    unassigned_access: bool = True
    otheragent_access: bool = True

    @property
    def key(self) -> Key:
        """The team's id."""
        return self.team_id


class DepartmentLink(Link, frozen=True, kw_only=True):
    """``UnameDepartment`` and ``UserDepartment``."""

    department_id: int
    is_manager: bool = False
    membershiplevel: int = 0

    @property
    def key(self) -> Key:
        """The department's id."""
        return self.department_id


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Any record."""

    id: Key
    name: str = ""


class User(Record, frozen=True, kw_only=True):
    """An end user (table USERS). ``general`` marks a site's automatic pseudo-user and is never sent."""

    id: int
    site_id: int = 0
    firstname: str = ""
    surname: str = ""
    middle_name: str = ""
    preferred_name: str = ""
    initials: str = ""
    title: str = ""
    emailaddress: str = ""
    email2: str = ""
    email3: str = ""
    phonenumber: str = ""
    homenumber: str = ""
    mobilenumber: str = ""
    mobilenumber2: str = ""
    fax: str = ""
    whatsapp_number: str = ""
    login: str = ""
    inactive: bool = False
    locked: bool = False
    isserviceaccount: bool = False
    isimportantcontact: bool = False
    neversendemails: bool = False
    dontackemails: bool = False
    department: str = ""
    manager_email: str = ""
    admanager: str = ""
    linked_agent_id: int = 0
    azureoid: str = ""
    oktaid: str = ""
    federated_identity_id: str = ""
    third_party_relational_id: str = ""
    third_party_guid: str = ""
    samaccountname: str = ""
    activedirectory_dn: str = ""
    other1: str = ""
    other2: str = ""
    other3: str = ""
    other4: str = ""
    other5: str = ""
    notes: str = ""
    colour: str = ""
    roles: tuple[RoleLink, ...] = ()
    departments: tuple[DepartmentLink, ...] = ()
    datecreated: str = ""
    lastupdate: str = ""
    lastlogindate: str = ""
    general: bool = False


class Agent(Record, frozen=True, kw_only=True):
    """A technician (table UNAME). There is ``isdisabled``, no ``inactive``; ``email``, no ``emailaddress``."""

    id: int
    email: str = ""
    firstname: str = ""
    surname: str = ""
    initials: str = ""
    jobtitle: str = ""
    sms: str = ""
    extensionnumber: str = ""
    colour: str = ""
    signature: str = ""
    isdisabled: bool = False
    isapiagent: bool = False
    licence_type: int = 0
    team: str = ""
    workday_id: int = 0
    linemanager: int = 0
    ad: str = ""
    oktaid: str = ""
    federated_identity_id: str = ""
    third_party_relational_id: str = ""
    third_party_guid: str = ""
    timezone: str = ""
    roles: tuple[RoleLink, ...] = ()
    teams: tuple[TeamLink, ...] = ()
    departments: tuple[DepartmentLink, ...] = ()
    datecreated: str = ""
    last_modified: str = ""
    lastlogindate: str = ""
    unassigned: bool = False


class Client(Record, frozen=True, kw_only=True):
    """A customer (table AREA)."""

    id: int
    toplevel_id: int = 0
    inactive: bool = False
    main_site_id: int = 0
    domain: str = ""
    website: str = ""
    ref: str = ""


class Site(Record, frozen=True, kw_only=True):
    """A location of a client (table SITE)."""

    id: int
    client_id: int = 0
    inactive: bool = False
    phonenumber: str = ""
    timezone: str = ""
    emaildomain: str = ""
    ref: str = ""
    isinvoicesite: bool = False


class Team(Record, frozen=True, kw_only=True):
    """A team or board (table SECTIONDETAIL)."""

    id: int
    department_id: int = 0
    sequence: int = 0
    inactive: bool = False
    forrequests: bool = True
    foropps: bool = False
    forprojects: bool = False
    emailaddress: str = ""
    third_party_relational_id: str = ""


class Role(Record, frozen=True, kw_only=True):
    """An agent role (NHD_Roles): a GUID, and teams and departments that it confers."""

    id: str
    id_int: int = 0
    notes: str = ""
    teams: tuple[TeamLink, ...] = ()
    departments: tuple[DepartmentLink, ...] = ()


class UserRole(Record, frozen=True, kw_only=True):
    """An end-user role."""

    id: int
    notes: str = ""


class Department(Record, frozen=True, kw_only=True):
    """A node of the tree (TREE): a customer group, or with ``agent_department`` a department."""

    id: int
    organisation_id: int = 0
    parentid: int = 0
    agent_department: bool = False
    type: int = 0
    notes: str = ""


class Organisation(Record, frozen=True, kw_only=True):
    """The operating company, which owns departments."""

    id: int
    inactive: bool = False


class Ticket(Record, frozen=True, kw_only=True):
    """A ticket (table FAULTS), as far as handing it over needs it; ``name`` stays empty."""

    id: int
    summary: str = ""
    agent_id: int = 0
    team_id: int = 0
    closed: bool = False


class Approval(Record, frozen=True, kw_only=True):
    """A step of a ticket that an agent is to approve; without ``dateapproved`` it is pending."""

    id: int
    ticket_id: int = 0
    agent_id: int = 0
    dateapproved: str = ""


class SingleSignOnApplication(Record, frozen=True, kw_only=True):
    """One application for single sign-on (2.210 and later). ``new_client_secret`` is written and never shown."""

    id: int
    type: int = 0
    oidc_url: str = ""
    client_id: str = ""
    new_client_secret: str = ""
    scope: str = ""
    active: bool = False
    allowed_entities: int = 0
    user_matching_field: int = 0


READ_ONLY: Final = frozenset(
    {"id", "id_int", "datecreated", "lastupdate", "last_modified", "lastlogindate", "general", "unassigned"}
)
"""Members that a POST cannot set."""

LENGTHS: Final[dict[str, int]] = {
    "name": 255,
    "firstname": 200,
    "surname": 200,
    "Agent.initials": 3,
    "oktaid": 250,
    "azureoid": 1000,
    "admanager": 1000,
    "federated_identity_id": 100,
    "third_party_relational_id": 1000,
    **{f"other{n}": 4000 for n in range(1, 6)},
}
"""Column lengths that are known, of every record or of one kind; longer text is cut or refused
(``HaloQuirks.long_text``)."""
