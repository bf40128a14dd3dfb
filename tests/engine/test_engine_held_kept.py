"""What a rail holds is kept: listed offline with its reason, since when, and whole, however it is held."""

from __future__ import annotations

from datetime import timedelta

import pytest
from engine_bench import CONFIG, Bench, rails
from engine_holds import approve, held, leave, staffed, waits

from crosskey.engine.explanation import explain
from crosskey.engine.stage import Stage
from crosskey.journal import Journal


async def test_a_class_that_is_held_is_kept_change_by_change(bench):
    await staffed(bench)
    leave(bench, *range(11))
    result = await bench.run()
    assert result.plan.header.held_counts == {"mass-disable": 11}
    [hold] = held(bench)
    assert (hold.rail, hold.scope, hold.kind, hold.action, hold.count) == (
        "mass-disable",
        "class",
        "user",
        "disable",
        11,
    )
    assert (hold.since, hold.run) == (bench.clock.now(), result.run)
    assert hold.summary == "11 of 20 managed user accounts would be disabled; the limit is 10"
    assert hold.approve == 'crosskey approve mass-disable --kind user --because "…"'
    assert len(hold.examples) == 10
    with Journal.open(bench.config.journal.path, clock=bench.clock) as journal:
        changes = [each.change for each in journal.waiting() if each.change is not None]
    assert sorted(change.label for change in changes) == [f"P{number:03}" for number in range(11)]
    assert all(change.action == "disable" and change.why[""].startswith("left") for change in changes)


async def test_what_was_held_first_keeps_its_time(bench):
    await staffed(bench)
    leave(bench, *range(11))
    first = await bench.run()
    began = bench.clock.now()
    bench.clock.advance(3600)
    leave(bench, 11)
    await bench.run()
    [hold] = held(bench)
    assert (hold.count, hold.since, hold.run) == (12, began, first.run)
    with Journal.open(bench.config.journal.path, clock=bench.clock) as journal:
        since = {each.held.label: each.since for each in journal.waiting() if each.held.subject is not None}
    assert since["P000"] == began
    assert since["P011"] == bench.clock.now(), "who joined later waits since later"


async def test_what_waits_no_more_is_listed_no_more(bench):
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run()
    for number in range(11):
        bench.directory.change(f"p{number:03}", active=True)
    await bench.run()
    assert held(bench) == []


async def test_who_waits_for_reasons_of_several_sides_has_a_way_out_told_for_each(bench):
    for number in range(2):
        bench.desk.add("user", name=f"Bob {number}", mail="bob@example.com")
    bench.directory.add("bob", groups=["Staff"])
    for who in ("eve", "eva"):
        bench.directory.add(who, groups=["Staff"], email="shared@example.com")
    await bench.run()
    [hold] = held(bench)
    at_the_desk, in_the_source = hold.fix.split("; or ")
    assert at_the_desk.startswith("correct the accounts in the target")
    assert in_the_source.startswith("give each their own")


async def test_people_and_whole_runs_that_are_held_are_listed_too(bench):
    bench.configure(CONFIG + "\n[rails]\nmax_disable = { count = 50 }")
    await staffed(bench)
    bench.directory.add("ada", groups=["Desk"], email="")
    bench.desk.add("user", name="Bob", mail="bob@example.com")
    bench.desk.add("user", name="Bob too", mail="bob@example.com")
    bench.directory.add("bob", groups=["Staff"])
    await bench.run()
    assert waits(bench) == ["ambiguous-match user 1", "mapping-problem agent 1"]
    assert [one.approve for one in held(bench)] == ["", ""], "no word makes two people of one account"
    for number in range(10):
        del bench.directory.people[f"p{number:03}"]
    assert rails(await bench.run()) == ["shrink"]
    assert waits(bench) == ["shrink 1", "ambiguous-match user 1", "mapping-problem agent 1"]
    assert held(bench)[0].approve == 'crosskey approve shrink --because "…"'


async def test_a_plan_that_somebody_allows_something_for_does_not_empty_the_list(bench):
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run()
    assert rails(await bench.run("plan", allow=["mass-disable=11"])) == []
    assert waits(bench) == ["mass-disable user disable 11"], "nothing of it was done"
    approve(bench, "mass-disable")
    assert rails(await bench.run("plan")) == []
    assert waits(bench) == ["mass-disable user disable 11"]
    assert held(bench)[0].approved == 11


async def test_explain_tells_who_is_held_with_a_class(bench):
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run()
    with (
        Journal.open(bench.config.journal.path, clock=bench.clock) as journal,
        Stage.kept(bench.config.journal.path.with_name("snapshot.sqlite")) as stage,
    ):
        [one] = explain(bench.config, journal, stage, "p003")
        [other] = explain(bench.config, journal, stage, "p015")
    assert [hold.rail for account in one.accounts for hold in account.held] == ["mass-disable"]
    assert [hold.rail for account in other.accounts for hold in account.held] == []


@pytest.fixture
def following(tmp_path) -> Bench:
    """Both sides can do what rounds over changes need."""
    made = Bench(tmp_path)
    made.directory.tells_changes = made.desk.looks_up = made.desk.can_find = True
    return made


async def test_a_round_over_changes_goes_on_listing_what_stands(following):
    bench = following
    await staffed(bench)
    bench.desk.add("user", name="Bob", mail="bob@example.com")
    bench.desk.add("user", name="Bob too", mail="bob@example.com")
    bench.directory.add("bob", groups=["Staff"])
    await bench.run(changes=True)
    leave(bench, *range(11))
    await bench.run(changes=True)
    standing = ["mass-disable user disable 11", "ambiguous-match user 1"]
    assert waits(bench) == standing
    bench.clock.advance(300)
    bench.directory.add("new", groups=["Staff"])
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("changes", ["create user New"])
    assert waits(bench) == standing
    assert held(bench)[0].since == bench.clock.now() - timedelta(seconds=300)


async def test_who_is_approved_is_seen_by_a_round_over_changes(following):
    bench = following
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run(changes=True)
    approve(bench, "mass-disable")
    bench.clock.advance(300)
    result = await bench.run(changes=True)
    assert (result.reach, len(bench.did()), rails(result)) == ("changes", 11, [])
    assert held(bench) == []


async def test_a_number_that_is_approved_makes_a_round_read_everybody(following):
    bench = following
    bench.configure(CONFIG + "\n[rails]\nmax_disable = { count = 50 }")
    await staffed(bench)
    for number in range(7):
        del bench.directory.people[f"p{number:03}"]
    assert rails(await bench.run()) == ["shrink"]
    approve(bench, "shrink")
    result = await bench.run(changes=True)
    assert result.because == "what somebody lets through by name or number concerns everybody"
    assert (rails(result), len(bench.did())) == ([], 7)
