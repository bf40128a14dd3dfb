"""Every switch of both local vendors on the whole road: two syncs, a day in the company, two syncs.

The undisturbed run is the measure: nobody doubled, nobody wrongly switched off, nothing touched that is not ours, the
same desk in the end, an empty second plan, and never a request by the person.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from quirks_bench import SETTLE, World
from quirks_switches import STRUCTS, Case, cases, unclassified

from crosskey.errors import ConfigError, CrosskeyError


class Road(msgspec.Struct, frozen=True):
    """What a run down the road came to: each sync's plan, results and held rails, and the desk."""

    plans: list[list[str]]
    results: list[dict[str, int]]
    held: list[list[str]]
    state: Mapping[tuple[str, str], tuple[object, ...]]


_MEASURES: dict[str, Road] = {}


def a_world(folder: Path, case: Case, **switches: Any) -> World:
    return World(folder, **{case.vendor: STRUCTS[case.vendor](**switches)}, **case.does.world)


async def drive(world: World, *, quiet: int | None = None, writes: int = 99) -> Road:
    """Down the whole road, checking what must hold after each sync.

    ``quiet`` is how many requests above the formula a sync without changes may cost, ``writes`` how many any may post.
    """
    plans, results, held = [], [], []
    for turn in range(4):
        if turn == 2:
            world.a_day_passes()
        result = await world.sync()
        asked = world.requests()
        posts = sum(count for name, count in asked.items() if "POST /api" in name)
        plans.append(world.did())
        results.append(dict(result.applied.counts))
        held.append(sorted({hold.rail for hold in result.plan.held}))
        world.assert_nothing_doubled()
        world.assert_nobody_touched_who_is_not_ours()
        assert posts <= writes, asked
        if quiet is not None and turn in (1, 3) and not world.changes:
            assert sum(asked.values()) <= world.formula() + quiet, asked
    return Road(plans, results, held, world.state())


async def measure(folder: Path, case: Case) -> Road:
    """The undisturbed run of the same world."""
    key = repr((case.vendor if case.does.beside else "", case.does.beside, case.does.world))
    if key not in _MEASURES:
        (folder / "measure").mkdir()
        _MEASURES[key] = await drive(a_world(folder / "measure", case, **case.does.beside))
    return _MEASURES[key]


def of(*ends: str) -> Any:
    chosen = [case for case in cases() if case.does.ends in ends]
    return pytest.mark.parametrize("case", chosen, ids=str)


def test_every_switch_is_classified() -> None:
    assert unclassified() == []
    assert all(case.does.why for case in cases())


async def test_the_undisturbed_run_is_what_it_should_be(folder: Path) -> None:
    world = World(folder)
    road = await drive(world, quiet=0, writes=6)
    assert road.plans[1] == road.plans[3] == []
    assert sorted(plan.split()[0] + plan.split()[1] for plan in road.plans[2]) == [
        "createuser",
        "disableagent",
        "disableuser",
        "updateagent",
        "updateuser",
        "updateuser",
    ]
    assert all(set(result) <= {"applied"} for result in road.results)
    assert road.held[0] == road.held[3] == ["ambiguous-match", "protected"]
    parts = world.parts
    assert not road.state["user", parts.leaver][0]
    assert not road.state["agent", parts.leaver][0]
    demoted = road.state["agent", parts.demoted]
    assert (demoted[4], demoted[5]) == ({"Standard User"}, {("2nd Line", False)})


@of("same")
async def test_harmless(folder: Path, case: Case) -> None:
    expected = await measure(folder, case)
    world = a_world(folder, case, **case.switches)
    road = await drive(world, quiet=case.does.more, writes=case.does.writes)
    if case.name == "page_gap":  # whom pages never showed has no account
        assert road.plans[1] == road.plans[3] == []
        return
    assert road == expected
    assert not [name for name in world.requests() if name.endswith("{id}")]


@of("told")
async def test_told(folder: Path, case: Case) -> None:
    expected = await measure(folder, case)
    world = a_world(folder, case, **case.switches)
    road = await drive(world, writes=case.does.writes)
    differing = {
        key for key in expected.state.keys() | road.state.keys() if expected.state.get(key) != road.state.get(key)
    }
    assert 1 <= len(differing) <= 2, differing
    failed = {change.label: outcome.message for change, outcome in world.results[-1].applied.failures}
    holds = {hold.label: hold.summary for hold in world.results[-1].plan.held if hold.rail == "refused-before"}
    assert {change.label for change in world.changes} == set(failed)
    assert 1 <= len(failed) + len(holds) <= 2
    assert all({**failed, **holds}.values())
    wrongly_off = [
        key for key in differing if not road.state.get(key, (True,))[0] and expected.state.get(key, (True,))[0]
    ]
    assert not wrongly_off


@of("settles")
async def test_delayed(folder: Path, case: Case) -> None:
    expected = await measure(folder, case)
    world = a_world(folder, case, **case.switches)
    await drive(world)
    for _ in range(6):
        world.clock.advance(SETTLE + 60)
        result = await world.sync()
        world.assert_nothing_doubled()
        if not world.changes and not any(hold.rail == "unsettled" for hold in result.plan.held):
            break
    else:
        pytest.fail(f"never quiet: {world.did()}")
    state = world.state()
    missing = {key for key in expected.state.keys() - state.keys() if expected.state[key][0]}
    assert not missing, "who left before the first write arrived needs no account; everybody else has one"
    assert {key: state[key] for key in state} == {key: expected.state[key] for key in state}


@of("refused")
@pytest.mark.parametrize("later", [False, True], ids=["at_once", "later"])
async def test_refused(folder: Path, case: Case, later: bool) -> None:
    world = a_world(folder, case, **({} if later else case.switches))
    if later:
        await world.sync()
        world.a_day_passes()
        side = world.org if case.vendor == "okta" else world.desk
        side.quirks = STRUCTS[case.vendor](**case.switches)
    before, writes = world.state(), len(world.desk.writes)
    with pytest.raises(CrosskeyError) as caught:
        await world.sync()
    error = caught.value
    assert (type(error), error.code) == (case.does.error, case.does.code)
    assert error.fix or (isinstance(error, ConfigError) and all(problem.fix for problem in error.problems))
    assert len(world.desk.writes) == writes
    assert world.state() == before
