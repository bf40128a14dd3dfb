"""Runs, reads, events and where the journal's file comes from, through its two doors."""

from __future__ import annotations

import sqlite3
import stat
from datetime import timedelta

import pytest
from journal_samples import CONNECTION, START, start, writing

from crosskey.errors import ConfigError, StorageError
from crosskey.journal import Journal


def test_a_new_journal_is_private_and_complete(path, journal):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(journal.lineage) == 32
    assert (journal.serial, journal.epoch) == (0, 1)
    assert journal.runs() == []


def test_lineage_stays_and_epoch_grows(path, clock):
    with writing(path, clock) as first:
        lineage = first.lineage
    with writing(path, clock) as second:
        assert (second.lineage, second.epoch) == (lineage, 2)


def test_another_journal_has_another_lineage(path, clock, journal):
    with writing(path.with_name("other.sqlite"), clock) as other:
        assert other.lineage != journal.lineage


def test_reading_needs_a_journal_and_makes_none(path, clock):
    with pytest.raises(StorageError) as caught:
        Journal.open(path, clock=clock)
    assert caught.value.code == "journal-missing"
    assert "crosskey plan" in caught.value.fix
    assert not path.parent.exists()


def test_a_run_is_kept_with_everything_that_explains_it(path, clock, journal):
    run = start(journal)
    assert run.startswith("20260105T090000-")
    clock.advance(90)
    journal.end_run(run, "partial", {"create": 3, "result.rejected": 1}, note="one refused")
    with Journal.open(path, clock=clock) as reader:
        (found,) = reader.runs()
    assert found == journal.run(run)
    assert (found.kind, found.trigger, found.verdict, found.note) == ("sync", "command", "partial", "one refused")
    assert (found.started_at, found.ended_at) == (START, START + timedelta(seconds=90))
    assert found.counts == {"create": 3, "result.rejected": 1}
    assert found.plugins == {"okta": "crosskey 0.1"}
    assert (found.config_digest, found.connection, found.epoch) == ("sha-1", CONNECTION, 1)
    assert found.sqlite_version == sqlite3.sqlite_version
    assert found.journal_mode in ("truncate", "wal")


def test_runs_come_newest_first_and_limited(clock, journal):
    ids = []
    for _ in range(4):
        ids.append(start(journal))
        clock.advance(1)
    assert [run.id for run in journal.runs(limit=3)] == ids[:0:-1]


def test_a_run_is_found_by_the_beginning_of_its_id(clock, journal):
    first = start(journal)
    clock.advance(3600)
    second = start(journal)
    assert journal.run(second[:13]).id == second
    with pytest.raises(ConfigError, match="several runs begin") as caught:
        journal.run("20260105")
    assert first in str(caught.value)


def test_an_unknown_run_names_close_ones(journal):
    run = start(journal)
    with pytest.raises(ConfigError, match="Did you mean") as caught:
        journal.run(run[:-1] + "x")
    assert run in caught.value.message
    assert "crosskey history" in caught.value.fix
    with pytest.raises(ConfigError):
        journal.run("")


def test_a_configuration_is_kept_once_a_digest(path, journal):
    start(journal)
    start(journal)
    with sqlite3.connect(path) as look:
        assert look.execute("SELECT digest, text FROM config_generation").fetchall() == [("sha-1", "[sync]")]
    look.close()


def test_only_complete_reads_count_as_the_last_one(clock, journal):
    run = start(journal)
    assert journal.last_complete("source", "people") is None
    journal.record_snapshot(run, side="source", stream="people", complete=True, pages=2, records=300)
    clock.advance(60)
    journal.record_snapshot(
        run, side="source", stream="people", complete=False, reason="retryable", pages=1, records=200
    )
    journal.record_snapshot(run, side="target", stream="people", complete=True, pages=9, records=900)
    last = journal.last_complete("source", "people")
    assert (last.run, last.at, last.pages, last.records, last.complete) == (run, START, 2, 300, True)


def test_a_run_that_nobody_ended_is_a_crash_to_the_next_writer(path, clock):
    with writing(path, clock) as first:
        lost, ended = start(first), start(first)
        first.end_run(ended, "clean", {})
    clock.advance(10)
    with writing(path, clock) as second:
        assert (second.run(lost).verdict, second.run(ended).verdict) == ("crashed", "clean")
        assert second.run(lost).ended_at == clock.now()
        assert [event.kind for event in second.events(lost)] == ["run.opened", "run.crashed"]


def test_events_come_in_order_and_by_run(clock, journal):
    first, second = start(journal), start(journal)
    told = journal.event(first, "plan.made", {"create": 3, "share": 0.5, "held": False, "rail": None})
    journal.event(second, "rail.tripped", {"rail": "empty-source"})
    assert (told.kind, told.run, told.at) == ("plan.made", first, START)
    mine = list(journal.events(first))
    assert [event.kind for event in mine] == ["run.opened", "plan.made"]
    assert mine[1].facts == told.facts
    assert [event.seq for event in journal.events()] == [1, 2, 3, 4, 5]


def test_connections_share_a_file_but_nothing_else(path, clock):
    with writing(path, clock, "desk") as one:
        run = start(one)
    with writing(path, clock, "lab") as other:
        assert (other.epoch, other.runs(), list(other.events(run))) == (1, [], [])
        with pytest.raises(ConfigError):
            other.run(run)
    with pytest.raises(ConfigError, match="several connections: desk, lab"):
        Journal.open(path, clock=clock)
    with Journal.open(path, clock=clock, connection="desk") as reader:
        # The other connection's writer has no say over this one's open run.
        assert [found.verdict for found in reader.runs()] == [None]


def test_a_reader_sees_what_is_written_meanwhile_and_can_write_nothing(path, clock, journal):
    with Journal.open(path, clock=clock) as reader:
        run = start(journal)
        assert reader.run(run).id == run
        with pytest.raises(StorageError, match="readonly"), reader._database.transaction():
            reader._database.run("DELETE FROM run")


def test_text_that_is_not_unicode_is_the_plugins_fault(journal):
    with pytest.raises(Exception, match="not valid Unicode") as caught:
        journal.event(start(journal), "plan.made", {"rail": "\ud800"})
    assert caught.value.code == "invalid-text"
    assert journal.verify().ok
