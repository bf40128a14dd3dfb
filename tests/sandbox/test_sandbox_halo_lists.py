from __future__ import annotations

import msgspec
import pytest
from sandbox_halo_client import signed_in, small_desk

from crosskey_sandbox.halo import DepartmentLink, HaloDesk, RoleLink, TeamLink
from fake_clock import FakeClock


def with_people(count, clock=None, **switches) -> HaloDesk:
    desk = small_desk(clock, **switches)
    for number in range(count):
        desk.add_user(f"Person {number:03d}", 1, emailaddress=f"p{number}@acme.example", other5=f"marker-{number}")
    return desk


async def listed(desk, path="Users", **query):
    async with signed_in(desk) as client:
        return (await client.get(f"/api/{path}", params=query)).json()


async def names(desk, path="Users", **query):
    rows = await listed(desk, path, **query)
    return [row["name"] for row in (rows if isinstance(rows, list) else rows[path.lower()])]


# ------------------------------------------------------------------------------------------------------------- paging


@pytest.mark.parametrize(("cap", "asked", "given"), [(100, "1000", 100), (50, "100", 50), (100, "7", 7), (100, "", 50)])
async def test_a_page_holds_at_most_the_cap(cap, asked, given):
    query = {"pageinate": "true", "page_no": "1", "exclude_generaluser": "true", "search": "person"}
    page = await listed(with_people(120, page_cap=cap), **query, **({"page_size": asked} if asked else {}))
    assert (len(page["users"]), page["record_count"], page["page_size"]) == (given, 120, given)


async def test_pages_together_hold_every_row_once():
    desk = with_people(250)
    ids = []
    for number in range(1, 5):
        page = await listed(desk, pageinate="true", page_size="100", page_no=str(number), search="person")
        ids += [row["id"] for row in page["users"]]
    assert len(ids) == len(set(ids)) == 250
    assert ids == sorted(ids)


@pytest.mark.parametrize(("rule", "count"), [("zero", 0), ("truthful", 120)])
async def test_past_the_end(rule, count):
    page = await listed(with_people(120, count_past_end=rule), pageinate="true", page_no="9", search="person")
    assert (page["users"], page["record_count"]) == ([], count)


async def test_a_count_may_lie():
    page = await listed(with_people(20, count_offset=3), pageinate="true", search="person")
    assert (len(page["users"]), page["record_count"]) == (20, 23)


async def test_unpaged_lists_hold_everything_or_are_paged_anyway():
    assert len((await listed(with_people(120), search="person"))["users"]) == 120
    assert len((await listed(with_people(120), search="person", count="5"))["users"]) == 5
    assert len((await listed(with_people(120, unpaged="first_page"), search="person"))["users"]) == 50


@pytest.mark.parametrize(("shape", "key"), [("agents", "agents"), ("results", "results")])
async def test_agents_are_a_bare_array_or_an_envelope_when_paging_is_asked(shape, key):
    assert isinstance(await listed(small_desk(), "Agent", pageinate="true"), list)
    desk = small_desk(agent_list=shape)
    assert isinstance(await listed(desk, "Agent"), list)
    page = await listed(desk, "Agent", pageinate="true", page_size="1", includedisabled="true")
    assert (len(page[key]), page["record_count"]) == (1, 3)


@pytest.mark.parametrize("path", ["Team", "Roles", "UserRoles", "TopLevel", "Organisation"])
async def test_catalogue_lists_are_bare_arrays(path):
    rows = await listed(small_desk(), path)
    assert isinstance(rows, list)
    assert all(row["id"] and row["name"] for row in rows)


@pytest.mark.parametrize(("path", "key"), [("Client", "clients"), ("Site", "sites")])
async def test_clients_and_sites_come_in_envelopes(path, key):
    page = await listed(small_desk(), path, pageinate="true", page_size="1")
    assert (len(page[key]), page["record_count"]) == (1, {"clients": 1, "sites": 3}[key])


# ------------------------------------------------------------------------------------------------------ who is listed


async def test_inactive_users_are_hidden_unless_asked():
    desk = small_desk()
    assert "Chiara Conti" not in await names(desk)
    assert "Chiara Conti" in await names(desk, includeinactive="true")
    assert "Chiara Conti" in await names(desk, activeinactive="true,true")
    assert await names(desk, activeinactive="false,true") == ["Chiara Conti"]
    assert await names(desk, includeactive="false", includeinactive="true") == ["Chiara Conti"]


async def test_every_site_has_a_general_user():
    desk = small_desk()
    assert (await names(desk)).count("General User") == 3
    assert "General User" not in await names(desk, exclude_generaluser="true")


async def test_users_by_site_client_role_department_agent_and_service_account():
    desk = small_desk()
    berlin = next(site for site in desk.sites.values() if site.name == "Berlin")
    links = {"roles": (RoleLink(id=2),), "departments": (DepartmentLink(department_id=2),)}
    desk.add_user("Zoe", berlin.id, isserviceaccount=True, **links)
    assert await names(desk, site_id=str(berlin.id), exclude_generaluser="true") == ["Zoe"]
    assert await names(desk, client_id="99") == []
    assert await names(desk, role="2") == ["Zoe"]
    assert await names(desk, department_id="2") == ["Zoe"]
    assert "Zoe" not in await names(desk, includeserviceaccount="false")
    assert await names(desk, includenonserviceaccount="false") == ["Zoe"]
    assert "Ines Falk" in await names(desk)
    assert "Ines Falk" not in await names(desk, exclude_agents="true")


async def test_disabled_api_only_and_unassigned_agents_are_hidden_unless_asked():
    desk = small_desk()
    assert await names(desk, "Agent") == ["Ines Falk", "Jonas Brandt"]
    assert "Petra Lang" in await names(desk, "Agent", includedisabled="true")
    assert "crosskey Integration" in await names(desk, "Agent", includeapiagents="true")
    assert "Unassigned" in await names(desk, "Agent", includeunassigned="true")


async def test_agents_by_team_role_and_department():
    desk = small_desk()
    administrator = next(role for role in desk.roles.values() if role.name == "Administrator")
    assert await names(desk, "Agent", team="1st line") == ["Jonas Brandt"]
    assert await names(desk, "Agent", team_id="2") == ["Ines Falk"]
    assert await names(desk, "Agent", role=str(administrator.id_int)) == ["Ines Falk"]
    assert await names(desk, "Agent", department_id="2") == ["Ines Falk", "Jonas Brandt"]


async def test_search_looks_at_names_mail_and_login_but_not_at_integration_ids():
    desk = small_desk()
    desk.add_user("Yuki", 1, emailaddress="yuki@acme.example", login="ACME\\yt", azureoid="8d1f", oktaid="00u1")
    assert await names(desk, search="YUKI@") == await names(desk, search="acme\\yt") == ["Yuki"]
    assert await names(desk, search="8d1f") == []
    assert await names(desk, integration_type="okta") == await names(desk, integration_type="azure") == ["Yuki"]


async def test_advanced_search_and_an_instance_that_does_not_know_the_field():
    search = msgspec.json.encode([{"filter_name": "azureoid", "filter_type": 2, "filter_value": "8D1F"}]).decode()
    desk = small_desk()
    desk.add_user("Yuki", 1, azureoid="8d1f")
    assert await names(desk, advanced_search=search) == ["Yuki"]
    refusal = await listed(small_desk(advanced_search=False), advanced_search=search)
    assert "Invalid advanced search parameter" in refusal["Message"]
    assert "Invalid advanced search parameter" in (await listed(desk, advanced_search="nonsense"))["Message"]


async def test_order_is_by_id_or_by_a_member():
    desk = small_desk()
    desk.add_user("Aaron", 1)
    assert (await names(desk, exclude_generaluser="true"))[-1] == "Aaron"
    assert (await names(desk, exclude_generaluser="true", order="name"))[0] == "Aaron"
    assert (await names(desk, exclude_generaluser="true", order="name", orderdesc="true"))[-1] == "Aaron"


async def test_a_list_that_the_agent_may_not_see_is_empty_with_200():
    page = await listed(small_desk(hidden=("Users",)), pageinate="true")
    assert (page["users"], page["record_count"]) == ([], 0)


async def test_users_changed_since_a_date():
    clock = FakeClock()
    desk = small_desk(clock)
    async with signed_in(desk) as client:
        clock.advance(3000)
        await client.post("/api/Users", json=[{"name": "Late", "site_id": 1}])
    assert await names(desk, lastupdatefromdate="2026-01-05T09:30:00") == ["Late"]


async def test_a_lagging_list_shows_writes_later():
    clock = FakeClock()
    desk = small_desk(clock, list_lag=5.0)
    known = next(user for user in desk.users.values() if user.name == "Alba Moreno")
    async with signed_in(desk) as client:
        await client.post("/api/Users", json=[{"name": "New", "site_id": 1}, {"id": known.id, "title": "Chief"}])
    shown = await listed(desk, search="alba")
    assert "title" not in shown["users"][0]
    assert "New" not in await names(desk)
    clock.advance(5.0)
    assert (await listed(desk, search="alba"))["users"][0]["title"] == "Chief"
    assert "New" in await names(desk)


# ---------------------------------------------------------------------------------------------------- how rows look


async def row(desk, name, path="Users", **query):
    rows = await listed(desk, path, **query)
    return next(one for one in (rows if isinstance(rows, list) else rows[path.lower()]) if one["name"] == name)


async def test_a_user_row_has_doubles_and_leaves_empty_members_out():
    desk = small_desk()
    async with signed_in(desk) as client:
        text = (await client.get("/api/Users", params={"search": "alba"})).text
    assert '"site_id":1.0,"site_id_int":1' in text
    shown = await row(desk, "Alba Moreno")
    assert (shown["emailaddress"], shown["inactive"], shown["site_name"]) == ("Alba.moreno@acme.example", False, "Main")
    assert "email2" not in shown
    assert "other5" not in shown


async def test_site_rows_have_a_double_client_id():
    async with signed_in(small_desk()) as client:
        assert '"client_id":1.0' in (await client.get("/api/Site")).text


async def test_other5_is_listed_or_not():
    assert (await row(with_people(1), "Person 000"))["other5"] == "marker-0"
    assert "other5" not in await row(with_people(1, other5_listed=False), "Person 000")


@pytest.mark.parametrize(("rule", "in_list", "in_detail"), [("listed", 1, 1), ("detail", 0, 1), ("unknown", 0, 0)])
@pytest.mark.parametrize("member", ["federated_identity_id", "third_party_relational_id"])
async def test_newer_ids_by_version(member, rule, in_list, in_detail):
    desk = small_desk(**{member: rule})
    user = desk.add_user("Yuki", 1, **{member: "x"})
    assert (member in await row(desk, "Yuki")) == in_list
    assert (member in await listed(desk, f"Users/{user.id}")) == in_detail


async def test_lists_say_okta_id_and_details_say_oktaid_too():
    desk = small_desk()
    user = desk.add_user("Yuki", 1, oktaid="00u1")
    assert (await row(desk, "Yuki"))["okta_id"] == "00u1"
    assert "oktaid" not in await row(desk, "Yuki")
    assert (await listed(desk, f"Users/{user.id}"))["oktaid"] == "00u1"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("ids_and_names", {"role_ids": [1, 2], "role_list": "Self Service User, Approver"}),
        ("ids", {"role_ids": [1, 2]}),
        ("names", {"role_list": "Self Service User, Approver"}),
        ("no", {}),
    ],
)
async def test_roles_of_users_in_lists(rule, expected):
    desk = small_desk(user_roles_listed=rule)
    desk.add_user("Yuki", 1, roles=(RoleLink(id=1), RoleLink(id=2)))
    shown = await row(desk, "Yuki")
    assert {key: shown[key] for key in ("role_ids", "role_list") if key in shown} == expected


async def test_departments_of_users_are_in_details_and_by_switch_in_lists():
    desk = small_desk()
    user = desk.add_user("Yuki", 1, departments=(DepartmentLink(department_id=2),))
    assert "departments" not in await row(desk, "Yuki")
    details = await listed(desk, f"Users/{user.id}", includedetails="true")
    assert details["departments"] == [{"department_id": 2, "department_name": "IT", "is_manager": False}]
    assert "departments" not in await listed(desk, f"Users/{user.id}")
    listing = small_desk(user_departments_listed=True)
    listing.add_user("Yuki", 1, departments=(DepartmentLink(department_id=2),))
    assert (await row(listing, "Yuki"))["departments"][0]["department_id"] == 2


@pytest.mark.parametrize(("rule", "members"), [("both", 2), ("roles", 1), ("role_list", 1)])
async def test_roles_of_agents_only_when_asked(rule, members):
    desk = small_desk(agent_roles_listed=rule)
    plain, asked = await row(desk, "Ines Falk", "Agent"), await row(desk, "Ines Falk", "Agent", includeroles="true")
    assert not {"roles", "role_list"} & set(plain)
    assert len({"roles", "role_list"} & set(asked)) == members


@pytest.mark.parametrize(
    ("rule", "query", "there"),
    [
        ("always", {}, True),
        ("always", {"exclude_membership_info": "true"}, False),
        ("asked", {}, False),
        ("asked", {"include_membership_info": "true"}, True),
        ("no", {"include_membership_info": "true"}, False),
    ],
)
async def test_teams_of_agents_in_lists(rule, query, there):
    shown = await row(small_desk(agent_memberships_listed=rule), "Ines Falk", "Agent", **query)
    assert ("teams" in shown, "departments" in shown) == (there, there)


async def test_a_role_confers_teams_which_the_agent_shows_with_the_role():
    desk = small_desk()
    role = desk.add_role("Networks", teams=(TeamLink(team_id=5),))
    agent = desk.add_agent("Nia", roles=(RoleLink(id=role.id),), teams=(TeamLink(team_id=1),))
    teams = (await listed(desk, f"Agent/{agent.id}", includedetails="true"))["teams"]
    assert [(team["team_id"], team.get("role_id")) for team in teams] == [(1, None), (5, role.id)]


async def test_members_of_teams_and_departments_when_asked():
    desk = small_desk()
    assert "agents" not in await row(desk, "2nd Line", "Team")
    second = await row(desk, "2nd Line", "Team", includeagentsforteams="true")
    assert [(one["agent_name"], one["is_manager"]) for one in second["agents"]] == [("Ines Falk", True)]
    assert "agents" not in await row(desk, "IT", "TopLevel")
    department = await row(desk, "IT", "TopLevel", include_agents="true")
    assert (
        [one["agent_id"] for one in department["agents"]]
        == [one["id"] for one in department["agent_members"]]
        == [3, 4]
    )
    listing = await row(small_desk(department_members="agent_members"), "IT", "TopLevel", include_agents="true")
    assert "agents" not in listing


async def test_departments_are_marked_in_the_tree():
    everything, departments = (
        await names(small_desk(), "TopLevel"),
        await names(small_desk(), "TopLevel", agent_departments_only="true"),
    )
    assert set(everything) - set(departments) == {"Customers"}


async def test_a_list_shows_what_was_written_since_the_last_one():
    desk = with_people(1)
    async with signed_in(desk) as client:
        for number in range(3):
            page = (await client.get("/api/Users", params={"pageinate": "true", "search": "person"})).json()
            assert page["record_count"] == number + 1
            await client.post("/api/Users", json=[{"name": f"Person {number + 1}", "site_id": 1}])


async def test_agent_rows_say_okta_id():
    desk = small_desk()
    desk.add_agent("Nia", oktaid="00u2")
    assert (await row(desk, "Nia", "Agent"))["okta_id"] == "00u2"
    assert await names(desk, "Agent", integration_type="okta") == ["Nia"]


async def test_a_renamed_site_shows_in_the_rows_of_its_users():
    desk = with_people(1)
    assert (await row(desk, "Person 000"))["site_name"] == "Main"
    desk.edit(desk.sites[1], name="Head Office")
    assert (await row(desk, "Person 000"))["site_name"] == "Head Office"


async def test_a_record_by_id_is_not_wrapped_and_an_unknown_id_is_404():
    desk = small_desk()
    async with signed_in(desk) as client:
        user = next(user for user in desk.users.values() if not user.general)
        assert (await client.get(f"/api/users/{user.id}")).json()["name"] == user.name
        assert (await client.get("/api/Users/9999")).status_code == 404
        assert (await client.get("/api/Users/abc")).status_code == 404
        guid = next(iter(desk.roles))
        assert (await client.get(f"/api/Roles/{guid}")).json()["name"] == "Administrator"


async def test_instance_info_tells_licences():
    info = await listed(small_desk(), "InstanceInfo")
    assert (info["agent_count"], info["licensed_agent_count"], info["app_name"]) == (2, 50, "HaloITSM")
