from __future__ import annotations

import msgspec
import pytest
from halo_bench import a_change, a_create, a_desk, creates_of, marker, opened, read_all, results

from crosskey.errors import AuthError, ContractError, RetryableError
from crosskey.plan import ReferenceChange
from crosskey_sandbox.halo import Fault

BAD = {"site": "9999"}
"""A create that the desk refuses: the site does not exist."""


async def apply(desk, *changes, **keys):
    async with opened(desk, **keys) as target:
        return list(await target.apply(changes))


async def test_creates_go_out_in_one_array_and_each_gets_its_key():
    desk = a_desk()
    outcomes = await apply(desk, *(a_create(number) for number in range(100)))
    assert results(outcomes) == ["applied"] * 100
    assert desk.counts()["POST /api/Users"] == 1
    for number, outcome in enumerate(outcomes):
        user = desk.users[int(outcome.key)]
        assert (user.name, user.other5, user.inactive) == (f"Person {number}", marker(number), False)


async def test_the_batch_of_the_settings_is_kept():
    desk = a_desk()
    await apply(desk, *(a_create(number) for number in range(10)), batch=4)
    assert desk.counts()["POST /api/Users"] == 3


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize("listed", [True, False])
async def test_one_object_for_many_is_cleared_up_by_one_list(status, listed):
    desk = a_desk(many_reply="object", post_status=status, other5_listed=listed)
    outcomes = await apply(desk, *(a_create(number) for number in range(20)))
    assert results(outcomes) == ["applied"] * 20
    assert [desk.users[int(outcome.key)].name for outcome in outcomes] == [f"Person {n}" for n in range(20)]
    assert len(creates_of(desk)) == 20
    assert desk.counts()["GET /api/Users"] <= 20


async def test_an_instance_that_drops_all_but_the_first_is_served_one_by_one():
    desk = a_desk(many_saved="first")
    changes = [a_create(number) for number in range(6)]
    async with opened(desk, batch=3) as target:
        outcomes = list(await target.apply(changes))
        assert results(outcomes) == ["applied", "unknown", "unknown", "applied", "applied", "applied"]
    assert creates_of(desk) == ["Person 0", "Person 3", "Person 4", "Person 5"]


@pytest.mark.parametrize("bad_item", ["refuse_all", "save_before", "save_good"])
@pytest.mark.parametrize("error_body", ["exception", "message", "error", "result"])
async def test_only_the_bad_record_is_rejected_and_nobody_is_made_twice(bad_item, error_body):
    desk = a_desk(bad_item=bad_item, error_body=error_body)
    changes = [a_create(number, **(BAD if number == 5 else {})) for number in range(12)]
    outcomes = await apply(desk, *changes)
    assert results(outcomes) == ["applied"] * 5 + ["rejected"] + ["applied"] * 6
    assert "site 9999 does not exist" in outcomes[5].message
    assert sorted(creates_of(desk)) == sorted(f"Person {n}" for n in range(12) if n != 5)


async def test_stale_lists_do_not_lead_to_doubles_when_parts_of_a_refused_array_were_saved():
    desk = a_desk(bad_item="save_before", list_lag=15.0)
    outcomes = await apply(desk, *(a_create(number, **(BAD if number == 5 else {})) for number in range(8)))
    assert results(outcomes) == ["applied"] * 5 + ["rejected"] + ["applied"] * 2
    assert len(creates_of(desk)) == 7


async def test_an_array_that_is_too_long_is_halved_once_and_then_stays_short():
    desk = a_desk(batch_limit=25)
    async with opened(desk) as target:
        assert set(results(await target.apply([a_create(number) for number in range(40)]))) == {"applied"}
        before = desk.counts()["POST /api/Users"]
        assert set(results(await target.apply([a_create(number) for number in range(40, 80)]))) == {"applied"}
    assert desk.counts()["POST /api/Users"] == before + 2


@pytest.mark.parametrize("effect", ["lost_after", "error_after"])
async def test_creates_whose_answer_is_lost_are_found_by_their_marker(effect):
    desk = a_desk()
    desk.fail(Fault(effect=effect, resource="Users"))
    outcomes = await apply(desk, *(a_create(number) for number in range(30)))
    assert results(outcomes) == ["applied"] * 30
    assert [desk.users[int(outcome.key)].other5 for outcome in outcomes] == [marker(number) for number in range(30)]
    assert len(creates_of(desk)) == 30
    assert desk.counts()["GET /api/Users"] <= 2, "one list for the whole batch"


@pytest.mark.parametrize("effect", ["lost_before", "error_before", "unavailable", "html", "late"])
async def test_creates_that_cannot_be_seen_are_unknown_and_not_sent_again(effect):
    desk = a_desk()
    desk.fail(Fault(effect=effect, resource="Users", delay=3600))
    outcomes = await apply(desk, *(a_create(number) for number in range(5)))
    assert results(outcomes) == ["unknown"] * 5
    assert desk.counts()["POST /api/Users"] == 1
    assert all(outcome.message for outcome in outcomes)


async def test_what_was_unknown_is_found_later():
    desk = a_desk()
    desk.fail(Fault(effect="late", resource="Users", delay=3600))
    change = a_create(1)
    async with opened(desk) as target:
        assert results(await target.apply([change])) == ["unknown"]
        assert await target.find(change) is None
        desk.settle()
        found = await target.find(change)
    assert found.marker == marker(1)
    assert desk.users[int(found.key)].name == "Person 1"


async def test_an_agent_is_created_with_roles_teams_departments_and_default_team():
    desk = a_desk()
    role = next(role.id for role in desk.roles.values() if role.name == "Standard User")
    team = next(str(team.id) for team in desk.teams.values() if team.name == "2nd Line")
    department = next(str(node.id) for node in desk.departments.values() if node.name == "IT")
    change = msgspec.structs.replace(
        a_create(1, kind="agent", jobtitle="Technician"),
        references={
            "roles": ReferenceChange((), (role,)),
            "teams": ReferenceChange((), (team,)),
            "departments": ReferenceChange((), (department,)),
            "team": ReferenceChange((), (team,)),
        },
    )
    async with opened(desk) as target:
        (outcome,) = await target.apply([change])
        accounts, _ = await read_all(target, "agent")
    account = accounts["agent", outcome.key]
    assert {name: set(ids) for name, ids in account.references.items()} == {
        "roles": {role},
        "teams": {team},
        "departments": {department},
        "team": {team},
    }
    assert (account.marker, account.fields["email"]) == (marker(1), "person.1@acme.example")


@pytest.mark.parametrize("state", ["listed", "detail", "unknown"])
@pytest.mark.parametrize("effect", ["lost_after", "lost_before"])
async def test_agents_are_found_again_where_the_version_does_not_keep_the_marker(state, effect):
    desk = a_desk(federated_identity_id=state)
    desk.fail(Fault(effect=effect, resource="Agent"))
    changes = [a_create(number, kind="agent") for number in range(4)]
    async with opened(desk) as target:
        await read_all(target, "agent")
        outcomes = list(await target.apply(changes))
        found = [await target.find(change) for change in changes]
    expected = "applied" if effect == "lost_after" else "unknown"
    assert results(outcomes) == [expected] * 4
    assert [account and account.label for account in found] == [
        f"Person {n}" if effect == "lost_after" else None for n in range(4)
    ]


async def test_an_agent_that_was_there_before_is_not_taken_for_the_lost_create():
    desk = a_desk(federated_identity_id="unknown")
    desk.add_agent("Person 1", email="person.1@acme.example")
    desk.fail(Fault(effect="lost_before", resource="Agent"))
    async with opened(desk) as target:
        await read_all(target, "agent")
        (outcome,) = await target.apply([a_create(1, kind="agent")])
    assert outcome.result == "unknown"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (a_create(1, site=""), "needs a site"),
        (a_create(1, name=" "), "needs a name"),
        (a_create(1, kind="agent", mail=""), "needs an e-mail address"),
        (a_create(1, name="General User"), "pseudo-accounts"),
    ],
)
async def test_what_halo_would_refuse_is_not_sent_and_harms_no_other(change, words):
    desk = a_desk()
    other = a_create(2, kind=change.kind)
    outcomes = await apply(desk, change, other)
    assert results(outcomes) == ["rejected", "applied"]
    assert words in outcomes[0].message


async def test_a_create_with_a_key_is_our_own_fault_and_nothing_is_sent():
    desk = a_desk()
    with pytest.raises(ContractError, match="names a record"):
        await apply(desk, a_change("create", 12, name="Ada", references={"site": ((), ("1",))}))
    assert desk.writes == []


async def test_a_warning_of_halo_is_passed_on():
    desk = a_desk()
    long = "x" * 300
    (outcome,) = await apply(desk, a_create(1, name=long))
    assert (outcome.result, outcome.message) == ("applied", "Halo keeps name otherwise than written")


@pytest.mark.parametrize(("quirks", "error"), [({"forbidden": ("Users",)}, AuthError), ({"budget": 2}, RetryableError)])
async def test_a_refusal_of_everything_is_raised_when_nothing_was_written(quirks, error):
    desk = a_desk(**quirks, budget_seconds=1e9) if "budget" in quirks else a_desk(**quirks)
    async with opened(desk) as target:
        if "budget" in quirks:
            await target.seats()
            await target.seats()
        with pytest.raises(error):
            await target.apply([a_create(number) for number in range(3)])
    assert desk.writes == []


async def test_what_could_not_be_sent_any_more_is_unknown_when_a_part_was_written():
    desk = a_desk(budget=2, budget_seconds=1e9)
    outcomes = await apply(desk, *(a_create(number) for number in range(9)), batch=3)
    assert results(outcomes) == ["applied"] * 6 + ["unknown"] * 3
    assert "not sent" in outcomes[-1].message
    assert len(creates_of(desk)) == 6
