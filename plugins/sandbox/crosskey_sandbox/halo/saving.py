"""POST: an array of partial records, each created or updated.

Rules of the vendor that are followed: ``id`` means update and no ``id`` means create, silently, even when the same
record exists; members that are not sent stay; unknown members are ignored and names match whatever their case; a user
needs ``name`` and ``site_id``, an agent ``name``; ids as doubles are refused; a role, team or department list is the
full set or an addition (switch); members that start with ``_`` are commands. Wording of the refusals is synthetic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final, cast

import msgspec

from crosskey_sandbox.halo.desk import HaloDesk, SessionEnd, Write
from crosskey_sandbox.halo.records import (
    LENGTHS,
    READ_ONLY,
    Agent,
    Client,
    DepartmentLink,
    Key,
    Link,
    Organisation,
    Record,
    Role,
    RoleLink,
    SingleSignOnApplication,
    Site,
    Team,
    TeamLink,
    Ticket,
    User,
    UserRole,
)
from crosskey_sandbox.halo.records import Department as TreeNode

__all__ = ("MODELS", "BadItem", "Draft", "draft", "save")

MODELS: Final[dict[str, type[Record]]] = {
    "Users": User,
    "Agent": Agent,
    "Client": Client,
    "Site": Site,
    "Team": Team,
    "Roles": Role,
    "UserRoles": UserRole,
    "TopLevel": TreeNode,
    "Organisation": Organisation,
    "Tickets": Ticket,
    "SingleSignOnApplication": SingleSignOnApplication,
}


class BadItem(Exception):  # noqa: N818 - the vendor's side of a refusal, not an error of ours
    """Halo refuses this record."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """One record ready to be kept; ``team_agents`` are memberships written from the team's side."""

    before: Record | None
    after: Record
    kick: bool = False
    revoke: bool = False
    warning: str = ""
    demand: bool = False
    team_agents: tuple[int, ...] | None = None


class Membership(msgspec.Struct, frozen=True):
    """How a posted list of links is read: link type, members that hold the id, and the resource it must exist in."""

    link: type[Link]
    names: tuple[str, ...]
    resource: str


TEAMS: Final = Membership(TeamLink, ("team_id", "id"), "Team")
DEPARTMENTS: Final = Membership(DepartmentLink, ("department_id", "id"), "TopLevel")
MEMBERSHIPS: Final[dict[tuple[type[Record], str], Membership]] = {
    (User, "roles"): Membership(RoleLink, ("id",), "UserRoles"),
    (User, "departments"): DEPARTMENTS,
    (Agent, "roles"): Membership(RoleLink, ("id",), "Roles"),
    (Agent, "teams"): TEAMS,
    (Agent, "departments"): DEPARTMENTS,
    (Role, "teams"): TEAMS,
    (Role, "departments"): DEPARTMENTS,
}
REFERENCES: Final[dict[str, str]] = {"site_id": "Site", "client_id": "Client", "toplevel_id": "TopLevel"}
NEWER: Final = frozenset({"federated_identity_id", "third_party_relational_id"})


@cache
def _fields(model: type[Record]) -> dict[str, tuple[type, int]]:
    """Writable scalar members of a model: their type, and their column's length or 0."""
    return {
        field.name: (field.type, LENGTHS.get(f"{model.__name__}.{field.name}") or LENGTHS.get(field.name, 0))
        for field in msgspec.structs.fields(model)
        if field.name not in READ_ONLY and field.type in {str, int, bool}
    }


def draft(desk: HaloDesk, resource: str, item: object) -> Draft:
    """Read one posted item against what is there. Raises :class:`BadItem`; changes nothing."""
    model = MODELS[resource]
    if not isinstance(item, dict):
        raise BadItem("Error converting value to type 'NHD'.")
    posted = {str(name).lower(): value for name, value in cast("dict[object, object]", item).items()}
    before = _existing(desk, resource, posted.get("id"))
    members = _scalars(desk, model, posted)
    members |= _memberships(desk, model, before, posted)
    _require(desk, model, before, members)
    if resource == "Agent" and members.get("isdisabled") and isinstance(before, Agent) and not before.isdisabled:
        work = desk.quirks.open_work if desk.has_open_work(before.id) else "ignored"
    else:
        work = "ignored"
    demand = work == "demand" and not posted.get("_force")
    if demand:
        members = {}
    stamp = "lastupdate" if model is User else "last_modified" if model is Agent else ""
    if stamp:
        members[stamp] = desk.today()
    return Draft(
        before=before,
        after=msgspec.structs.replace(before, **members) if before else _create(desk, resource, model, members),
        kick=bool(posted.get("_kick")),
        revoke=bool(posted.get("_revoke_tokens")),
        warning="This agent has open tickets assigned." if work != "ignored" and (demand or work == "warning") else "",
        demand=demand,
        team_agents=_team_agents(desk, posted) if resource == "Team" else None,
    )


def save(desk: HaloDesk, resource: str, ready: Draft) -> None:
    """Keep a draft and write it down."""
    at = desk.clock.monotonic()
    action = "create" if ready.before is None else "update"
    if ready.demand:
        return
    desk.put(resource, ready.after)
    desk.writes.append(Write(resource, action, ready.after.id, ready.before, ready.after, at))
    if resource == "Agent" and (ready.kick or ready.revoke):
        desk.session_ends.append(SessionEnd(int(ready.after.id), ready.kick, ready.revoke))
    if ready.team_agents is not None:
        _write_from_team(desk, int(ready.after.id), ready.team_agents)


def _existing(desk: HaloDesk, resource: str, key: object) -> Record | None:
    """The record an item names; none for a create. 0 and negative ids mean "not set" (synthetic)."""
    if key is None:
        return None
    if isinstance(key, float) and desk.quirks.doubles == "accepted" and key.is_integer():
        key = int(key)
    if isinstance(key, bool) or not isinstance(key, str if resource == "Roles" else int):
        raise BadItem(f"Could not convert '{key}' to the type of 'id'. Path '[0].id'.")
    if isinstance(key, int) and key <= 0:
        return None
    found = desk.tables[resource].get(key)
    if found is None:
        raise BadItem(f"Object with id {key} was not found.")
    return found


def _scalars(desk: HaloDesk, model: type[Record], posted: Mapping[str, object]) -> dict[str, object]:
    quirks = desk.quirks
    known = _fields(model)
    members: dict[str, object] = {}
    for name, value in posted.items():
        if name in {"oktaid", "okta_id"} and "oktaid" in known:
            if quirks.okta_id_accepts in {"both", name}:
                members["oktaid"] = _text(desk, name, value, LENGTHS["oktaid"])
            continue
        if name not in known or (name in NEWER and getattr(quirks, name) == "unknown"):
            continue
        kind, length = known[name]
        if value is None:
            if quirks.null == "clears":
                members[name] = kind()
        elif kind is str:
            members[name] = _text(desk, name, value, length)
        elif kind is bool:
            if not isinstance(value, bool):
                raise BadItem(f"Could not convert '{value}' to boolean. Path '[0].{name}'.")
            members[name] = value
        else:
            members[name] = _whole(desk, name, value)
    return members


def _text(desk: HaloDesk, name: str, value: object, length: int) -> str:
    if not isinstance(value, str):
        if value is None:
            return ""
        raise BadItem(f"Could not convert '{value}' to string. Path '[0].{name}'.")
    if length and len(value) > length:
        if desk.quirks.long_text == "refuse":
            raise BadItem(f"String or binary data would be truncated in column '{name}'.")
        return value[:length]
    return value


def _whole(desk: HaloDesk, name: str, value: object) -> int:
    """An int; ``95.0`` is refused as the live server does (its own lists answer doubles)."""
    if isinstance(value, float) and value.is_integer() and desk.quirks.doubles == "accepted":
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadItem(f"Input string '{value}' is not a valid integer. Path '[0].{name}'.")
    return value


def _memberships(
    desk: HaloDesk, model: type[Record], before: Record | None, posted: Mapping[str, object]
) -> dict[str, object]:
    """Posted link lists: replacing or merging by switch; ``add_roles`` always adds."""
    members: dict[str, object] = {}
    for name, value in posted.items():
        target = "roles" if name == "add_roles" else name
        how = MEMBERSHIPS.get((model, target))
        if how is None or value is None:
            continue
        if not isinstance(value, list):
            raise BadItem(f"Cannot deserialize the current JSON object. Path '[0].{name}'.")
        kept = cast("tuple[Link, ...]", members.get(target, getattr(before, target, ())))
        merge = name == "add_roles" or desk.quirks.memberships == "merge"
        links: dict[Key, Link] = {link.key: link for link in kept} if merge else {}
        for row in cast("list[object]", value):
            key = _reference(desk, how, name, row)
            fields = {field: part for field, part in cast("dict[str, object]", row).items() if field not in how.names}
            old = msgspec.structs.asdict(links[key]) if key in links else {how.names[0]: key}
            links[key] = msgspec.convert(old | fields | {how.names[0]: key}, how.link)
        members[target] = tuple(links.values())
    return members


def _reference(desk: HaloDesk, how: Membership, name: str, row: object) -> Key:
    """The id a link names; the record must exist."""
    values = cast("dict[str, object]", row) if isinstance(row, dict) else {}
    key = next((values[field] for field in how.names if values.get(field) is not None), None)
    wanted = str if how.resource == "Roles" else int
    if isinstance(key, bool) or not isinstance(key, wanted) or key not in desk.tables[how.resource]:
        raise BadItem(f"'{key}' in '{name}' does not exist.")
    return key


def _require(desk: HaloDesk, model: type[Record], before: Record | None, members: Mapping[str, object]) -> None:
    """What a record must have, and what must be unique where a switch says so."""

    def value(name: str) -> object:
        return members.get(name, getattr(before, name, None))

    if model is Ticket:
        _require_ticket(desk, before, value)
        return
    if not str(value("name") or "").strip():
        raise BadItem("Please enter a name.")
    if model is SingleSignOnApplication:  # its `client_id` is the provider's, and no client of the desk
        if desk.quirks.single_sign_on == "typed" and not value("type"):
            raise BadItem("Please select a type.")
        return
    for name in ("site_id",) if model is User else ("client_id",) if model is Site else ():
        if not value(name):
            raise BadItem(f"Please select a {name.removesuffix('_id')}.")
    for name, resource in REFERENCES.items():
        if members.get(name) and members[name] not in desk.tables[resource]:
            raise BadItem(f"The {name.removesuffix('_id')} {members[name]} does not exist.")
    if model is Agent:
        _require_agent(desk, before, value)
    if desk.quirks.unique_emails and model in {User, Agent}:
        name = "emailaddress" if model is User else "email"
        _unique(desk, "Users" if model is User else "Agent", before, name, value(name))


def _require_ticket(desk: HaloDesk, before: Record | None, value: Callable[[str], object]) -> None:
    """A ticket belongs to an agent that is there and switched on, or to Unassigned (synthetic)."""
    if before is not None and before.id in desk.quirks.locked_tickets:
        raise BadItem("The ticket cannot be changed at this step of its workflow.")
    agent = desk.agents.get(cast("int", value("agent_id")))
    if agent is None or agent.isapiagent or (agent.isdisabled and before is not None):
        raise BadItem(f"The agent {value('agent_id')} cannot be assigned tickets.")
    if value("team_id") and value("team_id") not in desk.teams:
        raise BadItem(f"The team {value('team_id')} does not exist.")


def _require_agent(desk: HaloDesk, before: Record | None, value: Callable[[str], object]) -> None:
    team = value("team")
    if team and all(team != known.name for known in desk.teams.values()):
        raise BadItem(f"The team '{team}' does not exist.")
    if desk.quirks.unique_agent_names:
        _unique(desk, "Agent", before, "name", value("name"))
    was_on = isinstance(before, Agent) and not (before.isdisabled or before.isapiagent)
    now_on = not (value("isdisabled") or value("isapiagent"))
    if desk.quirks.seats_enforced and now_on and not was_on and desk.seats_used() >= desk.seats:
        raise BadItem("You have reached the maximum number of licensed agents.")


def _unique(desk: HaloDesk, resource: str, before: Record | None, name: str, value: object) -> None:
    text = str(value or "").casefold()
    own = before.id if before else None
    if text and any(
        record.id != own and str(getattr(record, name)).casefold() == text for record in desk.tables[resource].values()
    ):
        raise BadItem(f"The {name} '{value}' is already in use.")


def _create(desk: HaloDesk, resource: str, model: type[Record], members: Mapping[str, object]) -> Record:
    made: dict[str, object] = {"name": "", **members}  # tickets have none
    made["id"] = desk.new_id(resource, str(made["name"]))
    if resource in {"Users", "Agent"}:
        made["datecreated"] = desk.today()
    return model(**made)  # pyright: ignore[reportCallIssue, reportArgumentType]  members were checked by name and type


def _team_agents(desk: HaloDesk, posted: Mapping[str, object]) -> tuple[int, ...] | None:
    """``agents[]`` of a team: memberships may be written from either side."""
    rows = posted.get("agents")
    if not isinstance(rows, list):
        return None
    how = Membership(TeamLink, ("agent_id",), "Agent")
    return tuple(cast("int", _reference(desk, how, "agents", row)) for row in cast("Sequence[object]", rows))


def _write_from_team(desk: HaloDesk, team_id: int, members: tuple[int, ...]) -> None:
    for agent in list(desk.agents.values()):
        inside = any(link.team_id == team_id for link in agent.teams)
        teams = agent.teams
        if agent.id in members and not inside:
            teams = (*agent.teams, TeamLink(team_id=team_id))
        elif inside and agent.id not in members and desk.quirks.memberships == "replace":
            teams = tuple(link for link in agent.teams if link.team_id != team_id)
        if teams != agent.teams:
            after = desk.edit(agent, teams=teams)
            desk.writes.append(Write("Agent", "update", agent.id, agent, after, desk.clock.monotonic()))
