"""What a lock that is held tells, whoever holds it and whatever its file says."""

from __future__ import annotations

import json

import pytest

from crosskey.errors import LockedError
from crosskey.journal.filelock import FileLock, named_in
from crosskey.journal.holder import this_process


@pytest.fixture
def holder(clock):
    return this_process("desk", clock.now())


def refused(path, holder) -> LockedError:
    with pytest.raises(LockedError) as caught:
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


@pytest.mark.parametrize("written", [b"", b"{", b'{"host": "somewhere"}', b"\xff\xfe"])
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
