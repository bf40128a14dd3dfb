"""Switches that only show their teeth when they come later, or that a key of the configuration answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from quirks_bench import World

from crosskey_sandbox.halo import HaloQuirks
from crosskey_sandbox.okta import OktaQuirks


async def test_a_second_host_that_the_configuration_names_is_followed(folder: Path) -> None:
    world = World(
        folder, okta=OktaQuirks(canonical_host="acme.oktapreview.com"), source='hosts = ["acme.oktapreview.com"]\n'
    )
    await world.sync()
    await world.sync()
    assert not world.changes


async def gap(folder: Path, **world: int) -> World:
    """A sync that misses a row between any two pages, after one that missed none."""
    made = World(folder, people=230, **world)
    await made.sync()
    made.org.quirks = OktaQuirks(page_gap=1)
    await made.sync()
    return made


def active_users(world: World) -> set[tuple[str, str]]:
    return {key for key, value in world.state().items() if key[0] == "user" and value[0]}


def switched_off(world: World) -> list[str]:
    return [plan for plan in world.did() if plan.startswith("disable")]


async def test_many_members_whom_pages_skip_are_held(folder: Path) -> None:
    world = World(folder, people=230)
    await world.sync()
    before = active_users(world)
    world.org.quirks = OktaQuirks(page_gap=1)
    result = await world.sync()
    assert "mass-disable" in {hold.rail for hold in result.plan.held}
    world.org.quirks = OktaQuirks()
    await world.sync()
    assert active_users(world) == before


async def test_a_member_whom_pages_skip_is_not_switched_off(folder: Path) -> None:
    world = await gap(folder)
    assert not switched_off(world)


async def test_somebody_whom_pages_of_people_skip_is_confirmed_by_id(folder: Path) -> None:
    world = await gap(folder, member_page=1000)
    assert sum(seen.path == "/api/v1/users/{id}" for seen in world.org.requests) == 1
    assert not world.changes


@pytest.mark.parametrize("settled", [False, True])
async def test_lists_that_lag_behind_a_day_of_changes_plan_leavers_alone_again(folder: Path, settled: bool) -> None:
    world = World(folder, halo=HaloQuirks(list_lag=20.0))
    await world.sync()
    world.a_day_passes()
    await world.sync()
    if settled:
        world.clock.advance(30.0)
    await world.sync()
    assert {change.action for change in world.changes} == (set() if settled else {"disable"})


async def test_what_cannot_be_taken_away_is_told_by_name_and_not_sent_with_every_run(folder: Path) -> None:
    world = World(folder, halo=HaloQuirks(memberships="merge"))
    await world.sync()
    world.a_day_passes()
    first = await world.sync()
    words = {outcome.message for _, outcome in first.applied.failures}
    assert any("still has roles Team Lead" in message and "still has teams 1st Line" in message for message in words)
    assert any("still has roles Approver" in message and "departments Facilities" in message for message in words)
    writes = len(world.desk.writes)
    second = await world.sync()
    assert (second.verdict, world.changes, len(world.desk.writes)) == ("held", [], writes)
    assert {hold.summary for hold in second.plan.held if hold.rail == "refused-before"} == words
    world.desk.quirks = HaloQuirks()
    world.clock.advance(86_400.0)
    await world.sync()
    assert len(world.changes) == 2
    await world.sync()
    assert not world.changes
