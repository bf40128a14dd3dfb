"""Roles by name, default teams, and memberships with flags of their own, however an instance shows them."""

from __future__ import annotations

import pytest
from halo_bench import Altered, a_change, a_desk, called, opened, read_all, results

from crosskey.connector.target import Lookup
from crosskey_sandbox.halo import DepartmentLink, RoleLink, TeamLink


def without(*members):
    """An answer about one record that lacks some of its members (synthetic)."""
    return lambda body: {name: value for name, value in body.items() if name not in members}


async def look_up_agent(target, agent):
    (account,) = await target.look_up(Lookup(kind="agent", keys=(str(agent.id),)))
    return account


async def read_agent(desk, agent, path="", alter=None):
    """The agent as a read of all gives it."""
    async with opened(desk, transport=Altered(desk, path, alter)) as target:
        accounts, _ = await read_all(target, "agent")
    return accounts["agent", str(agent.id)]


# ------------------------------------------------------------------------------------------------------- roles by name


@pytest.mark.parametrize(
    "names",
    [
        ("Lead, Night",),
        ("Lead, Night", "Read Only"),
        ("Read Only", "Lead, Night", "Administrator"),
        ("Administrator", "Standard User", "Team Lead"),
        ("Administrator", "Standard User", "Team Lead", "Read Only"),
    ],
)
async def test_roles_that_rows_tell_by_name_only_are_all_known_though_a_name_holds_a_comma(names):
    desk = a_desk(agent_roles_listed="role_list")
    desk.add_role("Lead")
    desk.add_role("Lead, Night")
    roles = [called(desk.roles, name).id for name in names]
    agent = desk.add_agent("Ada", email="ada@acme.example", roles=tuple(RoleLink(id=role) for role in roles))
    assert (await read_agent(desk, agent)).references["roles"] == tuple(roles)


async def test_a_role_name_that_no_list_has_hides_no_role_after_it():
    desk = a_desk()
    agent = called(desk.agents, "Jonas Brandt")

    def named(rows):
        return [without("roles")(row) | {"role_list": "Ghost,Spook, team lead,Read Only"} for row in rows]

    account = await read_agent(desk, agent, "/api/Agent", named)
    assert account.references["roles"] == (called(desk.roles, "Team Lead").id, called(desk.roles, "Read Only").id)


async def test_an_agent_whose_details_name_its_roles_only_is_looked_up_with_them():
    desk = a_desk()
    chief = called(desk.agents, "Ines Falk")

    def named(body):
        return without("roles")(body) | {"role_list": "Administrator"}

    async with opened(desk, transport=Altered(desk, f"/api/Agent/{chief.id}", named)) as target:
        account = await look_up_agent(target, chief)
    assert account.references["roles"] == (called(desk.roles, "Administrator").id,)


async def test_an_agent_whose_details_tell_nothing_of_roles_costs_no_list_of_them():
    desk = a_desk()
    chief = called(desk.agents, "Ines Falk")
    async with opened(desk, transport=Altered(desk, f"/api/Agent/{chief.id}", without("roles"))) as target:
        account = await look_up_agent(target, chief)
    assert "roles" not in account.references
    assert "GET /api/Roles" not in desk.counts()


# -------------------------------------------------------------------------------------------------------- default teams


@pytest.mark.parametrize("team", ["", "A Team Of Old"])
async def test_a_default_team_that_is_none_is_no_reference(team):
    desk = a_desk()
    tech = desk.edit(called(desk.agents, "Jonas Brandt"), team=team)
    assert "team" not in (await read_agent(desk, tech)).references


async def test_a_looked_up_agent_has_its_default_team():
    desk = a_desk()
    tech = desk.edit(called(desk.agents, "Jonas Brandt"), team="2nd line")
    async with opened(desk) as target:
        account = await look_up_agent(target, tech)
    assert account.references["team"] == (str(called(desk.teams, "2nd Line").id),)


# ---------------------------------------------------------------------------------------------------------- memberships


@pytest.mark.parametrize("hidden", ["teams", "departments"])
async def test_an_agent_whose_details_hide_one_kind_of_membership_is_told_whole(hidden):
    desk = a_desk()
    chief = called(desk.agents, "Ines Falk")
    async with opened(desk, transport=Altered(desk, f"/api/Agent/{chief.id}", without(hidden))) as target:
        account = await look_up_agent(target, chief)
    assert account.references["teams"] == (str(chief.teams[0].team_id),)
    assert account.references["departments"] == (str(chief.departments[0].department_id),)


@pytest.mark.parametrize("nothing", [0, -1, None])
@pytest.mark.parametrize("path", ["/api/Team", "/api/TopLevel"])
async def test_members_of_what_has_no_id_are_in_nothing_and_hide_no_others(path, nothing):
    desk = a_desk(agent_memberships_listed="no")
    idle, chief = called(desk.agents, "Petra Lang"), called(desk.agents, "Ines Falk")
    members = {"agents": [{"agent_id": idle.id, "is_manager": True}], "agent_members": [{"id": idle.id}]}

    def more(rows):
        return [{"id": nothing, "name": "None", **members}, *rows]

    async with opened(desk, transport=Altered(desk, path, more)) as target:
        accounts, _ = await read_all(target, "agent")
    assert not {"teams", "departments"} & accounts["agent", str(idle.id)].references.keys()
    assert {"teams", "departments"} <= accounts["agent", str(chief.id)].references.keys()


# ---------------------------------------------------------------------------------------------------- flags of their own

LISTS = {
    "teams": ("/api/Team", "team_id"),
    "departments": ("/api/TopLevel", "department_id"),
}


def a_leader(desk, *, level=2):
    """An agent who leads the team 2nd Line and bears a level in the department HR."""
    return desk.add_agent(
        "Ada",
        email="ada@acme.example",
        teams=(TeamLink(team_id=called(desk.teams, "2nd Line").id, is_manager=True),),
        departments=(DepartmentLink(department_id=called(desk.departments, "HR").id, membershiplevel=level),),
    )


def flags(desk, agent, reference):
    """Of each membership of an agent, what is more than "is in"."""
    if reference == "teams":
        return {link.team_id: link.is_manager for link in desk.agents[agent.id].teams}
    return {link.department_id: link.membershiplevel for link in desk.agents[agent.id].departments}


def second(desk, reference):
    return called(desk.teams, "1st Line").id if reference == "teams" else called(desk.departments, "IT").id


def adding(agent, reference, own, other):
    change = {reference: ((str(own),), (str(own), str(other)))}
    return a_change("update", agent.id, kind="agent", references=change)


@pytest.mark.parametrize("reference", LISTS)
async def test_flags_that_only_a_single_record_shows_are_sent_back_with_a_new_membership(reference):
    desk = a_desk()
    agent = a_leader(desk)
    (own, flag), other = *flags(desk, agent, reference).items(), second(desk, reference)
    async with opened(desk) as target:
        await look_up_agent(target, agent)
        assert results(await target.apply([adding(agent, reference, own, other)])) == ["applied"]
    assert flags(desk, agent, reference) == {own: flag, other: type(flag)(0)}


@pytest.mark.parametrize("reference", LISTS)
@pytest.mark.parametrize("told", ["id", "no id"])
async def test_flags_that_only_the_lists_of_members_show_are_sent_back_with_a_new_membership(reference, told):
    """``no id``: the row of a membership does not repeat the id of the team or department that it stands in."""
    desk = a_desk(agent_memberships_listed="no", department_members="agents")
    agent = a_leader(desk)
    (own, flag), other = *flags(desk, agent, reference).items(), second(desk, reference)
    path, member = LISTS[reference]

    def bare(rows):
        return [row | {"agents": [without(member)(link) for link in row["agents"]]} for row in rows]

    async with opened(desk, transport=Altered(desk, path, bare if told == "no id" else None)) as target:
        await read_all(target, "agent")
        assert results(await target.apply([adding(agent, reference, own, other)])) == ["applied"]
    assert flags(desk, agent, reference) == {own: flag, other: type(flag)(0)}


@pytest.mark.parametrize("reference", LISTS)
async def test_who_left_what_they_led_comes_back_without_the_flag(reference):
    desk = a_desk()
    agent = a_leader(desk)
    ((own, flag),) = flags(desk, agent, reference).items()
    async with opened(desk) as target:
        await look_up_agent(target, agent)
        desk.edit(desk.agents[agent.id], teams=(), departments=())
        await look_up_agent(target, agent)
        change = a_change("update", agent.id, kind="agent", references={reference: ((), (str(own),))})
        assert results(await target.apply([change])) == ["applied"]
    assert flags(desk, agent, reference) == {own: type(flag)(0)}


def user_flags(desk, user):
    return {link.department_id: link.is_manager for link in desk.users[user.id].departments}


@pytest.mark.parametrize("listed", [True, False])
async def test_a_user_who_leads_a_department_stays_its_leader_in_a_second_one(listed):
    desk = a_desk(user_departments_listed=listed)
    own, other = (called(desk.departments, name).id for name in ("HR", "IT"))
    user = desk.add_user("Ada", 1, departments=(DepartmentLink(department_id=own, is_manager=True),))
    change = a_change("update", user.id, references={"departments": ((str(own),), (str(own), str(other)))})
    async with opened(desk) as target:
        if listed:
            await read_all(target, "user")
        assert results(await target.apply([change])) == ["applied"]
    assert user_flags(desk, user) == {own: True, other: False}


async def test_a_user_who_left_the_department_they_led_comes_back_without_the_flag():
    desk = a_desk()
    own = called(desk.departments, "HR").id
    user = desk.add_user("Ada", 1, departments=(DepartmentLink(department_id=own, is_manager=True),))
    change = a_change("update", user.id, references={"departments": ((), (str(own),))})
    async with opened(desk) as target:
        await target.look_up(Lookup(kind="user", keys=(str(user.id),)))
        desk.edit(desk.users[user.id], departments=())
        await target.look_up(Lookup(kind="user", keys=(str(user.id),)))
        assert results(await target.apply([change])) == ["applied"]
    assert user_flags(desk, user) == {own: False}
