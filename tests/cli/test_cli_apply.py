"""What may be written and what may not: rails, refusals, saved plans, and a desk that misbehaves."""

from __future__ import annotations

import msgspec
import pytest
from cli_bench import refusal, told

from crosskey.errors import ExitCode
from crosskey_sandbox.halo import Fault

FOUR_A_BATCH = ('client_id = "', 'batch = 4\nclient_id = "')


def quirks(crosskey, **changes) -> None:
    desk = crosskey.stage.desk
    desk.quirks = msgspec.structs.replace(desk.quirks, **changes)


# --------------------------------------------------------------------------------------------------------------- asking


def test_apply_without_a_terminal_needs_yes(crosskey):
    run = crosskey("apply", "--json")
    assert run.code == ExitCode.CONFIG
    assert "--yes" in run.error["message"]
    assert "crosskey sync" in run.error["message"]
    assert crosskey.writes == 0
    text = crosskey("apply")
    assert (text.code, text.out) == (ExitCode.CONFIG, "")
    assert "--yes" in text.err
    assert not crosskey.stage.org.requests
    assert crosskey("apply", "--yes").code == ExitCode.OK
    crosskey.in_step()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["sync", "--allow", "mass-disabel=3"], '"mass-disable"'),
        (["sync", "--allow", "mass-disable=many"], "cannot be allowed"),
        (["sync", "--allow", "protected=1"], "cannot be allowed"),
        (["sync", "--log", "loud"], "debug"),
        (["snyc"], '"sync"'),
        (["plan", "--config", "."], "directory"),
        (["apply", "no-such.plan"], "no-such.plan"),
        (["plan", "--trace", "/nonexistent/trace.jsonl"], "trace"),
    ],
)
def test_a_command_line_that_cannot_be_right_is_told(crosskey, words, says):
    run = crosskey(*words, "--json")
    assert (run.code, run.err) == (ExitCode.CONFIG, "")
    assert says in run.error["message"] + run.error["where"]
    text = crosskey(*words)
    assert (text.code, text.out) == (ExitCode.CONFIG, "")
    assert says in text.err
    assert crosskey.writes == 0


# ---------------------------------------------------------------------------------------------------------------- rails


def everybody_leaves(crosskey) -> int:
    """Twelve people leave at once; how many."""
    for person in crosskey.stage.company.people[18:30]:
        crosskey.stage.org.users.deactivate(person.login)
    return 12


def test_a_mass_disable_is_held_and_let_through_by_its_exact_number(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    done, gone = crosskey.writes, everybody_leaves(crosskey)
    run = crosskey("sync", "--json")
    assert run.code == ExitCode.HELD
    [hold] = run.json["plan"]["held"]
    assert hold["rail"] == "mass-disable"
    assert f"--allow mass-disable={gone}" in hold["fix"]
    assert crosskey.writes == done
    assert f"--allow mass-disable={gone}" in " ".join(crosskey("plan").out.split())
    assert crosskey("sync", "--allow", f"mass-disable={gone - 1}").code == ExitCode.HELD
    assert crosskey.writes == done
    assert crosskey("sync", "--allow", f"mass-disable={gone}").code == ExitCode.OK
    assert crosskey.writes == done + gone


def test_a_protected_account_is_never_touched(crosskey):
    known = crosskey.stage.company.people[0]
    crosskey.edit(("[rails]", f'[rails]\nprotect = ["{known.email}"]'))
    before = next(user for user in crosskey.stage.desk.users.values() if user.emailaddress.lower() == known.email)
    run = crosskey("sync", "--json")
    assert run.code == ExitCode.HELD
    assert [(hold["rail"], hold["label"]) for hold in run.json["plan"]["held"]] == [("protected", known.display_name)]
    assert crosskey.stage.desk.users[before.id] == before


def test_an_empty_group_is_held_when_it_had_people_before(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    done, org = crosskey.writes, crosskey.stage.org
    [staff] = org.groups.named("All Staff")
    for person in crosskey.stage.company.people:
        org.groups.remove_member(staff.id, person.login)
    run = crosskey("sync", "--json")
    assert run.code == ExitCode.HELD
    assert run.json["plan"]["held"][0]["fix"] == 'if that is right: --allow "empty-group=All Staff"'
    assert crosskey.writes == done


def test_seats_that_are_short_hold_agents_and_let_users_through(crosskey):
    crosskey.stage.desk.seats = crosskey.stage.desk.seats_used()
    run = crosskey("sync", "--json")
    assert run.code == ExitCode.HELD
    assert [hold["rail"] for hold in run.json["plan"]["held"]] == ["seats-short"]
    assert {change["kind"] for change in run.json["changes"]} == {"user"}


# ---------------------------------------------------------------------------------------------------------- saved plans


def test_a_saved_plan_is_applied_exactly_once(crosskey):
    planned = crosskey("plan", "--save", "monday.plan", "--json").json
    assert crosskey("apply", "monday.plan").code == ExitCode.OK
    assert crosskey.writes == len(planned["changes"])
    again = crosskey("apply", "monday.plan", "--json")
    assert again.code == ExitCode.STALE
    assert "crosskey plan --save" in again.error["fix"]
    assert crosskey.writes == len(planned["changes"])
    crosskey.in_step()


def test_a_saved_plan_that_no_longer_fits_writes_nothing(crosskey):
    crosskey("plan", "--save", "monday.plan")
    crosskey.stage.org.users.deactivate(crosskey.stage.company.people[9].login)
    error = refusal(crosskey, "apply", "monday.plan", code=ExitCode.STALE)
    assert "not the same" in error["message"]


def test_a_saved_plan_of_another_configuration_writes_nothing(crosskey):
    crosskey("plan", "--save", "monday.plan")
    crosskey.edit(("count = 10", "count = 11"))
    assert "configuration changed" in told(crosskey, "apply", "monday.plan", code=ExitCode.STALE)["message"]


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b'{"format":"crosskey-plan/2"}', b"\xff\xfe"])
def test_a_file_that_is_no_plan_is_refused(crosskey, content):
    (crosskey.folder / "some.plan").write_bytes(content)
    error = told(crosskey, "apply", "some.plan", code=ExitCode.CONFIG)
    assert (error["code"], error["where"]) == ("plan-file", "some.plan")


def test_an_edited_plan_is_refused(crosskey):
    crosskey("plan", "--save", "monday.plan")
    plan = crosskey.folder / "monday.plan"
    plan.write_bytes(plan.read_bytes().replace(b"acme.example", b"evil.example"))
    assert "edited" in told(crosskey, "apply", "monday.plan", code=ExitCode.STALE)["message"]


def test_a_plan_that_cannot_be_saved_is_told(crosskey):
    error = refusal(crosskey, "plan", "--save", "/nonexistent/monday.plan", code=ExitCode.CONFIG)
    assert error["where"] == "/nonexistent/monday.plan"


# --------------------------------------------------------------------------------------------------- a desk that refuses


@pytest.mark.parametrize(("rule", "batch"), [("refuse_all", 1), ("save_good", 100)])
def test_one_refused_record_stops_nobody_else(crosskey, rule, batch):
    crosskey.edit(('client_id = "', f'batch = {batch}\nclient_id = "'))
    quirks(crosskey, bad_item=rule, unique_agent_names=True)
    people, org = crosskey.stage.company.people, crosskey.stage.org
    victim = people[12].login
    for person in people[11:15]:
        org.groups.add_member(org.groups.named("Service Desk")[0].id, person.login)
    org.users.update_profile(victim, {"displayName": "Jonas Brandt"})  # another agent's name
    run = crosskey("sync", "--json")
    assert run.code == ExitCode.REJECTED
    [failure] = run.json["failures"]
    assert failure["outcome"]["result"] == "rejected"
    assert failure["outcome"]["message"]
    names = [(change["kind"], change["label"]) for change in run.json["changes"] if change["id"] == failure["change"]]
    assert names == [("agent", "Jonas Brandt")]
    assert run.json["results"] == {"applied": len(run.json["changes"]) - 1, "rejected": 1}
    again = crosskey("sync")
    assert (again.code, "refused-before" in again.out) == (ExitCode.HELD, True), "the very same waits for an hour"
    org.users.update_profile(victim, {"displayName": "Jonas Brandt the Younger"})
    assert crosskey("sync").code == ExitCode.OK
    crosskey.in_step()


def test_a_desk_that_says_slow_down_is_waited_for(crosskey):
    quirks(crosskey, budget=12, budget_seconds=1.0, retry_after=True)
    crosskey.edit(FOUR_A_BATCH)
    run = crosskey("sync", "--json")
    assert (run.code, run.json["verdict"]) == (ExitCode.OK, "clean")
    assert any(request.status == 429 for request in crosskey.stage.desk.requests)
    quirks(crosskey, budget=0)
    crosskey.in_step()


@pytest.mark.parametrize("effect", ["lost_after", "error_after", "truncated", "html"])
def test_a_write_whose_answer_is_lost_is_looked_up_and_never_repeated(crosskey, effect):
    crosskey.edit(FOUR_A_BATCH, ("[sync]", '[sync]\nsettle = "0s"'))
    crosskey.stage.desk.fail(Fault(effect=effect, resource="Users", skip=3))
    run = crosskey("sync", "--json")
    assert run.code in (ExitCode.OK, ExitCode.RETRYABLE, ExitCode.REJECTED, ExitCode.PLUGIN), run
    assert crosskey("sync").code == ExitCode.OK
    crosskey.in_step()


@pytest.mark.parametrize("effect", ["lost_before", "unavailable", "error_before"])
def test_a_write_that_never_happened_is_made_by_the_next_run(crosskey, effect):
    crosskey.edit(FOUR_A_BATCH, ("[sync]", '[sync]\nsettle = "0s"'))
    crosskey.stage.desk.fail(Fault(effect=effect, resource="Users", skip=2))
    crosskey("sync")
    assert crosskey("sync").code == ExitCode.OK
    crosskey.in_step()
