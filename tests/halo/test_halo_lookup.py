"""Single accounts are looked up as a read of all gives them, for as few requests as are sure."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from halo_bench import DeskTransport, a_change, a_create, a_desk, marker, opened, read_all, results
from hypothesis import given
from hypothesis import strategies as st

from crosskey.connector.target import LooksUpAccounts, Lookup
from crosskey.errors import AuthError, ContractError
from crosskey_sandbox.halo import DepartmentLink, Fault, RoleLink

SIGN_IN = {"GET /api/authinfo": 1, "POST /auth/token": 1}
ALL = frozenset({"roles", "departments"})


class Unordered(DeskTransport):
    """Synthetic: an instance that refuses to list in another order than its own."""

    async def handle_async_request(self, request):
        if "order" in request.url.params:
            return httpx.Response(400, json={"Message": "Invalid order"}, request=request)
        return await super().handle_async_request(request)


def a_large_desk(people=450, **quirks):
    """Five pages of users; addresses are written with a capital, as people type them."""
    desk = a_desk(**quirks)
    roles = list(desk.user_roles.values())
    for number in range(people):
        desk.add_user(
            f"Extra {number}",
            1 + number % 3,
            emailaddress=f"Extra.{number}@acme.example",
            email2=f"alias.{number}@acme.example" if number % 5 == 0 else "",
            login=f"extra{number}",
            inactive=number % 4 == 0,
            other5=marker(number) if number % 3 == 0 else "",
            roles=(RoleLink(id=roles[number % 3].id),),
        )
    return desk


def extra(desk, number):
    return next(user for user in desk.users.values() if user.name == f"Extra {number}")


def costs(desk, **more):
    """What was asked, without signing in; names such as ``users``, ``one_user``."""
    names = {"GET /api/Users": "users", "GET /api/Users/{id}": "one_user", "GET /api/Agent": "agents"}
    names |= {"GET /api/Agent/{id}": "one_agent"}
    return {names.get(name, name): count for name, count in desk.counts().items() if name not in SIGN_IN}


async def look_up(desk, kind="user", *, transport=None, references=frozenset(), **asked):
    async with opened(desk, transport=transport) as target:
        assert isinstance(target, LooksUpAccounts)
        found = await target.look_up(Lookup(kind=kind, references=references, **asked))
    return {account.key: account for account in found}


def told(account, references=("site", "roles", "departments", "teams", "team")):
    """What the engine compares."""
    shown = {name: account.references[name] for name in references if name in account.references}
    return (account.label, account.active, account.marker, account.fields, shown, account.protected)


# --------------------------------------------------------------------------------------------------------------- users


async def test_a_user_is_looked_up_by_id_with_one_request():
    desk = a_large_desk()
    user = extra(desk, 4)
    found = await look_up(desk, keys=(str(user.id),), references=ALL)
    async with opened(desk) as target:
        everybody, _ = await read_all(target, "user", user=ALL)
    assert told(found[str(user.id)]) == told(everybody["user", str(user.id)])
    assert not found[str(user.id)].active


async def test_looking_up_by_id_costs_one_request_each():
    desk = a_large_desk()
    await look_up(desk, keys=tuple(str(extra(desk, number).id) for number in range(4)))
    assert costs(desk) == {"one_user": 4}


async def test_more_users_than_a_list_costs_requests_are_read_as_a_list():
    desk = a_large_desk()
    keys = tuple(str(extra(desk, number).id) for number in range(60))
    found = await look_up(desk, keys=keys)
    assert found.keys() == set(keys)
    assert costs(desk) == {"users": 1 + 5}, "one look how many there are, and the list"


async def test_who_is_not_there_is_not_among_the_answers():
    desk = a_large_desk()
    general = next(user for user in desk.users.values() if user.general)
    found = await look_up(desk, keys=("999999", "0", "-1", "", "me", "../Agent/2", str(general.id)))
    assert found == {}
    assert costs(desk) == {"one_user": 2}, "what can be no id is not asked for"


@pytest.mark.parametrize(
    ("field", "value", "requests"),
    [
        ("emailaddress", "EXTRA.8@acme.EXAMPLE", {"users": 3, "one_user": 1}),
        ("name", "extra 8", {"users": 3, "one_user": 1}),
        ("login", "EXTRA8", {"users": 3, "one_user": 1}),
        ("emailaddress", "nobody@acme.example", {"users": 3}),
    ],
)
async def test_a_user_is_found_by_what_a_field_holds_whatever_its_case(field, value, requests):
    desk = a_large_desk()
    found = await look_up(desk, values={field: (value, value.lower())})
    assert [account.label for account in found.values()] == (["Extra 8"] if "8" in value else [])
    assert costs(desk) == requests, "one page to learn the size, one search that is known to succeed, one of our own"


async def test_an_address_is_found_among_the_aliases_too():
    desk = a_large_desk()
    values = dict.fromkeys(("emailaddress", "email2", "email3"), ("ALIAS.10@acme.example",))
    found = await look_up(desk, values=values)
    assert [account.label for account in found.values()] == ["Extra 10"]
    assert costs(desk) == {"users": 1 + 2 + 3, "one_user": 1}


@pytest.mark.parametrize(
    "quirks",
    [{"search_case": "kept"}, {"advanced_search": False}, {"advanced_search": False, "search_aliases": False}],
)
async def test_where_a_search_may_miss_somebody_everybody_is_read(quirks):
    desk = a_large_desk(**quirks)
    found = await look_up(
        desk, values={"emailaddress": ("alias.10@acme.example",), "email2": ("Alias.10@acme.example",)}
    )
    assert [account.label for account in found.values()] == ["Extra 10"]
    assert desk.counts()["GET /api/Users"] >= 5


@pytest.mark.parametrize("quirks", [{}, {"search_case": "kept"}, {"advanced_search": False}, {"other5_listed": False}])
async def test_a_user_is_found_by_its_marker(quirks):
    desk = a_large_desk(**quirks)
    found = await look_up(desk, markers=(marker(9), marker(10)))
    assert {account.label: account.marker for account in found.values()} == {"Extra 9": marker(9)}


async def test_a_marker_that_neither_lists_nor_searches_show_is_no_answer():
    desk = a_large_desk(other5_listed=False, advanced_search=False)
    async with opened(desk) as target:
        await target.look_up(Lookup(kind="user", keys=(str(extra(desk, 9).id),)))
        with pytest.raises(ContractError) as caught:
            await target.look_up(Lookup(kind="user", markers=(marker(9),)))
    assert caught.value.code == "halo-marker-hidden"


@pytest.mark.parametrize(("advanced", "expected"), [(True, ["Extra 3"]), (False, "halo-not-listed")])
async def test_a_field_that_lists_do_not_show_is_searched_or_refused(advanced, expected):
    desk = a_large_desk(advanced_search=advanced)
    desk.edit(extra(desk, 3), samaccountname="ACME\\extra3")
    if advanced:
        found = await look_up(desk, values={"samaccountname": ("acme\\EXTRA3",)})
        assert [account.label for account in found.values()] == expected
        assert all("samaccountname" not in account.fields for account in found.values()), "as a read gives it"
    else:
        with pytest.raises(ContractError) as caught:
            await look_up(desk, values={"samaccountname": ("acme\\EXTRA3",)})
        assert caught.value.code == expected


@pytest.mark.parametrize(("value", "lists"), [("Élodie Example", 1 + 5), ("odd [name]", 1 + 2)])
async def test_letters_that_a_search_may_take_otherwise_are_not_left_to_it(value, lists):
    desk = a_large_desk(advanced_search=False)
    desk.add_user(value, 1, emailaddress="odd@acme.example")
    found = await look_up(desk, values={"name": (value.upper(),)})
    assert [account.label for account in found.values()] == [value]
    assert not [entry for entry in desk.requests if "search" in entry.query]
    assert costs(desk)["users"] == lists


async def test_a_search_that_the_instance_takes_for_no_search_finds_whom_it_should():
    """Synthetic: `advanced_search` is ignored without a word, and everybody is listed."""
    desk = a_large_desk()

    class Ignores(DeskTransport):
        async def handle_async_request(self, request):
            request.url = request.url.copy_remove_param("advanced_search")
            return await super().handle_async_request(request)

    found = await look_up(desk, values={"login": ("EXTRA8",)}, transport=Ignores(desk))
    assert [account.label for account in found.values()] == ["Extra 8"]
    with pytest.raises(ContractError, match="does not search"):
        await look_up(desk, values={"samaccountname": ("x",)}, transport=Ignores(desk))


async def test_an_instance_that_cannot_list_the_newest_first_is_measured_all_the_same():
    desk = a_large_desk()
    found = await look_up(desk, values={"emailaddress": ("extra.8@acme.example",)}, transport=Unordered(desk))
    assert [account.label for account in found.values()] == ["Extra 8"]


@pytest.mark.parametrize("accepts", ["both", "okta_id"])
async def test_the_okta_id_is_looked_up_under_either_name(accepts):
    desk = a_large_desk(okta_id_accepts=accepts)
    user = desk.edit(extra(desk, 5), oktaid=marker(777))
    async with opened(desk, user_marker="oktaid") as target:
        found = await target.look_up(Lookup(kind="user", markers=(marker(777),)))
    assert [(account.key, account.marker) for account in found] == [(str(user.id), marker(777))]


async def test_a_small_desk_costs_its_one_page():
    desk = a_desk()
    found = await look_up(desk, values={"emailaddress": ("alba.moreno@acme.example",)})
    assert [account.label for account in found.values()] == ["Alba Moreno"]
    assert costs(desk) == {"users": 2}


async def test_what_was_learned_about_searches_holds_while_the_desk_is_open():
    desk = a_large_desk()
    async with opened(desk) as target:
        for number in (7, 8, 9):
            await target.look_up(Lookup(kind="user", values={"emailaddress": (f"extra.{number}@acme.example",)}))
    assert costs(desk) == {"users": 2 + 3, "one_user": 3}


@pytest.mark.parametrize("cap", [100, 50, 7])
async def test_a_search_with_many_hits_misses_none(cap):
    desk = a_large_desk(page_cap=cap)
    for _ in range(20):
        desk.add_user("Extra 1", 1)
    found = await look_up(desk, values={"name": ("extra 1",)})
    assert len(found) == 21


async def test_a_desk_that_shows_nobody_is_not_taken_for_empty():
    desk = a_large_desk(hidden=("Users",))
    with pytest.raises(AuthError) as caught:
        await look_up(desk, values={"emailaddress": ("extra.1@acme.example",)})
    assert caught.value.code == "halo-no-users"


async def test_a_search_that_is_cut_short_is_no_answer():
    with pytest.raises(ContractError, match="gave only"):
        await look_up(a_large_desk(count_offset=3), values={"emailaddress": ("extra.1@acme.example",)})


async def test_another_record_than_the_one_asked_for_is_no_answer():
    desk = a_large_desk()
    user, other = extra(desk, 1), extra(desk, 2)

    class Merged(DeskTransport):
        async def handle_async_request(self, request):
            if request.url.path == f"/api/Users/{user.id}":
                request.url = request.url.copy_with(path=f"/api/Users/{other.id}")
            return await super().handle_async_request(request)

    with pytest.raises(ContractError, match="gave the record"):
        await look_up(desk, keys=(str(user.id),), transport=Merged(desk))


async def test_one_record_that_cannot_be_had_leaves_none_out():
    desk = a_large_desk()
    desk.fail(Fault(effect="html", method="GET", resource="Users", times=9))
    with pytest.raises(ContractError):
        await look_up(desk, keys=tuple(str(extra(desk, number).id) for number in range(4)))


async def test_fields_and_kinds_that_are_not_there_are_refused():
    desk = a_desk()
    with pytest.raises(ContractError, match="no field"):
        await look_up(desk, values={"email": ("a@acme.example",)})
    with pytest.raises(ContractError, match="no accounts"):
        await look_up(desk, "device", keys=("1",))
    assert desk.requests == []


# -------------------------------------------------------------------------------------------------------------- agents


def agent_called(desk, name):
    return next(agent for agent in desk.agents.values() if agent.name == name)


async def test_few_agents_are_looked_up_one_by_one():
    desk = a_desk()
    chief, tech = agent_called(desk, "Ines Falk"), agent_called(desk, "Petra Lang")
    found = await look_up(desk, "agent", keys=(str(chief.id), str(tech.id), "999"))
    async with opened(a_desk()) as target:
        everybody, _ = await read_all(target, "agent")
    assert {key: told(account) for key, account in found.items()} == {
        key: told(everybody["agent", key]) for key in (str(chief.id), str(tech.id))
    }
    assert costs(desk) == {"one_agent": 4}, "the one we act as, and three"


@pytest.mark.parametrize(
    "asked",
    [
        {"keys": ("3", "4", "5", "6")},
        {"values": {"email": ("INES.falk@acme.example",)}},
        {"markers": (marker(1),)},
    ],
)
@pytest.mark.parametrize("quirks", [{}, {"agent_list": "agents"}, {"agent_memberships_listed": "no"}])
async def test_more_agents_and_those_to_be_found_are_read_as_one_list(asked, quirks):
    desk = a_desk(**quirks)
    chief = desk.edit(agent_called(desk, "Ines Falk"), federated_identity_id=marker(1))
    found = await look_up(desk, "agent", **asked)
    assert str(chief.id) in found
    assert costs(desk) == {
        "agents": 1, "one_agent": 1, "GET /api/Team": 1, "GET /api/TopLevel": 1, "GET /api/Roles": 1,
    }  # fmt: skip


async def test_an_agent_whose_details_hide_its_teams_is_told_whole():
    """Synthetic: a version that shows memberships in the lists of teams and departments only."""
    desk = a_desk()

    class Bare(DeskTransport):
        async def handle_async_request(self, request):
            response = await super().handle_async_request(request)
            if not request.url.path.startswith("/api/Agent/"):
                return response
            body = httpx.Response(200, content=await response.aread()).json()
            return httpx.Response(200, json={n: v for n, v in body.items() if n not in ("teams", "departments")})

    chief = agent_called(desk, "Ines Falk")
    found = await look_up(desk, "agent", keys=(str(chief.id),), transport=Bare(desk))
    assert found[str(chief.id)].references["teams"] == (str(chief.teams[0].team_id),)
    assert found[str(chief.id)].references["departments"] == (str(chief.departments[0].department_id),)


# ---------------------------------------------------------------------------------------------- writing after a look-up


async def test_a_leaver_who_was_looked_up_is_switched_off_without_a_list():
    desk = a_large_desk()
    agent, user = agent_called(desk, "Jonas Brandt"), extra(desk, 1)
    async with opened(desk) as target:
        await target.look_up(Lookup(kind="agent", keys=(str(agent.id),)))
        await target.look_up(Lookup(kind="user", keys=(str(user.id),)))
        assert results(await target.apply([a_change("disable", agent.id, kind="agent", active=False)])) == ["applied"]
        assert results(await target.apply([a_change("disable", user.id, active=False)])) == ["applied"]
    assert costs(desk) == {"one_agent": 2, "one_user": 1, "POST /api/Agent": 1, "POST /api/Users": 1}
    assert (desk.agents[agent.id].isdisabled, desk.users[user.id].inactive) == (True, True)


@pytest.mark.parametrize("looked_up", [True, False])
async def test_an_adoption_after_a_look_up_respects_what_somebody_else_keeps(looked_up):
    desk = a_large_desk()
    ours, theirs = extra(desk, 1), desk.edit(extra(desk, 2), other5="Parking lot 7")
    keys = (str(ours.id), str(theirs.id))
    async with opened(desk) as target:
        if looked_up:
            await target.look_up(Lookup(kind="user", keys=keys))
        outcomes = await target.apply([a_change("adopt", key, number=n) for n, key in enumerate(keys, 1)])
    assert results(outcomes) == ["applied", "applied"]
    assert (desk.users[ours.id].other5, desk.users[theirs.id].other5) == (marker(1), "Parking lot 7")
    assert costs(desk) == {"one_user": 2, "POST /api/Users": 1}


async def test_many_adoptions_without_a_read_cost_a_list_and_no_more():
    desk = a_large_desk()
    theirs = desk.edit(extra(desk, 2), other5="Parking lot 7")
    changes = [a_change("adopt", extra(desk, number).id, number=number) for number in range(2, 62)]
    async with opened(desk) as target:
        assert results(await target.apply(changes)) == ["applied"] * 60
    assert costs(desk) == {"users": 1 + 5, "POST /api/Users": 1}
    assert desk.users[theirs.id].other5 == "Parking lot 7"


async def test_a_team_leader_who_was_looked_up_stays_one():
    desk = a_desk()
    chief = agent_called(desk, "Ines Falk")
    own = str(chief.teams[0].team_id)
    other = next(str(team.id) for team in desk.teams.values() if str(team.id) != own)
    async with opened(desk) as target:
        await target.look_up(Lookup(kind="agent", keys=(str(chief.id),)))
        change = a_change("update", chief.id, kind="agent", references={"teams": ((own,), (own, other))})
        assert results(await target.apply([change])) == ["applied"]
    assert {str(link.team_id): link.is_manager for link in desk.agents[chief.id].teams} == {own: True, other: False}
    assert costs(desk) == {"one_agent": 2, "POST /api/Agent": 1}


async def test_who_ceased_to_lead_a_team_is_not_made_its_leader_again():
    desk = a_desk()
    chief = agent_called(desk, "Ines Falk")
    own = str(chief.teams[0].team_id)
    other = next(str(team.id) for team in desk.teams.values() if str(team.id) != own)
    async with opened(desk) as target:
        await read_all(target, "agent")
        desk.edit(chief, teams=tuple(type(link)(team_id=link.team_id) for link in chief.teams))
        await target.look_up(Lookup(kind="agent", keys=(str(chief.id),)))
        change = a_change("update", chief.id, kind="agent", references={"teams": ((own,), (own, other))})
        assert results(await target.apply([change])) == ["applied"]
    assert {str(link.team_id): link.is_manager for link in desk.agents[chief.id].teams} == {own: False, other: False}


@pytest.mark.parametrize("wire", [DeskTransport, Unordered])
async def test_a_lost_create_is_not_seen_in_somebody_who_was_looked_up_before(wire):
    """Nobody bears a marker on this version, so name and address decide: only for records that are new."""
    desk = a_large_desk(federated_identity_id="unknown")
    namesake = desk.add_user("Person 1", 1, emailaddress="Person.1@acme.example")
    async with opened(desk, transport=wire(desk), user_marker="federated_identity_id") as target:
        await target.look_up(Lookup(kind="user", values={"emailaddress": ("person.1@acme.example",)}))
        desk.fail(Fault(effect="lost_before", method="POST", resource="Users"))
        (outcome,) = await target.apply([a_create(1)])
    assert outcome.result == "unknown"
    assert outcome.key != str(namesake.id)


# ------------------------------------------------------------------------------------------------ the same as a read

QUIRKS = st.fixed_dictionaries(
    {
        "page_cap": st.sampled_from([100, 50, 7]),
        "count_past_end": st.sampled_from(["zero", "truthful"]),
        "unpaged": st.sampled_from(["whole", "first_page"]),
        "agent_list": st.sampled_from(["array", "agents", "results"]),
        "other5_listed": st.booleans(),
        "user_roles_listed": st.sampled_from(["ids_and_names", "ids", "names", "no"]),
        "user_departments_listed": st.booleans(),
        "agent_roles_listed": st.sampled_from(["both", "roles", "role_list"]),
        "agent_memberships_listed": st.sampled_from(["always", "asked", "no"]),
        "department_members": st.sampled_from(["both", "agents", "agent_members"]),
        "advanced_search": st.booleans(),
        "search_aliases": st.booleans(),
        "search_case": st.sampled_from(["ignored", "kept"]),
        "okta_id_accepts": st.sampled_from(["both", "oktaid"]),
        "federated_identity_id": st.sampled_from(["listed", "unknown"]),
    }
)
TEXTS = st.sampled_from(["ada", "Ada", "ADA@acme.example", "ada@acme.example", "b@acme.example", "[x]", "Élodie", ""])
USERS = st.lists(
    st.fixed_dictionaries(
        {
            "name": TEXTS.filter(bool),
            "emailaddress": TEXTS,
            "email2": TEXTS,
            "login": TEXTS,
            "inactive": st.booleans(),
            "other5": st.sampled_from(["", marker(1), marker(2), "Parking lot"]),
        }
    ),
    max_size=8,
)


@given(
    quirks=QUIRKS,
    people=USERS,
    values=st.dictionaries(st.sampled_from(["name", "emailaddress", "email2", "login"]), st.tuples(TEXTS), max_size=3),
    markers=st.sets(st.sampled_from([marker(1), marker(2), marker(3)])),
    picks=st.sets(st.integers(0, 40), max_size=9),
    crowd=st.sampled_from([0, 0, 130]),
)
def test_a_look_up_gives_what_a_read_of_all_gives(quirks, people, values, markers, picks, crowd):
    desk = a_desk(**quirks)
    node = next(node for node in desk.departments.values() if node.name == "HR")
    role = next(iter(desk.user_roles))
    for number, members in enumerate(people):
        links = (DepartmentLink(department_id=node.id),) if number % 2 else ()
        name = str(members.pop("name"))
        desk.add_user(name, 1, roles=(RoleLink(id=role),), departments=links, **members)
    for number in range(crowd):
        desk.add_user(f"Extra {number}", 1, emailaddress=f"extra.{number}@acme.example")
    keys = tuple(str(number) for number in picks)
    texts = {name: {text.casefold() for text in given if text} for name, given in values.items()}

    async def run():
        async with opened(desk) as target:
            found = await target.look_up(
                Lookup(kind="user", keys=keys, markers=tuple(markers), values=values, references=ALL)
            )
            agents = await target.look_up(Lookup(kind="agent", keys=keys[:3]))
        async with opened(desk) as target:
            return found, agents, (await read_all(target, user=ALL))[0]

    found, agents, everybody = asyncio.run(run())
    expected = {
        account.key: account
        for (kind, _), account in everybody.items()
        if kind == "user"
        and (
            account.key in keys
            or account.marker in markers
            or any(str(account.fields.get(name, "")).casefold() in wanted for name, wanted in texts.items())
        )
    }
    looked_up = {account.key: account for account in found}
    if quirks["other5_listed"]:
        assert {key: told(a) for key, a in looked_up.items()} == {key: told(a) for key, a in expected.items()}
    else:  # a single record shows the marker that lists hide
        assert expected.keys() <= looked_up.keys()
        assert all(looked_up[key].fields == account.fields for key, account in expected.items())
    listed = {account.key: told(account) for (kind, _), account in everybody.items() if kind == "agent"}
    pseudo = {str(agent.id) for agent in desk.agents.values() if agent.unassigned}
    assert {account.key: told(account) for account in agents if account.key not in pseudo} == {
        key: listed[key] for key in keys[:3] if key in listed
    }
