"""One writer: crashes, races, and a writer that slept through its own replacement."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from journal_samples import CONNECTION, SETTLE, applied, create, start, subject, writing

from crosskey.errors import CrosskeyError, LockedError
from crosskey.journal import Journal
from crosskey.journal.holder import this_process

HERE = Path(__file__).parent


class Victim:
    """Another process that holds the journal at ``path``; ``run`` is the run it started."""

    def __init__(self, path: Path, what: str) -> None:
        places = os.pathsep.join([str(HERE), str(HERE.parent), *filter(None, sys.path)])
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "journal_victim.py"), str(path), what],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": places},
        )
        self.run = self.process.stdout.readline().strip()
        assert self.run

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def victim(path):
    held = []

    def begin(what: str) -> Victim:
        held.append(Victim(path, what))
        return held[-1]

    yield begin
    for one in held:
        if one.process.returncode is None:
            one.kill()


def test_a_kill_between_intent_and_outcome_leaves_both_to_be_found(path, clock, victim):
    killed = victim("intend")
    killed.kill()
    with writing(path, clock) as journal:
        assert [(one.change, one.state, one.run) for one in journal.unresolved()] == [
            (create(1), "intent", killed.run),
            (create(2), "intent", killed.run),
        ]
        assert journal.run(killed.run).verdict == "crashed"
        assert journal.epoch == 2
        assert [event.facts["replaced_pid"] for event in journal.events() if event.kind == "lease.taken"] == [
            None,
            killed.process.pid,
        ]
        journal.resolve(journal.unresolved()[0].id, "present", run=start(journal), key="50")
        assert journal.links_by_key("user", ["50"])["50"].run == killed.run


def test_a_kill_before_the_next_intent_leaves_what_was_answered_to_be_looked_for(path, clock, victim):
    victim("answered").kill()
    with writing(path, clock) as journal:
        assert [(one.change.id, one.state) for one in journal.unresolved()] == [
            ("user:1", "intent"),
            ("user:2", "intent"),
        ]
        assert journal.verify().first_bad is None


def test_a_transaction_that_was_killed_half_way_never_happened(path, clock, victim):
    victim("half").kill()
    hot = [path.with_name(path.name + suffix) for suffix in ("-journal", "-wal")]
    assert any(one.exists() and one.stat().st_size > 0 for one in hot)
    with Journal.open(path, clock=clock) as reader:
        assert [run.note for run in reader.runs()] == [""]
        assert [one.change.id for one in reader.unresolved()] == ["user:1"]
        assert reader.leaving("user", [subject(1)]) == {}
        assert reader.verify().ok


def test_a_second_writer_learns_who_holds_the_journal(path, clock, victim):
    holder = victim("intend")
    with pytest.raises(LockedError) as caught:
        writing(path, clock)
    message = str(caught.value)
    assert f"process {holder.process.pid} on " in message
    assert CONNECTION in message
    assert "since 2026-01-05 09:00:00 UTC" in message
    assert f"kill {holder.process.pid}" in caught.value.fix
    with Journal.open(path, clock=clock) as reader:
        assert reader.run(holder.run).verdict is None
    holder.kill()
    writing(path, clock).close()


def test_two_writers_of_one_process_are_kept_apart_whatever_they_call_the_file(path, clock, journal):
    link = path.with_name("alias.sqlite")
    link.symlink_to(path)
    for name in (path, link, path.parent / ".." / path.parent.name / path.name):
        with pytest.raises(LockedError, match=f"process {os.getpid()} "):
            writing(name, clock)
    start(journal)


def test_of_many_racing_starts_one_wins(path, clock):
    gate, wins, losses = threading.Barrier(12), [], []
    done = threading.Barrier(12)

    def race() -> None:
        gate.wait()
        try:
            with writing(path, clock) as journal:
                wins.append(start(journal))
                done.wait()
        except LockedError as error:
            losses.append(error)
            done.wait()

    racers = [threading.Thread(target=race) for _ in range(12)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(timeout=60)
    assert (len(wins), len(losses)) == (1, 11)


def take_over(path: Path) -> None:
    """What another machine does that found the lease run out."""
    with sqlite3.connect(path) as other:
        other.execute(
            "UPDATE connection SET epoch = epoch + 1, host = 'worker-2', boot = 'b2', pid = 4711, started = '1',"
            " acquired_at = '2026-01-05T10:00:00.000000+00:00'"
        )
    other.close()


def test_a_writer_that_was_replaced_writes_nothing_more(path, clock):
    with writing(path, clock) as journal:
        run = start(journal)
        journal.intend(run, [create(1)], settle=SETTLE)
        take_over(path)
        attempts = [
            lambda: journal.intend(run, [create(2)], settle=SETTLE),
            lambda: journal.record(run, [create(1)], [applied(create(1), "50")]),
            lambda: journal.resolve("1", "absent", run=run),
            lambda: journal.end_run(run, "clean", {}),
            lambda: journal.event(run, "plan.made", {}),
            lambda: journal.mark_leaving("user", [subject(1)]),
            lambda: journal.unlink("user", subject(1), run=run, reason=""),
            lambda: journal.record_snapshot(run, side="s", stream="t", complete=True, pages=1, records=1),
            lambda: start(journal),
        ]
        for attempt in attempts:
            with pytest.raises(LockedError, match="process 4711 on worker-2") as caught:
                attempt()
            assert caught.value.code == "fenced"
            assert caught.value.where == str(path)
            assert caught.value.fix == "let that run end, then run again: it settles what this one left open"
        assert [one.state for one in journal.operations()] == ["intent"]
    with sqlite3.connect(path) as look:
        # Leaving, the replaced writer did not give the other's lease away.
        assert look.execute("SELECT host, epoch FROM connection").fetchone() == ("worker-2", 2)
    look.close()


def test_a_writer_whose_successor_is_gone_again_writes_nothing_more_either(path, clock):
    with writing(path, clock) as journal:
        run = start(journal)
        take_over(path)
        with sqlite3.connect(path) as other:
            other.execute("UPDATE connection SET host = NULL, boot = NULL, pid = NULL, started = NULL")
        other.close()
        with pytest.raises(LockedError) as caught:
            journal.end_run(run, "clean", {})
    assert "another run took the journal over while this one was silent; this run writes nothing more" in str(
        caught.value
    )


def hold_elsewhere(path: Path, clock, *, host: str, boot: str, pid: int = 4711, started: str = "1") -> None:
    with sqlite3.connect(path) as other:
        other.execute(
            "UPDATE connection SET host = ?, boot = ?, pid = ?, started = ?, acquired_at = ?, expires_at = ?",
            (
                host,
                boot,
                pid,
                started,
                clock.now().isoformat(timespec="microseconds"),
                (clock.now() + timedelta(minutes=15)).isoformat(timespec="microseconds"),
            ),
        )
    other.close()


def test_a_holder_on_another_machine_is_waited_for_until_its_lease_ends(path, clock):
    writing(path, clock).close()
    hold_elsewhere(path, clock, host="worker-2", boot="elsewhere")
    with pytest.raises(LockedError, match="process 4711 on worker-2") as caught:
        writing(path, clock)
    assert f"({CONNECTION}), since 2026-01-05 09:00:00 UTC" in str(caught.value)
    assert "2026-01-05 09:15:00 UTC" in caught.value.fix
    assert caught.value.where == str(path)
    clock.advance(15 * 60 - 1)
    with pytest.raises(LockedError):
        writing(path, clock)
    clock.advance(1)
    with writing(path, clock) as journal:
        assert journal.epoch == 2


def test_after_a_reboot_nobody_waits(path, clock):
    writing(path, clock).close()
    hold_elsewhere(path, clock, host=socket.gethostname(), boot="the boot before")
    writing(path, clock).close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="process start times come from /proc")
def test_a_live_holder_whose_lock_file_was_removed_still_holds(path, clock, victim):
    holder = victim("intend")
    path.with_name(path.name + ".lock").unlink()
    with pytest.raises(LockedError, match=f"process {holder.process.pid} "):
        writing(path, clock)
    holder.process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, holder.process.pid, os.WEXITED | os.WNOWAIT)
    # Dead, though its parent has not asked for its exit status yet and its number is still in the process table.
    writing(path, clock).close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="process start times come from /proc")
def test_a_process_id_that_is_used_again_is_nobody(path, clock, victim):
    holder = victim("intend")
    path.with_name(path.name + ".lock").unlink()
    with sqlite3.connect(path) as other:
        # The holder's number now belongs to a process that was started at another time.
        other.execute("UPDATE connection SET started = ?", (this_process(CONNECTION, clock.now()).started,))
    other.close()
    with writing(path, clock) as journal:
        assert journal.run(holder.run).verdict == "crashed"


def test_nobody_can_take_over_in_the_middle_of_a_transaction(path, journal):
    other = sqlite3.connect(path, isolation_level=None, timeout=0)
    with journal._database.transaction(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("UPDATE connection SET epoch = epoch + 1")
    other.close()


def test_a_working_writer_renews_its_lease_once_half_of_it_is_gone(path, clock):
    def ends() -> str:
        with sqlite3.connect(path) as look:
            (expires,) = look.execute("SELECT expires_at FROM connection").fetchone()
        look.close()
        return expires

    with writing(path, clock) as journal:
        run = start(journal)
        for minutes, renews in ((7, False), (1, True), (7, False), (1, True)):
            clock.advance(minutes * 60)
            before = ends()
            journal.event(run, "batch.applied", {"count": 1})
            fresh = (clock.now() + timedelta(minutes=15)).isoformat(timespec="microseconds")
            assert ends() == (fresh if renews else before)


def test_a_writer_that_raised_gives_the_journal_back(path, clock):
    with pytest.raises(ZeroDivisionError), writing(path, clock):
        raise ZeroDivisionError
    with writing(path, clock) as journal:
        taken = [event.facts["replaced_pid"] for event in journal.events() if event.kind == "lease.taken"]
        assert taken == [None, None]


def test_a_refused_opening_leaves_no_lock_behind(path, clock):
    path.parent.mkdir()
    path.write_bytes(b"not a database at all, but long enough to look at")
    path.chmod(0o600)
    with pytest.raises(CrosskeyError):
        writing(path, clock)
    path.unlink()
    writing(path, clock).close()
