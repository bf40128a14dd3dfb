"""Upgrading a journal: one transaction a step, a private backup first, and nothing half done."""

from __future__ import annotations

import sqlite3
import stat

import pytest
from journal_samples import apply, create, subject, writing

from crosskey.errors import StorageError
from crosskey.journal import Journal
from crosskey.journal.database import Database, stamp
from crosskey.journal.migrations import MIGRATIONS, Migration, identify, migrate

NEXT = MIGRATIONS[-1].version + 1
GOOD = Migration(NEXT, ("ALTER TABLE link ADD COLUMN verified_at TEXT", "CREATE TABLE added (id TEXT) STRICT"))
BAD = Migration(NEXT + 1, ("CREATE TABLE fine (id TEXT) STRICT", "CREATE TABLE added (id TEXT) STRICT"))


@pytest.fixture
def kept(path, clock):
    with writing(path, clock) as journal:
        apply(journal, create(1), "50")
    return path


def test_versions_are_numbered_in_order():
    versions = [migration.version for migration in MIGRATIONS]
    assert versions == sorted(set(versions))


def test_an_upgrade_keeps_a_private_copy_of_what_was(kept, clock):
    with Database(kept, writable=True) as database:
        version = identify(database)
        backup = migrate(database, clock.now(), version=version, migrations=(*MIGRATIONS, GOOD))
        assert identify(database, newest=NEXT) == NEXT
        assert database.value("SELECT count(*) FROM link WHERE verified_at IS NULL") == 1
    assert backup is not None
    assert backup.name == f"{kept.name}.v{version}-20260105T090000.bak"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with Journal.open(backup, clock=clock) as old:
        assert old.links("user", [subject(1)])[subject(1)].key == "50"
        assert old.verify().ok
    with pytest.raises(StorageError, match=f"schema {NEXT}"):
        Journal.open(kept, clock=clock)


def test_runs_from_before_traces_were_kept_have_none(path, clock):
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)
    with Database(path, writable=True) as database:
        migrate(database, clock.now(), version=0, migrations=[each for each in MIGRATIONS if each.version <= 2])
        with database.transaction():
            database.run("INSERT INTO connection (name, epoch, serial) VALUES ('desk', 1, 0)")
            database.run("INSERT INTO config_generation VALUES ('sha-1', '', ?)", (stamp(clock.now()),))
            database.run(
                "INSERT INTO run VALUES ('r-1', 'desk', 1, 'sync', 'command', 'sha-1', '{}', '3', 'wal', ?, ?, 'clean', '{}', '')",
                (stamp(clock.now()), stamp(clock.now())),
            )
    with pytest.raises(StorageError, match="older crosskey"):
        Journal.open(path, clock=clock)
    with writing(path, clock) as journal:
        assert [(run.trace, run.parent) for run in journal.runs()] == [("", "")]
        assert journal.verify().ok


def test_a_step_that_fails_leaves_the_version_before_it(kept, clock):
    with Database(kept, writable=True) as database, pytest.raises(StorageError):
        migrate(database, clock.now(), version=identify(database), migrations=(*MIGRATIONS, GOOD, BAD))
    look = sqlite3.connect(kept)
    assert look.execute("PRAGMA user_version").fetchone() == (NEXT,)
    assert look.execute("SELECT name FROM sqlite_master WHERE name IN ('added', 'fine')").fetchall() == [("added",)]
    look.close()


def test_without_anything_to_do_nothing_is_copied(kept, clock):
    before = sorted(one.name for one in kept.parent.iterdir())
    with Database(kept, writable=True) as database:
        assert migrate(database, clock.now(), version=identify(database)) is None
    assert sorted(one.name for one in kept.parent.iterdir()) == before


def test_no_backup_no_upgrade(kept, clock):
    kept.with_name(f"{kept.name}.v{MIGRATIONS[-1].version}-20260105T090000.bak.partial").mkdir()
    with Database(kept, writable=True) as database, pytest.raises(StorageError):
        migrate(database, clock.now(), version=identify(database), migrations=(*MIGRATIONS, GOOD))
    writing(kept, clock).close()


def test_every_table_is_strict(journal):
    rows = journal._database.rows("SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
    assert {name for name, strict in rows if not strict} == {"sqlite_schema"}
    assert len(rows) > 10
