"""What rails count and what they hold: these accounts, this action, and nothing that only happens beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from engine_bench import CONFIG, rails
from engine_holds import approve, leave, staffed, waits
from test_engine_class_edges import OVER_LIMITS, ROLES

SHARES = """
[rails]
max_disable = { count = 0, percent = 50 }
disable_per_day = 100
disable_per_week = 100
max_demote = { count = 0, percent = 50 }
max_change = { count = 0, percent = 50 }
max_remap = { count = 0, percent = 50 }
"""


@pytest.fixture(autouse=True)
def group(bench):
    """Who is in it may approve."""
    bench.directory.group("Approvers")


@pytest.fixture
def halves(bench):
    """Four people of eight have an account that is on, and half of those may change at once."""
    bench.configure(ROLES)
    bench.directory.group("Approvers").update({f"p{number:03}" for number in range(8)})
    return bench


async def four_of_eight(bench) -> None:
    await staffed(bench, 8)
    leave(bench, 4, 5, 6, 7)
    await bench.run()
    bench.configure(ROLES + SHARES)


@pytest.mark.parametrize(("gone", "codes"), [(2, []), (3, ["mass-disable"])])
async def test_the_share_of_disables_is_of_accounts_that_are_on(halves, gone, codes):
    await four_of_eight(halves)
    leave(halves, *range(gone))
    assert rails(await halves.run()) == codes


@pytest.mark.parametrize(("lose", "codes"), [(2, []), (3, ["mass-demote"])])
async def test_the_share_of_those_who_lose_something_is_of_accounts_that_are_on(halves, lose, codes):
    await four_of_eight(halves)
    halves.directory.group("Approvers").difference_update({f"p{number:03}" for number in range(lose)})
    assert rails(await halves.run()) == codes


@pytest.mark.parametrize(("change", "codes"), [(2, []), (3, ["mass-change"])])
async def test_the_share_of_changes_is_of_accounts_that_are_on(halves, change, codes):
    await four_of_eight(halves)
    for number in range(change):
        halves.directory.change(f"p{number:03}", title="Engineer")
    assert rails(await halves.run()) == codes


@pytest.mark.parametrize(("rail", "number", "goes"), [("mass-demote", 2, True), ("mass-demote", 1, False)])
async def test_a_number_lets_go_who_loses_something(bench, rail, number, goes):
    bench.configure(ROLES + OVER_LIMITS)
    bench.directory.group("Approvers").update({"p000", "p001"})
    await staffed(bench, 4)
    bench.directory.group("Approvers").clear()
    assert rails(await bench.run("plan", allow=(f"{rail}={number}",))) == ([] if goes else [rail])


@pytest.mark.parametrize(("number", "goes"), [(2, True), (1, False)])
async def test_a_number_lets_changes_go(bench, number, goes):
    bench.configure(ROLES + OVER_LIMITS.replace("max_change = { count = 9", "max_change = { count = 1"))
    await staffed(bench, 4)
    for each in (0, 1):
        bench.directory.change(f"p00{each}", title="Engineer")
    assert rails(await bench.run("plan", allow=(f"mass-change={number}",))) == ([] if goes else ["mass-change"])


async def test_who_comes_back_without_a_role_is_not_counted_with_those_who_lose_one(bench):
    bench.configure(ROLES + OVER_LIMITS)
    bench.directory.group("Approvers").update({"p000", "p001", "p002"})
    await staffed(bench, 6)
    for number in (0, 1):
        leave(bench, number)
        assert rails(await bench.run()) == []
        bench.clock.advance(8 * 24 * 3600)
    bench.directory.group("Approvers").difference_update({"p000", "p001", "p002"})
    for number in (0, 1):
        bench.directory.change(f"p00{number}", active=True)
    assert rails(await bench.run()) == []
    assert sorted(bench.did()) == ["enable user P000", "enable user P001", "update user P002"]


async def test_new_accounts_are_no_changes_of_those_that_are_there(bench):
    bench.configure(ROLES + OVER_LIMITS.replace("max_change = { count = 9", "max_change = { count = 2"))
    await staffed(bench, 4)
    bench.directory.add("new", groups=["Staff"], title="Engineer")
    for number in (0, 1):
        bench.directory.change(f"p00{number}", title="Engineer")
    assert rails(await bench.run()) == []
    assert len(bench.did()) == 3


async def test_only_who_changes_in_what_changes_in_many_is_held(bench):
    bench.configure(ROLES + OVER_LIMITS.replace("max_change = { count = 9", "max_change = { count = 1"))
    await staffed(bench, 5)
    for number in (0, 1):
        bench.directory.change(f"p00{number}", title="Engineer")
    bench.directory.change("p002", display_name="Other")
    [told] = (await bench.run()).plan.held
    assert (told.rail, told.count) == ("mass-change", 2)
    assert bench.did() == ["update user Other"]


async def test_new_rules_may_change_as_many_as_the_limit_says(bench):
    limits = OVER_LIMITS.replace("max_remap = { count = 9", "max_remap = { count = 3")
    bench.configure(ROLES + limits)
    await staffed(bench, 3)
    bench.configure(ROLES.replace("{{ display_name }}", "{{ display_name | lower }}", 1) + limits)
    assert rails(await bench.run()) == []
    assert len(bench.did()) == 3


async def test_few_changes_by_new_rules_may_still_be_the_same_change_in_many(bench):
    limits = OVER_LIMITS.replace("max_remap = { count = 9", "max_remap = { count = 3")
    bench.configure(ROLES + limits)
    await staffed(bench, 3)
    changed = ROLES.replace("{{ display_name }}", "{{ display_name | lower }}", 1)
    bench.configure(changed + limits.replace("max_change = { count = 9", "max_change = { count = 1"))
    [told] = (await bench.run()).plan.held
    assert told.summary == "3 of 3 managed user accounts would change: name in 3; the limit is 1"


async def test_changes_of_those_who_stay_are_no_slow_bleeding(bench):
    bench.configure(ROLES + OVER_LIMITS)
    await staffed(bench, 6)
    for number in (0, 1):
        bench.directory.change(f"p00{number + 3}", title="Engineer")
        leave(bench, number)
        assert rails(await bench.run()) == []


async def test_who_was_approved_by_name_is_not_counted_among_the_many_of_a_day(bench):
    bench.configure(ROLES + OVER_LIMITS.replace("max_disable = { count = 1", "max_disable = { count = 2"))
    await staffed(bench, 8)
    for number in (0, 1, 2, 3):
        leave(bench, number)
        assert rails(await bench.run()) == []
    leave(bench, 4)
    assert rails(await bench.run()) == ["rolling-disable"]
    approve(bench, "rolling-disable")
    bench.directory.change("p006", display_name="Other")
    leave(bench, 5)
    [told] = (await bench.run()).plan.held
    assert told.summary.startswith(
        "1 user accounts would be disabled and 4 were within a day; the limit for a day is 4"
    )
    assert (told.count, told.examples[0].partition(" (")[0]) == (1, "P005")
    assert sorted(bench.did()) == ["disable user P004", "update user Other"]


# -- new accounts -----------------------------------------------------------------------------------------------------


async def test_accounts_that_were_there_are_no_new_ones(bench):
    bench.configure(CONFIG)
    await staffed(bench, 4)
    bench.configure(CONFIG + OVER_LIMITS)
    for name in ("ada", "bob"):
        bench.desk.add("user", name=name.title(), mail=f"{name}@example.com", active=True)
        bench.directory.add(name, groups=["Staff"])
    bench.directory.add("new", groups=["Staff"])
    assert rails(await bench.run()) == []
    assert sorted(bench.did()) == ["adopt user Ada", "adopt user Bob", "create user New"]


@pytest.mark.parametrize("newcomers", [1, 2])
async def test_an_account_that_is_made_in_the_place_of_one_that_is_gone_is_no_new_one(bench, newcomers):
    bench.desk.can_find = True
    bench.configure(CONFIG)
    for name in ("ada", "bob", "cleo"):
        bench.desk.add("user", name=name.title(), mail=f"{name}@example.com", active=True)
        bench.directory.add(name, groups=["Staff"])
    await bench.run()
    assert {change.action for change in bench.changes} == {"adopt"}, "crosskey made none of them"
    bench.configure(CONFIG + OVER_LIMITS)
    bench.clock.advance(600)
    gone = [key for key, account in bench.desk.accounts.items() if account.fields["name"] == "Ada"]
    bench.desk.accounts.pop(*gone)
    for number in range(newcomers):
        bench.directory.add(f"new{number}", groups=["Staff"])
    result = await bench.run()
    assert rails(result) == ([] if newcomers == 1 else ["create-flood"])
    assert sorted(bench.did()) == ["create user Ada", *(["create user New0"] if newcomers == 1 else [])]


# -- who was chosen, and the clock ------------------------------------------------------------------------------------


async def test_a_newcomer_among_those_who_were_passed_over_goes(bench):
    bench.configure(ROLES + OVER_LIMITS)
    await staffed(bench, 6)
    leave(bench, 0, 1)
    await bench.run()
    approve(bench, "mass-disable", only=("P000",))
    await bench.run()
    bench.clock.advance(30 * 24 * 3600)
    leave(bench, 2)
    [told] = (await bench.run()).plan.held
    assert (told.rail, told.count) == ("mass-disable", 1)
    assert bench.did() == ["disable user P002"]


async def test_a_plan_of_the_first_run_that_somebody_looked_at_holds_nothing_in_its_place(bench):
    bench.configure(CONFIG, asks=True)
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    assert waits(bench) == ["first-run user create 1"]
    await bench.run("plan")
    assert waits(bench) == ["first-run user create 1"], "a plan that a person looks at lets nothing go"


async def test_an_approval_counts_for_nothing_while_the_clock_is_in_doubt(bench):
    bench.configure(ROLES + OVER_LIMITS)
    await staffed(bench, 4)
    leave(bench, 0, 1)
    await bench.run()
    approve(bench, "mass-disable")
    bench.set_wrong(-timedelta(hours=2))
    assert "mass-disable" in rails(await bench.run())
    assert bench.did() == []
