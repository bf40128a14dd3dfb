"""Evidence and fitness, as commands tell them: to people, to programs, and by exit code."""

from __future__ import annotations

import base64
import sqlite3
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from crosskey.errors import ExitCode
from crosskey.journal import JournalWriter
from fake_clock import FakeClock


def altered(crosskey, statement: str) -> None:
    other = sqlite3.connect(crosskey.journal)
    other.execute("DROP TRIGGER event_stays")
    other.execute(statement)
    other.commit()
    other.close()


def test_an_untouched_journal_is_proved(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    run = crosskey("audit", "verify")
    assert run.code == ExitCode.OK
    assert "is what was written" in run.out
    told = crosskey("audit", "verify", "--json").json
    assert (told["ok"], told["first_bad"]) == (True, None)
    assert told["operations"] == crosskey.writes


def test_the_first_bad_event_and_what_stays_are_said(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    altered(crosskey, "UPDATE event SET facts = '{}' WHERE seq = 4")
    run = crosskey("audit", "verify", "--json")
    assert (run.code, run.json["first_bad"]) == (ExitCode.ALTERED, 4)
    text = crosskey("audit", "verify").out
    assert "from event 4 on" in text
    assert "events 1 to 3" in text
    assert crosskey("doctor", "--json").code == ExitCode.ALTERED


def test_an_older_copy_is_found_against_heads_kept_elsewhere(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    older = crosskey.journal.read_bytes()
    assert crosskey("sync").code == ExitCode.OK
    assert crosskey("audit", "export", "--out", "heads.jsonl").code == ExitCode.OK
    assert crosskey("audit", "verify", "--against", "heads.jsonl").code == ExitCode.OK
    crosskey.journal.write_bytes(older)
    crosskey.journal.with_name("journal.sqlite.head").unlink()
    assert crosskey("audit", "verify").code == ExitCode.OK, "by itself nothing is wrong with it"
    run = crosskey("audit", "verify", "--against", "heads.jsonl")
    assert run.code == ExitCode.ALTERED
    assert "older copy" in run.out


def test_heads_are_printed_a_line_each(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    (line,) = crosskey("audit", "export").out.splitlines()
    assert '"lineage"' in line


def test_segments_are_signed_with_the_key_that_the_configuration_refers_to(crosskey):
    key = Ed25519PrivateKey.generate()
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    file = crosskey.folder / "journal-key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    crosskey.add('[journal]\nsign_with = { file = "journal-key.pem" }')
    assert crosskey("plan").code == ExitCode.OK
    unsigned = crosskey("audit", "verify", "--signed-by", public)
    assert (unsigned.code, "no segment is signed" in unsigned.out) == (ExitCode.ALTERED, True)
    a_day_ago(crosskey)
    assert crosskey("sync").code == ExitCode.OK
    signed = crosskey("audit", "verify", "--signed-by", public)
    assert (signed.code, f"signed by {public}" in signed.out) == (ExitCode.OK, True)
    assert crosskey("audit", "verify", "--signed-by", "somebody").code == ExitCode.ALTERED
    assert f'"key":"{public}"' in crosskey("audit", "export").out


def a_day_ago(crosskey) -> None:
    """A journal that was begun two days ago: with a clock of its own, so that everything in it fits."""
    clock = FakeClock()
    clock.advance((datetime.now(UTC) - clock.now()).total_seconds() - 2 * 86_400)
    for one in crosskey.journal.parent.iterdir():
        one.unlink()
    with JournalWriter.open(crosskey.journal, clock=clock, connection="desk") as journal:
        run = journal.start_run("plan", trigger="command", config_digest="sha-1", config_text="[sync]", plugins={})
        journal.end_run(run, "clean", {})


def test_a_key_that_is_none_stops_the_run_before_it_begins(crosskey):
    (crosskey.folder / "journal-key.pem").write_text("no key")
    (crosskey.folder / "journal-key.pem").chmod(0o600)
    crosskey.add('[journal]\nsign_with = { file = "journal-key.pem" }')
    run = crosskey("sync", "--json")
    assert (run.code, run.error["code"]) == (ExitCode.CONFIG, "signing-key")
    assert crosskey.writes == 0


@pytest.mark.parametrize(
    ("line", "where"),
    [('keep = "30d"', "journal.keep"), ('keep = "100d"\nkeep_plans = "101d"', "journal.keep_plans")],
)
def test_what_is_kept_too_short_or_too_long_is_refused(crosskey, line, where):
    crosskey.add(f"[journal]\n{line}")
    run = crosskey("plan", "--json")
    assert run.code == ExitCode.CONFIG
    assert run.error["problems"][0]["path"] == where


def test_doctor_says_that_all_is_fit_and_works_before_there_is_a_journal(crosskey):
    first = crosskey("doctor")
    assert first.code == ExitCode.OK, first
    assert "there is no journal yet" in first.out
    assert crosskey("sync").code == ExitCode.OK
    run = crosskey("doctor")
    assert run.code == ExitCode.OK, run
    for word in ("SQLite", "MiB free", "schema", "events 1 to", "nobody watches", "fit to go on from"):
        assert word in run.out, word


def test_doctor_tells_a_backup_that_was_put_back(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    older = crosskey.journal.read_bytes()
    assert crosskey("sync").code == ExitCode.OK
    crosskey.journal.write_bytes(older)
    assert crosskey("doctor").code == ExitCode.ALTERED
    assert crosskey("plan").code == ExitCode.OK
    run = crosskey("doctor")
    assert run.code == ExitCode.HELD
    assert "came from a backup" in run.out
    assert crosskey("sync").code == ExitCode.OK
    assert crosskey("doctor").code == ExitCode.OK
