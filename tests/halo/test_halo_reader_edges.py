"""Reads at their edges: what is refused and how it is told, what is asked for, and who is protected."""

from __future__ import annotations

import msgspec
import pytest
from halo_bench import Altered, DeskTransport, a_change, a_desk, called, marker, opened, read_all

from crosskey.connector.target import Lookup
from crosskey.errors import AuthError, ContractError
from crosskey_sandbox.halo import DepartmentLink, RoleLink


class MindsCase(DeskTransport):
    """Synthetic: an instance that knows filters by the letters they are documented in, and passes over all others."""

    async def handle_async_request(self, request):
        known = [
            (name, value) for name, value in request.url.params.multi_items() if name.islower() and value != "TRUE"
        ]
        request.url = request.url.copy_with(params=known)
        return await super().handle_async_request(request)


# ------------------------------------------------------------------------------------------- what is refused, and told


@pytest.mark.parametrize(("kind", "path", "member"), [("user", "/api/Users", "users"), ("agent", "/api/Agent", None)])
async def test_a_row_without_an_id_is_told_with_its_list_its_place_and_a_fix(kind, path, member):
    def alter(body):
        del (body[member] if member else body)[0]["id"]
        return body

    desk = a_desk()
    async with opened(desk, transport=Altered(desk, path, alter)) as target:
        with pytest.raises(ContractError) as caught:
            await read_all(target, kind)
    assert f"GET {path} gave a row without an id" in caught.value.message
    assert (caught.value.code, caught.value.where) == ("halo-shape", "target.desk")
    assert "check that url is the address" in caught.value.fix


async def test_an_answer_about_the_own_agent_that_is_no_record_is_told_with_its_path():
    desk = a_desk()
    async with opened(desk, transport=Altered(desk, "/api/Agent/me", lambda body: [body])) as target:
        with pytest.raises(ContractError, match="GET /api/Agent/me: the answer has not the shape"):
            await read_all(target, "agent")


@pytest.mark.parametrize(
    ("kind", "resource", "known", "right"),
    [
        ("user", "Users", "no users at all, not even the General Users of its sites", "rights on customers"),
        ("agent", "Agent", "no agents at all, not even the one it logs in as", "the Administrator role"),
    ],
)
async def test_a_desk_that_shows_nobody_is_told_with_what_is_known_to_be_there_and_the_right_to_give(
    kind, resource, known, right
):
    async with opened(a_desk(hidden=(resource,))) as target:
        with pytest.raises(AuthError) as caught:
            await read_all(target, kind)
    assert known in caught.value.message
    assert right in caught.value.fix


@pytest.mark.parametrize("wire", [DeskTransport, MindsCase])
async def test_general_users_that_are_inactive_are_users_all_the_same(wire):
    """A desk whose own General Users were all switched off is an empty desk, not one that hides its users."""
    desk = a_desk()
    for user in list(desk.users.values()):
        if user.general:
            desk.edit(user, inactive=True)
        else:
            desk.drop("Users", user.id)
    async with opened(desk, transport=wire(desk)) as target:
        accounts, _ = await read_all(target, "user")
    assert accounts == {}
    asked = [entry.query for entry in desk.requests if entry.path == "/api/Users"]
    assert (asked[-1]["includeactive"], asked[-1]["includeinactive"]) == ("true", "true")


# ------------------------------------------------------------------------------------- what rows of users do not show


@pytest.mark.parametrize("reference", ["roles", "departments"])
async def test_members_are_asked_for_by_the_documented_name_of_the_filter(reference):
    desk = a_desk(user_roles_listed="no")
    role, department = called(desk.user_roles, "Approver"), called(desk.departments, "HR")
    user = desk.add_user(
        "Ada", 1, roles=(RoleLink(id=role.id),), departments=(DepartmentLink(department_id=department.id),)
    )
    async with opened(desk, transport=MindsCase(desk)) as target:
        accounts, _ = await read_all(target, "user", user=frozenset({reference}))
    expected = {"roles": (str(role.id),), "departments": (str(department.id),)}[reference]
    assert [key for key, account in accounts.items() if reference in account.references] == [("user", str(user.id))]
    assert accounts["user", str(user.id)].references[reference] == expected


async def test_roles_that_lists_show_by_id_cost_no_list_of_their_own():
    desk = a_desk(user_roles_listed="ids")
    role = called(desk.user_roles, "Approver")
    desk.add_user("Ada", 1, roles=(RoleLink(id=role.id),))
    async with opened(desk) as target:
        await read_all(target, "user", user=frozenset({"roles"}))
    assert "GET /api/UserRoles" not in desk.counts()
    assert desk.counts()["GET /api/Users"] == 1


async def test_a_role_that_names_nothing_hides_no_members_of_the_roles_after_it():
    desk = a_desk(user_roles_listed="no")
    role = called(desk.user_roles, "Approver")
    user = desk.add_user("Ada", 1, roles=(RoleLink(id=role.id),))
    nothing = Altered(desk, "/api/UserRoles", lambda rows: [{"id": -1, "name": "None"}, *rows])
    async with opened(desk, transport=nothing) as target:
        accounts, _ = await read_all(target, "user", user=frozenset({"roles"}))
    assert accounts["user", str(user.id)].references["roles"] == (str(role.id),)


# ------------------------------------------------------------------------------------------------------ who is protected


def acting_as_an_ordinary_agent():
    desk = a_desk()
    chief = called(desk.agents, "Ines Falk")
    desk.application = msgspec.structs.replace(desk.application, agent_id=chief.id)
    return desk, chief


async def test_an_ordinary_agent_that_the_application_acts_as_is_read_as_protected():
    desk, chief = acting_as_an_ordinary_agent()
    async with opened(desk) as target:
        accounts, _ = await read_all(target, "agent")
    assert accounts["agent", str(chief.id)].protected == "the agent that crosskey itself acts as"


async def test_an_ordinary_agent_that_the_application_acts_as_is_not_written_before_any_read():
    desk, chief = acting_as_an_ordinary_agent()
    async with opened(desk) as target:
        (outcome,) = await target.apply([a_change("disable", chief.id, kind="agent", active=False)])
    assert outcome.result == "rejected"
    assert outcome.message.endswith("is protected: the agent that crosskey itself acts as")
    assert desk.writes == []


async def test_an_api_only_agent_that_was_read_is_not_written():
    desk = a_desk()
    robot = desk.add_agent("Backup Robot", email="backup@acme.example", isapiagent=True)
    async with opened(desk) as target:
        await read_all(target, "agent")
        (outcome,) = await target.apply([a_change("disable", robot.id, kind="agent", active=False)])
    assert outcome.result == "rejected"
    assert outcome.message.endswith("is protected: an API-only agent")
    assert desk.writes == []


async def test_agents_that_were_all_read_are_adopted_without_another_look():
    desk = a_desk()
    tech = called(desk.agents, "Jonas Brandt")
    async with opened(desk) as target:
        await read_all(target, "agent")
        before = desk.counts()["GET /api/Agent/{id}"]
        (outcome,) = await target.apply([a_change("adopt", tech.id, kind="agent")])
    assert outcome.result == "applied"
    assert desk.counts()["GET /api/Agent/{id}"] == before


async def test_a_marker_of_an_agent_that_only_details_show_is_not_missed_in_a_list():
    desk = a_desk(federated_identity_id="detail")
    tech = desk.edit(called(desk.agents, "Jonas Brandt"), federated_identity_id=marker(1))
    async with opened(desk) as target:
        (found,) = await target.look_up(Lookup(kind="agent", keys=(str(tech.id),)))
        assert found.marker == marker(1)
        with pytest.raises(ContractError) as caught:
            await target.look_up(Lookup(kind="agent", markers=(marker(1),)))
    assert caught.value.code == "halo-marker-hidden"
