from __future__ import annotations

import pytest
from sandbox_halo_client import signed_in, small_desk

from crosskey_sandbox.halo import HaloDesk, TeamLink
from fake_clock import FakeClock


async def post(desk, path, *items):
    async with signed_in(desk) as client:
        return await client.post(f"/api/{path}", json=list(items))


def user_called(desk: HaloDesk, name):
    return next(user for user in desk.users.values() if user.name == name)


def agent_called(desk: HaloDesk, name):
    return next(agent for agent in desk.agents.values() if agent.name == name)


ADA = {"name": "Ada", "site_id": 1, "emailaddress": "ada@acme.example"}


# --------------------------------------------------------------------------------------------- create, update, delete


async def test_one_record_is_answered_by_one_object_several_by_an_array():
    desk = small_desk()
    one = await post(desk, "Users", ADA)
    assert (one.status_code, one.json()["name"]) == (201, "Ada")
    many = await post(desk, "Users", ADA, ADA | {"name": "Bea"})
    assert [row["name"] for row in many.json()] == ["Ada", "Bea"]


async def test_a_bare_object_is_taken_too():
    desk = small_desk()
    async with signed_in(desk) as client:
        assert (await client.post("/api/Users", json=ADA)).json()["id"] in desk.users


async def test_a_ticket_is_made_for_an_agent():
    desk = small_desk()
    agent = next(agent for agent in desk.agents.values() if not agent.isapiagent)
    made = (await post(desk, "Tickets", {"summary": "Printer", "agent_id": agent.id})).json()
    assert desk.tickets[made["id"]].agent_id == agent.id
    assert desk.has_open_work(agent.id)


async def test_a_body_that_is_no_text_is_refused():
    async with signed_in(small_desk()) as client:
        answer = await client.post("/api/Users", content=b'[{"name": "J\xf6rg"}]')
    assert answer.status_code == 400


async def test_a_create_that_forgot_the_id_makes_a_duplicate_silently():
    desk = small_desk()
    first, second = (await post(desk, "Users", ADA)).json(), (await post(desk, "Users", ADA)).json()
    assert first["id"] != second["id"]
    assert [(write.action, write.before) for write in desk.writes] == [("create", None)] * 2


async def test_an_update_changes_only_what_was_sent():
    desk = small_desk()
    made = (await post(desk, "Users", ADA | {"title": "Engineer"})).json()
    answer = await post(desk, "Users", {"id": made["id"], "inactive": True})
    assert answer.json()["inactive"] is True
    user = desk.users[made["id"]]
    assert (user.name, user.title, user.emailaddress, user.inactive) == ("Ada", "Engineer", "ada@acme.example", True)
    write = desk.writes[-1]
    assert (write.action, write.before.inactive, write.after.inactive) == ("update", False, True)


async def test_names_of_members_match_in_any_case_and_unknown_ones_are_ignored():
    desk = small_desk()
    answer = await post(desk, "users", {"Name": "Ada", "SITE_ID": 1, "emailAddress": "a@acme.example", "lastName": "x"})
    assert answer.json()["emailaddress"] == "a@acme.example"
    assert "lastname" not in answer.json()


async def test_read_only_members_are_ignored():
    desk = small_desk()
    made = (await post(desk, "Users", ADA | {"datecreated": "1999-01-01", "general": True})).json()
    assert desk.users[made["id"]].datecreated.startswith("2026-01-05")
    assert not desk.users[made["id"]].general


@pytest.mark.parametrize("key", [99_999, "5", 5.0, True])
async def test_an_id_that_is_unknown_or_no_int_is_refused(key):
    desk = small_desk()
    assert (await post(desk, "Users", {"id": key, "title": "x"})).status_code == 400
    assert desk.writes == []


async def test_delete_answers_the_record_which_is_then_gone():
    desk = small_desk()
    async with signed_in(desk) as client:
        user = user_called(desk, "Alba Moreno")
        assert (await client.delete(f"/api/Users/{user.id}")).json()["id"] == user.id
        assert (await client.get(f"/api/Users/{user.id}")).status_code == 404
        assert (await client.delete(f"/api/Users/{user.id}")).status_code == 404
    assert [(write.action, write.id, write.after) for write in desk.writes] == [("delete", user.id, None)]


async def test_a_new_site_brings_its_general_user():
    desk = small_desk()
    site = (await post(desk, "Site", {"name": "Oslo", "client_id": 1})).json()
    assert [user.name for user in desk.users.values() if user.site_id == site["id"]] == ["General User"]


# ------------------------------------------------------------------------------------------------------- validation


@pytest.mark.parametrize(
    ("path", "item", "says"),
    [
        ("Users", {"name": "Ada"}, "site"),
        ("Users", {"site_id": 1}, "name"),
        ("Users", {"name": " ", "site_id": 1}, "name"),
        ("Users", {"name": "Ada", "site_id": 77}, "77"),
        ("Users", {"name": "Ada", "site_id": "1"}, "site_id"),
        ("Users", {"name": "Ada", "site_id": 1, "inactive": "yes"}, "inactive"),
        ("Users", {"name": 5, "site_id": 1}, "name"),
        ("Users", {"name": "Ada", "site_id": 1, "roles": [{"id": 77}]}, "roles"),
        ("Users", {"name": "Ada", "site_id": 1, "roles": {"id": 1}}, "roles"),
        ("Users", "Ada", "type"),
        ("Agent", {"email": "ada@acme.example"}, "name"),
        ("Agent", {"name": "Ada", "team": "No Such Team"}, "No Such Team"),
        ("Agent", {"name": "Ada", "roles": [{"id": 1}]}, "roles"),
        ("Agent", {"name": "Ada", "teams": [{"team_id": 77}]}, "teams"),
        ("Agent", {"name": "Ada", "departments": [{}]}, "departments"),
        ("Site", {"name": "Oslo"}, "client"),
    ],
)
async def test_bad_records_are_400_and_nothing_is_saved(path, item, says):
    desk = small_desk()
    answer = await post(desk, path, item)
    assert answer.status_code == 400
    assert says in answer.json()["Message"]
    assert answer.json()["ClassName"] == "System.Exception"
    assert desk.writes == []


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b"<html>"])
async def test_bodies_that_are_no_array_of_records_are_400(body):
    async with signed_in(small_desk()) as client:
        assert (await client.post("/api/Users", content=body)).status_code == 400


async def test_a_double_is_refused_for_an_id_although_lists_answer_doubles():
    refusal = await post(small_desk(), "Users", ADA | {"site_id": 1.0})
    assert (refusal.status_code, "site_id" in refusal.json()["Message"]) == (400, True)
    assert (await post(small_desk(doubles="accepted"), "Users", ADA | {"site_id": 1.0})).status_code == 201


@pytest.mark.parametrize(
    ("shape", "member"),
    [("exception", "ClassName"), ("message", "Message"), ("error", "error"), ("result", "errorMessage")],
)
async def test_refusals_come_in_four_shapes(shape, member):
    assert member in (await post(small_desk(error_body=shape), "Agent", {"email": "x"})).json()


async def test_long_text_is_cut_silently_or_refused():
    item = ADA | {"firstname": "x" * 300, "other5": "y" * 5000}
    answer = (await post(small_desk(), "Users", item)).json()
    assert (len(answer["firstname"]), len(answer["other5"])) == (200, 4000)
    assert (await post(small_desk(long_text="refuse"), "Users", item)).status_code == 400
    assert len((await post(small_desk(), "Agent", {"name": "Ada", "initials": "ABCDE"})).json()["initials"]) == 3


@pytest.mark.parametrize(("rule", "title"), [("ignored", "Chief"), ("clears", "")])
async def test_null_clears_or_is_ignored_and_empty_text_clears(rule, title):
    desk = small_desk(null=rule)
    key = (await post(desk, "Users", ADA | {"title": "Chief", "notes": "x"})).json()["id"]
    await post(desk, "Users", {"id": key, "title": None, "notes": ""})
    assert (desk.users[key].title, desk.users[key].notes) == (title, "")


async def test_uniqueness_by_switch():
    desk = small_desk(unique_emails=True, unique_agent_names=True)
    assert (await post(desk, "Users", ADA)).status_code == 201
    assert (await post(desk, "Users", ADA | {"emailaddress": "ADA@acme.example"})).status_code == 400
    assert (await post(desk, "Agent", {"name": "ines falk"})).status_code == 400
    chief = agent_called(desk, "Ines Falk")
    assert (await post(desk, "Agent", {"id": chief.id, "name": "Ines Falk"})).status_code == 201


async def test_seats_may_be_enforced():
    desk = small_desk(seats_enforced=True)
    desk.seats = desk.seats_used()
    assert (await post(desk, "Agent", {"name": "Ada"})).status_code == 400
    assert (await post(desk, "Agent", {"name": "Robot", "isapiagent": True})).status_code == 201
    disabled = agent_called(desk, "Petra Lang")
    assert (await post(desk, "Agent", {"id": disabled.id, "isdisabled": False})).status_code == 400


# ---------------------------------------------------------------------------------------------------- arrays of many


@pytest.mark.parametrize(
    ("rule", "status", "saved"),
    [("refuse_all", 400, []), ("save_before", 400, ["Ada"]), ("save_good", 201, ["Ada", "Cleo"])],
)
async def test_one_bad_record_in_an_array(rule, status, saved):
    desk = small_desk(bad_item=rule)
    answer = await post(desk, "Users", ADA, {"name": "Bad"}, ADA | {"name": "Cleo"})
    assert answer.status_code == status
    assert [write.after.name for write in desk.writes] == saved
    assert [user.name for user in desk.users.values() if user.name in {"Ada", "Bad", "Cleo"}] == saved
    if rule == "save_good":
        first, bad, last = answer.json()
        assert (first["name"], last["name"], bad["ClassName"]) == ("Ada", "Cleo", "System.Exception")
        assert "id" not in bad


async def test_a_refused_array_takes_updates_and_session_ends_back():
    desk = small_desk()
    chief = agent_called(desk, "Ines Falk")
    await post(desk, "Agent", {"id": chief.id, "isdisabled": True, "_kick": True}, {"id": chief.id, "team": "nowhere"})
    assert (desk.agents[chief.id], desk.session_ends, desk.writes) == (chief, [], [])
    await post(desk, "Site", {"name": "Oslo", "client_id": 1}, {"name": "Rome"})
    assert [user.site_id for user in desk.users.values() if user.general] == [1, 2, 3]


@pytest.mark.parametrize(("saved", "names"), [("all", ["Ada", "Bea"]), ("first", ["Ada"])])
async def test_several_may_be_answered_by_one_object(saved, names):
    desk = small_desk(many_reply="object", many_saved=saved)
    answer = await post(desk, "Users", ADA, ADA | {"name": "Bea"})
    assert answer.json()["name"] == "Ada"
    assert [write.after.name for write in desk.writes] == names


async def test_a_longer_array_than_allowed_is_refused_and_200_may_stand_for_201():
    desk = small_desk(batch_limit=2, post_status=200)
    assert (await post(desk, "Users", ADA, ADA, ADA)).status_code == 400
    assert (await post(desk, "Users", ADA, ADA)).status_code == 200


# --------------------------------------------------------------------------------------- roles, teams, departments


@pytest.mark.parametrize(("rule", "teams"), [("replace", [3]), ("merge", [2, 3])])
async def test_posted_teams_replace_or_are_added(rule, teams):
    desk = small_desk(memberships=rule)
    chief = agent_called(desk, "Ines Falk")
    answer = (await post(desk, "Agent", {"id": chief.id, "teams": [{"team_id": 3}]})).json()
    assert [team["team_id"] for team in answer["teams"]] == teams
    assert [link.team_id for link in desk.agents[chief.id].teams] == teams


async def test_a_replaced_membership_loses_what_was_not_sent_a_merged_one_keeps_it():
    for rule, manager in (("replace", False), ("merge", True)):
        desk = small_desk(memberships=rule)
        chief = agent_called(desk, "Ines Falk")
        await post(desk, "Agent", {"id": chief.id, "teams": [{"team_id": 2}]})
        assert desk.agents[chief.id].teams == (TeamLink(team_id=2, is_manager=manager),)


@pytest.mark.parametrize(("rule", "count"), [("replace", 0), ("merge", 1)])
async def test_an_empty_list_takes_all_away_where_lists_replace(rule, count):
    desk = small_desk(memberships=rule)
    chief = agent_called(desk, "Ines Falk")
    await post(desk, "Agent", {"id": chief.id, "roles": [], "departments": []})
    assert (len(desk.agents[chief.id].roles), len(desk.agents[chief.id].departments)) == (count, count)


async def test_add_roles_adds():
    desk = small_desk()
    key = (await post(desk, "Users", ADA | {"roles": [{"id": 1}]})).json()["id"]
    answer = await post(desk, "Users", {"id": key, "add_roles": [{"id": 2}]})
    assert [role["name"] for role in answer.json()["roles"]] == ["Self Service User", "Approver"]


async def test_team_membership_can_be_written_from_the_team():
    desk = small_desk()
    chief, technician = agent_called(desk, "Ines Falk"), agent_called(desk, "Jonas Brandt")
    await post(desk, "Team", {"id": 2, "agents": [{"agent_id": technician.id}]})
    assert [link.team_id for link in desk.agents[technician.id].teams] == [1, 2]
    assert desk.agents[chief.id].teams == ()
    assert [write.resource for write in desk.writes] == ["Team", "Agent", "Agent"]


# -------------------------------------------------------------------------------------------------- ids and commands


@pytest.mark.parametrize(
    ("rule", "member", "stored"),
    [
        ("both", "oktaid", True),
        ("both", "okta_id", True),
        ("oktaid", "okta_id", False),
        ("okta_id", "okta_id", True),
        ("neither", "oktaid", False),
    ],
)
async def test_which_name_of_the_okta_id_persists(rule, member, stored):
    desk = small_desk(okta_id_accepts=rule)
    key = (await post(desk, "Users", ADA | {member: "00u1"})).json()["id"]
    assert desk.users[key].oktaid == ("00u1" if stored else "")


@pytest.mark.parametrize("path", ["Users", "Agent"])
async def test_an_older_version_ignores_the_newer_ids(path):
    desk = small_desk(federated_identity_id="unknown", third_party_relational_id="unknown")
    await post(desk, path, ADA | {"federated_identity_id": "f", "third_party_relational_id": "t"})
    after = desk.writes[0].after
    assert (after.federated_identity_id, after.third_party_relational_id) == ("", "")


async def test_kick_and_revoke_are_recorded_and_never_stored():
    desk = small_desk()
    chief = agent_called(desk, "Ines Falk")
    answer = await post(desk, "Agent", {"id": chief.id, "isdisabled": True, "_kick": True, "_revoke_tokens": True})
    assert "_kick" not in answer.json()
    (end,) = desk.session_ends
    assert (end.agent_id, end.kicked, end.revoked) == (chief.id, True, True)


@pytest.mark.parametrize(
    ("rule", "disabled", "warned"), [("ignored", True, False), ("warning", True, True), ("demand", False, True)]
)
async def test_disabling_an_agent_with_open_tickets(rule, disabled, warned):
    desk = small_desk(open_work=rule)
    chief = agent_called(desk, "Ines Falk")
    desk.busy_agents.add(chief.id)
    answer = await post(desk, "Agent", {"id": chief.id, "isdisabled": True})
    assert answer.status_code == 201
    assert ("_warning" in answer.json(), desk.agents[chief.id].isdisabled) == (warned, disabled)
    assert answer.json().get("check_reassign01", False) == (rule == "demand")
    if rule == "demand":
        await post(desk, "Agent", {"id": chief.id, "isdisabled": True, "_force": True})
        assert desk.agents[chief.id].isdisabled


async def test_an_agent_is_stamped_when_changed():
    clock = FakeClock()
    desk = small_desk(clock)
    clock.advance(90)
    chief = agent_called(desk, "Ines Falk")
    answer = await post(desk, "Agent", {"id": chief.id, "jobtitle": "Head of IT"})
    assert answer.json()["last_modified"] == "2026-01-05T09:01:30.000Z"
