"""How records look in answers: rows of lists, and single objects.

Rules followed: empty optional members are absent; ``site_id`` and a site's ``client_id`` are doubles (``95.0``) beside
``site_id_int``; the list model has ``okta_id`` where the detail model has ``oktaid``; nested lists come with details.
Members of a live captured user row that a sync does not meet are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from crosskey_sandbox.halo.desk import HaloDesk
from crosskey_sandbox.halo.records import (
    Agent,
    Client,
    Department,
    DepartmentLink,
    Key,
    Record,
    Role,
    Site,
    Team,
    TeamLink,
    User,
)

__all__ = ("agent_row", "single", "user_row")

Json = dict[str, object]

ENCODER: Final = msgspec.json.Encoder()
_DETAIL_ONLY: Final = frozenset({"roles", "departments", "teams", "general", "unassigned", "oktaid"})
_NEVER: Final = "new_client_secret"
_USER_LIST: Final = (
    "firstname", "surname", "initials", "title", "emailaddress", "email2", "email3", "phonenumber", "homenumber",
    "mobilenumber", "mobilenumber2", "fax", "login", "inactive", "isserviceaccount", "isimportantcontact",
    "neversendemails", "linked_agent_id", "azureoid", "whatsapp_number", "activedirectory_dn", "other1", "other2",
    "other3", "other4", "other5", "notes", "colour", "lastupdate", "federated_identity_id", "third_party_relational_id",
)  # fmt: skip
_AGENT_LIST: Final = (
    "team", "isdisabled", "email", "ad", "initials", "firstname", "surname", "colour", "jobtitle", "sms",
    "extensionnumber", "linemanager", "licence_type", "isapiagent", "workday_id", "federated_identity_id",
    "third_party_relational_id",
)  # fmt: skip


def user_row(desk: HaloDesk, user: User, *, remember: bool = True) -> bytes:
    """A user in a list (``Users_List``), encoded; remembered until the user or a name in the row changes."""
    if not remember:
        return ENCODER.encode(_user_list(desk, user))
    row = desk.encoded.get(user.id)
    if row is None:
        row = desk.encoded[user.id] = ENCODER.encode(_user_list(desk, user))
    return row


def agent_row(desk: HaloDesk, agent: Agent, *, roles: bool, memberships: bool) -> bytes:
    """An agent in a list (``Uname_List``), encoded."""
    row = _start(agent)
    row |= _present(agent, _visible(desk, _AGENT_LIST, "listed"))
    row |= {"is_agent": True, "use": "agent"}
    if agent.oktaid:
        row["okta_id"] = agent.oktaid
    if roles and agent.roles:
        if desk.quirks.agent_roles_listed != "roles":
            row["role_list"] = ", ".join(desk.roles[str(link.id)].name for link in agent.roles if link.id in desk.roles)
        if desk.quirks.agent_roles_listed != "role_list":
            row["roles"] = _agent_roles(desk, agent)
    if memberships:
        row |= _agent_memberships(desk, agent)
    return ENCODER.encode(row)


def single(desk: HaloDesk, record: Record, *, details: bool) -> Json:
    """One record by itself; nested lists only with ``details``."""
    row = _start(record)
    names = tuple(
        field for field in record.__struct_fields__ if field not in _DETAIL_ONLY and field not in {*row, _NEVER}
    )
    row |= _present(record, _visible(desk, names, "listed", "detail"))
    if isinstance(record, User):
        row |= _user_place(desk, record)
    if isinstance(record, (User, Agent)) and record.oktaid:
        row |= {"oktaid": record.oktaid, "okta_id": record.oktaid}
    if isinstance(record, Site):
        client = desk.clients.get(record.client_id)
        row |= {"client_id": float(record.client_id), "client_name": client.name if client else ""}
    if isinstance(record, (Team, Department)):
        row |= _tree_names(desk, record)
    if isinstance(record, Client):
        row["use"] = "client"
    if isinstance(record, Agent):
        row |= {"is_agent": True, "is_admin": _is_admin(desk, record)}
    if details:
        row |= _details(desk, record)
    return row


def _details(desk: HaloDesk, record: Record) -> Json:
    if isinstance(record, User):
        roles = [
            {"id": link.id, "name": desk.user_roles[int(link.id)].name, "is_integration": link.is_integration}
            for link in record.roles
            if link.id in desk.user_roles
        ]
        return {"roles": roles, "departments": _user_departments(desk, record)}
    if isinstance(record, Agent):
        return {"roles": _agent_roles(desk, record), **_agent_memberships(desk, record)}
    if isinstance(record, Role):
        return {
            "teams": [_team_link(desk, link, None) for link in record.teams],
            "departments": [_department_link(desk, link, None) for link in record.departments],
        }
    if isinstance(record, Team):
        return {"agents": team_agents(desk, record)}
    if isinstance(record, Department):
        return {
            "agents": department_agents(desk, record),
            "users": [
                {"user_id": user.id, "user_name": user.name, "department_id": record.id, "is_manager": link.is_manager}
                for user in desk.users.values()
                for link in user.departments
                if link.department_id == record.id
            ],
        }
    return {}


def team_agents(desk: HaloDesk, team: Team) -> list[Json]:
    """``UnameSection`` rows of a team's agents."""
    return [
        _team_link(desk, link, agent)
        for agent in desk.agents.values()
        for link in agent.teams
        if link.team_id == team.id
    ]


def department_agents(desk: HaloDesk, node: Department) -> list[Json]:
    """``UnameDepartment`` rows of a department's agents."""
    return [
        _department_link(desk, link, agent)
        for agent in desk.agents.values()
        for link in agent.departments
        if link.department_id == node.id
    ]


def _user_list(desk: HaloDesk, user: User) -> Json:
    row = _start(user) | _user_place(desk, user)
    names = _visible(desk, _USER_LIST, "listed")
    if not desk.quirks.other5_listed:
        names = tuple(name for name in names if name != "other5")
    row |= _present(user, names)
    row |= {"use": "user", "key": user.id, "table": 1}
    if user.oktaid:
        row["okta_id"] = user.oktaid
    how = desk.quirks.user_roles_listed
    if user.roles and how in {"ids", "ids_and_names"}:
        row["role_ids"] = [link.id for link in user.roles]
    if user.roles and how in {"names", "ids_and_names"}:
        row["role_list"] = ", ".join(role.name for link in user.roles if (role := desk.user_roles.get(int(link.id))))
    if desk.quirks.user_departments_listed:
        row["departments"] = _user_departments(desk, user)
    return row


def _start(record: Record) -> Json:
    return {"id": record.id, "name": record.name}


def _present(record: Record, names: Iterable[str]) -> Json:
    """Members that have a value: empty text, 0 and missing links are absent, flags always there."""
    row: Json = {}
    for name in names:
        value = getattr(record, name)
        if value or value is False:
            row[name] = value
    return row


def _visible(desk: HaloDesk, names: tuple[str, ...], *states: str) -> tuple[str, ...]:
    """Without the newer members that this version does not know or does not show here."""
    hidden = {
        name
        for name in ("federated_identity_id", "third_party_relational_id")
        if getattr(desk.quirks, name) not in states
    }
    return tuple(name for name in names if name not in hidden) if hidden else names


def _user_place(desk: HaloDesk, user: User) -> Json:
    site = desk.sites.get(user.site_id)
    client = desk.clients.get(site.client_id) if site else None
    return {
        "site_id": float(user.site_id),
        "site_id_int": user.site_id,
        "site_name": site.name if site else "",
        "client_id": client.id if client else 0,
        "client_name": client.name if client else "",
    }


def _user_departments(desk: HaloDesk, user: User) -> list[Json]:
    return [
        {
            "department_id": link.department_id,
            "department_name": _name(desk, "TopLevel", link.department_id),
            "is_manager": link.is_manager,
        }
        for link in user.departments
    ]


def _agent_roles(desk: HaloDesk, agent: Agent) -> list[Json]:
    return [
        {"id": role.id, "id_int": role.id_int, "name": role.name, "is_integration": link.is_integration}
        for link in agent.roles
        if (role := desk.roles.get(str(link.id)))
    ]


def _agent_memberships(desk: HaloDesk, agent: Agent) -> Json:
    """Teams and departments of an agent: its own, and with ``role_id`` those that a role confers."""
    teams = [_team_link(desk, link, agent) for link in agent.teams]
    departments = [_department_link(desk, link, agent) for link in agent.departments]
    for link in agent.roles:
        role = desk.roles.get(str(link.id))
        if role is not None:
            by = {"role_id": role.id, "role_name": role.name}
            teams += [_team_link(desk, conferred, agent) | by for conferred in role.teams]
            departments += [_department_link(desk, conferred, agent) | by for conferred in role.departments]
    return {"teams": teams, "departments": departments}


def _team_link(desk: HaloDesk, link: TeamLink, agent: Agent | None) -> Json:
    team = desk.teams.get(link.team_id)
    return _whose(agent, link.team_id) | {
        "team_id": link.team_id,
        "team_name": team.name if team else "",
        "department_id": team.department_id if team else 0,
        "is_manager": link.is_manager,
        "in_section": link.in_section,
        "unassigned_access": link.unassigned_access,
        "otheragent_access": link.otheragent_access,
        "fortickets": team.forrequests if team else True,
    }


def _department_link(desk: HaloDesk, link: DepartmentLink, agent: Agent | None) -> Json:
    return _whose(agent, link.department_id) | {
        "department_id": link.department_id,
        "department_name": _name(desk, "TopLevel", link.department_id),
        "membershiplevel": link.membershiplevel,
    }


def _whose(agent: Agent | None, other: int) -> Json:
    """The agent of a membership row, and the row's own id (synthetic)."""
    return {"id": agent.id * 1000 + other, "agent_id": agent.id, "agent_name": agent.name} if agent else {}


def _tree_names(desk: HaloDesk, record: Team | Department) -> Json:
    if isinstance(record, Team):
        return {"department_name": _name(desk, "TopLevel", record.department_id)}
    organisation = _name(desk, "Organisation", record.organisation_id)
    long_name = f"{organisation} / {record.name}" if organisation else record.name
    return {"organisation_name": organisation, "long_name": long_name}


def _is_admin(desk: HaloDesk, agent: Agent) -> bool:
    return any(
        (role := desk.roles.get(str(link.id))) is not None and role.name == "Administrator" for link in agent.roles
    )


def _name(desk: HaloDesk, resource: str, key: Key) -> str:
    record = desk.tables[resource].get(key)
    return record.name if record else ""
