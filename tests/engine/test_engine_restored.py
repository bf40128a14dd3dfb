"""A backup was put back: what it missed is found out again, nobody is switched off or made twice by old knowledge."""

from __future__ import annotations

import shutil

import pytest
from engine_bench import Bench, rails


@pytest.fixture
def bench(tmp_path) -> Bench:
    made = Bench(tmp_path)
    made.directory.tells_changes = made.desk.looks_up = made.desk.can_find = True
    for number in range(8):
        made.directory.add(f"p{number}", groups=["Staff"])
    return made


def back_up(bench: Bench):
    kept = bench.config.journal.path.with_name("backup")
    kept.mkdir()
    for one in ("journal.sqlite", "journal.sqlite.head"):
        shutil.copy2(bench.config.journal.path.with_name(one), kept / one)
    return kept


def restore(bench: Bench, *, head: bool = False) -> None:
    folder = bench.config.journal.path.parent
    for one in ("journal.sqlite", *(["journal.sqlite.head"] if head else [])):
        shutil.copy2(folder / "backup" / one, folder / one)


async def fall_back(bench: Bench, *hired: str) -> None:
    """A run, a backup, one more run that the backup does not know (people were hired), and the backup in its place."""
    await bench.run()
    back_up(bench)
    for name in hired:
        bench.directory.add(name, groups=["Staff"])
    await bench.run()
    restore(bench)


def lineage(bench: Bench) -> str:
    with bench.journal() as journal:
        return journal.lineage


async def test_nothing_is_wrong_with_a_journal_that_stays_where_it_is(bench):
    await bench.run()
    before = lineage(bench)
    await bench.run(changes=True)
    with bench.journal() as journal:
        assert (journal.lineage, journal.is_restored) == (before, False)


@pytest.mark.parametrize("changes", [False, True])
async def test_an_older_copy_begins_a_new_history_and_leaves_disables_to_a_person(bench, changes):
    await bench.run(changes=changes)
    former = lineage(bench)
    back_up(bench)
    bench.directory.add("late", groups=["Staff"])
    await bench.run(changes=changes)
    made = len(bench.desk.accounts)
    restore(bench)
    bench.directory.change("p1", active=False, status="OFF")
    result = await bench.run(changes=changes)
    assert (result.reach, bench.did()) == ("everything", ["adopt user Late"])
    assert rails(result) == ["restored"]
    assert len(bench.desk.accounts) == made, "whom the backup does not know is adopted by marker, not made again"
    with bench.journal() as journal:
        assert journal.lineage != former
        assert journal.is_restored
        (event,) = [each for each in journal.events() if each.kind == "journal.restored"]
        assert event.facts["former"] == former
        assert journal.verify().ok

    still = await bench.run(changes=changes)
    assert (still.reach, rails(still)) == ("everything", ["restored"])
    allowed = await bench.run(changes=changes, allow=("restored=1",))
    assert bench.did() == ["disable user P1"]
    assert allowed.verdict == "clean"
    bench.directory.change("p2", active=False, status="OFF")
    assert (await bench.run(changes=True)).reach == ("changes" if changes else "everything")
    assert bench.did() == ["disable user P2"]


async def test_less_is_let_through_than_would_be_disabled_so_none_is(bench):
    await fall_back(bench)
    for name in ("p1", "p2"):
        bench.directory.change(name, active=False, status="OFF")
    assert rails(await bench.run(allow=("restored=1",))) == ["restored"]
    assert bench.did() == []


async def test_a_plan_alone_settles_nothing_and_a_run_without_disables_does(bench):
    await fall_back(bench)
    await bench.run("plan")
    with bench.journal() as journal:
        assert journal.is_restored
    await bench.run()
    with bench.journal() as journal:
        assert not journal.is_restored


def is_restored(bench: Bench) -> bool:
    with bench.journal() as journal:
        return journal.is_restored


async def test_what_was_decided_but_not_carried_out_settles_nothing(bench):
    await fall_back(bench)
    bench.directory.add("late", groups=["Staff"])
    assert (await bench.run("apply", confirm=lambda plan: False)).applied.declined
    assert is_restored(bench)
    assert (await bench.run(stop=lambda: True)).applied.interrupted
    assert is_restored(bench)
    bench.desk.fault = "auth"
    assert (await bench.run()).applied.stopped is not None
    assert is_restored(bench)
    bench.desk.fault = ""
    await bench.run()
    assert (bench.did(), is_restored(bench)) == (["create user Late"], False)


async def test_a_run_that_a_rail_holds_as_a_whole_settles_nothing(bench):
    await fall_back(bench)
    bench.directory.hidden = set(bench.directory.people)
    (held,) = (await bench.run()).plan.held
    assert (held.rail, held.scope) == ("empty-source", "run")
    assert is_restored(bench)
    bench.directory.hidden = set()
    await bench.run()
    assert not is_restored(bench)


async def test_one_person_who_waits_for_another_reason_does_not_keep_the_journal_in_doubt(bench):
    await bench.run()
    bench.directory.add("late", groups=["Staff"])
    bench.desk.fault = "lost-request"
    await bench.run()
    bench.desk.fault = ""
    await fall_back(bench)
    assert rails(await bench.run()) == ["unsettled"]
    assert not is_restored(bench)


async def test_whoever_is_told_that_disables_wait_learns_how_many_who_and_the_way_through(bench):
    await fall_back(bench)
    for name in ("p1", "p2"):
        bench.directory.change(name, active=False, status="OFF")
    (held,) = (await bench.run()).plan.held
    assert held.summary == "the journal came from a backup, and by it 2 user accounts would be disabled"
    assert held.fix == (
        'if that is right: crosskey approve restored --kind user --because "…", or --allow restored=2 for one run; '
        "look at them first"
    )
    assert (held.rail, held.scope, held.action, held.kind, held.count) == ("restored", "class", "disable", "user", 2)
    assert [each.split(" (")[0] for each in held.examples] == ["P1", "P2"]


async def test_only_those_whose_account_is_there_are_held_and_all_others_are_made(bench):
    await fall_back(bench, "middle")
    account = bench.desk.of("user")["Middle"]
    bench.desk.hidden = {account.key}
    for name in ("anew", "zoe"):
        bench.directory.add(name, groups=["Staff"])
    (held,) = (await bench.run()).plan.held
    assert bench.did() == ["create user Anew", "create user Zoe"]
    assert held.summary == (
        f"the journal came from a backup, and user {account.key} bears crosskey's marker of this person, "
        "although the target's list did not bring it"
    )
    assert held.fix == "run again: once it is listed it is adopted"
    assert (held.rail, held.scope, held.kind, held.label) == ("restored", "person", "user", "Middle")
    assert (held.subject, held.key) == (bench.directory.people["middle"].subject, account.key)


async def test_an_account_that_the_list_does_not_bring_is_not_made_again(bench):
    await fall_back(bench, "late")
    made = len(bench.desk.accounts)
    hidden = next(key for (_, key), account in bench.desk.accounts.items() if account.label == "Late")
    bench.desk.hidden = {hidden}
    result = await bench.run()
    assert (rails(result), bench.did(), len(bench.desk.accounts)) == (["restored"], [], made)
    assert "marker" in result.plan.held[0].summary
    bench.desk.hidden = set()
    assert (await bench.run()).verdict == "clean"
    assert bench.did() == ["adopt user Late"]


async def test_whom_no_read_told_of_when_the_journal_was_young_again_is_looked_for_before_an_account_is_made(bench):
    await fall_back(bench, "late")
    made = len(bench.desk.accounts)
    bench.directory.group("Staff").discard("late")
    await bench.run()
    with bench.journal() as journal:
        assert (journal.is_restored, journal.was_restored) == (False, True), "all there was to decide is decided"
    bench.directory.group("Staff").add("late")
    hidden = next(key for (_, key), account in bench.desk.accounts.items() if account.label == "Late")
    bench.desk.hidden = {hidden}
    result = await bench.run()
    assert (rails(result), bench.did(), len(bench.desk.accounts)) == (["restored"], [], made)
    bench.desk.hidden = set()
    assert (await bench.run()).verdict == "clean"
    assert bench.did() == ["adopt user Late"]
    bench.directory.change("p1", active=False, status="OFF")
    assert rails(await bench.run()) == [], "who leaves is no doubt any more"


async def test_a_backup_on_a_new_machine_has_nothing_beside_it_and_is_noticed_too(bench):
    await bench.run()
    for one in ("journal.sqlite.head", "snapshot.sqlite"):
        bench.config.journal.path.with_name(one).unlink()
    bench.directory.change("p1", active=False, status="OFF")
    assert rails(await bench.run()) == ["restored"]


async def test_a_restored_journal_that_overtook_the_snapshot_is_told_from_the_one_it_was(bench):
    """By its serial alone it could not be: the backup came with its own head, and then ran further than the lost one."""
    await bench.run(changes=True)
    snapshot = bench.config.journal.path.with_name("snapshot.sqlite")
    back_up(bench)
    bench.directory.change("p1", display_name="Renamed")
    await bench.run(changes=True)
    shutil.copy2(snapshot, snapshot.with_name("kept.sqlite"))
    restore(bench, head=True)
    for name in ("One", "Two", "Three"):
        bench.directory.change("p1", display_name=name)
        await bench.run()
    shutil.copy2(snapshot.with_name("kept.sqlite"), snapshot)
    bench.directory.change("p1", display_name="Four")
    result = await bench.run(changes=True)
    assert (result.reach, result.because) == ("everything", "the journal is another one, or older than the snapshot")
