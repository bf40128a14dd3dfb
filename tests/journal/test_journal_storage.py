"""Files and disks that are not as they should be: one clear sentence, the place, the fix, and nothing half done."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import tempfile
from pathlib import Path

import pytest
from journal_samples import SETTLE, applied, create, start, writing

from crosskey.errors import StorageError
from crosskey.journal import Journal
from crosskey.journal.database import durability
from crosskey.journal.files import network_file_system


@pytest.fixture
def kept(path, clock) -> Path:
    with writing(path, clock) as journal:
        run = start(journal)
        changes = [create(number) for number in range(300)]
        journal.intend(run, changes, settle=SETTLE)
        journal.record(run, changes, [applied(one, one.id) for one in changes])
        journal.end_run(run, "clean", {})
    return path


def refused(path: Path, clock, code: str, *, read: bool = True) -> StorageError:
    """Both doors refuse with that code, name the file and a fix, and leave the file as it was."""
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StorageError) as caught:
        writing(path, clock)
    errors = [caught.value]
    if read:
        with pytest.raises(StorageError) as caught, Journal.open(path, clock=clock) as reader:
            list(reader.all_links())
        errors.append(caught.value)
    for error in errors:
        assert error.code == code
        assert str(path) in error.where
        assert error.fix
    assert (path.read_bytes() if path.is_file() else None) == before
    return errors[0]


def test_a_file_that_is_no_database(path, clock):
    path.parent.mkdir()
    path.write_text("name,mail\nAnn,ann@example.com\n" * 50)
    path.chmod(0o600)
    assert "not a crosskey journal" in refused(path, clock, "journal-foreign").message


def test_a_database_of_another_program(path, clock):
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE song (id)")
    other.close()
    path.chmod(0o600)
    assert "another program" in refused(path, clock, "journal-foreign").message


def test_a_directory(path, clock):
    path.mkdir(parents=True)
    refused(path, clock, "journal-foreign")


def test_a_head_file_that_cannot_be_read_counts_as_none(kept, clock):
    head = kept.with_name(kept.name + ".head")
    left = head.read_bytes()
    for damaged in (b"", b"{", left.replace(b'"lineage":"', b'"lineage":"\xff')):
        head.write_bytes(damaged)
        writing(kept, clock).close()
        assert head.read_bytes().startswith(b'{"lineage":"')


def test_a_newer_journal(kept, clock):
    newer = sqlite3.connect(kept)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    error = refused(kept, clock, "journal-newer")
    assert "schema 99" in error.message
    assert "upgrade crosskey" in error.fix


def test_a_journal_that_names_no_version_is_damaged(kept, clock):
    older = sqlite3.connect(kept)
    older.execute("PRAGMA user_version = 0")
    older.close()
    refused(kept, clock, "journal-corrupt")


def test_a_damaged_page(kept, clock):
    content = bytearray(kept.read_bytes())
    for page in range(1, len(content) // 4096):
        content[page * 4096 : page * 4096 + 12] = b"\xff" * 12
    kept.write_bytes(content)
    refused(kept, clock, "journal-corrupt")


def test_damage_that_no_query_has_met_yet_is_found_once_a_day_and_after_a_crash(kept, clock):
    look = sqlite3.connect(kept)
    (page,) = look.execute("SELECT rootpage FROM sqlite_master WHERE name = 'operation_subject'").fetchone()
    look.close()
    content = bytearray(kept.read_bytes())
    content[(page - 1) * 4096 : (page - 1) * 4096 + 12] = b"\xff" * 12
    kept.write_bytes(content)
    writing(kept, clock).close()
    head = kept.with_name(kept.name + ".head")
    left = head.read_bytes()
    head.write_bytes(left.replace(b'"closed":true', b'"closed":false'))
    refused(kept, clock, "journal-corrupt", read=False)
    head.write_bytes(left)
    writing(kept, clock).close()
    clock.advance(86_400)
    refused(kept, clock, "journal-corrupt", read=False)


def test_a_damaged_header(kept, clock):
    content = bytearray(kept.read_bytes())
    content[:16] = b"\x00" * 16
    kept.write_bytes(content)
    refused(kept, clock, "journal-foreign")


def test_a_truncated_file(kept, clock):
    content = kept.read_bytes()
    kept.write_bytes(content[: len(content) // 2])
    refused(kept, clock, "journal-corrupt")


def test_an_emptied_file_is_a_loss_and_not_a_new_journal(kept, clock):
    kept.write_bytes(b"")
    assert "lost" in refused(kept, clock, "journal-corrupt").message


@pytest.mark.parametrize("suffix", ["-journal", "-wal"])
def test_leftovers_of_a_lost_journal_are_not_played_into_a_new_one(kept, clock, suffix):
    leftover = kept.with_name(kept.name + suffix)
    leftover.write_bytes(b"half a transaction")
    kept.unlink()
    error = refused(kept, clock, "journal-corrupt", read=False)
    assert str(leftover) in error.fix
    leftover.unlink()
    writing(kept, clock).close()


def test_a_crash_while_it_was_made_leaves_nothing_in_the_way(path, clock):
    path.parent.mkdir()
    path.with_name(path.name + ".new").write_bytes(b"half made")
    path.with_name(path.name + "-journal").touch()
    with writing(path, clock) as journal:
        start(journal)
    assert sorted(one.name for one in path.parent.iterdir() if ".new" in one.name) == []


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
@pytest.mark.parametrize(("mode", "refuses"), [(0o604, True), (0o666, True), (0o660, False), (0o600, False)])
def test_a_journal_that_everybody_may_read(kept, clock, mode, refuses):
    kept.chmod(mode)
    if refuses:
        assert f"chmod 600 '{kept}'" in refused(kept, clock, "journal-exposed").fix
    else:
        writing(kept, clock).close()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_the_umask_opens_nothing(path, clock):
    before = os.umask(0)
    try:
        with writing(path, clock) as journal:
            start(journal)
            modes = {one.name: one.stat().st_mode & 0o077 for one in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert set(modes.values()) == {0}


def test_a_path_below_a_file(path, clock):
    path.parent.write_text("a file where a directory should be")
    with pytest.raises(StorageError) as caught:
        writing(path, clock)
    assert caught.value.code == "journal-unreadable"
    assert "may write" in caught.value.fix


@pytest.fixture
def ordinary_user():
    """A directory that an ordinary user may enter but not write, and that user (root would write anyway)."""
    if os.name != "posix":
        pytest.skip("modes are POSIX")
    directory = Path(tempfile.mkdtemp())
    root = os.geteuid() == 0

    def become() -> Path:
        directory.chmod(0o555)
        if root:
            for one in directory.iterdir():
                os.chown(one, 65534, 65534)
            os.seteuid(65534)
        return directory

    yield directory, become
    if root:
        os.seteuid(0)
    directory.chmod(0o700)
    shutil.rmtree(directory)


def test_a_directory_that_cannot_be_written(ordinary_user, clock):
    _, become = ordinary_user
    directory = become()
    with pytest.raises(StorageError) as caught:
        writing(directory / "journal.sqlite", clock)
    assert caught.value.code == "journal-unreadable"
    assert "Permission denied" in caught.value.message


def test_a_journal_that_cannot_even_be_looked_at(ordinary_user, clock):
    directory, become = ordinary_user
    hidden = directory / "hidden"
    with writing(hidden / "journal.sqlite", clock) as journal:
        start(journal)
    hidden.chmod(0o000)
    become()
    for door in (writing, lambda path, clock: Journal.open(path, clock=clock)):
        with pytest.raises(StorageError) as caught:
            door(hidden / "journal.sqlite", clock)
        assert caught.value.code == "journal-unreadable"
    hidden.chmod(0o700)


def test_a_journal_in_a_read_only_directory_can_be_read_and_not_written(ordinary_user, clock):
    directory, become = ordinary_user
    path = directory / "journal.sqlite"
    with writing(path, clock) as journal:
        run = start(journal)
    path.with_name(path.name + "-journal").unlink(missing_ok=True)
    path.chmod(0o400)
    become()
    if (
        durability(sqlite3.sqlite_version_info)[0] == "truncate"
    ):  # SQLite cannot read a WAL file without writing beside it
        with Journal.open(path, clock=clock) as reader:
            assert reader.run(run).id == run
    with pytest.raises(StorageError) as caught:
        writing(path, clock)
    assert caught.value.code in ("journal-read-only", "journal-unreadable")


def test_a_full_disk_loses_nothing_that_was_acknowledged(path, clock):
    with writing(path, clock) as journal:
        run = start(journal)
        connection = journal._database.connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 60}")
        acknowledged = 0

        def fill() -> None:
            nonlocal acknowledged
            for number in range(0, 100_000, 50):
                journal.intend(run, [create(number + offset) for offset in range(50)], settle=SETTLE)
                acknowledged += 50

        with pytest.raises(StorageError) as caught:
            fill()
        assert caught.value.code == "journal-full"
        assert "free space" in caught.value.fix
        assert acknowledged > 0
        # From here on nothing is written any more, and it stays the first error that is told.
        for attempt in (lambda: journal.end_run(run, "failed", {}), journal.unresolved, lambda: start(journal)):
            with pytest.raises(StorageError, match="takes nothing more") as again:
                attempt()
            assert again.value.code == "journal-full"
    with writing(path, clock) as journal:
        assert len(journal.unresolved()) == acknowledged
        assert journal.run(run).verdict == "crashed"
        assert journal.verify().ok


def test_a_file_size_limit_is_a_storage_error(path, clock):
    resource = pytest.importorskip("resource")
    with writing(path, clock) as journal:
        run = start(journal)
        limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, limits[1]))
            with pytest.raises(StorageError) as caught:
                journal.intend(run, [create(number) for number in range(500)], settle=SETTLE)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, handler)
        assert caught.value.code in ("journal-full", "journal-io")
    with Journal.open(path, clock=clock) as reader:
        assert reader.unresolved() == []


def test_somebody_who_locks_the_file_is_named_as_such(kept, clock):
    other = sqlite3.connect(kept, isolation_level=None)
    with writing(kept, clock) as journal:
        journal._database.connection.execute("PRAGMA busy_timeout = 1")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError) as caught:
            start(journal)
        other.execute("ROLLBACK")
    other.close()
    assert caught.value.code == "journal-busy"
    assert "database browser" in caught.value.fix


def test_a_full_disk_while_it_is_made_leaves_no_journal(path, clock):
    resource = pytest.importorskip("resource")
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
        with pytest.raises(StorageError):
            writing(path, clock)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert not path.exists()
    writing(path, clock).close()


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 40, 1), "truncate"),
        ((3, 44, 5), "truncate"),
        ((3, 44, 6), "wal"),
        ((3, 45, 0), "truncate"),
        ((3, 50, 6), "truncate"),
        ((3, 50, 7), "wal"),
        ((3, 51, 0), "truncate"),
        ((3, 51, 2), "truncate"),
        ((3, 51, 3), "wal"),
        ((4, 0, 0), "wal"),
    ],
)
def test_the_linked_version_decides_how_commits_are_kept(version, mode):
    assert durability(version) == (mode, "full" if mode == "wal" else "extra")


def test_the_pragmas_hold(journal):
    mode, synchronous = durability(sqlite3.sqlite_version_info)
    values = {
        name: journal._database.value(f"PRAGMA {name}")
        for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema", "cell_size_check", "mmap_size")
    }
    assert values == {
        "journal_mode": mode,
        "synchronous": {"full": 2, "extra": 3}[synchronous],
        "foreign_keys": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "mmap_size": 0,
    }


MOUNTS = "\n".join(
    [
        "overlay / overlay rw 0 0",
        "filer:/home /home nfs4 rw,vers=4.2 0 0",
        "/dev/sdb1 /home/local ext4 rw 0 0",
        "//nas/share /mnt/two\\040words cifs rw 0 0",
        "broken",
    ]
)


@pytest.mark.parametrize(
    ("directory", "kind"),
    [
        ("/var/lib/crosskey", ""),
        ("/home/ann", "nfs4"),
        ("/homestead", ""),
        ("/home/local/crosskey", ""),
        ("/mnt/two words/x", "cifs"),
    ],
)
def test_network_file_systems_are_told_from_local_ones(directory, kind):
    assert network_file_system(Path(directory), MOUNTS) == kind
