from __future__ import annotations

import json

import httpx
import pytest
from halo_bench import DeskTransport, a_change, a_desk, marker, opened, read_all, results

from crosskey.errors import AuthError, ContractError, RejectedError
from crosskey_sandbox.halo import DepartmentLink, Fault, RoleLink, SessionEnd


class Bodies(DeskTransport):
    """Keeps what was posted."""

    def __init__(self, desk):
        super().__init__(desk)
        self.posted = []

    async def handle_async_request(self, request):
        if request.method == "POST" and request.url.path.startswith("/api/"):
            self.posted.append(json.loads(request.content))
        return await super().handle_async_request(request)


def a_user(desk, number=1, **members):
    return desk.add_user(f"Person {number}", 1, emailaddress=f"person.{number}@acme.example", **members)


def agent_called(desk, name):
    return next(agent for agent in desk.agents.values() if agent.name == name)


async def apply(desk, *changes, read=(), **keys):
    async with opened(desk, **keys) as target:
        if read:
            await read_all(target, *read)
        return list(await target.apply(changes))


async def test_an_update_sends_the_id_and_what_changes_and_nothing_else():
    desk = a_desk()
    user = a_user(desk, title="Old", phonenumber="1")
    wire = Bodies(desk)
    (outcome,) = await apply(desk, a_change("update", user.id, before="Old", title="New"), transport=wire)
    assert wire.posted == [[{"id": user.id, "title": "New"}]]
    assert (outcome.result, outcome.key) == ("applied", str(user.id))
    assert (desk.users[user.id].title, desk.users[user.id].phonenumber) == ("New", "1")


async def test_a_move_sends_the_site_as_a_whole_number():
    desk = a_desk()
    user = a_user(desk)
    wire = Bodies(desk)
    change = a_change("update", user.id, references={"site": (("1",), ("2",))})
    assert results(await apply(desk, change, transport=wire)) == ["applied"]
    assert wire.posted == [[{"id": user.id, "site_id": 2}]]
    assert desk.users[user.id].site_id == 2


async def test_clearing_a_field_sends_empty_text():
    desk = a_desk()
    user = a_user(desk, title="Old")
    await apply(desk, a_change("update", user.id, before="Old", title=None))
    assert desk.users[user.id].title == ""


@pytest.mark.parametrize("key", [None, "", "0", "-1", "abc"])
async def test_an_update_without_an_id_is_never_sent(key):
    desk = a_desk()
    change = a_change("update", key or "", title="New")
    with pytest.raises(ContractError, match="Halo would create one"):
        await apply(desk, change)
    assert desk.writes == []
    assert desk.counts()["POST /api/Users"] == 0


async def test_a_user_is_made_inactive_and_active_again_never_deleted():
    desk = a_desk()
    user = a_user(desk)
    wire = Bodies(desk)
    assert results(await apply(desk, a_change("disable", user.id, active=False), transport=wire)) == ["applied"]
    assert wire.posted == [[{"id": user.id, "inactive": True}]]
    assert desk.users[user.id].inactive
    assert results(await apply(desk, a_change("enable", user.id, active=True))) == ["applied"]
    assert not desk.users[user.id].inactive
    assert {entry.method for entry in desk.requests} == {"GET", "POST"}


async def test_a_leaving_agent_is_disabled_kicked_and_its_tokens_revoked():
    desk = a_desk()
    agent = agent_called(desk, "Jonas Brandt")
    wire = Bodies(desk)
    change = a_change("disable", agent.id, kind="agent", active=False)
    assert results(await apply(desk, change, transport=wire)) == ["applied"]
    assert wire.posted == [[{"id": agent.id, "isdisabled": True, "_kick": True, "_revoke_tokens": True}]]
    assert desk.agents[agent.id].isdisabled
    assert desk.session_ends == [SessionEnd(agent.id, True, True)]


async def test_sessions_of_an_agent_can_be_ended_alone():
    desk = a_desk()
    async with opened(desk) as target:
        accounts, _ = await read_all(target)
        agent = next(a for a in accounts.values() if a.label == "Jonas Brandt")
        user = next(a for a in accounts.values() if a.kind == "user")
        await target.end_sessions(agent)
        with pytest.raises(RejectedError, match="end user"):
            await target.end_sessions(user)
    assert desk.session_ends == [SessionEnd(int(agent.key), True, True)]
    assert not desk.agents[int(agent.key)].isdisabled


@pytest.mark.parametrize("open_work", ["ignored", "warning", "demand"])
async def test_an_agent_with_open_tickets_is_reported_as_it_is(open_work):
    desk = a_desk(open_work=open_work)
    agent = agent_called(desk, "Jonas Brandt")
    desk.busy_agents.add(agent.id)
    (outcome,) = await apply(desk, a_change("disable", agent.id, kind="agent", active=False))
    assert outcome.result == ("rejected" if open_work == "demand" else "applied")
    assert desk.agents[agent.id].isdisabled == (open_work != "demand")
    assert ("open tickets" in outcome.message) == (open_work != "ignored")


async def test_an_answer_that_hides_the_state_is_not_believed():
    """Synthetic: success, and nothing done, and the answer leaves ``inactive`` out."""
    desk = a_desk()
    user = a_user(desk)

    class SaysYes(DeskTransport):
        async def handle_async_request(self, request):
            if request.method == "POST" and request.url.path == "/api/Users":
                return httpx.Response(201, json={"id": user.id, "name": user.name})
            return await super().handle_async_request(request)

    (outcome,) = await apply(desk, a_change("disable", user.id, active=False), transport=SaysYes(desk))
    assert outcome.result == "rejected"
    assert "is still active" in outcome.message


async def test_updates_go_out_in_arrays_and_only_the_bad_one_is_rejected():
    desk = a_desk()
    users = [a_user(desk, number) for number in range(9)]
    changes = [a_change("update", user.id, title="New") for user in users]
    changes[4] = a_change("update", users[4].id, references={"site": (("1",), ("9999",))})
    outcomes = await apply(desk, *changes)
    assert results(outcomes) == ["applied"] * 4 + ["rejected"] + ["applied"] * 4
    assert [desk.users[user.id].title for user in users] == ["New"] * 4 + [""] + ["New"] * 4


@pytest.mark.parametrize("bad_item", ["refuse_all", "save_before", "save_good"])
async def test_somebody_who_is_gone_harms_no_other(bad_item):
    desk = a_desk(bad_item=bad_item)
    users = [a_user(desk, number) for number in range(3)]
    desk.drop("Users", users[1].id)
    outcomes = await apply(desk, *(a_change("update", user.id, title="New") for user in users))
    assert results(outcomes) == ["applied", "rejected", "applied"]
    assert "was not found" in outcomes[1].message


@pytest.mark.parametrize(("quirks"), [{"many_reply": "object"}, {"many_saved": "first"}])
async def test_updates_that_the_answer_does_not_mention_are_sent_one_by_one(quirks):
    desk = a_desk(**quirks)
    users = [a_user(desk, number) for number in range(5)]
    outcomes = await apply(desk, *(a_change("update", user.id, title="New") for user in users))
    assert results(outcomes) == ["applied"] * 5
    assert {desk.users[user.id].title for user in users} == {"New"}


@pytest.mark.parametrize("effect", ["lost_before", "lost_after", "error_before", "error_after", "html", "unavailable"])
async def test_an_update_without_a_clear_answer_is_repeated(effect):
    desk = a_desk()
    user = a_user(desk)
    desk.fail(Fault(effect=effect, resource="Users"))
    assert results(await apply(desk, a_change("disable", user.id, active=False))) == ["applied"]
    assert desk.users[user.id].inactive


@pytest.mark.parametrize(("effect", "result"), [("lost_after", "already"), ("lost_before", "unknown")])
async def test_an_update_that_stays_unclear_is_looked_at(effect, result):
    desk = a_desk()
    user = a_user(desk)
    desk.fail(Fault(effect=effect, resource="Users", times=2))
    assert results(await apply(desk, a_change("update", user.id, title="New"))) == [result]


async def test_a_refusal_of_everything_is_raised():
    desk = a_desk(forbidden=("Users",))
    user = a_user(desk)
    with pytest.raises(AuthError, match="refuses /api/Users"):
        await apply(desk, a_change("update", user.id, title="New"))


# ------------------------------------------------------------------------------------------------------- memberships


@pytest.mark.parametrize("memberships", ["replace", "merge"])
async def test_a_role_that_is_added_is_there_with_the_others(memberships):
    desk = a_desk(memberships=memberships)
    ids = [str(role.id) for role in desk.user_roles.values()]
    user = a_user(desk, roles=(RoleLink(id=int(ids[0])),))
    change = a_change("update", user.id, references={"roles": ((ids[0],), (ids[0], ids[1]))})
    assert results(await apply(desk, change)) == ["applied"]
    assert {str(link.id) for link in desk.users[user.id].roles} == set(ids[:2])


@pytest.mark.parametrize(("memberships", "result"), [("replace", "applied"), ("merge", "rejected")])
async def test_a_role_that_cannot_be_taken_away_is_said_to_be_there_still(memberships, result):
    desk = a_desk(memberships=memberships)
    ids = [str(role.id) for role in desk.user_roles.values()]
    user = a_user(desk, roles=tuple(RoleLink(id=int(id_)) for id_ in ids[:2]))
    change = a_change("update", user.id, references={"roles": (tuple(ids[:2]), (ids[0],))})
    (outcome,) = await apply(desk, change)
    assert outcome.result == result
    if memberships == "merge":
        assert f"still has roles {ids[1]}" in outcome.message
    else:
        assert [str(link.id) for link in desk.users[user.id].roles] == ids[:1]


async def test_teams_and_departments_of_an_agent_are_written_whole():
    desk = a_desk()
    agent = agent_called(desk, "Jonas Brandt")
    teams = [str(team.id) for team in desk.teams.values()][:3]
    before = tuple(str(link.team_id) for link in agent.teams)
    change = a_change(
        "update", agent.id, kind="agent", references={"teams": (before, (*before, *teams)), "departments": (("3",), ())}
    )
    change.references["departments"] = type(change.references["teams"])(
        tuple(str(link.department_id) for link in agent.departments), ()
    )
    assert results(await apply(desk, change)) == ["applied"]
    after = desk.agents[agent.id]
    assert {str(link.team_id) for link in after.teams} == {*before, *teams}
    assert after.departments == ()


@pytest.mark.parametrize("listed", ["always", "no"])
@pytest.mark.parametrize("read", [("agent",), ()])
async def test_a_team_leader_stays_one_when_another_team_is_added(listed, read):
    desk = a_desk(agent_memberships_listed=listed)
    chief = agent_called(desk, "Ines Falk")
    own = str(chief.teams[0].team_id)
    other = next(str(team.id) for team in desk.teams.values() if str(team.id) != own)
    change = a_change("update", chief.id, kind="agent", references={"teams": ((own,), (own, other))})
    assert results(await apply(desk, change, read=read)) == ["applied"]
    assert {str(link.team_id): link.is_manager for link in desk.agents[chief.id].teams} == {own: True, other: False}


async def test_departments_of_a_user_are_written():
    desk = a_desk()
    node = next(node for node in desk.departments.values() if node.name == "HR")
    user = a_user(desk)
    change = a_change("update", user.id, references={"departments": ((), (str(node.id),))})
    assert results(await apply(desk, change)) == ["applied"]
    assert [link.department_id for link in desk.users[user.id].departments] == [node.id]
    assert isinstance(desk.users[user.id].departments[0], DepartmentLink)


# --------------------------------------------------------------------------------------------- adopting and protecting


async def test_an_adoption_writes_the_marker_and_enables():
    desk = a_desk()
    user = a_user(desk, inactive=True)
    assert results(await apply(desk, a_change("adopt", user.id, active=True))) == ["applied"]
    assert (desk.users[user.id].other5, desk.users[user.id].inactive) == (marker(1), False)


@pytest.mark.parametrize("read", [("user",), ()])
async def test_an_adoption_leaves_alone_what_somebody_else_keeps_in_the_markers_field(read):
    desk = a_desk()
    user = a_user(desk, other5="Parking lot 7")
    outcomes = await apply(desk, a_change("adopt", user.id, title="New"), read=read)
    assert results(outcomes) == ["applied"]
    assert (desk.users[user.id].other5, desk.users[user.id].title) == ("Parking lot 7", "New")


async def test_an_adoption_of_somebody_whom_crosskey_marked_before_gets_the_new_marker():
    desk = a_desk()
    user = a_user(desk, other5="ck-of-another-identity-provider")
    assert results(await apply(desk, a_change("adopt", user.id), read=("user",))) == ["applied"]
    assert desk.users[user.id].other5 == marker(1)


@pytest.mark.parametrize("accepts", ["both", "oktaid", "okta_id"])
async def test_the_okta_id_as_marker_goes_under_both_names(accepts):
    desk = a_desk(okta_id_accepts=accepts)
    user = a_user(desk)
    async with opened(desk, user_marker="oktaid") as target:
        await target.apply([a_change("adopt", user.id)])
        accounts, _ = await read_all(target, "user")
    assert accounts["user", str(user.id)].marker == marker(1)


async def test_the_agent_that_crosskey_acts_as_is_never_written():
    desk = a_desk()
    change = a_change("disable", desk.application.agent_id, kind="agent", active=False)
    (outcome,) = await apply(desk, change)
    assert outcome.result == "rejected"
    assert "protected" in outcome.message
    assert desk.writes == []


async def test_a_general_user_is_never_written():
    desk = a_desk()
    general = next(user for user in desk.users.values() if user.general)
    change = a_change("update", general.id, title="New")
    async with opened(desk) as target:
        assert await target.find(change) is not None
        (outcome,) = await target.apply([change])
    assert outcome.result == "rejected"
    assert desk.writes == []


async def test_automations_are_held_back_when_asked():
    desk = a_desk()
    user = a_user(desk)
    wire = Bodies(desk)
    await apply(desk, a_change("update", user.id, title="New"), transport=wire, fire_automations=False)
    assert wire.posted == [[{"id": user.id, "_dont_fire_automations": True, "title": "New"}]]


async def test_find_shows_an_account_as_it_is_now_or_that_it_is_gone():
    desk = a_desk()
    user = a_user(desk, title="Engineer")
    agent = agent_called(desk, "Jonas Brandt")
    async with opened(desk) as target:
        found = await target.find(a_change("update", user.id))
        assert (found.fields["title"], found.created_at) == ("Engineer", desk.clock.now())
        found = await target.find(a_change("update", agent.id, kind="agent"))
        assert [desk.teams[int(id_)].name for id_ in found.references["teams"]] == ["1st Line"]
        assert await target.find(a_change("update", 9999)) is None


async def test_a_batch_of_two_kinds_is_refused():
    with pytest.raises(ContractError, match="one kind"):
        await apply(a_desk(), a_change("update", 1), a_change("update", 1, kind="agent"))


async def test_seats_are_those_of_the_licence():
    desk = a_desk()
    async with opened(desk) as target:
        assert {kind: (seats.total, seats.used) for kind, seats in (await target.seats()).items()} == {
            "agent": (desk.seats, desk.seats_used())
        }
