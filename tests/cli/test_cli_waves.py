"""``crosskey apply`` in waves against the local vendors: told, stopped, killed, gone on with."""

from __future__ import annotations

import os
import signal

import msgspec
import pytest
from cli_bench import ended, wait_until

from crosskey.errors import ExitCode

FAST = (('client_id = "', 'batch = 3\nclient_id = "'), ("[sync]", '[sync]\nsettle = "0s"'))


@pytest.fixture
def slow(crosskey):
    """Small batches against a desk that takes its time, and lost writes that show at once."""
    crosskey.edit(*FAST)
    desk = crosskey.stage.desk
    desk.quirks = msgspec.structs.replace(desk.quirks, latency_ms=15.0, budget=0)
    return crosskey


def test_the_first_apply_sends_a_canary_ahead_and_says_so(crosskey):
    text = crosskey("apply", "--yes")
    assert text.code == ExitCode.OK, text
    assert "The canary: 5 changes, good." in text.out
    crosskey.in_step()


def test_waves_as_json_and_none_where_none_are_wanted(crosskey):
    run = crosskey("apply", "--yes", "--json", "--canary", "4", "--steps", "30,100")
    assert run.code == ExitCode.OK, run
    assert [wave["name"] for wave in run.json["waves"]] == ["the canary", "the wave to 30 %", "the wave to 100 %"]
    assert sum(wave["size"] for wave in run.json["waves"]) == len(run.json["changes"])
    crosskey.in_step()
    crosskey.stage.org.users.update_profile(crosskey.stage.company.people[3].login, {"displayName": "Ada Example"})
    assert crosskey("apply", "--yes", "--json").json["waves"] == []


def test_a_saved_plan_goes_in_waves_too(crosskey):
    crosskey("plan", "--save", "monday.plan")
    run = crosskey("apply", "monday.plan", "--canary", "3", "--json")
    assert (run.code, run.json["waves"][0]["size"]) == (ExitCode.OK, 3)


def test_a_desk_that_refuses_one_of_the_canary_gets_no_more(crosskey):
    crosskey.edit(('client_id = "', 'batch = 1\nclient_id = "'))
    desk = crosskey.stage.desk
    desk.quirks = msgspec.structs.replace(desk.quirks, bad_item="refuse_all", unique_agent_names=True)
    people, org = crosskey.stage.company.people, crosskey.stage.org
    org.groups.add_member(org.groups.named("Service Desk")[0].id, people[12].login)
    org.users.update_profile(people[12].login, {"displayName": "Jonas Brandt"})  # another agent's name
    run = crosskey("apply", "--yes", "--json", "--canary", "40")
    assert run.code == ExitCode.HELD, run
    assert (run.json["error"]["code"], run.json["verdict"]) == ("wave-errors", "failed")
    assert crosskey.last_run()["note"].startswith("wave-errors: the canary went wrong")
    text = crosskey("apply", "--yes")
    assert (text.code, "changes, good." in text.out) == (ExitCode.HELD, True), (
        "what was refused waits, the others go on"
    )
    org.users.update_profile(people[12].login, {"displayName": "Jonas Brandt the Younger"})
    assert crosskey("apply", "--yes").code == ExitCode.OK
    crosskey.in_step()


@pytest.mark.parametrize(
    ("number", "after"), [(signal.SIGTERM, 4), (signal.SIGKILL, 4), (signal.SIGKILL, 9), (signal.SIGTERM, 16)]
)
def test_stopped_or_killed_it_goes_on_where_it_was(slow, number, after):
    desk = slow.stage.desk
    before = len(desk.users) + len(desk.agents)
    words = ("apply", "--yes", "--json", "--canary", "4", "--steps", "50,100")
    with slow.start(*words) as process:
        wait_until(lambda: slow.writes >= after, process)
        os.kill(process.pid, number)
        if number == signal.SIGTERM:
            stopped = ended(process)
            assert stopped.code == ExitCode.INTERRUPTED, stopped
        else:
            process.communicate()
    run = slow(*words)
    assert run.code == ExitCode.OK, run
    if after > 4:
        assert "the canary" not in [wave["name"] for wave in run.json["waves"]], "it was good before"
    slow.in_step()
    created = sum(write.action == "create" for write in desk.writes)
    assert len(desk.users) + len(desk.agents) == before + created


@pytest.mark.parametrize("words", [("--steps", "50,10"), ("--steps", "x"), ("--steps", "101"), ("--pause", "soon")])
def test_what_cannot_be_meant_is_refused(crosskey, words):
    run = crosskey("apply", "--yes", "--json", *words)
    assert run.error["code"] == "usage"
