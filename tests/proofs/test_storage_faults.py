"""T5: whatever is done to the journal's file or disk, a run says it with its code and writes nothing it cannot record."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
from pathlib import Path

import msgspec
import pytest
from cli_bench import Shell, ended, small_company, wait_until
from proofs.storage import FAULTS, Company, Unable, suffer, table

from crosskey.errors import ExitCode
from crosskey.journal import files
from crosskey.plan import Change
from crosskey_sandbox.stage import on_stage

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    with on_stage(people=30, groups=40) as stage:
        made = Company(tmp_path_factory.mktemp("company"), stage)
        yield made
        made.mend()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_has_its_exit_code_and_nothing_is_written_after_it(company, fault):
    try:
        came = suffer(company, fault)
    except Unable as unable:
        pytest.skip(f"nobody may mount a disk here: {unable}")
    assert (came.exit_code, came.written) == (fault.exit_code, 0)
    assert fault.code in came.codes
    code, out = company.types("doctor", "--json")
    assert code in (fault.exit_code, ExitCode.ALTERED), out
    assert msgspec.json.decode(out)["findings"]


def test_the_page_about_proof_has_the_same_table():
    assert table() in (ROOT / "docs" / "proof.md").read_text(encoding="utf-8")


# -------------------------------------------------------------------------------------- a disk that fills up half-way


@pytest.fixture
def crosskey(tmp_path):
    with small_company() as stage:
        yield Shell(tmp_path, stage)


def every_write_was_intended(crosskey: Shell) -> None:
    """No request to write went out whose intent is not on the disk, so none can have come after the disk failed."""
    look = sqlite3.connect(crosskey.journal)
    try:
        changes = [
            msgspec.json.decode(text, type=Change)
            for (text,) in look.execute("SELECT change FROM operation WHERE run = (SELECT max(id) FROM run)")
        ]
        batches = look.execute("SELECT count(*) FROM event WHERE kind = 'batch.intended'").fetchone()[0]
    except sqlite3.OperationalError:
        changes, batches = [], 0  # the disk was full before there was any table
    finally:
        look.close()
    marks = {f"{change.kind} {change.marker}" for change in changes}
    assert set(crosskey.marks()) <= marks
    posts = [each for each in crosskey.stage.desk.requests if each.method == "POST" and each.path.startswith("/api/")]
    assert len(posts) <= batches


def small_batches(crosskey: Shell) -> None:
    crosskey.edit(('client_id = "', 'batch = 4\nclient_id = "'), ("[sync]", '[sync]\nsettle = "0s"'))


@pytest.mark.parametrize("kib", [150, 190, 210, 230])
def test_a_real_disk_that_fills_up(crosskey, kib):
    small_batches(crosskey)
    folder = crosskey.folder / ".crosskey"
    folder.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k,mode=0700", "crosskey-proof", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nobody may mount a disk here")
    try:
        run = crosskey.process("sync", "--json")
        assert run.code == ExitCode.STORAGE, run
        assert run.error["fix"]
        if crosskey.journal.exists():
            every_write_was_intended(crosskey)
        kept = crosskey.folder / "kept"
        shutil.copytree(folder, kept)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    again = crosskey("sync", "--json")
    assert again.code == ExitCode.OK, again
    crosskey.in_step()


@pytest.mark.parametrize("kib", [150, 190])
def test_a_limit_on_the_size_of_files(crosskey, kib):
    small_batches(crosskey)
    run = crosskey.process(
        "sync",
        "--json",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (kib * 1024, resource.RLIM_INFINITY)),
    )
    assert run.code == ExitCode.STORAGE, run
    if crosskey.journal.exists():
        every_write_was_intended(crosskey)
    assert crosskey("sync").code == ExitCode.OK
    crosskey.in_step()


# ------------------------------------------------------------------------------------------------------------- others


def test_a_network_file_system_is_refused_before_anything_is_made(crosskey, monkeypatch):
    mounts = crosskey.folder / "mounts"
    mounts.write_text(f"filer:/home {crosskey.folder.resolve()} nfs4 rw 0 0\n", encoding="utf-8")
    monkeypatch.setattr(files, "_MOUNTS", mounts)
    run = crosskey("sync", "--json")
    assert (run.code, run.error["code"]) == (ExitCode.STORAGE, "journal-network")
    assert (crosskey.writes, crosskey.journal.exists()) == (0, False)


def test_a_second_writer_is_refused_and_doctor_names_the_first(crosskey):
    desk = crosskey.stage.desk
    desk.quirks = msgspec.structs.replace(desk.quirks, latency_ms=150.0)
    with crosskey.start("sync", "--json") as first:
        wait_until(lambda: len(desk.requests) > 1, first)
        second = crosskey("sync", "--json")
        doctor = crosskey("doctor", "--json")
        assert ended(first).code == ExitCode.OK
    assert (second.code, second.error["code"]) == (ExitCode.LOCKED, "locked")
    (held,) = [each for each in doctor.json["findings"]["journal"] if each["code"] == "journal-held"]
    assert f"process {first.pid}" in held["summary"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_journal_of_another_user_is_told(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    os.chown(crosskey.journal, 65_534, 65_534)
    doctor = crosskey("doctor", "--json")
    assert [each["code"] for each in doctor.json["findings"]["journal"] if each["severity"] == "warning"] == [
        "journal-owner"
    ]
