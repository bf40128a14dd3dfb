"""What a lock that is held tells, one that the operating system does not let us use, and one that is given back."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path

import pytest

from crosskey.errors import CrosskeyError, LockedError, StorageError
from crosskey.journal.filelock import FileLock, named_in
from crosskey.journal.holder import this_process


@pytest.fixture
def holder(clock):
    return this_process("desk", clock.now())


def refused(path, holder, error=LockedError) -> CrosskeyError:
    with pytest.raises(error) as caught:
        FileLock(path, holder)
    return caught.value


def test_a_lock_names_its_holder_where_it_is_and_how_to_end_it(tmp_path, holder):
    path = tmp_path / "journal.lock"
    lock = FileLock(path, holder)
    error = refused(path, holder)
    assert error.message == f"another run holds the journal: {holder}"
    assert error.where == str(path)
    assert error.fix == f"wait for it to end, or stop it (kill {holder.pid}), then run again"
    lock.release()
    FileLock(path, holder).release()


@pytest.mark.parametrize("written", [b"", b"{", b'{"host": "somewhere"}', b"\xff\xfe", b'{"host": "\xff"}'])
def test_a_holder_that_has_not_said_its_name_yet_is_waited_for(tmp_path, holder, written):
    path = tmp_path / "journal.lock"
    lock = FileLock(path, holder)
    path.write_bytes(written)
    error = refused(path, holder)
    told = (error.message, error.where, error.fix)
    assert told == ("another run holds the journal", str(path), "wait for it to end, then run again")
    assert named_in(path) is None
    lock.release()


def test_the_live_process_that_a_lock_names_is_told_and_no_other(tmp_path, holder):
    path = tmp_path / "journal.lock"
    assert named_in(path) is None, "nobody ever locked"
    lock = FileLock(path, holder)
    assert named_in(path) == holder
    for changed in ({"host": "another.example"}, {"boot": "an-earlier-one"}, {"started": "1"}):
        path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changed}), encoding="utf-8")
        assert named_in(path) is None, f"{changed} is no process of this machine that is alive"
    lock.release()
    assert named_in(path) is None


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_lock_that_cannot_be_opened_says_where_and_why(tmp_path, holder):
    error = refused(tmp_path, holder, StorageError)  # a folder stands there
    assert (error.code, error.where) == ("journal-unreadable", str(tmp_path))
    assert os.strerror(errno.EISDIR) in error.message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no file that is always full")
def test_a_name_that_cannot_be_written_refuses_the_lock_says_where_and_leaves_nothing_open(tmp_path, holder):
    path = tmp_path / "journal.lock"
    path.symlink_to("/dev/full")
    before = open_files()
    error = refused(path, holder, StorageError)
    assert (error.code, error.where) == ("journal-unreadable", str(path))
    assert os.strerror(errno.EINVAL) in error.message
    assert open_files() == before


@pytest.mark.skipif(sys.platform == "win32", reason="locks are flock's elsewhere only")
def test_a_file_system_without_locks_is_named_with_the_way_out(tmp_path, holder, monkeypatch):
    import fcntl

    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    # The system call itself: what flock answers on a network mount without a lock service (flock(2), ENOLCK).
    monkeypatch.setattr(fcntl, "flock", no_locks)
    path = tmp_path / "journal.lock"
    error = refused(path, holder, StorageError)
    assert error.message == "this file system cannot lock files (No locks available)"
    assert (error.code, error.where, error.fix) == (
        "journal-unlockable",
        str(path),
        "keep the journal on a local disk",
    )


def test_a_lock_that_was_given_back_names_nobody(tmp_path, holder):
    path = tmp_path / "journal.lock"
    FileLock(path, holder).release()
    assert path.read_bytes() == b""
