"""A wall clock that jumps (T7): who writes, in what order things were, and what is due never go wrong by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from journal_samples import SETTLE, applied, create, start, writing
from test_journal_locking import hold_elsewhere

from crosskey.errors import LockedError
from fake_clock import FakeClock

JUMPS = {
    "hour-ahead": timedelta(hours=1),
    "hour-behind": timedelta(hours=-1),
    "forty-days-ahead": timedelta(days=40),
    "1970": datetime(1970, 1, 1, tzinfo=UTC) - datetime(2026, 1, 5, 9, tzinfo=UTC),
    "ntp-step": timedelta(seconds=-3),
    "leap-second": timedelta(seconds=-1),
}


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_run_goes_on_and_stays_the_newest_whatever_the_clock_does(path, clock, jump):
    with writing(path, clock) as journal:
        first = start(journal)
        journal.end_run(first, "clean", {})
        second = start(journal)
        journal.intend(second, [create(1)], settle=SETTLE)
        clock.start += jump
        journal.record(second, [create(1)], [applied(create(1), "50")])
        journal.record_snapshot(second, side="source", stream="people", complete=True, pages=1, records=7)
        journal.end_run(second, "clean", {})
        third = start(journal)
        assert [run.id for run in journal.runs()] == [third, second, first]
        assert journal.last_complete("source", "people").records == 7
        assert journal.unresolved() == []
        assert journal.verify().ok


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_no_jump_lets_two_write(path, clock, jump):
    """Another machine, whose clock is wrong, takes over or waits: the first writes nothing more once it was replaced."""
    with writing(path, clock) as journal:
        run = start(journal)
        journal.intend(run, [create(1)], settle=SETTLE)
        epoch = journal.epoch
        hold_elsewhere(path, clock, host="worker-1", boot="elsewhere")  # where the first one runs, as others see it
        path.with_name(path.name + ".lock").unlink()  # nor do they see its file lock
        theirs = FakeClock(clock.now() + jump)
        if jump <= timedelta(minutes=15):
            with pytest.raises(LockedError, match="process 4711 on worker-1"):
                writing(path, theirs)
            journal.record(run, [create(1)], [applied(create(1), "50")])
            return
        with writing(path, theirs) as other:
            assert other.epoch == epoch + 1
            with pytest.raises(LockedError) as caught:
                journal.record(run, [create(1)], [applied(create(1), "50")])
            assert caught.value.code == "fenced"
            assert [one.state for one in other.unresolved()] == ["intent"], "it is found out by looking"
