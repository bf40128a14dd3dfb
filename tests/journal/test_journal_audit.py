"""Whatever single thing is changed in what the journal says happened, verifying finds it; against heads kept elsewhere
it also finds an older copy, another journal, and a history written anew.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import msgspec
import pytest
from audit_samples import DAY, a_day, full_journal, new_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journal_samples import apply, create, writing

from crosskey.errors import ConfigError, StorageError
from crosskey.journal import Journal, Signer, Verification, read_heads, write_heads
from fake_clock import FakeClock

COVERED = {
    "event": ("seq", "at", "connection", "run", "kind", "facts", "hash"),
    "operation": (
        *("id", "run", "connection", "change_id", "kind", "issuer", "subject", "key", "change", "state", "attempts"),
        *("intent_at", "settle_until", "resolved_at", "outcome_code", "message", "event", "told"),
        *("link_before", "undone_by", "lapsed"),
    ),
    "segment": ("number", "lineage", "first_seq", "last_seq", "head", "sealed_at", "key", "signature", "mark"),
    "meta": ("lineage", "created_at", "head_seq", "head_hash", "pruned_seq"),
    "link": (
        *("connection", "issuer", "subject", "kind", "key", "marker", "active", "established_by", "since", "given"),
        *("fields", "disabled_by_us", "run", "seen"),
    ),
}
"""Every column that is evidence; docs/safety.md says the same."""

TRIGGERS = ("event_is_appended", "event_stays", "event_remains")


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    return full_journal(tmp_path_factory.mktemp("original") / "kept" / "journal.sqlite", FakeClock())


def copied(original: Path, folder: Path) -> Path:
    for one in original.parent.iterdir():
        shutil.copy2(one, folder / one.name)
    return folder / original.name


def opened(path: Path) -> sqlite3.Connection:
    """The file as somebody with another program sees it, with the triggers out of the way and nothing enforced."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    for trigger in TRIGGERS:
        connection.execute(f"DROP TRIGGER {trigger}")
    return connection


def verified(path: Path, *against: object) -> Verification:
    with Journal.open(path, clock=FakeClock()) as journal:
        return journal.audit(against)


def test_every_column_is_covered(original):
    look = sqlite3.connect(original)
    for table, columns in COVERED.items():
        there = {row[1] for row in look.execute(f"PRAGMA table_info({table})")} - {"id" if table == "meta" else ""}
        assert there - set(columns) == set(), f"{table} has grown: cover the column or say why not"
    look.close()


@pytest.mark.parametrize(("table", "column"), [(table, column) for table in COVERED for column in COVERED[table]])
def test_any_cell_that_is_changed_is_found(original, tmp_path, table, column):
    path = copied(original, tmp_path)
    connection = opened(path)
    (_, _, kind, *_) = next(row for row in connection.execute(f"PRAGMA table_info({table})") if row[1] == column)
    # Operations and events of pruned segments are gone; each row that stands is tried.
    key = {"event": "seq", "segment": "number", "link": "subject"}.get(table, "id")
    for (row,) in connection.execute(f"SELECT {key} FROM {table}").fetchall():
        connection.execute("BEGIN")
        fresh = f"coalesce({column}, 0) + 1000" if kind == "INTEGER" else f"coalesce({column}, '') || 'x'"
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute(f"UPDATE {table} SET {column} = {fresh} WHERE {key} = ?", (row,))
        connection.execute("COMMIT")
        try:
            found = verified(path)
            assert not found.ok, (table, column, row)
        except StorageError:
            pass  # not even read any more
        connection.close()
        path = copied(original, tmp_path)
        connection = opened(path)
    connection.close()


@pytest.mark.parametrize("table", [*COVERED])
def test_any_row_that_is_removed_or_added_is_found(original, tmp_path, table):
    look = sqlite3.connect(original)
    rows = [row[0] for row in look.execute(f"SELECT {COVERED[table][0]} FROM {table}")]
    columns = [row[1] for row in look.execute(f"PRAGMA table_info({table})")]
    look.close()
    key = {"link": "subject"}.get(table, columns[0])
    rows = range(len(rows))
    for at in rows:
        path = copied(original, tmp_path)
        connection = opened(path)
        (value,) = connection.execute(f"SELECT {key} FROM {table} LIMIT 1 OFFSET ?", (at,)).fetchone()
        connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (value,))
        connection.close()
        with pytest.raises((AssertionError, StorageError, IndexError)):
            assert verified(path).ok


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_that_flips_is_found_or_changes_nothing(original, tmp_path, data):
    path = copied(original, tmp_path)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(100, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    try:
        found = verified(path)
        same = evidence(path) == evidence(original)
    except (StorageError, sqlite3.DatabaseError, msgspec.MsgspecError):
        return
    assert same or not found.ok, place


def evidence(path: Path) -> list[object]:
    look = sqlite3.connect(path)
    try:
        return [
            look.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall() for table, columns in COVERED.items()
        ]
    finally:
        look.close()


# ------------------------------------------------------------------------------------------------------ against heads


def exported(path: Path, clock: FakeClock, file: Path) -> Path:
    with Journal.open(path, clock=clock) as journal:
        write_heads(file, journal.heads())
    return file


def test_an_unchanged_journal_that_went_on_fits_its_heads(path, clock, tmp_path):
    for number in (1, 2):
        a_day(path, clock, number, signer=Signer(new_key()))
    heads = exported(path, clock, tmp_path / "heads.jsonl")
    for number in (3, 4, 5):
        a_day(path, clock, number, signer=None, keep=1)
        exported(path, clock, heads)
    found = verified(path, *read_heads(heads))
    assert found.ok, found
    assert found.first > 1, "pruned meanwhile"
    assert len(found.keys) == 1


def test_an_older_copy_is_found_although_nothing_in_it_is_wrong(path, clock, tmp_path):
    a_day(path, clock, 1, signer=None)
    older = path.read_bytes()
    a_day(path, clock, 2, signer=None)
    heads = exported(path, clock, tmp_path / "heads.jsonl")
    path.write_bytes(older)
    path.with_name(path.name + ".head").unlink()
    assert verified(path).ok
    found = verified(path, *read_heads(heads))
    assert "older copy" in found.reason
    assert found.first_bad == found.events + 1


def test_an_older_copy_is_found_by_what_lies_beside_it_too(path, clock):
    a_day(path, clock, 1, signer=None)
    older = path.read_bytes()
    a_day(path, clock, 2, signer=None)
    path.write_bytes(older)
    assert "older copy" in verified(path).reason


def test_another_journal_is_found(path, clock, tmp_path):
    a_day(path, clock, 1, signer=None)
    heads = exported(path, clock, tmp_path / "heads.jsonl")
    other = tmp_path / "other" / "journal.sqlite"
    a_day(other, clock, 1, signer=None)
    found = verified(other, *read_heads(heads))
    assert (found.first_bad, found.trustworthy) == (1, "nothing")
    assert "not the journal" in found.reason


def test_a_history_written_anew_is_found(path, clock, tmp_path):
    a_day(path, clock, 1, signer=None)
    start, began = path.read_bytes(), clock.now()
    a_day(path, clock, 2, signer=None)
    heads = exported(path, clock, tmp_path / "heads.jsonl")
    path.write_bytes(start)  # and then another history, by crosskey itself, so that everything in it fits
    path.with_name(path.name + ".head").unlink()
    head = sqlite3.connect(path)
    (trusted,) = head.execute("SELECT head_seq FROM meta").fetchone()
    lineage = head.execute("SELECT lineage FROM meta").fetchone()[0]
    head.close()
    path.with_name(path.name + ".head").write_bytes(
        msgspec.json.encode({"lineage": lineage, "seq": 1, "hash": first_hash(path)})
    )
    again = FakeClock()
    again.advance((began - again.now()).total_seconds())
    for number in (7, 8):
        a_day(path, again, number, signer=None)
    assert verified(path).ok
    found = verified(path, *read_heads(heads))
    assert "is not the one that was exported" in found.reason
    assert found.first_bad <= trusted + 1


def first_hash(path: Path) -> str:
    look = sqlite3.connect(path)
    try:
        return look.execute("SELECT hash FROM event WHERE seq = 1").fetchone()[0]
    finally:
        look.close()


def test_heads_of_what_a_restore_lost_are_told_and_not_held_against_it(path, clock, tmp_path):
    a_day(path, clock, 1, signer=None)
    older = path.read_bytes()
    a_day(path, clock, 2, signer=None)
    heads = exported(path, clock, tmp_path / "heads.jsonl")
    path.write_bytes(older)
    with writing(path, clock) as journal:
        assert journal.is_restored
        apply(journal, create(77), "77")
    found = verified(path, *read_heads(heads))
    assert found.ok, found
    assert any("restored from a backup" in note for note in found.notes)


def test_edited_heads_are_no_evidence(path, clock, tmp_path):
    for number in (1, 2):
        a_day(path, clock, number, signer=Signer(new_key()))
    heads = exported(path, clock, tmp_path / "heads.jsonl")
    lines = heads.read_text().splitlines()
    first = msgspec.json.decode(lines[0])
    heads.write_text(msgspec.json.encode({**first, "seq": first["seq"] - 1}).decode())
    with pytest.raises(ConfigError, match="was edited"):
        read_heads(heads)
    for other in (b"not heads\n", lines[0].encode().replace(b'"lineage":"', b'"lineage":"\xff')):
        heads.write_bytes(other)
        with pytest.raises(ConfigError, match="something else"):
            read_heads(heads)


def test_what_was_exported_is_added_to_and_never_replaced(path, clock, tmp_path):
    a_day(path, clock, 1, signer=None)
    heads = exported(path, clock, tmp_path / "heads.jsonl")
    before = heads.read_text()
    a_day(path, clock, 2, signer=None)
    exported(path, clock, heads)
    exported(path, clock, heads)
    assert heads.read_text().startswith(before)
    assert len(set(heads.read_text().splitlines())) == len(heads.read_text().splitlines())


def test_a_key_that_is_none_is_refused_with_the_command_that_makes_one():
    from crosskey.settings import Secret

    for text in ("", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
        with pytest.raises(ConfigError, match="Ed25519") as caught:
            Signer(Secret(text))
        assert "openssl genpkey" in caught.value.fix


# --------------------------------------------------------------------------------------------------- before each writer


def test_a_writer_refuses_to_go_on_from_what_was_altered_since_the_last_seal(original, tmp_path):
    path = copied(original, tmp_path)
    clock = FakeClock()
    clock.advance(9 * DAY)
    connection = opened(path)
    connection.execute("UPDATE operation SET state = 'failed' WHERE id = (SELECT max(id) FROM operation)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StorageError) as caught:
        writing(path, clock)
    assert caught.value.code == "journal-altered"
    assert "audit verify" in caught.value.fix
    assert path.read_bytes() == before


def test_a_name_in_the_schema_that_is_no_text_any_more_is_damage(original, tmp_path):
    path = copied(original, tmp_path)
    content = bytearray(path.read_bytes())
    sql = content.index(b'CREATE TABLE "operation"')
    content[sql + len(b"CREA")] ^= 0x80  # SQLite then names the table in its error, and that name is no text either
    content[content.rindex(b"tableoperationoperation", 0, sql) + len(b"tableo")] ^= 0x80
    path.write_bytes(content)
    with pytest.raises(StorageError) as refused:
        verified(path)
    assert (refused.value.code, refused.value.where) == ("journal-corrupt", str(path))
