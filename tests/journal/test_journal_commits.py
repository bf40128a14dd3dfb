"""What one batch came to and the next intent share a commit: what is durable when, and what a failure leaves."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from journal_samples import SETTLE, applied, change, create, start, writing

from crosskey.errors import StorageError
from crosskey.journal import Journal


def states(journal: Journal) -> dict[str, str]:
    return {operation.change.id: operation.state for operation in journal.operations()}


def on_disk(path, clock) -> dict[str, str]:
    with Journal.open(path, clock=clock) as reader:
        return states(reader)


@pytest.fixture
def run(journal):
    """A run whose first create was answered; the outcome waits for the next intent."""
    run = start(journal)
    journal.intend(run, [create(1)], settle=SETTLE)
    journal.record(run, [create(1)], [applied(create(1), "50")], with_next=True)
    return run


def test_the_outcome_counts_here_at_once_and_on_the_disk_with_the_next_intent(path, clock, journal, run):
    assert states(journal) == {"user:1": "done"}
    assert journal.links_by_key("user", ["50"])
    assert on_disk(path, clock) == {"user:1": "intent"}
    journal.intend(run, [create(2)], settle=SETTLE)
    assert on_disk(path, clock) == {"user:1": "done", "user:2": "intent"}


def test_flushing_brings_it_to_the_disk(path, clock, journal, run):
    journal.flush()
    assert on_disk(path, clock) == {"user:1": "done"}
    journal.flush()
    journal.intend(run, [create(2)], settle=SETTLE)
    assert on_disk(path, clock) == {"user:1": "done", "user:2": "intent"}


def test_whatever_is_noted_next_brings_it_along(path, clock, journal, run):
    journal.end_run(run, "clean", {})
    assert on_disk(path, clock) == {"user:1": "done"}


def test_closing_brings_it_to_the_disk(path, clock):
    with writing(path, clock) as journal:
        run = start(journal)
        journal.intend(run, [create(1)], settle=SETTLE)
        journal.record(run, [create(1)], [applied(create(1), "50")], with_next=True)
    assert on_disk(path, clock) == {"user:1": "done"}
    with Journal.open(path, clock=clock) as reader:
        assert reader.verify().first_bad is None


@pytest.mark.parametrize("goes_on", ["flush", "intend", "end"])
def test_a_next_one_that_fails_takes_nothing_away(path, clock, journal, goes_on):
    run = start(journal)
    journal.intend(run, [create(1), create(2)], settle=SETTLE)
    journal.record(run, [create(1)], [applied(create(1), "50")], with_next=True)
    with pytest.raises(StorageError, match="not settled"):
        journal.intend(run, [create(3), change(2, "update", "51", tag="+")], settle=SETTLE)
    if goes_on == "flush":
        journal.flush()
    elif goes_on == "end":
        journal.end_run(run, "failed", {})
    else:
        journal.intend(run, [create(4)], settle=SETTLE)
    more = {"user:4": "intent"} if goes_on == "intend" else {}
    assert on_disk(path, clock) == {"user:1": "done", "user:2": "intent", **more}
    assert journal.verify().first_bad is None


def test_a_commit_of_both_that_cannot_be_made_is_told_as_what_it_is(path, clock, journal, run):
    journal._database.value("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM operation").fetchone()
        with pytest.raises(StorageError) as refused:
            journal.intend(run, [create(2)], settle=SETTLE)
        assert refused.value.code == "journal-busy"
    assert on_disk(path, clock) == {"user:1": "intent"}, "neither is there; a run that finds the intent looks"
