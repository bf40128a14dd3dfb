"""A simulated day and more: the rhythm of rounds, and that nothing a run raises ends it."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from datetime import timedelta
from itertools import pairwise

import pytest
from virtual_time import START, in_virtual_time
from watch_bench import Bench, Result

from crosskey.errors import AuthError, ContractError, LockedError, RetryableError, StorageError
from crosskey.model import Subject
from crosskey.plan import Held


def test_a_day_of_rounds_reads_changes_often_and_everything_once(bench):
    assert in_virtual_time(bench.watch(24)) == 0
    reaches = bench.reaches()
    assert reaches[0] == "everything"
    assert reaches.count("everything") in (1, 2), "daily"
    assert len(reaches) == pytest.approx(24 * 12, rel=0.03)
    gaps = [later - earlier for earlier, later in pairwise(bench.minutes())]
    assert all(4.4 < gap < 5.6 for gap in gaps)
    assert len({round(gap, 3) for gap in gaps}) > 100, "jitter spreads them"
    assert all(options.changes == (options.trigger == "watch:changes") for _, options in bench.began)
    assert bench.told.notices == []


def test_a_long_round_leaves_out_those_it_ran_over(bench):
    async def long(options, number):
        await bench.clock.sleep(12 * 60)

    bench.script = long
    in_virtual_time(bench.watch(2))
    gaps = [later - earlier for earlier, later in pairwise(bench.minutes())]
    assert all(14 < gap < 16 for gap in gaps), gaps


RAISED = [
    RetryableError("the desk is away", code="desk-away"),
    ContractError("HTML for JSON", code="bad-body"),
    StorageError("the disk is full", code="journal-full"),
    ValueError("ann@acme.example is not what anybody expected"),
    RecursionError("deep"),
    MemoryError(),
    SystemExit(3),
    KeyError("x"),
    TimeoutError(),
    ExceptionGroup("several", [ValueError("one")]),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_it_survives_whatever_a_run_raises(bench, error):
    bench.script = lambda options, number: error if number == 2 else None
    in_virtual_time(bench.watch(1))
    assert len(bench.began) >= 10
    assert bench.status().trouble is None
    assert bench.told.notices == []
    assert not [line for line in bench.lines if "acme.example" in line]


def test_memory_stays_flat_over_hours(memory_folder):
    bench = Bench(memory_folder)
    held = [("mapping-problem", "person")]
    bench.script = lambda options, number: RetryableError("away") if number % 7 == 0 else Result(held=held)

    def signals() -> None:
        bench.watcher.wake(Subject("https://acme.example", f"{number}") for number in range(20))

    async def hours() -> list[int]:
        sizes: list[int] = []

        def measure() -> None:
            bench.began.clear()
            bench.lines.clear()
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])

        loop = asyncio.get_running_loop()
        for hour in range(1, 12):
            loop.call_later(hour * 3600 + 7, signals)
        for hour in (3, 7, 11):
            loop.call_later(hour * 3600 + 60, measure)
        await bench.watch(11.1)
        return sizes

    tracemalloc.start()
    try:
        early, noon, late = in_virtual_time(hours())
    finally:
        tracemalloc.stop()
    grew = min(noon - early, late - noon)  # a cache of some library fills once, what is kept of a round grows twice
    assert grew < 48 * 512, f"{grew} bytes in 48 rounds; keeping anything of a round takes more"


def test_a_working_day_with_every_fault_in_turn_loses_no_round(bench):
    def script(options, number):
        return RAISED[number % 20] if number % 20 < len(RAISED) and number % 2 else None

    bench.script = script
    in_virtual_time(bench.watch(8))
    assert len(bench.began) == pytest.approx(8 * 12, rel=0.03)
    assert bench.status().trouble is None or bench.status().trouble.failures == 1


def test_a_journal_that_another_run_holds_is_waited_for(bench):
    bench.script = lambda options, number: LockedError("process 4711 holds it") if 2 <= number <= 6 else None
    in_virtual_time(bench.watch(0.5))
    minutes = bench.minutes()
    waits = [later - earlier for earlier, later in pairwise(minutes[1:7])]
    assert all(0.2 < wait < 0.6 for wait in waits), waits
    assert bench.told.notices == []
    assert bench.watcher.counts["round", "locked"] == 5


def test_a_lock_that_lasts_is_told_and_over_when_it_is_over(bench):
    bench.script = lambda options, number: (
        LockedError("process 4711")
        if START + timedelta(minutes=4) < bench.clock.now() < START + timedelta(minutes=40)
        else None
    )
    in_virtual_time(bench.watch(1))
    assert bench.told.subjects() == ["error no round succeeds", "resolved no round succeeds"]
    first, over = bench.told.notices
    assert "waiting for another run to end" in first.text
    assert timedelta(minutes=10) < first.at - START < timedelta(minutes=18)
    assert over.at - START < timedelta(minutes=43)


def test_a_run_that_hangs_is_told_and_ended_within_an_hour(bench):
    async def hang() -> None:
        await asyncio.Event().wait()

    bench.script = lambda options, number: hang() if number == 2 else None
    in_virtual_time(bench.watch(2))
    assert bench.told.subjects() == ["error no round succeeds", "resolved no round succeeds"]
    assert "a round, reading people and accounts" in bench.told.notices[0].text
    assert 60 < bench.minutes()[2] - bench.minutes()[1] < 75
    assert bench.watcher.counts["round", "failed"] == 1


def test_refused_credentials_quarantine_at_once_and_everything_is_read_on_the_way_out(bench):
    bench.script = lambda options, number: (
        AuthError("source.corp: 401", code="token", where="source.corp", fix="renew the token")
        if 2 <= number <= 5
        else None
    )
    in_virtual_time(bench.watch(6))
    minutes = bench.minutes()
    pauses = [minutes[index + 1] - minutes[index] for index in range(1, 5)]
    for pause, step in zip(pauses, (15, 30, 60, 120), strict=True):
        assert step * 0.8 <= pause <= step * 1.2 + 1, pauses
    assert bench.reaches()[2:7] == ["everything"] * 4 + ["changes"]
    assert bench.told.subjects() == ["error quarantined: token", "resolved quarantined: token"]
    assert "crosskey watch --clear" in bench.told.notices[0].fix
    assert bench.status().exit_code == 0


def test_another_reason_is_told_anew_and_a_repeated_one_is_not(bench):
    errors = [AuthError("x", code="token")] * 2 + [AuthError("x", code="scope")] * 2
    bench.script = lambda options, number: errors[number - 2] if 2 <= number <= 5 else None
    in_virtual_time(bench.watch(6))
    assert bench.told.subjects() == [
        "error quarantined: token",
        "error quarantined: scope",
        "resolved quarantined: scope",
    ]


def test_transient_failures_are_quarantined_only_when_they_repeat(bench):
    bench.script = lambda options, number: RetryableError("away", code="away") if 2 <= number <= 6 else None
    in_virtual_time(bench.watch(3))
    minutes = bench.minutes()
    gaps = [later - earlier for earlier, later in pairwise(minutes)]
    assert all(gap < 6 for gap in gaps[:4]), "three are tried again at their time"
    assert 12 <= gaps[4] <= 19 and 24 <= gaps[5] <= 37  # noqa: PT018 - one ladder
    assert "resolved quarantined: away" in bench.told.subjects()


def test_a_wait_that_the_vendor_named_is_kept(bench):
    bench.script = lambda options, number: RetryableError("slow down", wait=1800.0) if number == 2 else None
    in_virtual_time(bench.watch(1))
    assert bench.minutes()[2] - bench.minutes()[1] >= 30


def test_a_restart_keeps_rhythm_and_quarantine(bench):
    bench.script = lambda options, number: AuthError("x", code="token")

    async def twice() -> None:
        await bench.watch(0.05)
        bench.watcher = bench.another()
        await bench.watch(1)

    in_virtual_time(twice())
    assert 12 <= bench.minutes()[1] <= 19, "the first failure's pause outlived the process"
    assert bench.status().trouble.step == 2


def test_a_restart_right_after_a_round_does_not_run_again_at_once(bench):
    async def often() -> None:
        for _ in range(20):
            bench.watcher = bench.another()
            await bench.watch(20 / 3600)

    in_virtual_time(often())
    assert len(bench.began) == 2, "in nearly seven minutes"


def test_a_target_that_refuses_nearly_everything_is_quarantined_at_once(bench):
    failing = Held(rail="failing", scope="run", summary="9 of 21 writes were refused")
    ended = Result(counts={"applied": 12, "rejected": 9}, held_by_guards=[failing])
    bench.script = lambda options, number: ended if number == 2 else None
    in_virtual_time(bench.watch(0.3))
    assert (bench.status().trouble.code, bench.status().trouble.step) == ("failing", 0)
    assert len(bench.began) == 2


def test_an_error_that_stopped_the_writing_counts_as_a_failure(bench):
    stopped = Result(counts={"rejected": 1}, stopped=AuthError("403", code="forbidden"))
    bench.script = lambda options, number: stopped if number == 2 else None
    in_virtual_time(bench.watch(0.2))
    assert bench.status().trouble.code == "forbidden"
