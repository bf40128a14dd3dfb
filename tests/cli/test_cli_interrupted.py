"""Stopped by a person, by the system, or by force, at any moment: the next runs end where an undisturbed one would."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import msgspec
import pytest
from cli_bench import Shell, ended, small_company, wait_until

from crosskey.errors import ExitCode


@pytest.fixture
def slow(crosskey) -> Shell:
    """Small batches against a desk that takes its time, and lost writes that show at once."""
    crosskey.edit(('client_id = "', 'batch = 3\nclient_id = "'), ("[sync]", '[sync]\nsettle = "0s"'))
    desk = crosskey.stage.desk
    desk.quirks = msgspec.structs.replace(desk.quirks, latency_ms=15.0, budget=0)
    return crosskey


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> list[tuple[object, ...]]:
    """What the desk shows after a run that nobody stopped."""
    with small_company() as stage:
        crosskey = Shell(tmp_path_factory.mktemp("undisturbed"), stage)
        assert crosskey("sync").code == ExitCode.OK
        return crosskey.image()


def states(crosskey) -> dict[str, int]:
    """How many accounts of each state the last run's journal knows, by ``crosskey history RUN``."""
    run = crosskey.last_run()["id"]
    told = crosskey("history", run, "--json", "-n", "100").json["operations"]
    found = [operation["state"] for operation in told]
    return {state: found.count(state) for state in found}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_apply_ends_after_the_batch_and_the_next_run_goes_on(slow, number):
    with slow.start("sync", "--json") as process:
        wait_until(lambda: slow.writes >= 6, process)
        process.send_signal(number)
        result = ended(process)
    done = slow.writes
    assert result.code == ExitCode.INTERRUPTED, result
    told = result.json
    assert told["results"] == {"applied": done}
    assert 6 <= done < len(told["changes"])
    assert states(slow) == {"done": done}, "every batch that was sent has its outcome"
    assert slow.last_run()["verdict"] == "aborted"
    assert slow("sync").code == ExitCode.OK
    slow.in_step()
    assert slow.writes == len(told["changes"])


def test_two_signals_end_at_once_and_the_next_run_finds_out(slow):
    desk = slow.stage.desk
    with slow.start("sync", "--json") as process:
        wait_until(lambda: slow.writes >= 3, process)
        desk.quirks = msgspec.structs.replace(desk.quirks, latency_ms=400.0)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        result = ended(process)
    assert (result.code, result.json["error"]["code"]) == (ExitCode.INTERRUPTED, "interrupted")
    desk.quirks = msgspec.structs.replace(desk.quirks, latency_ms=0.0)
    assert slow("sync").code == ExitCode.OK
    slow.in_step()


@pytest.mark.parametrize("words", [["plan"], ["sync"], ["check"], ["plan", "--json"]])
def test_ctrl_c_during_a_read_changes_nothing(slow, words):
    slow.stage.desk.quirks = msgspec.structs.replace(slow.stage.desk.quirks, latency_ms=2000.0)
    with slow.start(*words) as process:
        wait_until(lambda: slow.stage.org.requests or slow.stage.desk.tokens, process)
        process.send_signal(signal.SIGINT)
        result = ended(process)
    assert result.code == ExitCode.INTERRUPTED
    assert slow.writes == 0
    if "--json" in words:
        assert json.loads(result.out)["error"]["exit_code"] == ExitCode.INTERRUPTED
    else:
        assert result.err.strip() == "interrupted; whatever was under way is found out by the next run"
    slow.stage.desk.quirks = msgspec.structs.replace(slow.stage.desk.quirks, latency_ms=0.0)
    assert slow("sync").code == ExitCode.OK


@pytest.mark.parametrize("after", [0, 1, 4, 7, 11, 16, 22, 28, 30])
def test_a_kill_at_any_moment_loses_and_doubles_nobody(slow, undisturbed, after):
    desk = slow.stage.desk
    before = len(desk.users) + len(desk.agents)
    with slow.start("sync") as process:
        wait_until(lambda: slow.writes >= after and len(desk.requests) > 8, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    first = slow("sync", "--json")
    assert first.code == ExitCode.OK, first
    slow.in_step()
    assert slow.image() == undisturbed
    created = sum(write.action == "create" for write in desk.writes)
    assert len(desk.users) + len(desk.agents) == before + created
    assert [run["verdict"] for run in slow("history", "--json").json][-1] in ("failed", "crashed", "aborted", "clean")


def test_kill_after_kill_after_kill_still_ends_in_step(slow, undisturbed):
    for more in (2, 5, 9, 14):
        with slow.start("sync") as process:
            wait_until(lambda more=more: slow.writes >= more, process)
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
    assert slow("sync").code == ExitCode.OK
    slow.in_step()
    assert slow.image() == undisturbed


@pytest.mark.parametrize("words", [["plan", "--all"], ["plan", "--json"]])
def test_a_reader_that_goes_away_is_no_error(crosskey, words):
    with crosskey.start(*words) as process:
        process.stdout.close()
        process.stdout = None
        result = ended(process)
    assert (result.code, result.err) == (ExitCode.OK, "")


@pytest.mark.parametrize("words", [["plan", "--json"], ["plan", "--all"], ["plugins", "list"]])
def test_output_that_cannot_be_written_is_told_on_the_other_stream(crosskey, words):
    with Path("/dev/full").open("w") as full, crosskey.start(*words, stdout=full) as process:
        result = ended(process)
    assert result.code == ExitCode.STORAGE
    assert "the output cannot be written: No space left on device" in result.err
