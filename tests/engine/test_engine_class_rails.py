"""Rails on classes of changes: where each begins, what it holds, what goes on, and what lets it through.

Each of these fails when its rail is taken out of the engine.
"""

from __future__ import annotations

import pytest
from engine_bench import CONFIG, rails
from engine_holds import approve, held, leave, staffed

from crosskey.engine.rails import RAILS

ROLES = CONFIG.replace(
    "[map.agent]\n", '[[map.user.assign]]\ngroup = "Approvers"\nroles = ["Approver"]\n[map.agent]\n', 1
)
FIELDS = CONFIG.replace('title = { from = "title", write = "on_create" }', 'title = "title"')


def with_rails(config: str, text: str) -> str:
    return f"{config}\n[rails]\n{text}\n"


def inactive(bench) -> int:
    return sum(not account.active for account in bench.desk.of("user").values())


# -- over a day and a week --------------------------------------------------------------------------------------------


async def test_what_single_runs_disable_adds_up_over_a_day(bench):
    await staffed(bench, 30)
    leave(bench, *range(6))
    assert rails(await bench.run()) == []
    bench.clock.advance(300)
    leave(bench, *range(6, 10))
    assert rails(await bench.run()) == [], "ten in a day are as many as ten at once"
    bench.clock.advance(300)
    leave(bench, 10)
    result = await bench.run()
    assert rails(result) == ["rolling-disable"]
    assert result.plan.held[0].summary == (
        "1 user accounts would be disabled and 10 were within a day; the limit for a day is 10"
    )
    assert inactive(bench) == 10
    bench.clock.advance(24 * 3600 - 300)
    assert rails(await bench.run()) == [], "six of them were longer ago than a day"
    assert inactive(bench) == 11


async def test_what_single_days_disable_adds_up_over_a_week(bench):
    await staffed(bench, 40)
    for day in range(2):
        leave(bench, *range(day * 10, day * 10 + 10))
        assert rails(await bench.run()) == []
        bench.clock.advance(2 * 24 * 3600)
    leave(bench, 20)
    result = await bench.run()
    assert rails(result) == ["rolling-disable"]
    assert "20 were within a week; the limit for a week is 20" in result.plan.held[0].summary
    bench.clock.advance(3 * 24 * 3600 + 1)
    assert rails(await bench.run()) == []


async def test_the_limits_of_a_day_and_a_week_are_settings(bench):
    bench.configure(with_rails(CONFIG, "disable_per_day = 0.5\ndisable_per_week = 0.6"))
    await staffed(bench, 30)
    leave(bench, *range(6))
    assert rails(await bench.run("plan")) == ["rolling-disable"]
    leave(bench)
    bench.directory.change("p005", active=True)
    assert rails(await bench.run()) == []
    bench.clock.advance(25 * 3600)
    leave(bench, 5, 6)
    assert rails(await bench.run()) == ["rolling-disable"]
    assert rails(await bench.run(allow=["rolling-disable=1"])) == ["rolling-disable"]
    assert rails(await bench.run(allow=["rolling-disable=2"])) == []


async def test_the_share_of_a_day_is_of_all_who_were_there_when_it_began(bench):
    bench.configure(with_rails(CONFIG, "max_disable = { count = 0, percent = 20 }"))
    await staffed(bench, 20)
    leave(bench, 0, 1)
    assert rails(await bench.run()) == []
    leave(bench, 2, 3)
    assert rails(await bench.run()) == [], "four of twenty"
    leave(bench, 4)
    assert rails(await bench.run()) == ["rolling-disable"]


async def test_who_has_the_account_back_does_not_count(bench):
    await staffed(bench, 30)
    leave(bench, *range(10))
    await bench.run()
    for number in range(10):
        bench.directory.change(f"p{number:03}", active=True)
    await bench.run()
    leave(bench, *range(10, 20))
    assert rails(await bench.run()) == []


async def test_who_was_approved_does_not_count(bench):
    await staffed(bench, 40)
    leave(bench, *range(15))
    await bench.run()
    approve(bench, "mass-disable")
    assert rails(await bench.run()) == []
    bench.clock.advance(300)
    leave(bench, *range(15, 25))
    assert rails(await bench.run()) == []
    leave(bench, 25)
    assert rails(await bench.run()) == ["rolling-disable"]
    approve(bench, "rolling-disable")
    assert rails(await bench.run()) == []


async def test_who_was_allowed_on_the_command_line_does_not_count(bench):
    await staffed(bench, 40)
    leave(bench, *range(15))
    assert rails(await bench.run(allow=["mass-disable=15"])) == []
    leave(bench, *range(15, 25))
    assert rails(await bench.run()) == []


async def test_a_disable_whose_answer_was_lost_counts(bench):
    await staffed(bench, 40)
    leave(bench, *range(10))
    bench.desk.fault = "lost-request"
    await bench.run()
    bench.desk.fault = ""
    leave(bench, 10)
    result = await bench.run()
    assert [one.rail for one in result.plan.held if one.scope == "class"] == ["rolling-disable"]


# -- what is taken away -----------------------------------------------------------------------------------------------


async def demoted(bench, count: int) -> None:
    """So many of thirty people lose a role that crosskey gave them."""
    bench.configure(with_rails(ROLES, "max_change = { count = 100 }"))
    bench.directory.group("Approvers").update(f"p{number:03}" for number in range(30))
    await staffed(bench, 30)
    bench.directory.group("Approvers").difference_update(f"p{number:03}" for number in range(count))


@pytest.mark.parametrize(("count", "codes"), [(10, []), (11, ["mass-demote"])])
async def test_ten_may_lose_a_role_at_once_and_eleven_not(bench, count, codes):
    await demoted(bench, count)
    bench.directory.change("p029", display_name="Else")
    result = await bench.run()
    assert rails(result) == codes
    assert sorted(bench.did()) == sorted(
        ["update user Else", *([] if codes else [f"update user P{number:03}" for number in range(count)])]
    )
    approvers = sum("roles-approver" in account.references["roles"] for account in bench.desk.of("user").values())
    assert approvers == (30 if codes else 20)


async def test_what_is_held_of_those_who_lose_something_is_told_and_let_through(bench):
    await demoted(bench, 11)
    result = await bench.run()
    [hold] = held(bench)
    assert hold.summary == ("11 of 30 managed user accounts would lose roles, teams or the like; the limit is 10")
    assert hold.examples[0] == "P000 (user:1): roles -roles-approver"
    assert "--allow mass-demote=11" in result.plan.held[0].fix
    assert rails(await bench.run("plan", allow=["mass-demote=10"])) == ["mass-demote"]
    assert rails(await bench.run("plan", allow=["mass-demote=11"])) == []
    approve(bench, "mass-demote")
    assert rails(await bench.run()) == []
    assert len(bench.did()) == 11


async def test_another_site_in_the_place_of_one_takes_nothing_away(bench):
    bench.configure(with_rails(CONFIG, "max_demote = { count = 0, percent = 0 }\nmax_change = { count = 100 }"))
    await staffed(bench, 12)
    bench.directory.group("London").update(f"p{number:03}" for number in range(12))
    assert rails(await bench.run()) == []
    bench.directory.group("London").discard("p003")
    assert rails(await bench.run()) == ["mass-demote"], "the role goes too"


# -- the same change in many accounts ---------------------------------------------------------------------------------


async def test_a_field_that_changes_in_a_large_part_of_all_accounts_is_held(bench):
    bench.configure(FIELDS)
    await staffed(bench, 40, title="Engineer")
    for number in range(25):
        bench.directory.change(f"p{number:03}", title="Senior Engineer")
    assert rails(await bench.run("plan")) == [], "twenty-five are few, whatever share that is"
    bench.directory.change("p025", title="Senior Engineer")
    bench.directory.change("p039", display_name="Else")
    result = await bench.run()
    assert rails(result) == ["mass-change"]
    assert bench.did() == ["update user Else"]
    [hold] = held(bench)
    assert hold.summary == "26 of 40 managed user accounts would change: title in 26; the limit is 25"
    assert hold.examples == tuple(
        f"P{number:03} (user:{number + 1}): title Engineer → Senior Engineer" for number in range(3)
    )
    assert rails(await bench.run("plan", allow=["mass-change=25"])) == ["mass-change"]
    assert rails(await bench.run("plan", allow=["mass-change=26"])) == []
    approve(bench, "mass-change")
    assert rails(await bench.run()) == []
    assert len(bench.did()) == 26


async def test_different_changes_of_many_are_no_mass_change(bench):
    bench.configure(with_rails(FIELDS, "max_change = { count = 2, percent = 0 }"))
    await staffed(bench, 9)
    bench.directory.change("p000", title="A")
    bench.directory.change("p001", title="B")
    bench.directory.change("p002", display_name="C")
    bench.directory.change("p003", display_name="D")
    assert rails(await bench.run()) == []


async def test_the_larger_of_count_and_share_is_the_limit(bench):
    bench.configure(with_rails(FIELDS, "max_change = { count = 2, percent = 30 }"))
    await staffed(bench, 10)
    for number in range(3):
        bench.directory.change(f"p{number:03}", title="A")
    assert rails(await bench.run("plan")) == []
    bench.directory.change("p003", title="A")
    assert rails(await bench.run("plan")) == ["mass-change"]


async def test_new_rules_may_change_less(bench):
    small = "max_change = { count = 4, percent = 50 }\nmax_remap = { count = 2, percent = 0 }"
    bench.configure(with_rails(FIELDS, small))
    await staffed(bench, 10, title="Engineer")
    for number in range(3):
        bench.directory.change(f"p{number:03}", title="Other")
    assert rails(await bench.run()) == [], "the rules are as they were"
    mapped = FIELDS.replace('title = "title"', "title = \"{{ title if subject_id != 'p009' else 'Chief' }}\"")
    assert mapped != FIELDS
    bench.configure(with_rails(mapped, small))
    assert rails(await bench.run("plan")) == []
    shouted = FIELDS.replace('title = "title"', 'title = "{{ title | upper }}"')
    bench.configure(with_rails(shouted, small))
    for _ in range(2):
        result = await bench.run()
        assert rails(result) == ["mass-change"], "that the rules were held does not make them known"
    assert result.plan.held[0].summary == (
        "[map.user] is not as it was in the last run, and 10 of 10 managed user accounts would change: title in 10; "
        "the limit is 2"
    )
    approve(bench, "mass-change")
    assert rails(await bench.run()) == []
    for number in range(3):
        bench.directory.change(f"p{number:03}", title="New")
    assert rails(await bench.run()) == [], "by now they are"


# -- new accounts -----------------------------------------------------------------------------------------------------


def hire(bench, *numbers: int) -> None:
    for number in numbers:
        bench.directory.add(f"n{number:03}", groups=["Staff"])


async def test_a_flood_of_new_accounts_is_held(bench):
    await staffed(bench, 30)
    hire(bench, *range(25))
    leave(bench, 0)
    assert rails(await bench.run("plan")) == []
    hire(bench, 25)
    result = await bench.run()
    assert rails(result) == ["create-flood"]
    assert bench.did() == ["disable user P000"]
    assert held(bench)[0].summary == "26 user accounts would be made, 30 are managed; the limit is 25"
    assert rails(await bench.run("plan", allow=["create-flood=25"])) == ["create-flood"]
    assert rails(await bench.run("plan", allow=["create-flood=26"])) == []
    approve(bench, "create-flood", limit=1)
    await bench.run()
    assert bench.did() == ["create user N000"]


async def test_a_large_company_may_hire_more(bench):
    bench.configure(with_rails(CONFIG, "max_create = { count = 1, percent = 20 }"))
    await staffed(bench, 10)
    hire(bench, 0, 1)
    assert rails(await bench.run("plan")) == []
    hire(bench, 2)
    assert rails(await bench.run("plan")) == ["create-flood"]


async def test_a_first_run_that_was_cut_short_goes_on(bench):
    bench.desk.batch = 10
    for number in range(60):
        bench.directory.add(f"p{number:03}", groups=["Staff"])
    bench.desk.fault = "auth"
    await bench.run()
    bench.desk.fault = ""
    bench.clock.advance(600)
    result = await bench.run(stop=iter([False, True]).__next__)
    assert (result.verdict, len(bench.desk.accounts)) == ("aborted", 10)
    result = await bench.run()
    assert (rails(result), len(bench.desk.accounts)) == ([], 60)


# -- all of them ------------------------------------------------------------------------------------------------------


async def test_a_rail_that_trips_is_an_event_with_its_count(bench):
    await staffed(bench, 30)
    leave(bench, *range(11))
    hire(bench, *range(26))
    result = await bench.run()
    with bench.journal() as journal:
        told = [event.facts for event in journal.events(result.run) if event.kind == "rail.tripped"]
    assert told == [{"rail": "create-flood", "count": 26}, {"rail": "mass-disable", "count": 11}]
    assert {"create-flood", "mass-disable"} <= RAILS.keys()


async def test_one_word_is_enough_for_one_change(bench):
    """A person who approved exactly these changes is not asked again by another rail that wants the same of them."""
    bench.configure(
        with_rails(ROLES, "max_change = { count = 5, percent = 0 }\nmax_demote = { count = 5, percent = 0 }")
    )
    bench.directory.group("Approvers").update(f"p{number:03}" for number in range(20))
    await staffed(bench, 20)
    bench.directory.group("Approvers").clear()
    bench.directory.group("Approvers").update(f"p{number:03}" for number in range(10, 20))
    assert rails(await bench.run()) == ["mass-demote"]
    approve(bench, "mass-demote")
    assert rails(await bench.run()) == []
    assert len(bench.did()) == 10
