"""A run that reads only changes comes to what a full run would: for any history, and whatever goes wrong in between."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from engine_bench import CONFIG, Bench, rails
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench_plugin import Killed
from crosskey.errors import ContractError, RetryableError
from crosskey.model import Subject


def following(bench: Bench) -> Bench:
    """A bench whose both sides can do what following needs."""
    bench.directory.tells_changes = True
    bench.desk.looks_up = bench.desk.can_find = True
    return bench


@pytest.fixture
def bench(tmp_path) -> Bench:
    made = following(Bench(tmp_path))
    for number in range(8):
        made.directory.add(f"p{number}", groups=["Staff"], title="Clerk")
    return made


def asked(bench: Bench) -> tuple[list[str], int]:
    """How the directory was read and how often the whole desk was, since the last time."""
    told = (bench.directory.reads[:], bench.desk.reads)
    bench.directory.reads.clear()
    bench.desk.reads = 0
    return told


async def test_the_first_run_reads_everything_and_says_why_and_the_next_only_changes(bench):
    first = await bench.run(changes=True)
    assert (first.reach, asked(bench)) == ("everything", (["full"], 1))
    assert "no snapshot" in first.because
    bench.directory.change("p1", display_name="Renamed")
    second = await bench.run(changes=True)
    assert (second.reach, second.because, asked(bench)) == ("changes", "", (["changes"], 0))
    assert bench.did() == ["update user Renamed"]
    assert [lookup.keys for lookup in bench.desk.lookups] == [("2",)]
    assert (await bench.run(changes=True)).plan.size == 0
    assert len(bench.desk.lookups) == 1, "nobody was touched, so nobody was looked up"


async def test_starters_movers_and_leavers_are_told_by_changes(bench):
    await bench.run(changes=True)
    bench.directory.add("new", groups=["Staff", "London"])
    bench.directory.group("London").add("p2")
    bench.directory.change("p3", active=False, status="OFF")
    bench.directory.group("Staff").discard("p4")
    del bench.directory.people["p5"]
    result = await bench.run(changes=True)
    assert (result.reach, sorted(bench.did())) == (
        "changes",
        ["create user New", "disable user P3", "disable user P4", "disable user P5", "update user P2"],
    )
    assert bench.directory.finds == ["p5"], "a tombstone is looked up before anybody is switched off"
    assert (await bench.run()).plan.size == 0


async def test_a_group_whose_list_is_read_anew_loses_whom_it_does_not_bring(bench):
    bench.directory.lists_anew = True
    await bench.run(changes=True)
    bench.directory.group("Staff").discard("p4")
    await bench.run(changes=True)
    assert bench.did() == ["disable user P4"]


async def test_a_tombstone_of_somebody_who_is_there_by_id_is_no_leaver(bench):
    await bench.run(changes=True)
    bench.directory.buried = {"p5"}
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("changes", [])
    assert {notice.code for notice in result.notices} == {"listing-flapped"}


async def test_what_was_held_is_looked_at_again_although_nothing_changed(bench):
    bench.directory.add("twin", groups=["Staff"], email="")
    bench.desk.bad = {"P9"}
    bench.directory.add("p9", groups=["Staff"])
    await bench.run(changes=True)
    bench.desk.bad = set()
    bench.clock.advance(3601)
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("changes", ["create user P9"])
    assert (await bench.run(changes=True)).plan.size == 0


async def test_a_grace_ends_although_nothing_changes_any_more(tmp_path):
    config = CONFIG.replace('match = ["email"]\ndefault', 'match = ["email"]\nleavers = { after = "2h" }\ndefault')
    bench = following(Bench(tmp_path, config))
    for number in range(8):
        bench.directory.add(f"p{number}", groups=["Staff"])
    await bench.run(changes=True)
    bench.directory.change("p1", active=False, status="OFF")
    assert (await bench.run(changes=True)).plan.size == 0
    bench.clock.advance(3600)
    assert (await bench.run(changes=True)).plan.size == 0
    bench.clock.advance(3700)
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("changes", ["disable user P1"])


async def test_a_plan_alone_does_not_swallow_what_it_saw(bench):
    await bench.run(changes=True)
    bench.directory.change("p1", display_name="Renamed")
    await bench.run("plan", changes=True)
    assert bench.did() == ["update user Renamed"]
    await bench.run(changes=True)
    assert bench.did() == ["update user Renamed"]


async def test_a_full_run_by_hand_keeps_a_place_for_whoever_follows(bench):
    await bench.run(changes=True)
    await bench.run("plan")
    bench.directory.change("p1", display_name="Renamed")
    await bench.run()
    bench.directory.change("p2", display_name="Renamed too")
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("changes", ["update user Renamed too"])


async def test_a_kill_while_applying_leaves_the_changes_to_the_next_run(bench):
    await bench.run(changes=True)
    bench.directory.add("new", groups=["Staff"])
    bench.desk.fault = "killed-before"
    with pytest.raises(Killed):
        await bench.run(changes=True)
    bench.desk.fault = ""
    bench.clock.advance(300)
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("changes", ["create user New"])
    assert (await bench.run()).plan.size == 0


async def test_a_lost_answer_is_settled_by_looking_up_just_that_account(bench):
    await bench.run(changes=True)
    bench.directory.add("new", groups=["Staff"])
    bench.desk.fault = "lost-answer"
    await bench.run(changes=True)
    bench.desk.fault = ""
    bench.clock.advance(300)
    asked(bench)
    result = await bench.run(changes=True)
    assert (result.reach, result.plan.size, asked(bench)) == ("changes", 0, (["changes"], 0))
    assert [account.label for account in bench.desk.accounts.values()].count("New") == 1


@pytest.mark.parametrize(
    "doubt", ["expired", "configuration", "old", "source", "desk", "snapshot", "journal", "empty group"]
)
async def test_every_doubt_leads_to_a_full_read(bench, tmp_path, doubt):
    await bench.run(changes=True)
    folder = bench.config.journal.path.parent
    match doubt:
        case "expired":
            bench.directory.expired = True
        case "configuration":
            bench.configure(CONFIG + "[rails]\nmin_people = 6\n")
        case "old":
            bench.clock.advance(timedelta(hours=24).total_seconds())
        case "source":
            bench.directory.tells_changes = False
        case "desk":
            bench.desk.looks_up = False
        case "snapshot":
            (folder / "snapshot.sqlite").write_bytes(b"no database")
        case "journal":
            shutil.copy(folder / "journal.sqlite", tmp_path / "backup")
            bench.directory.change("p1", display_name="Renamed")
            await bench.run(changes=True)
            shutil.copy(tmp_path / "backup", folder / "journal.sqlite")
        case "empty group":
            bench.directory.group("Staff").clear()
    asked(bench)
    result = await bench.run(changes=True)
    assert result.reach == "everything"
    assert result.because
    assert asked(bench)[0][-1] == "full"
    if doubt == "empty group":
        assert rails(result) == ["empty-group"], "the full read says the same, and a person must look"


@pytest.mark.parametrize("fault", ["fails", "ends early"])
async def test_a_round_of_changes_that_is_not_complete_changes_nothing_and_is_read_again(bench, fault):
    await bench.run(changes=True)
    bench.directory.change("p1", active=False, status="OFF")
    bench.directory.fail = RetryableError("gone away", where="source.corp") if fault == "fails" else None
    bench.directory.complete = fault == "fails"
    with pytest.raises(RetryableError if fault == "fails" else ContractError):
        await bench.run(changes=True)
    assert ("disable", "user", "P1") not in bench.desk.writes
    bench.directory.fail, bench.directory.complete = None, True
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("changes", ["disable user P1"])


async def test_a_saved_plan_is_compared_with_everything(bench, tmp_path):
    await bench.run(changes=True)
    asked(bench)
    await bench.run("plan", keep=tmp_path / "a.plan")
    assert asked(bench) == (["full"], 1)


# -- single people -----------------------------------------------------------------------------------------------------


def who(bench: Bench, *ids: str) -> frozenset[Subject]:
    return frozenset(Subject(bench.directory.issuer, id_) for id_ in ids)


async def test_single_people_are_read_by_id_and_nobody_else_is_looked_at(bench):
    await bench.run(changes=True)
    asked(bench)
    bench.directory.change("p1", active=False, status="OFF")
    bench.directory.change("p2", display_name="Not asked for")
    result = await bench.run(people=who(bench, "p1"))
    assert (result.reach, bench.did(), asked(bench)) == ("people", ["disable user P1"], ([], 0))
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("changes", ["update user Not asked for"])


async def test_a_starter_who_is_named_is_made_and_somebody_unknown_is_nothing(bench):
    await bench.run(changes=True)
    bench.directory.add("new", groups=["Staff", "London"])
    await bench.run(people=who(bench, "new", "nobody"))
    assert bench.did() == ["create user New"]
    assert bench.desk.of("user")["New"].references["site"] == ("site-london",)
    assert (await bench.run(changes=True)).plan.size == 0


async def test_a_look_at_single_people_decides_nothing_about_others_by_what_was_known_of_them(bench):
    await bench.run(changes=True)
    bench.directory.change("p1", active=False, status="OFF")
    await bench.run("plan", changes=True)
    bench.directory.change("p1", active=True, status="ON")
    await bench.run(people=who(bench, "p2"))
    assert bench.did() == []
    await bench.run(changes=True)
    assert bench.did() == []


async def test_a_lost_answer_stays_due_when_single_people_were_looked_at_meanwhile(bench):
    await bench.run(changes=True)
    bench.directory.change("p1", display_name="New Name")
    bench.desk.fault = "lost-request"
    await bench.run(changes=True)
    bench.desk.fault = ""
    bench.clock.advance(300)
    await bench.run(people=who(bench, "p2"))
    assert bench.did() == []
    await bench.run(changes=True)
    assert bench.did() == ["update user New Name"]


async def test_somebody_who_is_missing_from_a_group_by_id_is_looked_at_with_everybody_else(bench):
    """Without permission for a group nobody is in it by id either, and a look at one person cannot tell (G3)."""
    bench.configure(CONFIG + "[rails]\nmin_people = 2\n")
    await bench.run(changes=True)
    bench.directory.group("Staff").clear()
    result = await bench.run(people=who(bench, "p1"))
    assert (result.reach, bench.did(), rails(result)) == ("everything", [], ["empty-group"])


async def test_single_people_of_a_source_that_nobody_reads_lead_to_a_full_read(bench):
    await bench.run(changes=True)
    result = await bench.run(people=frozenset({Subject("https://elsewhere.example", "p1")}))
    assert result.reach == "everything"


# -- any history -------------------------------------------------------------------------------------------------------

PEOPLE = [f"p{number}" for number in range(6)]
happening = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("remove"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("off"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("on"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("odd"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("rename"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("share"), st.sampled_from(PEOPLE)),
    st.tuples(
        st.sampled_from(["join", "leave"]), st.sampled_from(PEOPLE), st.sampled_from(["Staff", "London", "Desk"])
    ),
    st.tuples(st.just("run"), st.sampled_from(["sync", "sync", "plan"])),
    st.tuples(st.just("name"), st.sampled_from(PEOPLE)),
    st.tuples(
        st.just("fault"), st.sampled_from(["lost-answer", "lost-request", "down", "half-silent", "killed-after"])
    ),
)


async def happen(bench: Bench, what: tuple[str, ...], number: int) -> None:
    directory = bench.directory
    match what:
        case ("add", id_):
            directory.add(id_, groups=["Staff"])
        case ("remove", id_):
            directory.people.pop(id_, None)
        case ("off" | "on" | "odd" as verdict, id_) if id_ in directory.people:
            active = {"off": False, "on": True, "odd": None}[verdict]
            directory.change(id_, active=active, status=verdict)
        case ("rename", id_) if id_ in directory.people:
            directory.change(id_, display_name=f"{id_} {number}")
        case ("share", id_) if id_ in directory.people:
            directory.change(id_, email="shared@example.com")
        case ("join", id_, group):
            directory.group(group).add(id_)
        case ("leave", id_, group):
            directory.group(group).discard(id_)
        case ("run", kind):
            await run(bench, kind, changes=True)
        case ("name", id_):
            await run(bench, "sync", people=who(bench, id_))
        case ("fault", fault):
            bench.desk.fault = fault
            with suppress(Killed):
                await run(bench, "sync", changes=True)
            bench.desk.fault = ""
            bench.clock.advance(300)


async def run(bench: Bench, kind: str, **options) -> None:
    with suppress(RetryableError):
        await bench.run(kind, **options)
    bench.clock.advance(60)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=st.lists(happening, max_size=14), anew=st.booleans())
def test_for_any_history_following_ends_where_a_full_sync_does(history, anew):
    folder = Path(tempfile.mkdtemp())
    try:
        bench = following(Bench(folder, CONFIG + "[rails]\nmin_people = 50\nmax_disable = { count = 50 }\n"))
        bench.directory.lists_anew = anew
        bench.directory.add("anchor", groups=["Staff"])

        async def live() -> None:
            await run(bench, "sync", changes=True)
            for number, what in enumerate(history):
                await happen(bench, what, number)
            bench.clock.advance(300)
            for _ in range(2):
                await run(bench, "sync", changes=True)
                bench.clock.advance(300)
            followed = await bench.run("plan", changes=True)
            full = await bench.run("plan")
            assert (bench.did(), full.plan.size) == ([], 0)
            assert sorted(each.rail for each in followed.plan.held) == sorted(each.rail for each in full.plan.held)
            markers = [(each.kind, each.marker) for each in bench.desk.accounts.values() if each.marker]
            assert len(markers) == len(set(markers)), "nobody has two accounts"

        asyncio.run(live())
    finally:
        shutil.rmtree(folder)


async def test_whoever_is_back_after_being_gone_is_in_the_groups_they_never_left(bench):
    await bench.run(changes=True)
    person = bench.directory.people.pop("p5")
    await bench.run(changes=True)
    assert bench.did() == ["disable user P5"]
    bench.directory.people["p5"] = person
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("everything", ["enable user P5"])
    assert "is back who was gone" in result.because


async def test_after_a_tombstone_that_was_wrong_changes_of_that_person_count_again(bench):
    bench.directory.group("London").add("p4")
    await bench.run(changes=True)
    bench.directory.buried = {"p5"}
    await bench.run(changes=True)
    bench.directory.buried = set()
    bench.directory.group("London").add("p5")
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("changes", ["update user P5"])
