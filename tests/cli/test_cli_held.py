"""``crosskey held`` and ``crosskey approve``: what waits, offline, and exactly that let through, also beside a watcher."""

from __future__ import annotations

import os
import pwd
import signal

import pytest
from cli_bench import wait_until

from crosskey.clock import SystemClock
from crosskey.errors import ExitCode
from crosskey.journal import JournalWriter

GONE = 12
BECAUSE = ("--because", "the office closed")


def many_leave(crosskey) -> list[str]:
    """Twelve people leave at once; their addresses."""
    leavers = crosskey.stage.company.people[18 : 18 + GONE]
    for person in leavers:
        crosskey.stage.org.users.deactivate(person.login)
    return [person.email for person in leavers]


@pytest.fixture
def holding(crosskey):
    """A company in step, of which twelve people have left, and are held."""
    assert crosskey("sync").code == ExitCode.OK
    crosskey.leavers = many_leave(crosskey)
    assert crosskey("sync").code == ExitCode.HELD
    crosskey.done = crosskey.writes
    return crosskey


def test_where_nothing_is_held_the_exit_code_says_so(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    run = crosskey("held")
    assert (run.code, run.out) == (ExitCode.OK, "Nothing is held.\n")
    assert crosskey("held", "--json").json == {"held": []}


def test_what_waits_is_told_with_the_command_that_lets_it_through(holding):
    asked = len(holding.stage.org.requests)
    run = holding("held")
    assert run.code == ExitCode.HELD
    assert "! mass-disable: 12 user disables" in run.out
    assert 'approve: crosskey approve mass-disable --kind user --because "…"' in run.out
    assert "… and 2 more; --all shows every one" in run.out
    everybody = holding("held", "--all").out
    assert everybody.count("left: status") == GONE
    assert len(holding.stage.org.requests) == asked, "offline"


def test_the_same_for_programs(holding):
    run = holding("held", "--json")
    assert run.code == ExitCode.HELD
    [hold] = run.json["held"]
    assert (hold["rail"], hold["count"], hold["approved"], len(hold["examples"])) == ("mass-disable", GONE, 0, 10)
    waiting = holding("held", "--json", "--all").json["waiting"]
    assert {each["change"]["action"] for each in waiting} == {"disable"}
    assert len(waiting) == GONE


def test_approved_it_goes_with_the_next_run_and_no_other(holding):
    plan = holding("plan", "--json").json
    assert plan["changes"] == []
    run = holding("approve", "mass-disable", *BECAUSE)
    assert run.code == ExitCode.OK
    me = pwd.getpwuid(os.getuid()).pw_name
    assert f": 12 user disables through mass-disable, by {me}, until " in run.out
    assert "approved: 12 of 12 go with the next run" in holding("held").out
    assert len(holding("plan", "--json").json["changes"]) == GONE
    assert "the office closed" in " ".join(holding("plan").out.split())
    assert holding("sync").code == ExitCode.OK
    assert holding.writes == holding.done + GONE
    assert holding("held").code == ExitCode.OK
    [listed] = holding("approve", "--list", "--json").json
    assert (listed["state"], listed["by"], listed["reason"]) == ("used", me, "the office closed")
    assert listed["run"] == holding.last_run()["id"]
    assert "the office closed" in holding("approve", "--list").out


def test_only_these_by_whatever_name(holding):
    first, second = holding.leavers[:2]
    user = next(user for user in holding.stage.desk.users.values() if user.emailaddress.lower() == second.lower())
    words = ("--only", first, "--only", f"user:{user.id}", "--as", "Jo Ops", "--for", "30m", "--json")
    run = holding("approve", "mass-disable", *words, *BECAUSE)
    assert (len(run.json["items"]), run.json["by"]) == (2, "Jo Ops")
    assert holding("sync").code == ExitCode.HELD
    assert holding.writes == holding.done + 2
    assert holding("held", "--json").json["held"][0]["count"] == GONE - 2


@pytest.fixture
def namesakes(crosskey):
    """Twelve people who have left and are held, of whom two bear the same name; the accounts of these."""
    namesakes = crosskey.stage.company.people[18:20]
    for person in namesakes:
        crosskey.stage.org.users.update_profile(person.login, {"displayName": "Ada Example"})
    assert crosskey("sync").code == ExitCode.OK
    many_leave(crosskey)
    assert crosskey("sync").code == ExitCode.HELD
    return [f"user:{user.id}" for user in crosskey.stage.desk.users.values() if user.name == "Ada Example"]


def test_people_who_share_a_name_are_told_apart(crosskey, namesakes):
    assert all(f"Ada Example ({account}): left" in crosskey("held", "--all").out for account in namesakes)
    assert all(f"Ada Example ({account}): left" in crosskey("held").out for account in namesakes)


def test_a_name_that_two_people_bear_approves_nobody(crosskey, namesakes):
    run = crosskey("approve", "mass-disable", *BECAUSE, "--only", "ada example", "--json")
    assert (run.code, run.error["code"]) == (ExitCode.CONFIG, "who-ambiguous")
    assert all(account in run.error["message"] for account in namesakes)
    assert crosskey("approve", "--list", "--json").json == []
    one = crosskey("approve", "mass-disable", *BECAUSE, "--only", namesakes[0], "--json")
    assert len(one.json["items"]) == 1


def test_it_can_be_taken_back(holding):
    given = holding("approve", "mass-disable", "--json", *BECAUSE).json["id"]
    assert holding("approve", "--withdraw", given).out == f"withdrawn: {given} (mass-disable)\n"
    assert holding("sync").code == ExitCode.HELD
    assert holding.writes == holding.done
    again = holding("approve", "--withdraw", given, "--json")
    assert (again.code, again.error["code"]) == (ExitCode.CONFIG, "approval-over")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "give one of"),
        (("mass-disable", "--list"), "give one of"),
        (("mass-disable",), "--because"),
        (("mass-disable", "--because", "  "), "--because"),
        (("mass-disable", *BECAUSE, "--for", "8d"), '"1w" at most'),
        (("mass-disable", *BECAUSE, "--for", "0s"), '"1w" at most'),
        (("mass-disable", *BECAUSE, "--for", "soon"), "expected a duration"),
        (("mass-disable", *BECAUSE, "--only", "nobody@acme.example"), "nobody@acme.example"),
        (("mass-disable", *BECAUSE, "--kind", "agent"), "for agent accounts"),
        (("mass-disabel", *BECAUSE), 'Did you mean "mass-disable"?'),
        (("--withdraw", "a000000"), 'no approval "a000000"'),
    ],
)
def test_what_cannot_be_approved_is_told(holding, words, says):
    run = holding("approve", *words, "--json")
    assert run.code == ExitCode.CONFIG
    assert says in run.error["message"]
    assert holding("approve", "--list", "--json").json == []


def test_it_works_while_a_run_holds_the_journal(holding):
    with JournalWriter.open(holding.journal, clock=SystemClock(), connection="desk"):
        assert holding("held").code == ExitCode.HELD
        assert holding("approve", "mass-disable", *BECAUSE).code == ExitCode.OK
        assert holding("sync").code == ExitCode.LOCKED
    assert holding("sync").code == ExitCode.OK


def test_a_watcher_makes_use_of_it_in_its_next_round(holding):
    holding.add('[watch]\nevery = "1h"\nlisten = ""\n')
    log = holding.folder / "watch.log"
    with log.open("w") as out:
        process = holding.start("watch", stdout=out, stderr=out)
    try:
        wait_until(lambda: "the next round begins" in log.read_text(), process)
        assert holding("approve", "mass-disable", *BECAUSE).code == ExitCode.OK
        assert holding("watch", "--now").code == ExitCode.OK
        wait_until(lambda: f"clean, {GONE} applied" in log.read_text(), process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert holding("held").code == ExitCode.OK


def test_a_first_run_by_a_timer_waits_until_somebody_has_looked(crosskey):
    crosskey.edit(('first_run = "go"\n', ""))
    run = crosskey("sync")
    assert (run.code, crosskey.writes) == (ExitCode.HELD, 0)
    assert "crosskey apply" in run.out
    assert "first-run" in crosskey("held").out
    assert crosskey("status").code == ExitCode.HELD
    assert crosskey("plan").code == ExitCode.OK
    assert crosskey("approve", "first-run", "--kind", "agent", *BECAUSE).code == ExitCode.OK
    assert crosskey("sync").code == ExitCode.HELD
    assert {kind for kind, *_ in crosskey.image()} == {"agent"}
    assert crosskey("apply", "--yes").code == ExitCode.OK
    crosskey.in_step()
