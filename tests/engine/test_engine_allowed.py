"""What a person lets through: exactly that, once, and only when it is carried out."""

import pytest
from engine_bench import rails

from crosskey.engine.rails import Allowed
from crosskey.engine.saved import load_plan
from crosskey.errors import StaleError


async def shrunk(bench):
    for number in range(20):
        bench.directory.add(f"p{number:02}", groups=["Staff"])
    await bench.run()
    for number in range(7):
        del bench.directory.people[f"p{number:02}"]


async def test_what_is_allowed_for_a_plan_is_not_allowed_for_the_next_sync(bench):
    await shrunk(bench)
    assert rails(await bench.run("plan", allow=["shrink=13"])) == []
    assert rails(await bench.run()) == ["shrink"]


async def test_what_a_person_then_declines_is_not_allowed_either(bench):
    await shrunk(bench)
    await bench.run("apply", allow=["shrink=13"], confirm=lambda plan: False)
    assert rails(await bench.run()) == ["shrink"]


async def test_what_was_allowed_and_applied_is_what_the_next_read_is_measured_by(bench):
    await shrunk(bench)
    await bench.run("apply", allow=["shrink=13"])
    assert rails(await bench.run()) == []


async def test_a_saved_plan_is_applied_without_allowing_it_again(bench, tmp_path):
    await shrunk(bench)
    file = tmp_path / "saved.plan"
    await bench.run("plan", allow=["shrink=13"], keep=file)
    saved = load_plan(file)
    result = await bench.run("apply", expected=saved)
    assert rails(result) == []
    assert len(bench.did()) == 7
    assert sum(not account.active for account in bench.desk.of("user").values()) == 7


async def test_a_saved_plan_lets_through_nothing_but_itself(bench, tmp_path):
    await shrunk(bench)
    file = tmp_path / "saved.plan"
    await bench.run("plan", allow=["shrink=13"], keep=file)
    bench.directory.change("p10", active=False)
    with pytest.raises(StaleError):
        await bench.run("apply", expected=load_plan(file))
    assert all(account.active for account in bench.desk.of("user").values())


def test_what_was_allowed_can_be_written_and_read_again():
    words = ("mass-disable=37", "shrink=3", "empty-group=A b")
    allowed = Allowed.parse(words)
    assert Allowed.parse(allowed.words()) == allowed
    assert allowed.words() == words


def test_what_is_allowed_now_wins_over_what_was_allowed_then():
    both = Allowed.parse(["shrink=3"]).also(Allowed.parse(["shrink=5", "mass-disable=7", "empty-group=A"]))
    assert both == Allowed.parse(["shrink=3", "mass-disable=7", "empty-group=A"])
