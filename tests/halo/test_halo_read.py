from __future__ import annotations

import pytest
from halo_bench import DeskTransport, a_desk, marker, opened, read_all

from crosskey.errors import ContractError
from crosskey_sandbox.halo import DepartmentLink, RoleLink


def add_people(desk, count):
    for number in range(count):
        desk.add_user(f"Extra {number}", 1, emailaddress=f"extra.{number}@acme.example", other5=marker(number))


async def test_users_come_with_fields_site_marker_and_state():
    desk = a_desk()
    user = desk.add_user(
        "Ada Example", 2, emailaddress="ada@acme.example", title="Engineer", inactive=True, other5=marker(7)
    )
    async with opened(desk) as target:
        accounts, _ = await read_all(target, "user")
    account = accounts["user", str(user.id)]
    assert account.fields["emailaddress"] == "ada@acme.example"
    assert account.fields["title"] == "Engineer"
    assert account.references["site"] == ("2",)
    assert (account.active, account.marker, account.label) == (False, marker(7), "Ada Example")
    assert "other5" not in account.fields, "the marker's field is not the mapping's"


async def test_the_general_user_of_a_site_is_never_read():
    desk = a_desk()
    assert any(user.general for user in desk.users.values())
    async with opened(desk) as target:
        accounts, _ = await read_all(target, "user")
    assert not [account for account in accounts.values() if account.label == "General User"]


@pytest.mark.parametrize("cap", [100, 50, 30])
@pytest.mark.parametrize("past_end", ["zero", "truthful"])
async def test_every_user_comes_whatever_the_page_is_cut_to(cap, past_end):
    desk = a_desk(page_cap=cap, count_past_end=past_end)
    add_people(desk, 231)
    async with opened(desk) as target:
        accounts, end = await read_all(target, "user")
    expected = {str(user.id) for user in desk.users.values() if not user.general}
    assert {key for _, key in accounts} == expected
    assert end.counts == {"user": len(expected)}
    assert desk.counts()["GET /api/Users"] == -(-len(expected) // cap)


async def test_a_page_size_of_our_own_is_asked_for():
    desk = a_desk()
    add_people(desk, 60)
    async with opened(desk, page_size=20) as target:
        await read_all(target, "user")
    assert {entry.query["page_size"] for entry in desk.requests if entry.path == "/api/Users"} == {"20"}


async def test_fewer_rows_than_the_desk_says_is_an_incomplete_read():
    desk = a_desk(count_offset=3)
    async with opened(desk) as target:
        with pytest.raises(ContractError, match="gave only") as caught:
            await read_all(target, "user")
    assert caught.value.code == "halo-incomplete"
    assert caught.value.where == "target.desk"


async def test_a_row_that_slips_to_a_page_that_was_read_is_found_in_a_second_pass():
    desk = a_desk()
    add_people(desk, 150)
    people = [user for user in desk.users.values() if not user.general]

    class Slips(DeskTransport):
        async def handle_async_request(self, request):
            response = await super().handle_async_request(request)
            if request.url.path == "/api/Users" and people[0].id in desk.users:
                desk.drop("Users", people[0].id)  # somebody deletes a user while we read: all others move up by one
            return response

    async with opened(desk, transport=Slips(desk)) as target:
        accounts, _ = await read_all(target, "user")
    assert str(people[100].id) in {key for _, key in accounts}
    assert {str(user.id) for user in desk.users.values() if not user.general} <= {key for _, key in accounts}


async def test_agents_come_with_roles_teams_departments_and_default_team():
    desk = a_desk()
    chief = next(agent for agent in desk.agents.values() if agent.name == "Ines Falk")
    desk.edit(chief, team="2nd Line")
    async with opened(desk) as target:
        accounts, _ = await read_all(target, "agent")
    account = accounts["agent", str(chief.id)]
    names = {role.id: role.name for role in desk.roles.values()}
    assert [names[id_] for id_ in account.references["roles"]] == ["Administrator"]
    assert [desk.teams[int(id_)].name for id_ in account.references["teams"]] == ["2nd Line"]
    assert [desk.departments[int(id_)].name for id_ in account.references["departments"]] == ["IT"]
    assert [desk.teams[int(id_)].name for id_ in account.references["team"]] == ["2nd Line"]


@pytest.mark.parametrize("shape", ["array", "agents", "results"])
@pytest.mark.parametrize("memberships", ["always", "asked", "no"])
@pytest.mark.parametrize("roles", ["both", "roles", "role_list"])
async def test_agents_are_the_same_in_whatever_shape_they_are_listed(shape, memberships, roles):
    desk = a_desk(agent_list=shape, agent_memberships_listed=memberships, agent_roles_listed=roles)
    plain = a_desk()
    async with opened(desk) as target, opened(plain) as other:
        accounts, _ = await read_all(target, "agent")
        expected, _ = await read_all(other, "agent")
    assert {key: (a.fields, a.references, a.active) for key, a in accounts.items()} == {
        key: (a.fields, a.references, a.active) for key, a in expected.items()
    }


@pytest.mark.parametrize("members", ["both", "agents", "agent_members"])
async def test_departments_tell_their_agents_in_either_form(members):
    desk = a_desk(agent_memberships_listed="no", department_members=members)
    async with opened(desk) as target:
        accounts, _ = await read_all(target, "agent")
    chief = next(account for account in accounts.values() if account.label == "Ines Falk")
    assert [desk.departments[int(id_)].name for id_ in chief.references["departments"]] == ["IT"]


async def test_many_agents_in_pages_are_all_read():
    desk = a_desk(agent_list="agents")
    for number in range(130):
        desk.add_agent(f"Agent {number}", email=f"agent.{number}@acme.example", isdisabled=number % 2 == 0)
    async with opened(desk) as target:
        accounts, end = await read_all(target, "agent")
    assert len([a for a in accounts.values() if a.label.startswith("Agent ")]) == 130
    assert end.counts["agent"] == len(accounts)


async def test_the_own_agent_and_api_only_agents_are_protected():
    desk = a_desk()
    other = desk.add_agent("Backup Robot", email="backup@acme.example", isapiagent=True)
    async with opened(desk) as target:
        accounts, _ = await read_all(target, "agent")
    own = accounts["agent", str(desk.application.agent_id)]
    assert own.protected
    assert accounts["agent", str(other.id)].protected == "an API-only agent"
    assert not next(a for a in accounts.values() if a.label == "Ines Falk").protected


@pytest.mark.parametrize("listed", ["ids_and_names", "ids", "names", "no"])
async def test_user_roles_are_known_however_lists_show_them(listed):
    desk = a_desk(user_roles_listed=listed)
    role = next(role for role in desk.user_roles.values() if role.name == "Approver")
    user = desk.add_user("Ada Example", 2, roles=(RoleLink(id=role.id),))
    async with opened(desk) as target:
        accounts, _ = await read_all(target, "user", user=frozenset({"roles"}))
    assert accounts["user", str(user.id)].references["roles"] == (str(role.id),)


async def test_departments_of_users_are_read_by_lists_when_the_mapping_manages_them():
    desk = a_desk()
    department = next(node for node in desk.departments.values() if node.name == "HR")
    user = desk.add_user("Ada Example", 2, departments=(DepartmentLink(department_id=department.id),))
    async with opened(desk) as target:
        accounts, _ = await read_all(target, "user", user=frozenset({"departments"}))
        assert accounts["user", str(user.id)].references["departments"] == (str(department.id),)
        before = desk.counts()["GET /api/Users"]
        await read_all(target, "user")
        assert desk.counts()["GET /api/Users"] == before + 1, "nobody asked: no list per department"


async def test_a_sync_without_changes_costs_lists_only():
    desk = a_desk()
    add_people(desk, 231)
    users = sum(not user.general for user in desk.users.values())
    async with opened(desk) as target:
        await target.schema()
        await target.catalogue()
        await read_all(target)
        await target.catalogue()
    assert desk.counts() == {
        "GET /api/authinfo": 1,
        "POST /auth/token": 1,
        "GET /api/Users": -(-users // 100),
        "GET /api/Agent": 1,
        "GET /api/Agent/{id}": 1,
        "GET /api/Site": 1,
        "GET /api/Client": 1,
        "GET /api/UserRoles": 1,
        "GET /api/Roles": 1,
        "GET /api/Team": 1,
        "GET /api/TopLevel": 1,
    }
    assert desk.writes == []


async def test_memberships_are_read_anew_by_a_second_read():
    desk = a_desk(agent_memberships_listed="no")
    async with opened(desk) as target:
        await read_all(target, "agent")
        chief = next(agent for agent in desk.agents.values() if agent.name == "Ines Falk")
        desk.edit(chief, teams=())
        accounts, _ = await read_all(target, "agent")
    assert "teams" not in accounts["agent", str(chief.id)].references
