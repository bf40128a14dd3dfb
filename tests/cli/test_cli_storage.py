"""A journal that cannot be kept, is not ours, or is somebody else's right now: nothing is written to the desk."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from cli_bench import ended, told, wait_until

from crosskey.errors import ExitCode


@pytest.mark.parametrize("place", ["/proc/journal.sqlite", "/dev/null/journal.sqlite", "/nonexistent-\x00/j"])
def test_a_folder_that_takes_no_journal_is_told(crosskey, place):
    # /proc takes no file from root either, as a read-only file system would not
    crosskey.add(f"[journal]\npath = {msgspec.json.encode(place).decode()}")
    error = told(crosskey, "sync", code=ExitCode.CONFIG if "\x00" in place else ExitCode.STORAGE)
    assert error["fix"] or error["problems"][0]["fix"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into every folder")
def test_a_folder_of_somebody_else_is_told(crosskey):
    locked = crosskey.folder / "locked"
    locked.mkdir(mode=0o500)
    crosskey.add('[journal]\npath = "locked/journal.sqlite"')
    assert told(crosskey, "sync", code=ExitCode.STORAGE)["where"].startswith(str(locked))


def test_a_file_that_is_no_database_is_refused_and_left_alone(crosskey):
    crosskey.journal.parent.mkdir(mode=0o700)
    crosskey.journal.write_bytes(b"somebody's notes\n" * 300)
    crosskey.journal.chmod(0o600)
    before = crosskey.journal.read_bytes()
    for command in ("sync", "history"):
        error = told(crosskey, command, code=ExitCode.STORAGE)
        assert (error["code"], error["where"]) == ("journal-foreign", str(crosskey.journal))
    assert crosskey.journal.read_bytes() == before


def test_a_database_of_another_program_is_refused_and_left_alone(crosskey):
    crosskey.journal.parent.mkdir(mode=0o700)
    other = sqlite3.connect(crosskey.journal)
    other.execute("CREATE TABLE recipe (name TEXT)")
    other.commit()
    other.close()
    crosskey.journal.chmod(0o600)
    before = crosskey.journal.read_bytes()
    assert "another program" in told(crosskey, "sync", code=ExitCode.STORAGE)["message"]
    assert crosskey.journal.read_bytes() == before


def test_a_journal_of_a_newer_crosskey_is_refused(crosskey):
    assert crosskey("plan").code == ExitCode.OK
    journal = sqlite3.connect(crosskey.journal)
    journal.execute("PRAGMA user_version = 99")
    journal.close()
    error = told(crosskey, "sync", code=ExitCode.STORAGE)
    assert error["code"] == "journal-newer"
    assert "upgrade crosskey" in error["fix"]


def test_a_truncated_journal_is_told_with_the_way_back(crosskey):
    assert crosskey("plan").code == ExitCode.OK
    whole = crosskey.journal.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:100], b""):
        crosskey.journal.write_bytes(content)
        error = told(crosskey, "sync", code=ExitCode.STORAGE)
        assert "backup" in error["fix"]
    crosskey.journal.write_bytes(whole)
    assert crosskey("sync").code == ExitCode.OK


def test_a_journal_that_everybody_may_read_is_refused(crosskey):
    assert crosskey("plan").code == ExitCode.OK
    crosskey.journal.chmod(0o644)
    assert told(crosskey, "sync", code=ExitCode.STORAGE)["fix"] == f"chmod 600 '{crosskey.journal}'"


def test_without_a_journal_history_and_explain_name_the_first_step(crosskey):
    for words in (["history"], ["explain", "ada@acme.example"]):
        assert "crosskey plan" in told(crosskey, *words, code=ExitCode.STORAGE)["fix"]


def test_a_damaged_snapshot_is_told_and_the_next_plan_makes_a_new_one(crosskey):
    assert crosskey("plan").code == ExitCode.OK
    person = crosskey.stage.company.people[0].login
    crosskey.journal.with_name("snapshot.sqlite").write_bytes(b"not a database at all" * 50)
    assert told(crosskey, "explain", person, code=ExitCode.STORAGE)["fix"]
    assert crosskey("plan").code == ExitCode.OK
    assert crosskey("explain", person).code == ExitCode.OK


def test_a_row_of_the_snapshot_that_is_damaged_is_told_too(crosskey):
    assert crosskey("plan").code == ExitCode.OK
    person = crosskey.stage.company.people[0].login
    with closing(sqlite3.connect(crosskey.journal.with_name("snapshot.sqlite"))) as snapshot, snapshot:
        snapshot.execute("UPDATE person SET body = x'00'")
    assert "crosskey plan" in told(crosskey, "explain", person, code=ExitCode.STORAGE)["fix"]
    assert crosskey("plan").code == ExitCode.OK
    assert crosskey("explain", person).code == ExitCode.OK


# ------------------------------------------------------------------------------------------------------------- full disks


@pytest.mark.parametrize("kib", [0, 4, 40, 120, 168, 184])
def test_a_disk_that_fills_up_stops_the_run_before_a_write_is_forgotten(crosskey, kib):
    """A limit on the size of files stands for the full disk: the journal and the scratch database meet it."""
    crosskey.edit(('client_id = "', 'batch = 4\nclient_id = "'), ("[sync]", '[sync]\nsettle = "0s"'))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (kib * 1024, resource.RLIM_INFINITY))

    run = crosskey.process("sync", "--json", preexec_fn=limit)
    assert run.code == ExitCode.STORAGE, run
    error = run.error
    assert error["where"].startswith(str(crosskey.folder))
    assert error["fix"]
    # whatever was written is known to the journal: the next run does not do it again
    assert crosskey("sync").code == ExitCode.OK
    crosskey.in_step()


def test_a_plan_is_saved_whole_or_not_at_all(crosskey):
    assert crosskey("plan", "--save", "monday.plan").code == ExitCode.OK
    before = (crosskey.folder / "monday.plan").read_bytes()

    (crosskey.folder / ".monday.plan.new").mkdir()  # stands in the way of the new one
    assert told(crosskey, "plan", "--save", "monday.plan", code=ExitCode.CONFIG)["where"] == "monday.plan"
    assert (crosskey.folder / "monday.plan").read_bytes() == before


def test_a_plan_is_never_saved_over_a_device(crosskey):
    device = crosskey.folder / "pipe"
    os.mkfifo(device)
    assert told(crosskey, "plan", "--save", "pipe", code=ExitCode.CONFIG)["where"] == "pipe"
    assert device.is_fifo()


# ------------------------------------------------------------------------------------------------------------- two at once


def test_the_second_of_two_syncs_is_told_who_holds_the_journal(crosskey):
    desk = crosskey.stage.desk
    desk.quirks = msgspec.structs.replace(desk.quirks, latency_ms=150.0)
    with crosskey.start("sync", "--json") as first:
        wait_until(lambda: len(desk.requests) > 1, first)
        second = crosskey("sync", "--json")
        history = crosskey("history")
        result = ended(first)
    assert second.code == ExitCode.LOCKED
    assert f"process {first.pid}" in second.error["message"]
    assert f"kill {first.pid}" in second.error["fix"]
    assert history.code == ExitCode.OK, "looking is allowed meanwhile"
    assert result.code == ExitCode.OK
    crosskey.in_step()


def test_a_copied_folder_is_another_journal(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    copy = Path(shutil.copytree(crosskey.folder, crosskey.folder.with_name("copy")))
    moved = crosskey("plan", "--json", "--config", str(copy / "crosskey.toml"))
    assert (moved.code, moved.json["changes"]) == (ExitCode.OK, [])
