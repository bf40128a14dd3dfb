"""Lost answers, lost requests, crashes: what happened is found out before anything is written again."""

import pytest
from engine_bench import rails

from crosskey.engine.saved import load_plan, save_plan
from crosskey.errors import StaleError, UncertainError
from crosskey.plan import Plan


async def crashed(bench, fault):
    for name in ("ada", "bob", "cleo", "dora"):
        bench.directory.add(name, groups=["Staff"])
    bench.desk.fault = fault
    result = await bench.run()
    assert result.verdict == "failed"
    bench.desk.fault = ""
    return result


async def test_a_create_whose_answer_was_lost_is_found_and_not_made_twice(bench):
    result = await crashed(bench, "lost-answer")
    assert isinstance(result.applied.stopped, UncertainError)
    assert len(bench.desk.of("user")) == 3
    await bench.run()
    assert bench.did() == ["create user Dora"]
    assert len(bench.desk.accounts) == 4
    await bench.run()
    assert bench.did() == []


async def test_a_create_that_never_arrived_waits_for_the_settle_time_and_is_then_made(bench):
    await crashed(bench, "lost-request")
    result = await bench.run()
    assert rails(result) == ["unsettled"] * 3
    assert bench.did() == ["create user Dora"]
    await bench.clock.sleep(121)
    await bench.run()
    assert bench.did() == ["create user Ada", "create user Bob", "create user Cleo"]
    assert len(bench.desk.accounts) == 4


@pytest.mark.parametrize("fault", ["raise", "silent"])
async def test_a_target_that_breaks_its_contract_leaves_nothing_certain(bench, fault):
    result = await crashed(bench, fault)
    assert result.applied.counts["unknown"] == 3
    assert rails(await bench.run()) == ["unsettled"] * 3


@pytest.mark.parametrize("fault", ["auth", "down"])
async def test_when_surely_nothing_was_written_the_next_run_simply_goes_on(bench, fault):
    result = await crashed(bench, fault)
    assert result.applied.counts["rejected"] == 3
    assert bench.desk.batches == [3], "no further batch is sent into the same wall"
    await bench.run()
    assert len(bench.did()) == 4
    assert len(bench.desk.accounts) == 4


async def test_an_update_whose_answer_was_lost_keeps_what_it_gave(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.directory.group("London").add("ada")
    bench.desk.fault = "lost-answer"
    await bench.run()
    bench.desk.fault = ""
    await bench.run()
    assert bench.did() == []
    bench.directory.group("London").discard("ada")
    await bench.run()
    assert bench.desk.of("user")["Ada"].references["roles"] == (), "the role was ours, so it is ours to take away"


async def test_one_refused_change_does_not_stop_the_others(bench):
    for name in ("ada", "bob", "cleo"):
        bench.directory.add(name, groups=["Staff"])
    bench.desk.bad = {"Bob"}
    result = await bench.run()
    assert result.verdict == "partial"
    assert [(change.label, outcome.message) for change, outcome in result.applied.failures] == [
        ("Bob", "the desk says no")
    ]
    bench.desk.bad = set()
    bench.clock.advance(3601)
    await bench.run()
    assert bench.did() == ["create user Bob"]


async def test_a_lost_journal_finds_its_accounts_again_by_their_marker(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.directory.change("ada", email="renamed@example.com")
    for file in bench.config.journal.path.parent.iterdir():
        file.unlink()
    await bench.run()
    assert bench.did() == ["adopt user Ada"]
    assert "marker" in bench.changes[0].why[""]
    await bench.run()
    assert bench.did() == []


async def test_a_stopped_run_ends_between_batches_and_the_next_goes_on(bench):
    for number in range(7):
        bench.directory.add(f"p{number}", groups=["Staff"])
    answers = iter([False, True])
    await bench.run(stop=lambda: next(answers))
    assert len(bench.desk.accounts) == 3
    await bench.run()
    assert len(bench.desk.accounts) == 7
    assert len(bench.did()) == 4


async def test_saying_no_applies_nothing(bench):
    bench.directory.add("ada", groups=["Staff"])
    result = await bench.run("apply", confirm=lambda plan: False)
    assert result.verdict == "aborted"
    assert bench.desk.writes == []


async def test_batches_hold_one_kind_and_action_and_respect_the_targets_size(bench):
    for number in range(7):
        bench.directory.add(f"p{number}", groups=["Staff"])
    bench.directory.add("tech", groups=["Staff", "Desk"])
    await bench.run()
    assert bench.desk.batches == [1, 3, 3, 2]


async def test_a_saved_plan_is_applied_exactly(bench, tmp_path):
    saved = await saved_plan(bench, tmp_path)
    await bench.run("apply", expected=saved)
    assert len(bench.desk.accounts) == 2
    with pytest.raises(StaleError, match="another run changed accounts"):
        await bench.run("apply", expected=saved)


async def test_a_saved_plan_is_refused_when_the_world_moved(bench, tmp_path):
    saved = await saved_plan(bench, tmp_path)
    bench.directory.add("cleo", groups=["Staff"])
    with pytest.raises(StaleError, match=r"2 changes then, 3 now"):
        await bench.run("apply", expected=saved)
    assert bench.desk.writes == []


async def test_a_saved_plan_expires(bench, tmp_path):
    saved = await saved_plan(bench, tmp_path)
    await bench.clock.sleep(4 * 3600)
    with pytest.raises(StaleError, match="expired"):
        await bench.run("apply", expected=saved)


async def test_a_saved_plan_belongs_to_its_configuration(bench, tmp_path):
    saved = await saved_plan(bench, tmp_path)
    bench.configure(bench.path.read_text() + "\nmin_people = 3")
    with pytest.raises(StaleError, match="configuration changed"):
        await bench.run("apply", expected=saved)


async def test_an_edited_plan_file_is_refused(bench, tmp_path):
    await saved_plan(bench, tmp_path)
    file = tmp_path / "saved.plan"
    file.write_text(file.read_text().replace("Ada", "Eve"))
    with pytest.raises(StaleError, match="edited"):
        load_plan(file)


async def saved_plan(bench, tmp_path):
    for name in ("ada", "bob"):
        bench.directory.add(name, groups=["Staff"])
    result = await bench.run("plan")
    file = tmp_path / "saved.plan"
    save_plan(Plan(result.plan.header, lambda: iter(bench.changes)), file)
    assert file.stat().st_mode & 0o077 == 0
    return load_plan(file)
