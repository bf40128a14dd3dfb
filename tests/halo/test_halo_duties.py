"""What agents leave behind, as Halo lists it, and handing their open tickets over before they are switched off."""

from __future__ import annotations

import msgspec
import pytest
from halo_bench import a_change, a_desk, opened

from crosskey.errors import AuthError, ContractError
from crosskey.plan import Duty, HandOver
from crosskey_sandbox.halo.faults import Fault


def agent(desk, name):
    return next(each for each in desk.agents.values() if each.name == name)


@pytest.fixture
def desk():
    desk = a_desk()
    jonas, ines = agent(desk, "Jonas Brandt"), agent(desk, "Ines Falk")
    for number in range(4):
        desk.add_ticket(f"Printer {number}", jonas.id)
    desk.add_ticket("Done", jonas.id, closed=True)
    desk.add_ticket("Server", ines.id)
    desk.add_approval(1, jonas.id)
    desk.add_approval(2, jonas.id, dateapproved="2026-01-02T10:00:00.000Z")
    desk.add_approval(3, ines.id, dateapproved="1900-01-01T00:00:00")
    return desk


async def duties(desk, *keys, **settings):
    async with opened(desk, **settings) as target:
        desk.requests.clear()
        return await target.duties("agent", [str(key) for key in keys])


def tickets(found, key):
    return next((duty.count for duty in found.get(str(key), ()) if duty.kind == "open_tickets"), 0)


def leaver(desk, name, to, number=1):
    heir = HandOver(to=to[0], key=str(to[1]), label="the heir")
    change = a_change("disable", agent(desk, name).id, kind="agent", number=number, active=False)
    return msgspec.structs.replace(change, hand_over=heir)


def holders(desk):
    return {each.summary: each.agent_id for each in desk.tickets.values() if not each.closed}


async def test_tickets_approvals_and_teams_led_are_told_with_examples(desk):
    jonas, ines = agent(desk, "Jonas Brandt").id, agent(desk, "Ines Falk").id
    found = await duties(desk, jonas, ines)
    examples = ("#1 Printer 0", "#2 Printer 1", "#3 Printer 2")
    assert found[str(jonas)] == [
        Duty(kind="open_tickets", count=4, examples=examples),
        Duty(kind="approvals", count=1),
    ]
    assert found[str(ines)] == [
        Duty(kind="open_tickets", count=1, examples=("#6 Server",)),
        Duty(kind="approvals", count=1),
        Duty(kind="leads", count=1, examples=("2nd Line",)),
    ]
    async with opened(desk) as target:
        assert await target.duties("user", ["1"]) == {}


async def test_many_agents_cost_lists_and_not_a_request_each(desk):
    crowd = [desk.add_agent(f"Agent {number}", email=f"agent.{number}@acme.example").id for number in range(40)]
    for key in crowd:
        for _ in range(5):
            desk.add_ticket("Something", key)
    found = await duties(desk, *crowd)
    assert {tickets(found, key) for key in crowd} == {5}
    assert desk.counts()["GET /api/Tickets"] == 2
    await duties(desk, crowd[0])
    assert desk.counts()["GET /api/Tickets"] == 1


@pytest.mark.parametrize("understood", ["list", "first", "ignored"])
async def test_however_lists_of_agents_are_understood_nobody_is_missed(desk, understood):
    desk.quirks = msgspec.structs.replace(desk.quirks, ticket_agents=understood)
    jonas, ines = agent(desk, "Jonas Brandt").id, agent(desk, "Ines Falk").id
    idle = desk.add_agent("Idle", email="idle@acme.example").id
    for keys in ((jonas, ines), (ines, jonas), (idle, jonas, ines), (jonas, idle, ines), (jonas, ines, idle)):
        found = await duties(desk, *keys)
        assert (tickets(found, jonas), tickets(found, ines), tickets(found, idle)) == (4, 1, 0)


@pytest.mark.parametrize("approvals", ["mine", "none"])
async def test_approvals_that_are_not_listed_are_left_out(desk, approvals):
    desk.quirks = msgspec.structs.replace(desk.quirks, approvals=approvals)
    found = await duties(desk, agent(desk, "Jonas Brandt").id)
    assert [duty.kind for duty in found[str(agent(desk, "Jonas Brandt").id)]] == ["open_tickets"]


async def test_without_the_right_nobody_guesses(desk):
    desk.quirks = msgspec.structs.replace(desk.quirks, forbidden=("Tickets",))
    with pytest.raises(AuthError, match="rights on tickets"):
        await duties(desk, 4)
    async with opened(desk) as target:
        findings = {finding.code: finding for finding in await target.check()}
    assert findings["halo-tickets"].severity == "warning"
    assert "rights on tickets" in findings["halo-tickets"].fix


async def test_where_lists_of_agents_cannot_be_trusted_few_are_asked_for_alone_and_many_are_unknown(desk):
    crowd = [desk.add_agent(f"Idle {number}", email=f"idle.{number}@acme.example").id for number in range(30)]
    assert await duties(desk, *crowd[:20]) == {}
    assert desk.counts()["GET /api/Tickets"] == 21
    with pytest.raises(ContractError, match="too many to ask for alone"):
        await duties(desk, *crowd)
    assert desk.counts()["GET /api/Tickets"] == 1


async def test_tickets_of_others_are_no_answer():
    from crosskey_halo.duties import Duties
    from crosskey_halo.rows import TicketRow

    class Desk:
        where = "target.desk"

        async def count_and_first(self, resource, params):
            return 1, [TicketRow(id=1, agent_id=99)]

    with pytest.raises(ContractError, match="other agents"):
        await Duties(Desk(), None, None)._alone(["4"])


@pytest.mark.parametrize("batch", [100, 1])
async def test_tickets_go_first_then_the_agent(desk, batch):
    jonas, ines = agent(desk, "Jonas Brandt"), agent(desk, "Ines Falk")
    async with opened(desk, batch=batch) as target:
        [outcome] = await target.apply([leaver(desk, "Jonas Brandt", ("agent", ines.id))])
    assert (outcome.result, outcome.message) == ("applied", "4 open tickets handed over to the heir")
    assert set(holders(desk).values()) == {ines.id}
    assert desk.agents[jonas.id].isdisabled
    assert [write.resource for write in desk.writes] == ["Tickets"] * 4 + ["Agent"]
    assert desk.tickets[5].agent_id == jonas.id, "what is closed stays"


async def test_a_team_takes_tickets_over_unassigned(desk):
    team = next(each for each in desk.teams.values() if each.name == "1st Line")
    unassigned = agent(desk, "Unassigned")
    async with opened(desk) as target:
        [outcome] = await target.apply([leaver(desk, "Jonas Brandt", ("team", team.id))])
    assert outcome.result == "applied"
    moved = [each for each in desk.tickets.values() if each.summary.startswith("Printer")]
    assert {(each.team_id, each.agent_id) for each in moved} == {(team.id, unassigned.id)}


async def test_what_refuses_to_move_is_counted_and_keeps_nobody_on(desk):
    desk.quirks = msgspec.structs.replace(desk.quirks, locked_tickets=(2,))
    jonas, ines = agent(desk, "Jonas Brandt"), agent(desk, "Ines Falk")
    async with opened(desk) as target:
        [outcome] = await target.apply([leaver(desk, "Jonas Brandt", ("agent", ines.id))])
    assert outcome.result == "applied"
    assert outcome.message.endswith("3 open tickets handed over to the heir; 1 could not be")
    assert holders(desk)["Printer 1"] == jonas.id
    assert desk.agents[jonas.id].isdisabled


@pytest.mark.parametrize("heir", [("agent", 999), ("agent", 2), ("team", 999)])
async def test_an_heir_who_cannot_take_tickets_keeps_nobody_on(desk, heir):
    async with opened(desk) as target:
        [outcome] = await target.apply([leaver(desk, "Jonas Brandt", heir)])
    assert outcome.result == "applied"
    assert "4 could not be" in outcome.message
    assert agent(desk, "Jonas Brandt").isdisabled


@pytest.mark.parametrize("effect", ["lost_before", "lost_after", "error_after", "error_before"])
async def test_an_answer_that_is_lost_is_asked_for_again_and_nothing_is_lost(desk, effect):
    ines = agent(desk, "Ines Falk")
    desk.fail(Fault(method="POST", resource="Tickets", effect=effect))
    async with opened(desk) as target:
        [outcome] = await target.apply([leaver(desk, "Jonas Brandt", ("agent", ines.id))])
    assert outcome.result == "applied"
    assert set(holders(desk).values()) == {ines.id}


async def test_sent_again_it_hands_over_the_rest(desk):
    jonas, ines = agent(desk, "Jonas Brandt"), agent(desk, "Ines Falk")
    desk.edit(desk.tickets[1], agent_id=ines.id)  # as far as it came before it was cut off
    async with opened(desk) as target:
        [outcome] = await target.apply([leaver(desk, "Jonas Brandt", ("agent", ines.id))])
        assert outcome.message == "3 open tickets handed over to the heir"
        [again] = await target.apply([leaver(desk, "Jonas Brandt", ("agent", ines.id))])
    assert (again.result, again.message) == ("applied", "")
    assert [write.id for write in desk.writes if write.resource == "Tickets"] == [2, 3, 4]
    assert desk.agents[jonas.id].isdisabled
