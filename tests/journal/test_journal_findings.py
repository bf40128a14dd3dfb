"""What verifying a journal says: the place where trust ends and what is wrong there; never a wrong word of a sound one."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import msgspec
import pytest
from audit_samples import DAY, a_day, new_key
from journal_samples import CONNECTION, ISSUER, SETTLE, apply, create, start, subject, writing

from crosskey.errors import StorageError
from crosskey.journal import BreakGlass, Doorbook, Journal, Signer, Verification, Watchbook
from crosskey.journal.events import digest
from crosskey.plan import Outcome
from fake_clock import FakeClock


class Kept:
    """A journal with all that is evidence: two sealed segments, and what came after them; somebody edits its file."""

    def __init__(self, path: Path, *, signers: tuple[Signer, ...] = ()) -> None:
        self.path = path
        self.signers = signers

    @property
    def clock(self) -> FakeClock:
        clock = FakeClock()
        clock.advance(3 * DAY + 60)
        return clock

    def rows(self, sql: str) -> list[tuple]:
        look = sqlite3.connect(self.path)
        try:
            return look.execute(sql).fetchall()
        finally:
            look.close()

    def value(self, sql: str):
        return self.rows(sql)[0][0]

    def edit(self, *statements: str) -> None:
        connection = sqlite3.connect(self.path, isolation_level=None)
        for trigger in ("event_is_appended", "event_stays", "event_remains"):
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        connection.create_function("mark_again", 9, mark_again)
        for statement in statements:
            connection.execute(statement)
        connection.close()

    def verified(self) -> Verification:
        with Journal.open(self.path, clock=self.clock) as journal:
            return journal.verify()

    def copy(self, folder: Path) -> Kept:
        for one in self.path.parent.iterdir():
            shutil.copy2(one, folder / one.name)
        return Kept(folder / self.path.name, signers=self.signers)


def mark_again(before: str, *told: str | int) -> str:
    """The mark of a segment, worked out anew by somebody who knows how."""
    lineage, number, first, last, head, sealed_at, key, signature = told
    return digest(
        [before, *map(str, ("crosskey-head/1", lineage, number, first, last, head, sealed_at)), key, signature]
    )


REMARK = """UPDATE segment SET mark = mark_again((SELECT mark FROM segment WHERE number = 1), lineage, number, first_seq,
    last_seq, head, sealed_at, key, signature) WHERE number = 2"""
FOLLOW = """UPDATE event SET facts = json_set(facts, '$.mark', segment.mark, '$.key', segment.key,
    '$.signature', segment.signature) FROM segment WHERE segment.number = 2 AND seq = segment.last_seq + 1"""
HEAD = "SELECT head_seq FROM meta"
SECOND = "SELECT first_seq FROM segment WHERE number = 2"


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Kept:
    path, clock = tmp_path_factory.mktemp("findings") / "kept" / "journal.sqlite", FakeClock()
    signers = (Signer(new_key()), Signer(new_key()))
    for number, signer in enumerate((None, *signers), start=1):  # nothing is old enough to be sealed on the first day
        a_day(path, clock, number, signer=signer)
    with Doorbook.noting(path, clock=clock, connection=CONNECTION) as book:
        book.move("portal", "button", before="test", by="ann", reason="tried")
        book.prove(BreakGlass(door="portal", kind="agent", key="9", pattern="glass", word="", at=clock.now(), by="ann"))
    with Watchbook.noting(path, clock=clock, connection=CONNECTION) as book:
        for word in ("mass-disable=3", "mass-disable=4"):
            book.approve("mass-disable", words=[word], by="ann", reason="they left", lasts=SETTLE)
    with writing(path, clock) as journal:
        run = start(journal)
        journal.intend(run, [create(41), create(42)], settle=SETTLE)
        journal.record(run, [create(42)], [Outcome(change="user:42", result="unknown", code="timeout", message="")])
        journal.end_run(run, "partial", {})
    return Kept(path, signers=signers)


@pytest.fixture
def kept(original, tmp_path) -> Kept:
    return original.copy(tmp_path)


def test_of_a_sound_journal_everything_is_told(original):
    seq, head, lineage = original.rows("SELECT head_seq, head_hash, lineage FROM meta")[0]
    found = original.verified()
    assert found == Verification(
        events=seq,
        head=head,
        lineage=lineage,
        segments=2,
        operations=original.value("SELECT count(*) FROM operation"),
        keys=tuple(signer.public for signer in original.signers),
    )
    assert found.ok


@pytest.mark.parametrize(
    ("statement", "place", "reason"),
    [
        (
            "UPDATE operation SET message = 'fine' WHERE id = 1",
            "SELECT told FROM operation WHERE id = 1",
            "an outcome of event {} is not what was written",
        ),
        (
            "UPDATE operation SET change = replace(change, 'p11@', 'q11@') WHERE id = 2",
            "SELECT event FROM operation WHERE id = 2",
            "an intended change of event {} is not what was written",
        ),
        (
            "UPDATE operation SET subject = 'another' WHERE id = 2",
            "SELECT event FROM operation WHERE id = 2",
            "an intended change of event {} is not what was written",
        ),
        (
            "UPDATE operation SET attempts = 2 WHERE change_id = 'user:41'",
            "SELECT event FROM operation WHERE change_id = 'user:41'",
            "an intended change of event {} is not what was written",
        ),
        (
            "UPDATE approval SET reason = 'they asked' WHERE lets LIKE '%4%'",
            "SELECT max(seq) FROM event WHERE kind = 'approval.given'",
            "the approval of event {} is not what was written",
        ),
        (
            "DELETE FROM approval",
            "SELECT min(seq) FROM event WHERE kind = 'approval.given'",
            "the approval of event {} is not what was written",
        ),
        (
            "UPDATE sso_step SET moved_by = 'bob'",
            "SELECT seq FROM event WHERE kind = 'door.moved'",
            "the row of event {} (door.moved) is not what was written",
        ),
        (
            "DELETE FROM sso_break_glass",
            "SELECT seq FROM event WHERE kind = 'break_glass.proven'",
            "the row of event {} (break_glass.proven) is not what was written",
        ),
        ("DELETE FROM event WHERE seq = 12", "SELECT 12", "event {} is missing"),
        ("UPDATE event SET run = '' WHERE seq = 12", "SELECT 12", "event {} is not what was written"),
        ("UPDATE segment SET head = mark WHERE number = 1", "SELECT 1", "segment 1 is not what was sealed"),
        ("UPDATE segment SET head = mark WHERE number = 2", SECOND, "segment 2 is not what was sealed"),
        ("DELETE FROM segment WHERE number = 1", "SELECT 1", "segment 1 is not what was sealed"),
        ("DELETE FROM segment WHERE number = 2", SECOND, "segment 2 is missing"),
        (
            "DELETE FROM event WHERE seq = (SELECT last_seq + 1 FROM segment WHERE number = 2)",
            SECOND,
            "segment 2 is not what was sealed",
        ),
        (
            "UPDATE event SET facts = '{' WHERE seq = (SELECT last_seq + 1 FROM segment WHERE number = 2)",
            SECOND,
            "segment 2 is not what was sealed",
        ),
        (
            "UPDATE event SET kind = 'lease.taken' WHERE seq = (SELECT last_seq + 1 FROM segment WHERE number = 2)",
            SECOND,
            "segment 2 is not what was sealed",
        ),
        (
            f"UPDATE segment SET key = '', signature = '' WHERE number = 2; {REMARK}",
            SECOND,
            "segment 2 is not what was sealed",
        ),
        (
            f"UPDATE segment SET key = '' WHERE number = 2; {REMARK}; {FOLLOW}",
            SECOND,
            "the signature of segment 2 is not its key's",
        ),
        (
            f"UPDATE segment SET signature = '' WHERE number = 2; {REMARK}; {FOLLOW}",
            SECOND,
            "the signature of segment 2 is not its key's",
        ),
        (
            "UPDATE meta SET pruned_seq = 3; DELETE FROM event WHERE seq <= 3",
            "SELECT 4",
            "events were removed up to a place where no segment ends",
        ),
        (
            (
                "UPDATE meta SET pruned_seq = (SELECT last_seq FROM segment WHERE number = 1);"
                "DELETE FROM event WHERE seq <= (SELECT pruned_seq FROM meta);"
                "DELETE FROM operation WHERE event <= (SELECT pruned_seq FROM meta)"
            ),
            SECOND,
            "events were removed that nobody pruned",
        ),
        (
            "UPDATE meta SET head_seq = head_seq - 1",
            HEAD,
            "events at the end are missing",
        ),
    ],
)
def test_trust_ends_at_the_first_thing_that_is_not_as_it_was_written(kept, statement, place, reason):
    bad = kept.value(place)
    kept.edit(*statement.split(";"))
    found = kept.verified()
    assert (found.first_bad, found.events, found.reason) == (bad, bad - 1, reason.format(bad))
    assert not found.ok


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE meta SET lineage = 'another'", "the journal's name is not what was written"),
        ("UPDATE meta SET created_at = '2026'", "the journal's name is not what was written"),
        (
            (
                "INSERT INTO event SELECT seq + 1, at, connection, run, kind, facts, hash FROM event, meta"
                " WHERE seq = head_seq"
            ),
            "event {} was not appended by crosskey",
        ),
        (
            "UPDATE operation SET told = (SELECT head_seq FROM meta) WHERE change_id = 'user:41'",
            "an outcome stands that no event vouches for",
        ),
        (
            "INSERT INTO sso_step SELECT event - 1, connection, door, step, before, at, moved_by, reason FROM sso_step",
            "a door's move or proof stands that no event vouches for",
        ),
        (
            (
                "INSERT INTO sso_break_glass SELECT 1, connection, door, kind, key, pattern, word, proven_at, proven_by"
                " FROM sso_break_glass"
            ),
            "a door's move or proof stands that no event vouches for",
        ),
        ("UPDATE link SET active = 1 - active", "links are not what the last writer left"),
        ("DELETE FROM link WHERE key = '10'", "links are not what the last writer left"),
    ],
)
def test_what_stands_beside_the_chain_is_told_behind_its_end(kept, statement, reason):
    end = kept.value(HEAD)
    kept.edit(statement)
    found = kept.verified()
    assert (found.first_bad, found.events, found.reason) == (end + 1, end, reason.format(end + 1))
    assert found.head == kept.value("SELECT head_hash FROM meta")


def test_an_operation_that_nobody_intended_is_told_behind_the_end(kept):
    columns = [row[1] for row in kept.rows("PRAGMA table_info(operation)")]
    fresh = {"id": "id + 900", "event": "1", "told": "1", "change_id": "'another'"}
    end = kept.value(HEAD)
    chosen = ", ".join(fresh.get(name, name) for name in columns)
    kept.edit(f"INSERT INTO operation ({', '.join(columns)}) SELECT {chosen} FROM operation WHERE id = 1")
    found = kept.verified()
    assert (found.first_bad, found.reason) == (end + 1, "an operation stands that no event intended")


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE segment SET sealed_at = '2026' WHERE number = 2; {REMARK}",
        f"UPDATE segment SET key = '', signature = '' WHERE number = 2; {REMARK}",
        "UPDATE operation SET message = 'fine' WHERE change_id = 'user:42'",
        "UPDATE approval SET reason = 'they asked'",
        "UPDATE operation SET told = (SELECT head_seq FROM meta) WHERE change_id = 'user:41'",
    ],
)
def test_no_writer_goes_on_from_a_seal_or_what_follows_it_that_was_altered(kept, statement):
    kept.edit(*statement.split(";"))
    with pytest.raises(StorageError) as caught:
        writing(kept.path, kept.clock)
    assert caught.value.code == "journal-altered"


def test_where_nothing_can_be_trusted_no_hash_is_told(kept):
    kept.edit("UPDATE meta SET pruned_seq = 3", "DELETE FROM event WHERE seq <= 3")
    found = kept.verified()
    assert (found.first, found.head, found.trustworthy) == (4, "", "nothing")


def test_a_writer_looks_at_what_is_not_sealed_only(kept):
    kept.edit("UPDATE operation SET message = 'fine' WHERE id = 1")
    writing(kept.path, kept.clock).close()
    assert not kept.verified().ok, "whoever verifies looks at all of it"


def test_links_that_a_run_is_changing_are_not_called_altered(kept):
    with writing(kept.path, kept.clock) as journal:
        apply(journal, create(71), "71")
        assert journal.verify().ok
        journal.unlink("user", subject(71, ISSUER), run=start(journal), reason="")
        assert journal.verify().ok
    assert kept.verified().ok


LOOKS = (
    "FROM meta",
    "FROM segment",
    "$.replaces",
    "FROM event WHERE TRUE",
    "FROM operation WHERE event",
    "FROM operation WHERE told =",
    "FROM approval",
    "FROM sso_break_glass WHERE event",
    "FROM operation WHERE told >",
    "count(*) FROM operation WHERE event",
    "count(*) FROM sso_step",
    "FROM link",
    "'segment.sealed'",
)
"""What verifying asks the file for."""


@pytest.mark.parametrize("last", [False, True])
def test_a_run_that_writes_at_any_moment_of_the_look_is_not_taken_for_tampering(kept, last):
    """A whole run comes and goes right before a question is asked, the first time or the last that it is asked."""
    with Journal.open(kept.path, clock=kept.clock) as reader:
        for number, look in enumerate(LOOKS):
            asked: list[str] = []
            reader._database.connection.set_trace_callback(asked.append)
            assert reader.verify().ok
            times = [at for at, sql in enumerate(asked) if look in sql]
            at = times[-1 if last else 0]
            asked.clear()

            def ask(sql: str, *, asked=asked, at=at, number=number) -> None:
                asked.append(sql)
                if len(asked) == at + 1:
                    come_and_go(kept, 100 + 2 * number)

            reader._database.connection.set_trace_callback(ask)
            found = reader.verify()
            assert found.ok, (look, found)
            assert len(asked) > at
        reader._database.connection.set_trace_callback(None)


def come_and_go(kept: Kept, number: int) -> None:
    """A run that makes an account, settles what the last one left open, and leaves something open itself."""
    with writing(kept.path, kept.clock) as writer:
        run, unclear = start(writer), create(number + 1)
        apply(writer, create(number), f"{number}", run=run)
        for one in [each for each in writer.unresolved() if each.state == "uncertain"]:
            writer.resolve(one.id, "absent", run=run)
        writer.intend(run, [unclear], settle=SETTLE)
        writer.record(run, [unclear], [Outcome(change=unclear.id, result="unknown")])
        writer.end_run(run, "partial", {})


def test_where_a_backup_was_put_back_is_told_with_the_history_before(path):
    clock = FakeClock()
    a_day(path, clock, 1, signer=None)
    older = path.read_bytes()
    a_day(path, clock, 2, signer=None)
    path.write_bytes(older)
    with writing(path, clock) as journal:
        found = journal.verify()
        (event,) = [each for each in journal.events() if each.kind == "journal.restored"]
        assert found.restored == (f"{event.facts['former']}:{event.seq}",)
        assert (found.ok, found.lineage) == (True, journal.lineage)
        assert (event.connection, event.run, event.at) == (CONNECTION, "", clock.now())


def test_facts_that_are_no_json_are_named_as_what_was_changed(kept):
    kept.edit("UPDATE event SET facts = 'x' WHERE seq = 20")
    assert kept.verified().first_bad == 20
    assert msgspec.json.encode(kept.verified())
