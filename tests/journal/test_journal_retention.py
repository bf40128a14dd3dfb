"""What is too old goes, whole segments at a time; what somebody still needs stays; and the chain still proves the rest."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from datetime import timedelta

import pytest
from audit_samples import DAY, a_day
from journal_samples import SETTLE, applied, change, create, header, start, subject, writing

from crosskey.journal import Journal
from crosskey.plan import Held

KEEP = timedelta(days=3)


def rows(path, table: str, where: str = "TRUE") -> int:
    look = sqlite3.connect(path)
    try:
        return look.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]
    finally:
        look.close()


def upkeep(path, clock, *, days: float = 0, keep: timedelta = KEEP, plans: timedelta = KEEP):
    clock.advance(days * DAY)
    with writing(path, clock) as journal:
        return journal.keep_up(keep=keep, keep_plans=plans)


def test_whole_segments_go_with_their_operations_and_links_and_heads_stay(path, clock):
    for number in range(1, 9):
        a_day(path, clock, number, signer=None, keep=3)
    with Journal.open(path, clock=clock) as journal:
        found = journal.audit()
        assert found.ok, found
        assert (found.first > 1, found.segments) == (True, 7)
        assert journal.link_count("user") == 32
        assert journal.links("user", [subject(10)])[subject(10)].key == "10"
        assert [head.segment for head in journal.heads()] == [1, 2, 3, 4, 5, 6, 7, 0]
        assert next(iter(journal.events())).seq == found.first
        assert len(journal.operations(limit=1000)) == found.operations < 32
    assert rows(path, "run") == 8, "runs that made links stay"


def test_an_open_write_keeps_everything_from_its_segment_on(path, clock):
    with writing(path, clock) as journal:
        run = start(journal)
        journal.intend(run, [create(1)], settle=SETTLE)
        journal.end_run(run, "partial", {})
    for number in range(1, 5):
        a_day(path, clock, number, signer=None, keep=1)
    assert rows(path, "event", "seq = 1") == 1
    with writing(path, clock) as journal:
        (one,) = journal.unresolved()
        journal.resolve(one.id, "absent", run=run)
    a_day(path, clock, 5, signer=None, keep=1)
    assert rows(path, "event", "seq = 1") == 1, "a later event, that is not sealed so long yet, vouches for its outcome"
    for number in range(6, 9):
        a_day(path, clock, number, signer=None, keep=1)
    assert rows(path, "event", "seq = 1") == 0
    with Journal.open(path, clock=clock) as journal:
        assert journal.audit().ok


def test_numbers_of_operations_are_never_given_again(path, clock):
    a_day(path, clock, 1, signer=None)
    with Journal.open(path, clock=clock) as journal:
        newest = max(int(one.id) for one in journal.operations())
    for _ in range(6):
        clock.advance(DAY)
        with writing(path, clock) as journal:
            journal.end_run(start(journal), "clean", {})
            journal.keep_up(keep=KEEP, keep_plans=KEEP)
    with writing(path, clock) as journal:
        run = start(journal)
        journal.intend(run, [create(500)], settle=SETTLE)
        assert int(journal.unresolved()[0].id) == newest + 1


def test_a_journal_that_was_pruned_before_it_was_sealed_last_opens_and_goes_on(path, clock):
    for number in range(1, 7):
        a_day(path, clock, number, signer=None, keep=1 if number < 4 else 400)
    with writing(path, clock) as journal:
        assert journal.verify().ok
        assert journal.verify().first > 1
        assert "journal.pruned" not in [event.kind for event in list(journal.events())[-20:]]


@pytest.mark.parametrize("at", range(8))
def test_a_kill_while_it_is_pruned_leaves_a_journal_that_verifies_and_goes_on(path, clock, at):
    """The n-th transaction of the upkeep never comes to its commit."""
    for number in range(1, 5):
        a_day(path, clock, number, signer=None, keep=400)
    clock.advance(DAY)
    journal = writing(path, clock)
    left = [at]

    def fence() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt

    journal._database.guard_with(fence)
    with suppress(KeyboardInterrupt):
        journal.keep_up(keep=timedelta(days=2), keep_plans=timedelta(days=2))
    journal._database.close()
    journal._lock.release()
    with Journal.open(path, clock=clock) as reader:
        assert reader.audit().ok
    for number in range(5, 7):
        a_day(path, clock, number, signer=None, keep=2)
    with Journal.open(path, clock=clock) as reader:
        found = reader.audit()
        assert (found.ok, found.first > 1) == (True, True)
        assert rows(path, "event", f"seq < {found.first}") == 0


def test_plans_go_earlier_and_those_without_a_change_earliest(path, clock):
    with writing(path, clock) as journal:
        run = start(journal)
        for id_, parts in (
            ("quiet", {}),
            ("full", {"counts": {"create": 1}}),
            ("whole", {"held": (Held(rail="shrink", scope="run", summary="less"),)}),
        ):
            made = header(journal, run, id_, **parts)
            journal.save_plan(made)
            journal.add_changes(id_, [create(1)] if "counts" in parts else [])
            journal.finish_plan(made)
        journal.end_run(run, "clean", {})
    upkeep(path, clock, days=2.5, plans=timedelta(days=90), keep=timedelta(days=400))
    assert rows(path, "plan") == 3
    upkeep(path, clock, days=2, plans=timedelta(days=90), keep=timedelta(days=400))
    look = sqlite3.connect(path)
    assert {row[0] for row in look.execute("SELECT id FROM plan")} == {"full", "whole"}, "what held a whole run stays"
    look.close()
    upkeep(path, clock, days=90, plans=timedelta(days=90), keep=timedelta(days=400))
    assert (rows(path, "plan"), rows(path, "plan_change")) == (0, 0)


def test_the_newest_complete_read_of_each_stream_stays_however_old(path, clock):
    with writing(path, clock) as journal:
        run = start(journal)
        for complete, reason in ((True, ""), (True, ""), (True, "changes"), (False, "cut")):
            journal.record_snapshot(
                run, side="source.corp", stream="people", complete=complete, reason=reason, pages=1, records=5
            )
        journal.end_run(run, "clean", {})
    upkeep(path, clock, days=31)
    assert rows(path, "snapshot") == 2
    with Journal.open(path, clock=clock) as journal:
        assert journal.last_complete("source.corp", "people", full=True) is not None
        assert journal.last_complete("source.corp", "people").reason == "changes"


def test_runs_that_nothing_refers_to_go_with_their_configuration(path, clock):
    with writing(path, clock) as journal:
        journal.end_run(start(journal), "clean", {})
        journal.end_run(
            journal.start_run("sync", trigger="t", config_digest="sha-2", config_text="", plugins={}), "clean", {}
        )
    upkeep(path, clock, days=5)
    assert (rows(path, "run"), rows(path, "config_generation")) == (0, 0)


def test_it_is_looked_once_a_day_what_is_too_old(path, clock):
    with writing(path, clock) as journal:
        journal.end_run(start(journal), "clean", {})
    upkeep(path, clock, days=2.9)
    clock.advance(0.5 * DAY)
    assert upkeep(path, clock) == []
    assert rows(path, "run") == 1
    upkeep(path, clock, days=0.6)
    assert rows(path, "run") == 0


def test_space_goes_back_to_the_disk_once_it_is_worth_it(path, clock):
    with writing(path, clock) as journal:
        run = start(journal)
        big = [change(number, "update", f"{number}", tag=f":{number}", why={"": "x" * 20_000}) for number in range(400)]
        for each in big:
            journal.intend(run, [each], settle=SETTLE)
            journal.record(run, [each], [applied(each)])
        journal.end_run(run, "clean", {})
    clock.advance(DAY)
    with writing(path, clock) as journal:
        run = start(journal)
        journal.intend(run, [create(900)], settle=SETTLE)
        journal.end_run(run, "partial", {})
        journal.keep_up(keep=timedelta(days=400), keep_plans=KEEP)
        (one,) = journal.unresolved()
        journal.resolve(one.id, "absent", run=run)
    before = path.stat().st_size
    for _ in range(3):
        clock.advance(2 * DAY)
        with writing(path, clock) as journal:
            run = start(journal)
            journal.intend(run, [create(901)], settle=SETTLE)
            journal.record(run, [create(901)], [applied(create(901), "901")])
            journal.end_run(run, "clean", {})
            journal.keep_up(keep=timedelta(days=1), keep_plans=KEEP)
    assert path.stat().st_size < before / 4
    with Journal.open(path, clock=clock) as journal:
        assert journal.audit().ok
