"""Tampering with what happened is noticed, and said where it begins."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from journal_samples import SETTLE, apply, change, create, start, writing

from crosskey.journal import Journal


@pytest.fixture
def kept(path, clock) -> Path:
    with writing(path, clock) as journal:
        run = apply(journal, create(1), "50")
        journal.intend(run, [create(2), create(3)], settle=SETTLE)
        for number in range(5):
            journal.event(run, "batch.applied", {"count": number})
        journal.end_run(run, "clean", {})
        assert (journal.verify().ok, journal.verify().events) == (True, 11)
    return path


def tamper(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as attacker:
        for statement in statements:
            attacker.execute(statement)
    attacker.close()


def unlocked(*statements: str) -> tuple[str, ...]:
    return (
        "DROP TRIGGER event_stays",
        "DROP TRIGGER event_remains",
        "DROP TRIGGER event_is_appended",
        *statements,
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET kind = 'x' WHERE seq = 3",
        "DELETE FROM event WHERE seq = 3",
        "INSERT INTO event SELECT seq + 100, at, connection, run, kind, facts, hash FROM event WHERE seq = 3",
        "INSERT OR REPLACE INTO event SELECT seq, at, connection, run, 'x', facts, hash FROM event WHERE seq = 3",
    ],
)
def test_the_file_itself_refuses_to_change_events(kept, statement):
    with sqlite3.connect(kept) as attacker, pytest.raises(sqlite3.IntegrityError, match="event"):
        attacker.execute(statement)
    attacker.close()


@pytest.mark.parametrize(
    ("statement", "bad", "reason"),
    [
        ("UPDATE event SET facts = '{\"count\":9}' WHERE seq = 7", 7, "event 7 is not what was written"),
        ("UPDATE event SET at = '2026-01-05T09:00:00.000001+00:00' WHERE seq = 2", 2, "event 2 is not"),
        ("UPDATE event SET run = '' WHERE seq = 4", 4, "event 4 is not"),
        ("UPDATE event SET connection = 'corp>lab' WHERE seq = 4", 4, "event 4 is not"),
        ("DELETE FROM event WHERE seq = 6", 6, "event 6 is missing"),
        ("DELETE FROM event WHERE seq = 1", 1, "event 1 is missing"),
        ("DELETE FROM event WHERE seq >= 9", 9, "events at the end are missing"),
        (
            "INSERT INTO event SELECT 12, at, connection, run, kind, facts, hash FROM event WHERE seq = 11",
            12,
            "event 12 was not appended",
        ),
        ("UPDATE operation SET change = replace(change, 'p2@', 'q2@') WHERE id = 2", 5, "change of event 5"),
        ("DELETE FROM operation WHERE id = 3", 5, "change of event 5"),
    ],
)
def test_what_was_changed_is_found(kept, clock, statement, bad, reason):
    tamper(kept, *unlocked(statement))
    with Journal.open(kept, clock=clock) as reader:
        found = reader.verify()
    assert not found.ok
    assert (found.first_bad, found.events) == (bad, bad - 1)
    assert reason in found.reason


def test_events_of_more_than_a_page_come_once_each_and_in_order(kept, clock):
    more = """INSERT INTO event WITH RECURSIVE more (number) AS (SELECT 12 UNION ALL SELECT number + 1 FROM more
        WHERE number < 4100) SELECT number, at, connection, run, kind, facts, number FROM event, more WHERE seq = 3"""
    tamper(kept, *unlocked(more))
    with Journal.open(kept, clock=clock) as reader:
        assert [event.seq for event in reader.events()] == list(range(1, 4101))


def test_the_account_of_a_write_that_is_under_way_is_evidence_too(path, clock):
    with writing(path, clock) as journal:
        apply(journal, create(1), "50")
        journal.intend(start(journal), [change(1, "update", "50", tag="again")], settle=SETTLE)
        assert journal.verify().ok
    tamper(path, "UPDATE operation SET key = '51' WHERE state = 'intent'")
    with Journal.open(path, clock=clock) as reader:
        assert reader.verify().reason == "an intended change of event 6 is not what was written"


def test_what_a_tampered_event_says_of_others_is_passed_over_and_the_event_is_found(kept, clock):
    tamper(
        kept, *unlocked("""UPDATE event SET facts = json_set(facts, '$.replaces', '1:2 one:two:three') WHERE seq = 3""")
    )
    with Journal.open(kept, clock=clock) as reader:
        assert (reader.verify().first_bad, reader.verify().reason) == (3, "event 3 is not what was written")


def test_reordering_is_found(kept, clock):
    swap = [f"UPDATE event SET seq = {new} WHERE seq = {old}" for old, new in ((7, 70), (8, 7), (70, 8))]
    tamper(kept, *unlocked(*swap))
    with Journal.open(kept, clock=clock) as reader:
        assert reader.verify().first_bad == 7


def test_a_byte_that_flipped_on_the_disk_is_found_where_sqlite_sees_nothing(kept, clock):
    content = kept.read_bytes()
    place = content.index(b"batch.applied")
    kept.write_bytes(content[:place] + b"c" + content[place + 1 :])
    with Journal.open(kept, clock=clock) as reader:
        assert reader._database.value("PRAGMA integrity_check") == "ok"
        assert not reader.verify().ok


def test_the_chain_goes_on_over_writers_and_connections(kept, clock):
    for connection in ("corp>lab", "desk"):
        with writing(kept, clock, connection) as journal:
            start(journal)
            assert journal.verify().ok
