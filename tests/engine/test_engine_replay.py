"""Any past run planned again: by the same rules the same plan, by others theirs; nothing read, nothing written."""

import hashlib
import sqlite3
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from engine_bench import CONFIG
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from past_asked import again, other, shelf
from test_engine_history import Company

from crosskey.connector.target import Seats
from crosskey.errors import ConfigError, StorageError
from crosskey.journal import Journal


def files(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class AnyRun(Company):
    """Every run of a random history is planned again at once and, those that are kept, once more at the end."""

    @initialize()
    def found(self):
        super().found()
        self.bench.directory.tells_changes = self.bench.desk.looks_up = True
        self.made = {}

    @rule(kind=st.sampled_from(["sync", "plan"]))
    def a_round_over_changes(self, kind):
        with suppress(Exception):
            anyio.run(lambda: self.bench.run(kind, changes=True))
        self.check()

    def run(self, *allow):
        super().run(*allow)
        if hasattr(self, "made"):
            self.check()

    def check(self):
        with Journal.open(self.bench.config.journal.path, clock=self.bench.clock, connection="desk") as journal:
            last = journal.runs(limit=1)[0]
        kept = shelf(self.bench).find(last.id)
        if kept is None or not kept.whole or last.id in self.made:
            return
        self.made[last.id] = self.bench.config
        before = files(Path(self.folder.name))
        self.same(last.id)
        assert files(Path(self.folder.name)) == before

    def same(self, run):
        made = anyio.run(again, self.bench, run, self.made[run])
        assert made.is_same, (made.differences, made.held_counts, made.held_then)

    def teardown(self):
        if hasattr(self, "made"):
            for kept in shelf(self.bench).all():
                if kept.run in self.made:
                    self.same(kept.run)
        super().teardown()


AnyRun.TestCase.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAnyRun = AnyRun.TestCase


# --------------------------------------------------------------------------------- what a plan rests on, piece by piece

NEVER_AGAIN = "the vendors are asked nothing: what they would say now is something else"


def sync(bench, *allow, kind="sync", seconds=3600):
    bench.clock.advance(seconds)
    return anyio.run(lambda: bench.run(kind, allow=allow))


def company(bench, count=4):
    for number in range(count):
        bench.directory.add(f"p{number}", groups=["Staff"])
    sync(bench)


def the_same(bench, run):
    """Planned again after the world moved on, a run's plan is what it was."""
    bench.directory.people.clear()
    bench.desk.accounts.clear()
    bench.directory.finds, bench.desk.found = [], []
    made = anyio.run(again, bench, run.run)
    assert made.is_same, (made.differences, made.held_counts, made.held_then)
    assert (bench.directory.finds, bench.desk.found) == ([], []), NEVER_AGAIN
    return made


def test_leavers_confirmed_by_id_are_again(bench):
    company(bench)
    del bench.directory.people["p0"]
    bench.directory.hidden.add("p1")
    run = sync(bench)
    assert bench.did() == ["disable user P0"]
    sync(bench)
    assert the_same(bench, run).counts == {"disable": 1}


def test_members_confirmed_by_id_are_again(bench):
    company(bench)
    bench.directory.group("Staff").discard("p0")
    run = sync(bench)
    assert bench.did() == ["disable user P0"]
    sync(bench)
    the_same(bench, run)


def test_accounts_looked_for_are_again(bench):
    bench.desk.can_find = True
    company(bench)
    keys = list(bench.desk.accounts)
    del bench.desk.accounts[keys[0]]
    bench.desk.hidden.add(keys[1][1])
    run = sync(bench)
    assert [text.partition(" ")[0] for text in bench.did()] == ["create"]
    sync(bench)
    the_same(bench, run)


def test_seats_counted_are_again(bench):
    bench.desk.seats = Seats(2, 1)
    for name in ("ada", "bob"):
        bench.directory.add(name, groups=["Desk"])
    run = sync(bench)
    assert set(run.plan.header.held_counts) == {"seats-short"}
    bench.desk.seats = Seats(100, 0)
    sync(bench)
    the_same(bench, run)


def test_grace_is_what_it_was(bench):
    bench.configure(CONFIG.replace('match = ["email"]', 'match = ["email"]\nleavers = { after = "2h" }', 1))
    company(bench)
    bench.directory.change("p0", active=False, status="OFF")
    begun = sync(bench)
    bench.directory.change("p1", display_name="Somebody")
    waiting = sync(bench)
    over = sync(bench, seconds=7200)
    assert bench.did() == ["disable user P0"]
    sync(bench)
    assert begun.plan.size == 0
    the_same(bench, over)
    the_same(bench, waiting)


def test_a_write_without_an_answer_holds_again(bench):
    bench.desk.fault = "late"
    bench.directory.add("ada", groups=["Staff"])
    bench.directory.add("bob", groups=["Staff"])
    sync(bench)
    bench.desk.fault = ""
    bench.directory.add("cleo", groups=["Staff"])
    run = sync(bench, seconds=1)
    assert run.plan.header.held_counts == {"unsettled": 2}
    sync(bench)
    the_same(bench, run)


# ------------------------------------------------------------------------------------------------------- other rules


def test_other_rules_show_what_they_would_have_done(bench):
    company(bench)
    bench.directory.change("p0", display_name="New Name")
    run = sync(bench)
    config = other(bench, CONFIG.replace('name = "{{ display_name }}"', 'name = "{{ display_name }}!"', 1))
    made = anyio.run(again, bench, run.run, config)
    assert not made.is_same
    assert made.counts == {"update": 4}
    assert sorted((one.then is not None, one.now.fields["name"].after) for one in made.differences) == [
        *((False, f"P{number}!") for number in (1, 2, 3)),
        (True, "New Name!"),
    ]


def test_other_rails_hold_what_was_let_through(bench):
    company(bench)
    for name in ("p0", "p1"):
        bench.directory.change(name, active=False, status="OFF")
    run = sync(bench)
    assert run.plan.header.counts == {"disable": 2}
    made = anyio.run(again, bench, run.run, other(bench, f"{CONFIG}\n[rails]\nmax_disable = {{ count = 1 }}\n"))
    assert (made.counts, made.held_counts) == ({}, {"mass-disable": 2})
    made = anyio.run(again, bench, run.run, other(bench, f"{CONFIG}\n[rails]\nshrink_percent = 100\n"))
    assert made.is_same


def test_whom_nobody_asked_for_is_taken_for_absent_and_that_is_told(bench):
    company(bench)
    bench.directory.add("boss", groups=["Staff", "London"])
    run = sync(bench)
    config = other(bench, CONFIG.replace('groups = ["Staff"]', 'groups = ["London"]', 1))
    made = anyio.run(again, bench, run.run, config)
    assert made.counts == {"create": 1, "disable": 4}
    assert [notice.code for notice in made.notices] == ["replay-unasked"]


@pytest.mark.parametrize(
    ("old", "new", "missing"),
    [
        ('groups = ["Staff"]', 'groups = ["Elsewhere"]', 'the members of "Elsewhere"'),
        ('title = { from = "title", write = "on_create" }', 'title = "extra.badge"', "extra.badge"),
    ],
)
def test_rules_that_need_what_was_not_read_are_refused(bench, old, new, missing):
    bench.directory.group("Elsewhere").add("p1")
    company(bench)
    with pytest.raises(ConfigError, match="did not read what these rules need") as refused:
        anyio.run(again, bench, None, other(bench, CONFIG.replace(old, new, 1)))
    assert missing in refused.value.message


def test_rules_for_another_desk_are_refused(bench):
    company(bench)
    with pytest.raises(ConfigError, match="do not fit"):
        anyio.run(again, bench, None, other(bench, CONFIG.replace("map.user", "map.robot")))


def test_a_run_of_which_only_the_read_is_left_says_so(bench):
    company(bench)
    sync(bench)
    idle = sync(bench)
    with pytest.raises(StorageError, match="it planned nothing"):
        anyio.run(again, bench, idle.run)


def test_a_run_over_changes_is_planned_again_over_whom_it_looked_at(bench):
    bench.directory.tells_changes = bench.desk.looks_up = True
    bench.clock.advance(60)
    bench.directory.add("ada", groups=["Staff"])
    bench.directory.add("bob", groups=["Staff"])
    anyio.run(lambda: bench.run(changes=True))
    bench.directory.change("ada", display_name="Ada Lovelace")
    bench.clock.advance(timedelta(hours=1).total_seconds())
    run = anyio.run(lambda: bench.run(changes=True))
    assert run.reach == "changes"
    made = anyio.run(again, bench, run.run)
    assert made.is_same
    assert [notice.code for notice in made.notices] == ["replay-changes"]


def test_what_a_restored_journal_held_back_is_held_again(bench):
    company(bench)
    with closing(sqlite3.connect(bench.config.journal.path)) as journal:
        journal.execute("UPDATE connection SET restored = 1")
        journal.commit()
    bench.directory.change("p0", active=False, status="OFF")
    run = sync(bench)
    assert set(run.plan.header.held_counts) == {"restored"}
    sync(bench)
    the_same(bench, run)
