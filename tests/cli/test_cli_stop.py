"""``crosskey stop`` and ``crosskey go``: the switch that a person reaches in any state of things."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

from crosskey.errors import ExitCode


def test_nothing_is_written_until_go(crosskey):
    assert crosskey("stop", "--because", "the desk is being moved").code == 0
    assert crosskey.journal.with_name("journal.sqlite.stop").stat().st_mode & 0o777 == 0o600
    assert crosskey("plan").code in (ExitCode.OK, ExitCode.HELD), "plans are still made"
    run = crosskey("sync", "--json")
    assert (run.code, crosskey.writes) == (ExitCode.HELD, 0)
    assert run.json["plan"]["held_counts"]["stopped"] == 1
    status = crosskey("status")
    assert status.code in (ExitCode.HELD, ExitCode.OVERDUE)
    assert "the desk is being moved" in status.out
    assert "crosskey go" in status.out
    assert crosskey("go").out == "writes go on\n"
    assert crosskey("sync").code in (ExitCode.OK, ExitCode.HELD)
    assert crosskey.writes > 0
    assert crosskey("go").out == "nothing was stopped\n"


def test_both_are_in_the_chain_of_events(crosskey):
    crosskey("sync")
    crosskey("stop", "--because", "lunch")
    crosskey("go")
    with closing(sqlite3.connect(crosskey.journal)) as journal:
        rows = journal.execute("SELECT kind, facts FROM event ORDER BY seq DESC LIMIT 2").fetchall()
    assert [(kind, json.loads(facts)) for kind, facts in reversed(rows)] == [
        ("writes.stopped", {"because": "lunch"}),
        ("writes.resumed", {}),
    ]


def test_the_environment_keeps_it_stopped(crosskey):
    crosskey("stop", "--because", "lunch")
    run = crosskey("go", CROSSKEY_STOP="1")
    assert run.code == ExitCode.HELD
    assert "unset CROSSKEY_STOP" in run.err


def test_a_reason_must_be_given(crosskey):
    assert crosskey("stop").code == ExitCode.CONFIG
    assert not crosskey.journal.with_name("journal.sqlite.stop").exists()
