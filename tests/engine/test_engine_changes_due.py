"""Whom a run that follows changes looks at although their source says nothing new of them."""

from __future__ import annotations

import pytest
from engine_bench import Bench, rails
from msgspec.structs import replace

from crosskey.engine.run import RunResult


@pytest.fixture
def bench(tmp_path) -> Bench:
    """Both sides can do what following needs; eight people."""
    made = Bench(tmp_path)
    made.directory.tells_changes = made.desk.looks_up = made.desk.can_find = True
    for number in range(8):
        made.directory.add(f"p{number}", groups=["Staff"])
    return made


async def following(bench: Bench) -> RunResult:
    """One run more, which must have read only changes."""
    bench.clock.advance(300)
    result = await bench.run(changes=True)
    assert result.reach == "changes"
    return result


async def test_groups_that_swap_their_names_move_everybody_in_them(bench):
    bench.directory.group("London").add("p1")
    bench.directory.add("desk", groups=["Desk"])
    await bench.run(changes=True)
    groups = bench.directory.groups
    for id_, name in (("London", "Desk"), ("Desk", "London")):
        groups[id_] = replace(groups[id_], name=name)
    result = await bench.run(changes=True)
    assert "another one than before" in result.because, "whoever left one of them was not told"
    assert sorted(bench.did()) == ["create agent P1", "disable agent Desk", "update user P1"]
    assert (await bench.run("plan")).plan.size == 0


async def test_one_account_that_is_done_does_not_settle_another_that_was_refused(bench):
    await bench.run(changes=True)
    bench.directory.add("new", groups=["Staff", "Desk"])
    bench.desk.bad = {"agent New"}
    await following(bench)
    assert sorted(bench.did()) == ["create agent New", "create user New"]
    bench.desk.bad = set()
    bench.clock.advance(3601)
    await following(bench)
    assert bench.did() == ["create agent New"]


async def test_who_waits_for_an_account_is_looked_at_once_that_is_somebody_elses_no_more(bench):
    await bench.run(changes=True)
    bench.directory.change("p1", email="moved@example.com")
    bench.directory.add("new", groups=["Staff"], email="p1@example.com")
    assert rails(await following(bench)) == ["identity-collision"]
    assert bench.did() == ["update user P1"]
    await following(bench)
    assert bench.did() == ["create user New"]


async def test_who_waits_for_an_account_is_looked_at_also_when_its_change_comes_later(bench):
    await bench.run(changes=True)
    bench.directory.change("p1", email="moved@example.com")
    bench.directory.add("new", groups=["Staff"], email="p1@example.com")
    bench.desk.bad = {"P1"}
    await following(bench)
    bench.desk.bad = set()
    bench.clock.advance(3601)
    await following(bench)
    assert bench.did() == ["update user P1"]
    await following(bench)
    assert bench.did() == ["create user New"]
    assert (await following(bench)).plan.size == 0


@pytest.mark.parametrize("how", ["inactive", "deleted"])
async def test_a_leaver_whose_account_is_not_listed_yet_is_looked_at_again(bench, how):
    await bench.run(changes=True)
    bench.desk.hidden = {bench.desk.of("user")["P1"].key}
    if how == "deleted":
        del bench.directory.people["p1"]
    else:
        bench.directory.change("p1", active=False, status="OFF")
    bench.clock.advance(1)
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("changes", [])
    bench.desk.hidden = set()
    await following(bench)
    assert bench.did() == ["disable user P1"]


def _rename(bench: Bench) -> None:
    bench.directory.change("p1", display_name="Other" if bench.directory.people["p1"].display_name == "P1" else "P1")


def _move(bench: Bench) -> None:
    bench.directory.group("London").symmetric_difference_update({"p1"})


def _switch(bench: Bench) -> None:
    bench.directory.change("p1", active=not bench.directory.people["p1"].active)


@pytest.mark.parametrize("turns", [0, 1])
@pytest.mark.parametrize("turn", [_rename, _move, _switch])
async def test_who_goes_back_before_the_desk_shows_the_last_write_is_looked_at_again(bench, turn, turns):
    await bench.run(changes=True)
    [place] = [place for place, one in bench.desk.accounts.items() if one.label == "P1"]
    for _ in range(turns):
        turn(bench)
        await following(bench)
    shown = bench.desk.accounts[place]
    turn(bench)
    await following(bench)
    written = bench.desk.accounts[place]
    assert written != shown
    turn(bench)
    bench.desk.accounts[place] = shown  # a desk whose lists and look-ups lag a little
    await bench.run(changes=True)
    bench.desk.accounts[place] = written
    await following(bench)
    assert bench.desk.accounts[place].active == shown.active
    assert bench.desk.accounts[place].fields == shown.fields
    assert {name: ids for name, ids in bench.desk.accounts[place].references.items() if ids} == shown.references


def _delete(bench: Bench) -> None:
    del bench.directory.people["p1"]
    bench.directory.group("Staff").discard("p1")


def _switch_off(bench: Bench) -> None:
    bench.directory.change("p1", active=False, status="OFF")


def _leave_scope(bench: Bench) -> None:
    bench.directory.group("Staff").discard("p1")


@pytest.mark.parametrize("leave", [_delete, _switch_off, _leave_scope])
async def test_a_leaver_whose_account_a_list_missed_is_switched_off_by_the_next_round_of_changes(bench, leave):
    await bench.run(changes=True)
    [key] = [key for (_, key), one in bench.desk.accounts.items() if one.label == "P1"]
    leave(bench)
    bench.clock.advance(9000)
    bench.desk.hidden = {key}
    bench.directory.expired = True
    assert (await bench.run(changes=True)).reach == "everything"
    bench.desk.hidden, bench.directory.expired = set(), False
    await following(bench)
    assert not bench.desk.accounts["user", key].active


async def test_a_leaver_whose_account_is_gone_is_looked_up_once_more_and_then_let_go(bench):
    await bench.run(changes=True)
    [key] = [key for (_, key), one in bench.desk.accounts.items() if one.label == "P1"]
    _switch_off(bench)
    del bench.desk.accounts["user", key]
    bench.clock.advance(9000)
    bench.directory.expired = True
    await bench.run(changes=True)
    bench.directory.expired = False
    asked: list[bool] = []
    for _ in range(3):
        bench.desk.lookups.clear()
        await following(bench)
        asked.append(bool(bench.desk.lookups))
    assert asked == [True, False, False]
