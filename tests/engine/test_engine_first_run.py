"""The first run for a kind of account: an unattended one leaves all of it to a person (G20)."""

from __future__ import annotations

import pytest
from engine_bench import CONFIG, Bench, rails
from engine_holds import approve, held, waits

from crosskey.engine.saved import load_plan

USERS = CONFIG[: CONFIG.index("[map.agent]")]


@pytest.fixture
def bench(tmp_path) -> Bench:
    """Nobody has run anything yet; three people, one of them an agent too."""
    made = Bench(tmp_path)
    made.configure(CONFIG, asks=True)
    for name in ("ada", "bob", "cleo"):
        made.directory.add(name, groups=["Staff"])
    made.directory.group("Desk").add("ada")
    return made


async def test_an_unattended_first_run_writes_nothing(bench):
    for _ in range(2):
        result = await bench.run()
        assert rails(result) == ["first-run", "first-run"]
        assert (result.verdict, bench.desk.writes) == ("held", [])
    assert waits(bench) == ["first-run agent create 1", "first-run user create 3"]
    assert "crosskey apply" in result.plan.held[0].fix
    assert "crosskey approve first-run" in result.plan.held[0].fix


async def test_a_person_looks_at_a_plan_and_applies_it(bench):
    result = await bench.run("plan")
    assert (rails(result), len(bench.did())) == ([], 4)
    assert [notice.code for notice in result.notices] == ["first-run", "first-run"]
    result = await bench.run("apply")
    assert (result.verdict, len(bench.desk.writes)) == ("clean", 4)
    bench.directory.add("dora", groups=["Staff", "Desk"])
    assert rails(await bench.run()) == []
    assert len(bench.did()) == 2


async def test_a_plan_that_was_saved_is_applied(bench, tmp_path):
    await bench.run("plan", keep=tmp_path / "first.plan")
    await bench.run("apply", expected=load_plan(tmp_path / "first.plan"))
    assert len(bench.desk.writes) == 4


async def test_approving_it_lets_exactly_that_through(bench):
    await bench.run()
    approve(bench, "first-run", kind="user")
    bench.clock.advance(60)
    bench.directory.add("dora", groups=["Staff"])
    result = await bench.run()
    assert bench.did() == [f"create user {name}" for name in ("Ada", "Bob", "Cleo")]
    assert rails(result) == ["first-run", "first-run"]
    assert waits(bench) == ["first-run agent create 1", "first-run user create 1"]
    bench.clock.advance(60)
    assert waits(bench) == ["first-run agent create 1", "first-run user create 1"]
    await bench.run()
    assert bench.did() == ["create user Dora"], "users are known by now"
    assert waits(bench) == ["first-run agent create 1"]


async def test_a_few_first_and_the_others_wait_for_another_word(bench):
    await bench.run()
    approve(bench, "first-run", kind="user", limit=1)
    bench.clock.advance(60)
    await bench.run()
    assert bench.did() == ["create user Ada"]
    bench.clock.advance(60)
    await bench.run()
    assert bench.did() == []
    assert waits(bench) == ["first-run agent create 1", "first-run user create 2"]
    approve(bench, "first-run")
    await bench.run()
    assert (len(bench.did()), held(bench)) == (3, [])


async def test_a_number_on_the_command_line_lets_it_go(bench):
    assert rails(await bench.run(allow=["first-run=2"])) == ["first-run"]
    assert bench.did() == ["create agent Ada"]
    assert rails(await bench.run(allow=["first-run=3"])) == []


async def test_a_new_kind_of_account_is_held_and_the_known_one_goes_on(bench):
    bench.configure(USERS, asks=True)
    await bench.run("apply")
    bench.configure(CONFIG, asks=True)
    bench.directory.add("dora", groups=["Staff"])
    result = await bench.run()
    assert rails(result) == ["first-run"]
    assert bench.did() == ["create user Dora"]
    assert waits(bench) == ["first-run agent create 1"]


async def test_a_kind_that_nobody_was_meant_for_yet_is_known_all_the_same(bench):
    bench.directory.group("Desk").clear()
    await bench.run("apply")
    bench.directory.group("Desk").add("bob")
    assert rails(await bench.run()) == [], "the rules were applied; there was nobody"
    assert bench.did() == ["create agent Bob"]


async def test_a_run_that_a_rail_held_whole_applied_nothing(bench):
    people = dict(bench.directory.people)
    bench.directory.people.clear()
    assert rails(await bench.run()) == ["empty-source"]
    bench.directory.people = people
    assert rails(await bench.run()) == ["first-run", "first-run"]


async def test_somebody_who_said_no_looked_at_nothing(bench):
    await bench.run("apply", confirm=lambda _proposal: False)
    assert rails(await bench.run()) == ["first-run", "first-run"]


async def test_another_journal_is_a_first_run_again(bench):
    await bench.run("apply")
    for file in bench.config.journal.path.parent.iterdir():
        file.unlink()
    result = await bench.run()
    assert rails(result) == ["first-run", "first-run"]
    assert sum(one.count for one in held(bench)) == 4
    assert {hold.action for hold in result.plan.held} == {"adopt"}


async def test_who_wants_no_questions_says_so(bench):
    bench.configure(CONFIG + '\n[rails]\nfirst_run = "go"\n')
    assert rails(await bench.run()) == []
    assert len(bench.desk.writes) == 4


async def test_until_then_everybody_is_read_each_time(bench):
    bench.directory.tells_changes = bench.desk.looks_up = bench.desk.can_find = True
    await bench.run(changes=True)
    result = await bench.run(changes=True)
    assert result.because == "there are accounts of a kind for which nothing was applied yet"
    assert rails(result) == ["first-run", "first-run"]
