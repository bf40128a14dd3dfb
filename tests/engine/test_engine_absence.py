"""Missing is not gone (G4): how often, and over how long, nobody of an id must be found before somebody leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_bench import CONFIG, Bench, rails

from crosskey.engine.explanation import explain
from crosskey.engine.stage import Stage

HOUR = 3600
WAITING = '\n[rails]\nabsent_reads = 3\nabsent_for = "24h"\n'


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, CONFIG + WAITING)


async def missing(bench, *, following: bool = False) -> None:
    """A company of two of whom one is missing from the next read on."""
    bench.directory.tells_changes = bench.desk.looks_up = following
    for name in ("ada", "bob"):
        bench.directory.add(name, groups=["Staff"])
    await bench.run(changes=following)


def leave(bench, name: str = "ada"):
    bench.directory.members["g-Staff"].discard(name)
    return bench.directory.people.pop(name)


def missed(bench) -> tuple[int, ...]:
    with bench.journal() as journal:
        subjects = [link.subject for link in journal.all_links("user")]
        return tuple(absence.confirmations for absence in journal.absences("user", subjects).values())


async def test_who_is_missing_leaves_after_three_confirmations_over_a_day(bench):
    await missing(bench)
    leave(bench)
    for hours in (0, 12, 11.9):
        bench.clock.advance(hours * HOUR)
        await bench.run()
        assert bench.did() == [], "three confirmations, but no whole day"
    bench.clock.advance(0.1 * HOUR)
    await bench.run()
    assert bench.did() == ["disable user Ada"]


async def test_a_day_alone_is_not_enough(bench):
    await missing(bench)
    leave(bench)
    for expected in ([], [], ["disable user Ada"]):
        await bench.run()
        assert bench.did() == expected
        bench.clock.advance(48 * HOUR)


async def test_the_notice_says_since_when_and_how_often(bench):
    await missing(bench)
    leave(bench)
    await bench.run()
    bench.clock.advance(HOUR)
    [notice] = [each for each in (await bench.run()).notices if each.code == "absent"]
    assert notice.summary == (
        "Ada is missing since 2026-01-05 09:00 UTC, 2 of 3 confirmations; user stays at least until 2026-01-06 09:00 UTC"
    )


async def test_explain_says_it_too(bench):
    await missing(bench)
    leave(bench)
    await bench.run()
    with bench.journal() as journal, Stage.kept(bench.path.parent / ".crosskey" / "snapshot.sqlite") as stage:
        [told] = explain(bench.config, journal, stage, "user:1")
    [account] = [each for each in told.accounts if each.kind == "user"]
    assert (account.missing.confirmations, account.missing.since, told.absent_reads) == (1, bench.clock.now(), 3)


async def test_who_is_seen_again_begins_anew(bench):
    await missing(bench)
    away = leave(bench)
    for _ in range(2):
        await bench.run()
        bench.clock.advance(13 * HOUR)
    bench.directory.people["ada"] = away
    bench.directory.group("Staff").add("ada")
    await bench.run()
    assert missed(bench) == ()
    leave(bench)
    await bench.run()
    assert (bench.did(), missed(bench)) == ([], (1,))


async def test_who_is_there_by_id_begins_anew(bench):
    await missing(bench)
    away = leave(bench)
    await bench.run()
    bench.directory.people["ada"], bench.directory.hidden = away, {"ada"}
    bench.clock.advance(48 * HOUR)
    result = await bench.run()
    assert [notice.code for notice in result.notices] == ["listing-flapped"]
    assert missed(bench) == ()


async def test_a_row_that_says_inactive_is_proof_at_once(bench):
    await missing(bench)
    bench.directory.change("ada", active=False)
    bench.directory.hidden = {"ada"}
    await bench.run()
    assert bench.did() == ["disable user Ada"]


async def test_what_the_source_says_to_be_deleted_is_proof_at_once(bench):
    await missing(bench, following=True)
    leave(bench)
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("changes", ["disable user Ada"])


async def test_what_the_source_said_stays_said_although_the_desk_was_away(bench):
    await missing(bench, following=True)
    leave(bench)
    bench.desk.fault = "down"
    await bench.run(changes=True)
    bench.desk.fault = ""
    await bench.run()
    assert bench.did() == ["disable user Ada"]


async def test_rounds_over_changes_confirm_when_it_is_time_and_not_more_often(tmp_path):
    bench = Bench(tmp_path, CONFIG + WAITING + '[sync]\nfull_every = "48h"\n')
    await missing(bench, following=True)
    leave(bench)
    await bench.run()  # a full read tells of no deletion
    bench.directory.finds.clear()
    for _ in range(24 * 4):
        bench.clock.advance(HOUR / 4)
        result = await bench.run(changes=True)
        assert (result.reach, result.because) == ("changes", "")
        if bench.did():
            break
    assert bench.did() == ["disable user Ada"]
    assert bench.clock.elapsed == 24 * HOUR
    assert bench.directory.finds == ["ada", "ada"], "after half a day and at its end"


async def test_a_second_run_of_the_same_moment_counts_a_plan_counts_and_one_run_counts_once(bench):
    bench.directory.add("eve", groups=["Staff", "Desk"])
    await missing(bench)
    leave(bench, "eve")
    bench.directory.members["g-Desk"].discard("eve")
    await bench.run("plan")
    await bench.run()
    with bench.journal() as journal:
        [link] = journal.all_links("agent")
        for kind in ("user", "agent"):
            assert journal.absences(kind, [link.subject])[link.subject].confirmations == 2


async def test_grace_runs_while_the_absence_is_confirmed(tmp_path):
    grace = CONFIG.replace("[map.user.fields]", 'leavers = { after = "2d" }\n[map.user.fields]')
    bench = Bench(tmp_path, grace + WAITING)
    await missing(bench)
    leave(bench)
    for hours in (0, 12, 12, 23.9):
        bench.clock.advance(hours * HOUR)
        await bench.run()
        assert bench.did() == []
    bench.clock.advance(0.1 * HOUR)
    await bench.run()
    assert bench.did() == ["disable user Ada"]


async def test_absences_count_only_where_every_source_says_nobody(bench):
    """The others that vouch are asked too: one of them that cannot be asked leaves the person held."""
    await missing(bench)
    leave(bench)
    bench.directory.can_find = False
    assert rails(await bench.run()) == ["absence-unconfirmed"]
    assert missed(bench) == ()
