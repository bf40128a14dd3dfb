"""Saved plans and people on their way out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from journal_samples import START, create, header, start, subject

from crosskey.errors import ConfigError, StaleError
from crosskey.journal import Journal
from crosskey.plan import Held


def test_a_plan_comes_back_exactly_and_in_order(path, clock, journal):
    run = start(journal)
    changes = [create(number, references={"site": ("7",)}) for number in range(2500)]
    journal.save_plan(header(journal, run))
    for first in range(0, len(changes), 700):
        journal.add_changes("plan-1", changes[first : first + 700])
    held = Held(rail="mass-disable", scope="class", action="disable", summary="too many", examples=("user 7",))
    finished = header(journal, run, counts={"create": 2500}, held=(held,))
    journal.finish_plan(finished)
    with Journal.open(path, clock=clock) as reader:
        assert reader.plan("plan") == finished
        assert list(reader.changes("plan-1")) == changes


def test_a_plan_that_broke_off_cannot_be_read_back(journal):
    journal.save_plan(header(journal, start(journal)))
    with pytest.raises(StaleError, match="never finished") as caught:
        journal.plan("plan-1")
    assert "crosskey plan" in caught.value.fix


def test_an_unknown_plan_names_close_ones(journal):
    journal.save_plan(header(journal, start(journal)))
    journal.finish_plan(header(journal, "any"))
    with pytest.raises(ConfigError, match='Did you mean "plan-1"'):
        journal.plan("plan-2")


def test_the_first_time_somebody_was_seen_leaving_stands(clock, journal):
    people = [subject(number) for number in range(1200)]
    journal.mark_leaving("user", people[:600])
    clock.advance(3600)
    journal.mark_leaving("user", people)
    seen = journal.leaving("user", [*people, subject(9999)])
    assert len(seen) == 1200
    assert seen[people[0]] == START
    assert seen[people[1199]] == START + timedelta(hours=1)
    assert journal.leaving("agent", people) == {}


def test_who_came_back_leaves_afresh(clock, journal):
    journal.mark_leaving("user", [subject(1), subject(2)])
    journal.clear_leaving("user", [subject(1)])
    clock.advance(60)
    journal.mark_leaving("user", [subject(1)])
    assert journal.leaving("user", [subject(1), subject(2)]) == {
        subject(1): START + timedelta(seconds=60),
        subject(2): START,
    }


def test_leaving_does_not_make_plans_stale(journal):
    journal.mark_leaving("user", [subject(1)])
    journal.clear_leaving("user", [subject(1)])
    assert journal.serial == 0
