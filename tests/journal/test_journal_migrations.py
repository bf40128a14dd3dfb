"""Upgrading a journal: one transaction a step, a private backup first, and nothing half done."""

from __future__ import annotations

import sqlite3
import stat

import pytest
from journal_samples import apply, create, subject, writing

from crosskey.errors import StorageError
from crosskey.journal import Journal, events
from crosskey.journal.database import Database, stamp
from crosskey.journal.migrations import AUDITED, MIGRATIONS, Migration, identify, migrate

NEXT = MIGRATIONS[-1].version + 1
GOOD = Migration(NEXT, ("ALTER TABLE link ADD COLUMN verified_at TEXT", "CREATE TABLE added (id TEXT) STRICT"))
BAD = Migration(NEXT + 1, ("CREATE TABLE fine (id TEXT) STRICT", "CREATE TABLE added (id TEXT) STRICT"))


@pytest.fixture
def kept(path, clock):
    with writing(path, clock) as journal:
        apply(journal, create(1), "50")
    return path


def test_versions_only_grow():
    versions = [migration.version for migration in MIGRATIONS]
    assert versions == sorted(set(versions))
    assert versions[0] == 1


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


def made_by_version(version, path, clock):
    """A journal as the crosskey of that schema version left it, with one run in it."""
    path.parent.mkdir(exist_ok=True)
    path.touch(0o600)
    with Database(path, writable=True) as database:
        migrate(database, clock.now(), version=0, migrations=[each for each in MIGRATIONS if each.version <= version])
        with database.transaction():
            database.run("INSERT INTO connection (name, epoch, serial) VALUES ('desk', 1, 1)")
            database.run("INSERT INTO config_generation VALUES ('sha-1', '[sync]', ?)", (stamp(clock.now()),))
            database.run(
                "INSERT INTO run (id, connection, epoch, kind, trigger, config_digest, plugins, sqlite_version,"
                " journal_mode, started_at, ended_at, verdict, counts, note) VALUES ('20260101T090000-0001', 'desk', 1,"
                " 'sync', 'command', 'sha-1', '{}', '3', 'truncate', ?1, ?1, 'clean', '{}', '')",
                (stamp(clock.now()),),
            )
            events.append(database, clock.now(), "desk", "20260101T090000-0001", "run.opened", {})
    return path


EARLIER = [migration.version for migration in MIGRATIONS[:-1]]


@pytest.mark.parametrize("version", EARLIER)
def test_an_older_journal_is_read_without_being_touched_and_upgraded_by_the_writer(path, clock, version):
    before = made_by_version(version, path, clock).read_bytes()
    with Journal.open(path, clock=clock) as journal:
        assert [(run.verdict, run.trace) for run in journal.runs()] == [("clean", "")]
        assert journal.verify().ok
        with pytest.raises(StorageError):
            journal._database.run("DELETE FROM run")
    assert path.read_bytes() == before
    with writing(path, clock) as journal:
        assert len(journal.runs()) == 1
        assert journal.verify().ok
        # From then on a writer leaves its head beside the file, and this one was made without.
        assert journal.is_restored == (version >= AUDITED)
    assert list(path.parent.glob("*.bak"))


@pytest.mark.parametrize("version", [0, *EARLIER])
def test_whichever_statement_fails_the_old_version_or_the_new_one_is_there(path, clock, version):
    """A failure is put into the place of each statement of each step, one after the other."""
    steps = [each for each in MIGRATIONS if each.version > version]
    path.parent.mkdir(exist_ok=True)
    newest = schema_of_a_fresh_one(path, clock)
    for at, step in enumerate(steps):
        for count in range(len(step.statements) + 1):
            if version:
                made_by_version(version, path, clock)
            else:
                path.parent.mkdir(exist_ok=True)
                path.touch(0o600)
            broken = Migration(step.version, (*step.statements[:count], "INSERT INTO nowhere VALUES (1)"))
            with Database(path, writable=True) as database, pytest.raises(StorageError, match="nowhere"):
                migrate(database, clock.now(), version=version, migrations=[*steps[:at], broken])
            with Database(path, writable=True) as database:
                stands = steps[at - 1].version if at else version
                assert database.value("PRAGMA user_version") == stands
                assert migrate(database, clock.now(), version=stands) is None or stands
                assert identify(database) == MIGRATIONS[-1].version
                assert schema(database) == newest
            for one in path.parent.iterdir():
                one.unlink()


def schema(database):
    return sorted(row[0] for row in database.rows("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"))


def schema_of_a_fresh_one(path, clock):
    fresh = path.with_name("fresh.sqlite")
    fresh.touch(0o600)
    with Database(fresh, writable=True) as database:
        migrate(database, clock.now(), version=0)
        found = schema(database)
    fresh.unlink()
    return found


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


def test_what_a_killed_upgrade_had_copied_does_not_lie_around(kept, clock):
    for name in ("v3-20251231T235959.bak.partial", "v3-20251231T235959.bak.partial-journal"):
        kept.with_name(f"{kept.name}.{name}").write_bytes(b"half of everybody")
    with Database(kept, writable=True) as database:
        migrate(database, clock.now(), version=identify(database), migrations=(*MIGRATIONS, GOOD))
    assert sorted(one.name for one in kept.parent.iterdir() if "bak" in one.name) == [
        f"{kept.name}.v{MIGRATIONS[-1].version}-20260105T090000.bak"
    ]


def test_no_backup_no_upgrade(kept, clock):
    kept.with_name(f"{kept.name}.v{MIGRATIONS[-1].version}-20260105T090000.bak.partial").mkdir()
    with Database(kept, writable=True) as database, pytest.raises(StorageError):
        migrate(database, clock.now(), version=identify(database), migrations=(*MIGRATIONS, GOOD))
    writing(kept, clock).close()


def test_every_table_is_strict(journal):
    rows = journal._database.rows("SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
    assert {name for name, strict in rows if not strict} == {"sqlite_schema"}
    assert len(rows) > 10
