"""One round each: a writer that is paused or killed in the middle of its work, its successor, and twenty at once.

Nothing waits for time to pass. The desk holds one request, so the moment is known; that the first writer sits on
another machine, whose file lock nobody here sees, and that its lease ran out is written into the journal; the last run
is of a machine whose clock is a little ahead, so that for it the settle window is over.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from datetime import timedelta
from pathlib import Path

import msgspec

from crosskey.errors import ExitCode
from proofs.crash.command import Ended
from proofs.crash.oracle import after_recovery
from proofs.crash.sweep import Bench
from proofs.crash.vendors import Served, served

__all__ = ("STARTS", "Paused", "paused", "raced")

STARTS = 20
_LATER = timedelta(seconds=150)
"""Longer than the settle window of the bench (two minutes), shorter than what a clock may be wrong by (five)."""
_LONG_AGO = "2026-01-05T09:00:00.000000+00:00"


class Paused(msgspec.Struct, frozen=True):
    """Where the first writer stops.

    ``post``: the request to write that is held. ``after``: the desk has done it by then. ``killed``: it never wakes up.
    ``moment``: the request is let go, and so many seconds later the writer stops, wherever it is.
    """

    post: int
    after: bool = False
    killed: bool = False
    moment: float | None = None


def paused(bench: Bench, case: Paused) -> list[str]:
    """A writer stops in the middle of its work, its lease runs out, another takes over, and it wakes up."""
    with served(bench.vendors, bench.ports) as desk:
        bench.reset()
        desk.hold(case.post, after=case.after)
        first = bench.start("sync", name="-first")
        desk.held()
        if case.moment is not None:
            desk.open()
            time.sleep(case.moment)
        first.send(signal.SIGKILL if case.killed else signal.SIGSTOP)
        while not _moved_elsewhere(bench.journal):  # in the middle of a transaction nobody can take over
            first.send(signal.SIGCONT)
            time.sleep(0.001)
            first.send(signal.SIGSTOP)
        second = bench.run("sync")
        woken = time.time()
        desk.open()
        if not case.killed:
            first.send(signal.SIGCONT)
        wrong = _judge_first(first.ended(), case, [at for at in desk.facts().posts if at > woken])
        if second.code not in (ExitCode.OK, ExitCode.HELD):
            wrong.append(f"the successor ended with exit {second.code}: {second.err[-300:]}")
        return wrong + _judge_end(bench, desk)


def raced(bench: Bench) -> list[str]:
    """Twenty start at once: one writes, the others are told who does."""
    with served(bench.vendors, bench.ports) as desk:
        bench.reset()
        desk.hold(1, after=False)
        started = [bench.start("sync", name=f"-{number}") for number in range(STARTS)]
        desk.held()  # somebody writes: everybody else is refused until that one may go on
        winner = json.loads(bench.journal.with_name("journal.sqlite.lock").read_text("utf-8"))["pid"]
        losers = [one.ended() for one in started if one.pid != winner]
        desk.open()
        (won,) = (one.ended() for one in started if one.pid == winner)
        wrong = [] if won.code == ExitCode.OK else [f"the one that won ended with exit {won.code}: {won.err[-300:]}"]
        wrong += [
            f"one that lost ended with exit {one.code}: {one.err[-300:]}"
            for one in losers
            if one.code != ExitCode.LOCKED or f"process {winner} on " not in one.err
        ]
        return wrong + _judge_end(bench, desk)


def _judge_first(first: Ended, case: Paused, late: list[float]) -> list[str]:
    """It is fenced: at most the request that it was sending when it was stopped comes, and it says who took over."""
    if case.killed:
        return [f"it sent {len(late)} requests after it was killed"] if late else []
    if case.moment is not None and first.code == ExitCode.OK:
        return ["it ended well, yet sent something afterwards"] if late else []  # it was through before it was stopped
    wrong: list[str] = []
    if first.code != ExitCode.LOCKED or "over while this one was silent" not in first.err:
        wrong.append(f"the one that slept ended with exit {first.code}: {first.err[-300:]}")
    if len(late) > (case.moment is not None):
        wrong.append(f"the one that slept sent {len(late)} more requests")
    return wrong


def _judge_end(bench: Bench, desk: Served) -> list[str]:
    recovery = bench.run("sync", ahead=_LATER)
    facts = desk.facts()
    return after_recovery(recovery, bench.run("plan", "--json", ahead=_LATER), facts, bench.journal, bench.expected)


def _moved_elsewhere(journal: Path) -> bool:
    """The holder sits on another machine and has been silent for longer than its lease; ``False`` while it commits."""
    sql = "UPDATE connection SET host = 'worker-1', boot = 'another machine', expires_at = ? WHERE host IS NOT NULL"
    if not _wrote(journal, sql):
        return False
    journal.with_name("journal.sqlite.lock").unlink(missing_ok=True)
    return True


def _wrote(journal: Path, sql: str) -> bool:
    """Write a moment of long ago into the journal; ``False`` where somebody is in the middle of a transaction."""
    file = sqlite3.connect(journal, timeout=0)
    try:
        with file:
            file.execute(sql, (_LONG_AGO,))
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    finally:
        file.close()
    return True
